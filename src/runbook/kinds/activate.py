"""The kind ``activate``: makes a revision serve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from runbook.kinds import providers, served
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.durations import milliseconds, spoken
from runbook.model.io import Cancelled, Io, Lost, NotSent, TimedOut, WorldError
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Effect, Outcome
from runbook.model.secrets import Resolved

_PAUSE = 1_000
_LONGEST_PAUSE = 15_000
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate(served.Served, Automated):
    """Makes a revision of a service serve, and looks whether it does.

    Use it to roll back to a revision that is known to be good. It is always a change, and its undo is to activate the
    revision that serves now. First it looks whether there is such a revision: until then nothing was sent, and a
    failure has changed nothing. Then the provider's own client activates it, and the step looks again until that
    revision serves, and it alone, for at most ``patience``. If it does not serve by then, or nobody can see what
    serves, the step is unknown and its ``probe`` decides: "not yet" is not "did not happen". A client that says that it
    failed leaves the step failed, and possibly changed, even if the revision serves.

    The fields are those of ``revisions``; with ``custom``, ``activate`` is the command, in which ``{revision}`` stands
    for the revision. ``defaults: {activate: …}`` at the top of the file says once what the step and its undo share.

    For example::

        kind: activate
        provider: cloud_run
        service: ${{ environment.service }}
        revision: ${{ steps.revisions.previous }}
    """

    revision: str
    activate: Mapping[str, Resolved] | None = None
    patience: str = "5m"

    NAME: ClassVar[str] = "activate"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["provider", "service", "revision"],
        **providers.FIELDS,
        revision=fragments.text("The revision that is to serve; it cannot be empty.", filled=True),
        activate=fragments.closed(
            "How to make a revision serve (custom).",
            ["argv"],
            argv=fragments.texts(
                "The command; `{service}` and `{revision}` stand for those, `{handle}` for what the list has found.",
                minimum=1,
            ),
        ),
        patience=fragments.duration("How long to look until it serves, after it was activated.", default="5m"),
    )
    TRAITS: ClassVar[Traits] = Traits(effect=Effect.CHANGE, variants=providers.variants("activate"))
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        **providers.OBSERVES,
        "problem": Observed(type="string", text="How the client failed, where it said so.", always=False),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "roll_back",
            "title": "Send traffic to the last good revision",
            "kind": "activate",
            "provider": "cloud_run",
            "service": "api",
            "revision": "api-00041",
            "undo": {"kind": "activate", "provider": "cloud_run", "service": "api", "revision": "api-00042"},
        },
    )

    def preview(self) -> Preview:
        """The command that activates, and those that look before and after it, exactly."""
        provider = self.data()
        argv = self.filled(provider.activate, revision=self.revision, handle="‹its number in the list›")
        lines = [f"make {self.revision} of {self.service} serve; before and after it look with:"]
        lines += [self.line(look) for look in self.looks()]
        if provider.script:
            lines.append(provider.script.format(revision=self.revision))
        elif script := served.script_of(argv):
            lines += ["SCRIPT is:", script]
        return Preview(line=self.line(argv), detail="\n".join(lines))

    def activation(self) -> Sequence[str]:
        """The command of the step itself (custom)."""
        return cast("Sequence[str]", (self.activate or {}).get("argv", ()))

    def perform(self, io: Io) -> JsonObject:
        """Look, activate, and look until it serves."""
        handle = self._handle(io)
        argv = self.filled(self.data().activate, revision=self.revision, handle=handle)
        problem = served.failure(argv, self.run(io, argv, quiet=False))
        if not problem:
            return self._serving(io)
        try:
            look = self._again(io)
        except WorldError as error:
            raise Lost(f"{problem}; and nobody can see what serves now: {error.reason}", error.help) from error
        return {"current": look.current, "previous": look.previous, "problem": problem}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes when the revision serves and the client has not said that it failed."""
        current, problem = observation["current"], observation.get("problem")
        if problem:
            reason = f"{problem}; {current or 'nothing'} serves now"
            return Verdict(outcome=Outcome.FAILED, reason=reason, changed="maybe")
        if current == self.revision:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        reason = f"{current or 'nothing'} serves, not {self.revision}"
        return Verdict(outcome=Outcome.FAILED, reason=reason, changed="maybe")

    def _handle(self, io: Io) -> str:
        """What activating the revision wants, if there is that revision; whatever goes wrong, nothing was sent."""
        try:
            revisions = self.look(io).revisions
            io.wait(0)
        except (TimedOut, Lost, Cancelled) as error:
            raise NotSent(f"nothing was activated: {error.reason}", error.help) from error
        for revision in revisions:
            if revision.id == self.revision and revision.handle:
                return revision.handle
        there = ", ".join(revision.id for revision in revisions[:_NAMED]) or "none"
        raise NotSent(f"`{self.service}` has no revision `{self.revision}`", f"the newest are: {there}")

    def _serving(self, io: Io) -> JsonObject:
        """Look until the revision serves, and it alone.

        :raises TimedOut: if it does not in time; it was activated all the same.
        """
        patience, pause, serving = milliseconds(self.patience), _PAUSE, "nobody has looked"
        until = io.mono() + patience
        while True:
            try:
                look = self._again(io)
                if look.serving == (self.revision,):
                    return {"current": look.current, "previous": look.previous}
                serving = f"{' and '.join(look.serving) or 'nothing'} serves"
            except NotSent as error:
                serving = f"nobody can see what serves: {error.reason}"
            except (TimedOut, Lost, Cancelled) as error:
                raise type(error)(self._not_yet(serving, error.reason), error.help) from error
            if (left := until - io.mono()) <= 0:
                said = f"no other answer within {spoken(patience)}"
                raise TimedOut(self._not_yet(serving, said), "look again, or raise `patience`")
            try:
                io.wait(min(pause, left))
            except (TimedOut, Cancelled) as error:
                raise type(error)(self._not_yet(serving, error.reason), error.help) from error
            pause = min(pause * 3 // 2, _LONGEST_PAUSE)

    def _not_yet(self, serving: str, said: str) -> str:
        return f"{self.revision} was activated and does not serve yet: {serving}; {said}"

    def _again(self, io: Io) -> served.Look:
        """Look once more; a client that went away since is no proof that nothing was sent.

        :raises WorldError: NotSent, if there is no answer to be had.
        """
        try:
            return self.look(io)
        except Refused as refused:
            first = refused.diagnostics[0]
            raise NotSent(first.message, first.help) from refused
