"""The kind ``revisions``: which revisions exist, and which one serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds import providers
from runbook.kinds.not_yet import NotYet
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions(NotYet):
    """Lists the revisions of a service, the one that serves, and the one that served before.

    Use it before a roll-back, to see where it would lead, and as its probe, to see whether it got there.

    For example::

        kind: revisions
        provider: cloud_run
        service: ${{ environment.service }}
    """

    provider: str
    service: str

    NAME: ClassVar[str] = "revisions"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(["provider", "service"], **providers.FIELDS)
    TRAITS: ClassVar[Traits] = Traits(ready=False)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "revisions": Observed(type="list<map<string,dyn>>", text="The revisions, newest first."),
        **providers.OBSERVES,
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "revisions",
            "title": "Which revision serves, and which served before?",
            "kind": "revisions",
            "provider": "cloud_run",
            "service": "api",
        },
    )

    def preview(self) -> Preview:
        """Whose revisions are listed."""
        return Preview(line=f"list the revisions of {self.service} ({self.provider})")

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """To know which revision serves is to pass."""
        if observation["current"]:
            return Verdict(outcome=Outcome.PASSED)
        return Verdict(outcome=Outcome.FAILED, reason="no revision serves")
