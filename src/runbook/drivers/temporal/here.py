"""What a worker knows of the runs whose steps it performs: their secrets, as they are on its machine."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from runbook.audit.masking import Masker
from runbook.drivers.temporal.payloads import Looked, Source
from runbook.model.diagnostics import Refused
from runbook.model.runbook import SecretSource
from runbook.world.secrets import SecretStore

MOST = 1_000
"""Of how many runs the secrets are known at once; the key of their commitments goes with them."""


class Known:
    """The secrets of one run on this machine."""

    def __init__(self, sources: Sequence[Source]) -> None:
        declared = {
            each.name: SecretSource(
                name=each.name,
                kind=each.kind,
                value=each.value if isinstance(each.value, str) else tuple(each.value),
                strip_newline=each.strip_newline,
            )
            for each in sources
        }
        self.masker = Masker()
        self.secrets = SecretStore(declared, register=self.masker.register)
        self.secrets.foresee()
        self._committed: dict[str, str] = {}
        self._lock = threading.Lock()

    def look(self, names: Sequence[str]) -> Looked:
        """Read secrets afresh, and commit to them."""
        with self._lock:
            try:
                resolution = self.secrets.resolve(names)
            except Refused as refused:
                problems = [(each.message, each.help) for each in refused.diagnostics]
                return Looked(problems=problems)
            self._committed.update(resolution.commitments)
            warnings = [each.message for each in resolution.warnings]
            return Looked(commitments=resolution.commitments, warnings=warnings)

    def holds(self, committed: "dict[str, str]") -> bool:
        """Whether the secrets that were read last on this machine are those that were committed to."""
        with self._lock:
            return all(self._committed.get(name) == value for name, value in committed.items())


class Runs:
    """The runs that a worker knows."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, run: str, sources: Sequence[Source]) -> Known:
        """What is known of a run."""
        with self._lock:
            if run not in self._known:
                self._known[run] = Known(sources)
            self._known.move_to_end(run)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
            return self._known[run]
