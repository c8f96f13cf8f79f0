"""What ``revisions`` and ``activate`` share: who serves revisions, and what both see of them."""

from collections.abc import Mapping

from runbook.model import fragments
from runbook.model.canonical import JsonObject
from runbook.model.kind import Observed

FIELDS: dict[str, JsonObject] = {
    "provider": fragments.enumeration(
        "Who serves the revisions.", "cloud_run", "vercel", "kubernetes", "releases", "custom"
    ),
    "service": fragments.text("The service, deployment or project, as the provider names it."),
}
"""The pieces of schema of the fields that both have."""

OBSERVES: Mapping[str, Observed] = {
    "current": Observed(type="string", text="The revision that serves."),
    "previous": Observed(type="string", text="The revision that served before."),
}
"""What both observe."""
