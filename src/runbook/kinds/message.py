"""The kind ``message``: a prepared text for somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds.http import status_line
from runbook.kinds.showing import shown
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.io import HttpRequest, Io
from runbook.model.kind import Asked, Automated, Observed, Preview, Traits, Verdict
from runbook.model.question import AskSent
from runbook.model.runbook import Effect, Outcome
from runbook.model.secrets import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Automated, Asked):
    """A prepared text for an audience, sent by a webhook or copied and sent by hand.

    Use it to tell product, users or engineering what is known, in words that were agreed on in daylight. With
    ``webhook`` it is a change that is confirmed with its exact text, and sent as ``{"text": …}`` by POST, which is what
    chat services take; nothing takes a message back. Without, the operator copies it and says that it is sent.

    For example::

        kind: message
        audience: support
        text: Sign-in fails since 03:12 UTC. We are on it; next word at 03:30.
        webhook: ${{ secrets.support_webhook }}
    """

    text: str
    audience: str = ""
    webhook: Text | None = None

    NAME: ClassVar[str] = "message"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["text"],
        text=fragments.text("What to say."),
        audience=fragments.text("For whom it is."),
        webhook=fragments.text("The URL to send it to; it may be a secret."),
    )
    TRAITS: ClassVar[Traits] = Traits(
        effect=None, person=True, needs_undo=False, secrets=frozenset({"webhook"}), timeout=30_000
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "sent": Observed(type="bool", text="Whether it was sent."),
        "text": Observed(type="string", text="Its exact text."),
        "status": Observed(type="int", text="What the webhook answered.", always=False),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "tell_support",
            "title": "Tell support",
            "kind": "message",
            "audience": "support",
            "text": "Sign-in fails since 03:12 UTC. We are on it; next word at 03:30.",
        },
        {
            "id": "tell_engineering",
            "kind": "message",
            "text": "${{ run.operator }} is looking at ${{ run.incident }}.",
            "webhook": "${{ secrets.engineering_webhook }}",
        },
    )

    @classmethod
    def effect_of(cls, fields: Mapping[str, Json]) -> Effect:
        """A webhook changes something: people have read it. By hand, it is the person who does."""
        return Effect.CHANGE if "webhook" in fields else Effect.NONE

    @classmethod
    def asks(cls, fields: Mapping[str, Json]) -> bool:
        """A person sends it unless there is a webhook."""
        return "webhook" not in fields

    def preview(self) -> Preview:
        """The exact text, for whom it is, and where it goes."""
        audience = f" to {self.audience}" if self.audience else ""
        how = "by hand" if self.webhook is None else f"by POST {shown(self.webhook)}"
        return Preview(line=f"send{audience}, {how}", detail=self.text)

    def question(self) -> AskSent | None:
        """The text to copy; None where a webhook sends it."""
        return AskSent(text=self.text, audience=self.audience) if self.webhook is None else None

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """Whether the person has sent it."""
        del by
        outcome = answer.get("outcome")
        if outcome not in {"done", "failed"}:
            raise ValueError("say `done` or `failed`")
        return {"sent": outcome == "done", "text": self.text}

    def perform(self, io: Io) -> JsonObject:
        """Send it to the webhook."""
        response = io.http(HttpRequest(method="POST", url=self.webhook or "", json={"text": self.text}))
        return {"sent": 200 <= response.status < 300, "text": self.text, "status": response.status}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Sent passes. After another answer of the webhook nobody knows who has read it."""
        if observation["sent"] is True:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        status = observation.get("status")
        reason = "not sent" if status is None else f"the webhook answered {status_line(status)}"
        return Verdict(outcome=Outcome.FAILED, reason=reason, changed="maybe")
