"""The kind ``finish``: the end of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from runbook.kinds.showing import named
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Kind, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Finish as Ending
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Kind):
    """The run ends here, in one of six ways.

    ``resolved``: the cause is gone. ``mitigated``: the users are well, the cause is not gone. ``completed``: a
    procedure that is no incident is through. ``escalated``: others take over. ``failed`` and ``aborted``: it did not
    work, or should not go on. Use ``needs`` to end as resolved only on a check that has passed. ``summary`` begins the
    report; ``outputs`` are what another runbook that walks this one sees.

    For example::

        kind: finish
        outcome: resolved
        needs: [{step: check_health, within: 10m}]
        summary: The secret was set again; the page loads.
    """

    outcome: str
    summary: str = ""
    outputs: Mapping[str, Resolved] = field(default_factory=dict)

    NAME: ClassVar[str] = "finish"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["outcome"],
        outcome=fragments.enumeration("How the run ended.", *(ending.value for ending in Ending)),
        summary=fragments.text("What happened, in Markdown; it begins the report."),
        outputs=fragments.mapping_of(
            fragments.anything("A value."),
            "Values by name, for a runbook that walks this one.",
            names="^[A-Za-z_][A-Za-z0-9_]*$",
        ),
    )
    TRAITS: ClassVar[Traits] = Traits(ends=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {}
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {"id": "done", "kind": "finish", "outcome": "resolved", "summary": "The health endpoint answers again."},
    )

    def preview(self) -> Preview:
        """How the runbook ends, which may be walked inside another, and what is said about it."""
        said = [part for part in (self.summary, named(self.outputs)) if part]
        return Preview(line=f"this runbook ends as {self.outcome}", detail="\n".join(said))

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """To end is to pass, whatever the outcome of the run."""
        del observation
        return Verdict(outcome=Outcome.PASSED)
