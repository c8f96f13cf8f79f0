"""The kind ``runbook``: another runbook, walked as a part of this one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from runbook.kinds.showing import named
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Kind, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Finish, Outcome
from runbook.model.secrets import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook(Kind):
    """Walks another runbook in the same environment, as a part of this run.

    Use it for what several runbooks need. The step passes if the other one ends as resolved, mitigated or completed;
    the ``outputs`` of its ``finish`` are what this step observes. Its undos join ours. Its steps have addresses such as
    ``database/check_url``; roles, guards and ``needs`` in it are its own, secrets are shared, reminders and the lock
    are those of the runbook that the run began with. With ``for_each`` it is walked for one element after the other.

    For example::

        kind: runbook
        path: database_connection.yaml
        inputs: {ticket: "${{ inputs.ticket }}"}
    """

    path: str
    inputs: Mapping[str, Resolved] = field(default_factory=dict)

    NAME: ClassVar[str] = "runbook"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["path"],
        path=fragments.text("The file, relative to this one.", examples=["database_connection.yaml"]),
        inputs=fragments.mapping_of(
            fragments.anything("A value."), "Its inputs by name.", names="^[A-Za-z_][A-Za-z0-9_]*$"
        ),
    )
    TRAITS: ClassVar[Traits] = Traits(verbatim=frozenset({"path"}))
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "finish": Observed(type="string", text="How it ended.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "database",
            "title": "Look at the database",
            "kind": "runbook",
            "path": "database_connection.yaml",
            "inputs": {"ticket": "INC-7"},
        },
    )

    def preview(self) -> Preview:
        """Which runbook, with which inputs."""
        return Preview(line=f"walk {self.path}", detail=named(self.inputs))

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes if the other one ends well."""
        finish = observation["finish"]
        if any(finish == ending.value for ending in Finish if ending.good):
            return Verdict(outcome=Outcome.PASSED)
        return Verdict(outcome=Outcome.FAILED, reason=f"it ended as {finish}")
