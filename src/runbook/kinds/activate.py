"""The kind ``activate``: makes a revision serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds import providers
from runbook.kinds.not_yet import NotYet
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Observed, Preview, Traits, Verdict
from runbook.model.runbook import Effect, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate(NotYet):
    """Makes a revision of a service serve, and looks whether it does.

    Use it to roll back to a revision that is known to be good. It is always a change, and its undo is to activate the
    revision that serves now.

    For example::

        kind: activate
        provider: cloud_run
        service: ${{ environment.service }}
        revision: ${{ steps.revisions.previous }}
    """

    provider: str
    service: str
    revision: str

    NAME: ClassVar[str] = "activate"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["provider", "service", "revision"],
        **providers.FIELDS,
        revision=fragments.text("The revision that is to serve."),
    )
    TRAITS: ClassVar[Traits] = Traits(effect=Effect.CHANGE, ready=False)
    OBSERVES: ClassVar[Mapping[str, Observed]] = providers.OBSERVES
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
        """Which revision of what is to serve."""
        return Preview(line=f"make {self.revision} of {self.service} serve ({self.provider})")

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes when the revision serves."""
        current = observation["current"]
        if current == self.revision:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        return Verdict(outcome=Outcome.FAILED, reason=f"{current} serves, not {self.revision}", changed="maybe")
