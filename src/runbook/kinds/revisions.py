"""The kind ``revisions``: which revisions exist, and which one serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds import providers, served
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.io import Io
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome

SHOWN = 50
"""The most revisions that a step observes, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions(served.Served, Automated):
    """Lists the revisions of a service, the one that serves, and the one that served before.

    Use it before a roll-back, to see where it would lead, and as its probe, to see whether it got there. The
    provider's own client does the asking, with the operator's own login: ``gcloud`` for ``cloud_run``, ``vercel``,
    ``kubectl`` for ``kubernetes``, a shell for ``releases`` (directories and a symbolic link). With ``custom`` the
    step says itself which command lists the revisions and where in its JSON what is. What "served before" means with
    each provider, and what none of them can know, is said in the reference of the providers.

    It passes when it is known which revision serves. ``previous`` may be empty: an ``activate`` that refers to it is
    then refused before anything is confirmed.

    For example::

        kind: revisions
        provider: cloud_run
        service: ${{ environment.service }}
        region: europe-west1
    """

    NAME: ClassVar[str] = "revisions"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(["provider", "service"], **providers.FIELDS)
    TRAITS: ClassVar[Traits] = Traits(variants=providers.variants())
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "revisions": Observed(
            type="list<map<string,dyn>>",
            text=f"The newest {SHOWN}, newest first: id, created, author, commit, serving; age_s where it is known.",
        ),
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
        {
            "id": "deployments",
            "title": "Which deployment serves?",
            "kind": "revisions",
            "provider": "custom",
            "service": "api",
            "list": {
                "argv": ["deployments", "list", "{service}", "--json"],
                "items": "deployments[state=ready]",
                "id": "name",
                "created": "created_at",
                "author": "by.login",
                "commit": "git.sha",
                "serving": "live",
            },
        },
    )

    def preview(self) -> Preview:
        """The commands that are run."""
        first, *others = self.looks()
        lines = [*(self.line(look) for look in others), f"list the revisions of {self.service} ({self.provider})"]
        return Preview(line=self.line(first), detail="\n".join(lines))

    def perform(self, io: Io) -> JsonObject:
        """Look."""
        look = self.look(io)
        return {
            "revisions": served.as_json(look, io.now())[:SHOWN],
            "current": look.current,
            "previous": look.previous,
        }

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """To know which revision serves is to pass."""
        if observation["current"]:
            return Verdict(outcome=Outcome.PASSED)
        return Verdict(outcome=Outcome.FAILED, reason="no revision serves")
