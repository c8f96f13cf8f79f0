"""The secrets of a run as its workflow knows them: by name, with the commitments that workers make to their values.

What is typed or made in the run is there too, sealed for the workers that hold it. From then on every step of the run
is performed by a worker that holds all of it, because any of them may print it; and where no worker holds it any more
it is gone, as it is when a walk at hand is resumed.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from runbook.drivers.operator import Act, Place
from runbook.drivers.operator import as_json as question_as_json
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import (
    HOME,
    Filled,
    Holder,
    Kept,
    Looked,
    Passing,
    Reply,
    Source,
    Taken,
    Wanted,
    is_sealed,
)
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.replies import body_of
from runbook.model.canonical import Json, canonical
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.question import AskForm
from runbook.model.runbook import Input, SecretSource
from runbook.walk.including import chain
from runbook.walk.walk import Walk
from runbook.world.secrets import RB408, Resolution

AT_A_WORKER = Code(
    number="RB590",
    title="secret at a worker",
    why="Where a step is performed by a worker, its secrets are looked up there, and never anywhere else: nothing of "
    "them goes through the engine that it could read. What that worker says of one is told here.",
)
UNTYPED = "untyped"
"""What is said where nobody typed a secret: ``why``, and what would help."""


class RemoteSecrets:
    """The secrets of one run.

    :param operator: who is asked for those that are typed.
    :param kept: what was typed or made in the histories before.
    """

    def __init__(
        self, run: str, walk: Walk, declared: Mapping[str, SecretSource], operator: RemoteOperator, kept: Kept
    ) -> None:
        self._run = run
        self._walk = walk
        self._operator = operator
        self._committed: dict[str, str] = {}
        self._prompts = {each.name: str(each.value) for each in declared.values() if each.kind == "prompt"}
        self._declared = frozenset(declared)
        self._sealed = {name: dict(texts) for name, texts in kept.sealed.items()}
        self._holders = dict(kept.holders)
        self.sources: Sequence[Source] = [
            Source(name=s.name, kind=s.kind, value=s.value, strip_newline=s.strip_newline) for s in declared.values()
        ]
        operator.sealing = lambda: self._holder(None).key

    @property
    def kept(self) -> Kept:
        """What was typed or made so far."""
        return Kept(sealed=self._sealed, holders=self._holders)

    def committed(self, names: Iterable[str]) -> Mapping[str, str]:
        """The commitments that were made last."""
        return {name: self._committed[name] for name in sorted(names)}

    def resolve(self, names: Iterable[str]) -> Resolution:
        """Have a worker of the step's site look at secrets.

        :raises Refused: if one cannot be used there.
        """
        wanted = sorted(set(names))
        if not wanted:
            return Resolution(commitments={})
        while (looked := self._look(wanted)) is None:
            pass
        if looked.problems:
            for name in wanted:
                if name in self._prompts:
                    self._sealed.pop(name, None)  # so that it is asked for again
            raise Refused(*(_said(what, help_) for what, help_ in looked.problems))
        self._committed.update(looked.commitments)
        return Resolution(commitments=looked.commitments, warnings=tuple(_said(each) for each in looked.warnings))

    def _look(self, wanted: Sequence[str]) -> Looked | None:
        """What a worker says of secrets; None where it does not know any more what it knew.

        :raises Refused: if one is gone, or was not typed.
        """
        visit = chain(self._walk)[-1].visit
        site = visit.step.site if visit is not None else None
        if not self._sealed and not any(name in self._prompts or name not in self._declared for name in wanted):
            asked = Wanted(run=self._run, secrets=self.sources, names=wanted)
            return calls.done(calls.SECRETS, [asked], Looked, site=site)
        holder = self._holder(site)
        for name in wanted:
            if name in self._prompts and name not in self._sealed:
                self._ask(name, holder)
        sealed = self._sealed_for(holder)
        gone = [name for name in wanted if name not in sealed and name not in self._declared]
        if gone:
            raise Refused(*(_gone(name) for name in gone))
        if any(name not in sealed for name in wanted if name in self._prompts):
            return None
        asked = Wanted(run=self._run, secrets=self.sources, names=wanted, sealed=sealed)
        try:
            looked = calls.done_by(holder.queue, calls.SECRETS, [asked], Looked)
        except calls.Gone:
            self.lose(holder.queue)
            return None
        if looked.lost:
            self.lose(holder.queue)
            return None
        return looked

    def keep(self, name: str, value: str) -> None:
        """Nothing is made where a run is walked."""
        del value
        raise AssertionError(name)

    def take(self, field: Input, given: Json) -> None:
        """Have a worker look at what a person typed for a field of a form, and hold it."""
        holder = self._holder(None)
        plain = canonical(question_as_json(AskForm(fields=(field,)))["fields"])
        filled = Filled(
            run=self._run, secrets=self.sources, field=plain, text=given if isinstance(given, str) else None
        )
        try:
            taken = calls.done_by(holder.queue, calls.TAKE, [filled], Taken)
        except calls.Gone:
            self.lose(holder.queue)
            raise ValueError(f"the worker that `{field.name}` was typed for is gone: type it again") from None
        if taken.problem:
            raise ValueError(taken.problem)
        if taken.sealed is not None:
            self._sealed[field.name] = {holder.queue: taken.sealed}

    def made(self, made: Mapping[str, str], holder: Holder) -> None:
        """Know what a step has made."""
        for name, text in made.items():
            self._sealed[name] = {holder.queue: text}

    def bound(self, site: str | None) -> tuple[Holder | None, Mapping[str, str]]:
        """The worker of a site that is to perform, because it holds what was typed or made, and that; None: any may."""
        if not self._sealed:
            return None, {}
        holder = self._holder(site)
        return holder, self._sealed_for(holder)

    def lose(self, queue: str) -> None:
        """A worker is gone, and whatever was sealed for it."""
        self._holders = {site: holder for site, holder in self._holders.items() if holder.queue != queue}
        for texts in self._sealed.values():
            texts.pop(queue, None)
        self._sealed = {name: texts for name, texts in self._sealed.items() if texts}

    def forget(self) -> None:
        """Have every worker forget the run, where something was sealed for it."""
        for queue in sorted({holder.queue for holder in self._holders.values()}):
            with contextlib.suppress(calls.Gone):
                calls.done_by(queue, calls.FORGET, [self._run], bool)

    def _holder(self, site: str | None) -> Holder:
        """The worker of a site that holds the run's secrets there."""
        name = site or HOME
        if name not in self._holders:
            asked = Wanted(run=self._run, secrets=self.sources, names=())
            looked = calls.done(calls.SECRETS, [asked], Looked, site=site)
            if looked.holder is None:  # pragma: no cover - an older worker
                raise AssertionError(site)
            self._holders[name] = looked.holder
        return self._holders[name]

    def _sealed_for(self, holder: Holder) -> Mapping[str, str]:
        """What was typed or made, sealed for a worker: those that hold it pass it on."""
        while missing := [name for name, texts in self._sealed.items() if holder.queue not in texts]:
            queue = next(iter(self._sealed[missing[0]]))
            sealed = {name: self._sealed[name][queue] for name in missing if queue in self._sealed[name]}
            passing = Passing(run=self._run, secrets=self.sources, sealed=sealed, key=holder.key)
            try:
                passed = calls.done_by(queue, calls.PASS_ON, [passing], dict[str, str])
            except calls.Gone:
                self.lose(queue)
                continue
            for name in sealed:
                if name in passed:
                    self._sealed[name][holder.queue] = passed[name]
                else:
                    self._sealed[name].pop(queue)
            self._sealed = {name: texts for name, texts in self._sealed.items() if texts}
        return {name: texts[holder.queue] for name, texts in self._sealed.items()}

    def _ask(self, name: str, holder: Holder) -> None:
        """Ask whoever answers for a secret, sealed for a worker.

        :raises Refused: if nobody types it.
        """
        inmost = chain(self._walk)[-1]
        visit = inmost.visit
        if visit is None:  # pragma: no cover - secrets are looked at in a visit
            raise AssertionError(name)
        place = Place(step=visit.step, visit=visit.number, title=visit.step.title, prefix=inmost.prefix)
        body: dict[str, Json] = {"name": name, "question": self._prompts[name], "key": holder.key}
        reply = self._operator.put("secret", place, body, "secret", UNTYPED, fits=_sealed)
        match reply:
            case ("secret", {"sealed": str() as text}):
                self._sealed[name] = {holder.queue: text}
            case (_, dict(said)):
                raise Refused(_said(str(said.get("why") or f"`{name}` was not typed"), str(said.get("help") or "")))
            case Act():
                self._operator.acts.appendleft(reply)
                raise Refused(_said(f"the secret `{name}` was not typed", "walk the step again, and type it"))
            case _:
                self._ask(name, holder)


def _sealed(reply: Reply) -> str | None:
    """Why a secret that was typed must not go through the engine; None if it may."""
    return None if is_sealed(body_of(reply).get("sealed")) else "a secret is sealed where it is typed"


def _said(what: str, help_: str = "") -> Diagnostic:
    return Diagnostic(code=AT_A_WORKER, message=what, help=help_)


def _gone(name: str) -> Diagnostic:
    return Diagnostic(code=RB408, message=f"the secret `{name}` is gone", help="go back to the step that makes it")
