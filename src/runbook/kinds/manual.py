"""The kind ``manual``: a person does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.question import AskDone
from runbook.model.runbook import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual(Asked):
    """A person does something, and says whether it is done or has failed.

    Use it for what no machine can do: a dashboard, a telephone call, a command that asks for a password. The file
    says the ``effect``, as it does for a command. ``evidence`` asks for what shows that it was done: a link, a line
    of output, a name. A changing one is confirmed first, like every change.

    For example::

        kind: manual
        effect: none
        instructions: Look at the error tracker and say what the newest error is.
        evidence: required
    """

    instructions: str
    evidence: str = "none"

    NAME: ClassVar[str] = "manual"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["instructions"],
        instructions=fragments.text("What to do, in Markdown."),
        evidence=fragments.enumeration(
            "Whether the person is asked for what shows that it was done.",
            *("none", "optional", "required"),
            default="none",
        ),
    )
    TRAITS: ClassVar[Traits] = Traits(effect=None, person=True, observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "done": Observed(type="bool", text="Whether the person says that it is done.", after_failure=True),
        "evidence": Observed(type="string", text="What shows it; empty if nothing was said.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "fix_env",
            "title": "Set what is missing",
            "kind": "manual",
            "effect": "change",
            "instructions": "Set SESSION_SECRET in the dashboard of the platform and redeploy.",
            "evidence": "optional",
            "undo": {"kind": "manual", "instructions": "Put the former value back and redeploy."},
        },
    )

    def preview(self) -> Preview:
        """What the person is to do."""
        return Preview(line="by hand", detail=self.instructions)

    def question(self) -> AskDone:
        """Whether it is done, or has failed."""
        return AskDone(instructions=self.instructions, evidence=self.evidence)

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """What the person says."""
        del by
        outcome, evidence = answer.get("outcome"), str(answer.get("evidence") or "")
        if outcome not in {"done", "failed"}:
            raise ValueError("say `done` or `failed`")
        if outcome == "done" and self.evidence == "required" and not evidence.strip():
            raise ValueError("say what shows that it was done: evidence is required here")
        return {"done": outcome == "done", "evidence": evidence}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Done passes. After a failure nobody knows how much of it has happened."""
        if observation["done"] is True:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        evidence = observation.get("evidence") or ""
        return Verdict(outcome=Outcome.FAILED, reason=f"not done: {evidence}".removesuffix(": "), changed="maybe")
