"""What to make of an observation: the kind's verdict, the file's ``expect``, what ``save`` keeps.

Pure but for the evaluator, and the same live as on replay: it sees nothing but what the log holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runbook.drivers.fitting import OBSERVED
from runbook.drivers.preparing import Renderer
from runbook.language.tokens import read
from runbook.language.unmet import unmet
from runbook.model.canonical import Json, JsonObject, canonical, size
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Kind, Verdict
from runbook.model.runbook import Effect, Fidelity, Nested, Outcome, Step
from runbook.walk.scope import Scope
from runbook.walk.walk import Walk
from runbook.world.scripted import Told

DEMANDS = frozenset({"status", "exit_code"})
"""What kinds demand by themselves; an ``expect`` that speaks of it takes the place of that demand."""

ROOTS = frozenset({"inputs", "environment", "steps", "saved", "run", "last", "item"})
"""The names at the root of a scope that are no fields of the observation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An observation as it is recorded: masked, capped, and where it is; ``text`` is its canonical JSON."""

    text: str
    value: JsonObject
    masked: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()

    def scope(self, walk: Walk) -> Scope:
        """The scope in which it is judged: the names of the moment, and its own fields at the root."""
        return Scope(walk, own=self.value, masked=self.masked, truncated=self.truncated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of an attempt."""

    outcome: Outcome
    reason: str
    changed: str
    saved: Mapping[str, Json] = field(default_factory=dict)
    fidelity: Fidelity | None = None


def worth(judged: Judged, fidelity: Fidelity | None) -> Judged:
    """What came of an attempt, with the label that a dry run gives it: what says nothing passes, nothing is changed."""
    if fidelity is None:
        return judged
    if fidelity is not Fidelity.UNVERIFIABLE:
        return replace(judged, changed="no", fidelity=fidelity)
    failed = "" if judged.outcome is Outcome.PASSED else f": {judged.reason}"
    reason = f"nothing follows from it after what was only shown{failed}"
    return replace(judged, outcome=Outcome.PASSED, reason=reason, changed="no", fidelity=fidelity)


class Judge:
    """Judges observations of one walk's steps."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def judge(self, step: Step | Nested, kind: Kind, seen: Seen, scope: Scope, effect: Effect) -> Judged:
        """What came of an attempt of a step, or of a nested one.

        :param scope: the scope of the step with the observation's fields at its root.
        :raises FieldNotTold: if a scenario does not tell what is looked at.
        """
        verdict = kind.judge(seen.value)
        judged = self._expected(step, kind, verdict, seen, scope)
        seen_to_change = "yes" if judged.outcome is Outcome.PASSED else verdict.changed
        changed = seen_to_change if effect.changes else "no"
        if judged.outcome is not Outcome.PASSED or not step.save:
            return Judged(outcome=judged.outcome, reason=judged.reason, changed=changed)
        try:
            saved: JsonObject = {
                name: self._renderer.value(source, scope, "dyn", step) for name, source in step.save.items()
            }
        except ExpressionError as error:
            return Judged(outcome=Outcome.FAILED, reason=f"`save`: {error.message}", changed=changed)
        taken = size(canonical(saved)) + size(seen.text)
        if taken > OBSERVED:
            reason = f"`save`: with what was observed it takes {taken:,} bytes in the log, and {OBSERVED:,} are allowed"
            return Judged(outcome=Outcome.FAILED, reason=reason, changed=changed)
        return Judged(outcome=Outcome.PASSED, reason=judged.reason, changed=changed, saved=saved)

    def _expected(self, step: Step | Nested, kind: Kind, verdict: Verdict, seen: Seen, scope: Scope) -> Verdict:
        """The verdict with the file's ``expect`` beside the kind's own demand, or in its place."""
        expect = step.expect
        if expect is None:
            return verdict
        replaces = any(mention.parts[0] in DEMANDS for mention in read(expect).mentions)
        if verdict.outcome is not Outcome.PASSED and not replaces:
            return verdict
        if isinstance(seen.value, Told):
            for mention in read(expect).mentions:
                if mention.parts[0] not in ROOTS:
                    seen.value[mention.parts[0]]
        try:
            met = self._renderer.value(expect, scope, "bool", step)
        except ExpressionError as error:
            first = f"{verdict.reason}; " if verdict.reason else ""
            reason = f"{first}`expect`: {error.message}{_unset(expect, kind, seen)}"
            return Verdict(outcome=Outcome.FAILED, reason=reason)
        if met is True:
            return Verdict(outcome=Outcome.PASSED)
        because = f"; {verdict.reason}" if verdict.reason else ""
        wrong = unmet(expect, lambda part: self._renderer.value(part, scope, "dyn", step))
        return Verdict(outcome=Outcome.FAILED, reason=f"expected {wrong}{because}")


def _unset(expect: str, kind: Kind, seen: Seen) -> str:
    """What the kind says of the first field that an ``expect`` reads and that was not observed: a reason's end."""
    for mention in read(expect).mentions:
        observed = kind.OBSERVES.get(mention.parts[0])
        if observed is not None and observed.unset and mention.parts[0] not in seen.value:
            return f": {observed.unset}"
    return ""
