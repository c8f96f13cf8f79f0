"""The kind ``gate``: a question that must be answered yes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.question import AskYes
from runbook.model.runbook import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Asked):
    """A question that must be answered yes before the walk goes on; it can be neither skipped nor jumped over.

    Use it where a person must take a decision: is the backup really there, may we go on? Only *yes* passes, and the
    log keeps who said it. With ``confirm`` a phrase must be typed, a reason given, or somebody else must approve.

    For example::

        kind: gate
        question: Has the backup of this night been restored somewhere and looked at?
        confirm: {reason: required}
    """

    question_: str

    NAME: ClassVar[str] = "gate"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["question"],
        question=fragments.text("What must be answered yes."),
    )
    TRAITS: ClassVar[Traits] = Traits(person=True, gate=True, observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "confirmed": Observed(type="bool", text="Whether the answer was yes.", after_failure=True),
        "by": Observed(type="string", text="Who answered.", after_failure=True),
        "reason": Observed(type="string", text="The reason that was given; empty if none.", after_failure=True),
        "approvals": Observed(type="list<string>", text="Who approved.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "backup_is_good",
            "title": "Is there a backup that works?",
            "kind": "gate",
            "question": "Has the backup of this night been restored somewhere and looked at?",
            "confirm": {"reason": "required"},
        },
    )

    def preview(self) -> Preview:
        """The question."""
        return Preview(line=self.question_)

    def question(self) -> AskYes:
        """The question, to be answered yes or no."""
        return AskYes(question=self.question_)

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """Who answered what, and why."""
        confirm = answer.get("confirm")
        if confirm not in {"yes", "no"}:
            raise ValueError("say `yes` or `no`")
        reason = str(answer.get("reason") or "")
        approvals = answer.get("approvals")
        names: list[Json] = [*approvals] if isinstance(approvals, list) else []
        return {"confirmed": confirm == "yes", "by": by, "reason": reason, "approvals": names}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Only yes passes."""
        reason = str(observation.get("reason") or "")
        if observation["confirmed"] is True:
            return Verdict(outcome=Outcome.PASSED, reason=reason)
        return Verdict(outcome=Outcome.FAILED, reason=f"answered no: {reason}".removesuffix(": "))
