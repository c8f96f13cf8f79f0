"""What a worker knows of the runs whose steps it performs: their secrets, as they are on its machine."""

import hmac
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from temporalio import activity
from temporalio.converter import value_to_type

from runbook.audit.masking import Masker
from runbook.drivers.recipes import Recipe, value_of
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import Filled, Holder, Looked, Passing, Source, Taken, Wanted
from runbook.drivers.temporal.sealing import Lock, seal
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.inputs import typed
from runbook.model.runbook import Input, SecretSource
from runbook.world.secrets import SecretStore

MOST = 1_000
"""Of how many runs the secrets are known at once; the keys that are made for a run go with them."""


class Known:
    """The secrets of one run on this machine.

    :param queue: this worker's own, by which it is found again.
    :param key: what commitments are made under; None: something that only this process knows.
    """

    def __init__(self, run: str, sources: Sequence[Source], queue: str, key: bytes | None) -> None:
        self._declared = {
            each.name: SecretSource(
                name=each.name,
                kind=each.kind,
                value=each.value if isinstance(each.value, str) else tuple(each.value),
                strip_newline=each.strip_newline,
            )
            for each in sources
        }
        self.masker = Masker()
        self.secrets = SecretStore(self._declared, register=self.masker.register, key=key)
        self.secrets.foresee()
        self._run = run
        self._key = Lock(run)
        self.holder = Holder(queue=queue, key=self._key.key)
        self._committed: dict[str, str] = {}
        self._opened: dict[str, str] = {}
        self._lock = threading.Lock()

    def open(self, sealed: Mapping[str, str]) -> list[str]:
        """Know what was sealed for this worker; the names of what cannot be opened."""
        with self._lock:
            return [name for name, text in sealed.items() if not self._open(name, text)]

    def _open(self, name: str, text: str) -> bool:
        if self._opened.get(name) == text:
            return True
        try:
            value = str(self._key.open(name, text))
            if name in self._declared:
                self.secrets.answered(name, value)
            else:
                self.secrets.keep(name, value)
        except (ValueError, Refused):
            return False
        self._opened[name] = text
        return True

    def look(self, names: Sequence[str], sealed: Mapping[str, str]) -> Looked:
        """Read secrets afresh, and commit to them."""
        if lost := self.open(sealed):
            return Looked(lost=lost, holder=self.holder)
        with self._lock:
            try:
                resolution = self.secrets.resolve(names)
            except Refused as refused:
                self._opened.clear()  # what was typed is forgotten then
                problems = [(each.message, each.help) for each in refused.diagnostics]
                return Looked(problems=problems, holder=self.holder)
            self._committed.update(resolution.commitments)
            warnings = [each.message for each in resolution.warnings]
            return Looked(commitments=resolution.commitments, warnings=warnings, holder=self.holder)

    def holds(self, committed: Mapping[str, str]) -> bool:
        """Whether the secrets that were read last on this machine are those that were committed to."""
        with self._lock:
            return all(self._committed.get(name) == value for name, value in committed.items())

    def take(self, field: str, text: str | None) -> Taken:
        """Look at what a person typed for a field of a form, and know it."""
        wanted = value_to_type(Input, json.loads(field)[0])
        try:
            given = None if text is None else self._key.open(wanted.name, text)
            value = typed(wanted, given)
            if value is None:
                return Taken()
            return Taken(sealed=self.keep(wanted.name, value))
        except (ValueError, Refused) as problem:
            return Taken(problem=str(problem))

    def keep(self, name: str, value: str) -> str:
        """Know a secret that was made here; the same, sealed for this worker.

        :raises Refused: if it cannot be used.
        """
        with self._lock:
            self.secrets.keep(name, value)
            sealed = self._opened[name] = self._key.again(name, value)
            return sealed

    def make(self, making: Mapping[str, str], raw: JsonObject) -> dict[str, str]:
        """Know the secrets that a step makes of what it has observed; each sealed.

        :raises ExpressionError: if one cannot be made.
        :raises Refused: if one cannot be used.
        """
        return {name: self.keep(name, value_of(Recipe(**json.loads(text)), raw)) for name, text in making.items()}

    def pass_on(self, sealed: Mapping[str, str], key: str) -> dict[str, str]:
        """What was sealed for this worker, sealed for another; what cannot be opened is left out."""
        passed: dict[str, str] = {}
        for name, text in sealed.items():
            try:
                passed[name] = seal(key, self._run, name, self._key.open(name, text))
            except ValueError:
                continue
        return passed


class Runs:
    """The runs that a worker knows.

    :param queue: this worker's own.
    :param key: what the workers of all sites have in common, if anything.
    """

    def __init__(self, queue: str, key: bytes | None) -> None:
        self._queue = queue
        self._key = key
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run: str, sources: Sequence[Source]) -> Known:
        """What is known of a run."""
        with self._lock:
            if run not in self._known:
                self._known[run] = Known(run, sources, self._queue, self._committing(run))
            self._known.move_to_end(run)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
            return self._known[run]

    def activities(self) -> list[Callable[..., object]]:
        """What it can be asked."""
        return [self.look, self.take, self.pass_on, self.forget]

    @activity.defn(name=calls.SECRETS)
    def look(self, wanted: Wanted) -> Looked:
        """Look at secrets as they are on this machine."""
        return self.of(wanted.run, wanted.secrets).look(wanted.names, wanted.sealed)

    @activity.defn(name=calls.TAKE)
    def take(self, filled: Filled) -> Taken:
        """Look at what was typed for a field of a form."""
        return self.of(filled.run, filled.secrets).take(filled.field, filled.text)

    @activity.defn(name=calls.PASS_ON)
    def pass_on(self, passing: Passing) -> dict[str, str]:
        """Seal for another worker what was sealed for this one."""
        return self.of(passing.run, passing.secrets).pass_on(passing.sealed, passing.key)

    @activity.defn(name=calls.FORGET)
    def forget(self, run: str) -> bool:
        """Forget a run, and with its key whatever was sealed for it."""
        with self._lock:
            known = self._known.pop(run, None)
        if known is not None:
            known.secrets.forget()
        return known is not None

    def _committing(self, run: str) -> bytes | None:
        """What commitments of a run are made under, so that the workers of a site agree."""
        if self._key is None:
            return None
        return hmac.digest(self._key, f"runbook-commitment/v1\0{run}".encode(), "sha256")
