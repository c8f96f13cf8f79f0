"""The kind ``undo``: takes back what this run has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Kind, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Effect, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Kind):
    """Walks the undos of the changes of this run, the newest first.

    Use it where a repair did not help, before the next one is tried. ``since`` takes back that step and what was
    changed after it, ``of`` only the steps it lists; without either everything is taken back.

    For example::

        kind: undo
        since: roll_back
    """

    since: str | None = None
    of: Sequence[str] | None = None

    NAME: ClassVar[str] = "undo"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        since=fragments.step_id("The first step to take back, with all that came after it."),
        of={
            "type": "array",
            "items": fragments.step_id("A step to take back."),
            "minItems": 1,
            "description": "The steps to take back.",
        },
    )
    TRAITS: ClassVar[Traits] = Traits(
        effect=Effect.CHANGE,
        needs_undo=False,
        at_most_one=(("since", "of"),),
        jumps=("since", "of[]"),
        observes_failure=True,
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "undone": Observed(type="list<string>", text="The steps that were taken back.", after_failure=True),
        "left": Observed(type="list<string>", text="The steps that are still changed.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {"id": "take_back", "title": "Take back what did not help", "kind": "undo"},
    )

    def preview(self) -> Preview:
        """What is taken back."""
        what = ", ".join(self.of) if self.of is not None else f"everything since {self.since}"
        return Preview(line=f"take back {'everything' if self.of is None and self.since is None else what}")

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes when nothing is left changed."""
        left = observation["left"]
        if not left:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        names = ", ".join(map(str, left)) if isinstance(left, list) else str(left)
        return Verdict(outcome=Outcome.FAILED, reason=f"still changed: {names}", changed="maybe")
