"""The kind ``assert``: a stop with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Assert(Asked):
    """A condition that must hold before the walk goes on; it can be neither skipped nor jumped over.

    Use it before something dangerous, about what earlier steps have seen. Nobody is asked: the expression decides,
    and only *true* passes. ``reason`` is what the operator reads when it does not hold.

    For example::

        kind: assert
        that: steps.revisions.previous != steps.revisions.current
        reason: There is no other revision to go back to.
    """

    that: bool
    reason: str = ""

    NAME: ClassVar[str] = "assert"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["that"],
        that=fragments.expression("What must be true.", examples=["steps.count.rows == 0"]),
        reason=fragments.text("What to say when it is not."),
    )
    TRAITS: ClassVar[Traits] = Traits(gate=True, expressions={"that": "bool"}, observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "that": Observed(type="bool", text="Whether it holds.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "on_call_is_known",
            "title": "Is there somebody to call?",
            "kind": "assert",
            "that": 'run.operator != ""',
            "reason": "Nobody is named as the operator of this run.",
        },
    )

    def preview(self) -> Preview:
        """Whether it holds."""
        return Preview(line="it holds" if self.that else self.reason or "it does not hold")

    def question(self) -> None:
        """Nobody is asked: the expression was evaluated when the step was entered."""

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """What the expression yielded."""
        del answer, by
        return {"that": self.that}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Only true passes."""
        if observation["that"] is True:
            return Verdict(outcome=Outcome.PASSED)
        return Verdict(outcome=Outcome.FAILED, reason=self.reason or "it does not hold")
