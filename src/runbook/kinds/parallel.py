"""The kind ``parallel``: several reads side by side."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, cast

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Kind, Observed, Preview, Traits, Verdict, preview_as_written
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved, referenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Kind):
    """Performs several steps that only look, side by side; it passes if all of them do.

    Use it where each takes long and none depends on another. What they observe is under ``steps``:
    ``steps.overview.steps.database.status``.

    For example::

        kind: parallel
        steps:
          - {id: site, kind: http, url: "https://app.example.com/api/health"}
          - {id: backend, kind: http, url: "https://backend.example.com/health"}
    """

    steps: Sequence[Mapping[str, Resolved]]

    NAME: ClassVar[str] = "parallel"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["steps"],
        steps={
            "type": "array",
            "items": fragments.member("A step that only looks."),
            "minItems": 1,
            "description": "The steps, each with an id.",
        },
    )
    TRAITS: ClassVar[Traits] = Traits(nested=("steps[]",))
    OBSERVES: ClassVar[Mapping[str, Observed]] = {}
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "overview",
            "title": "Ask everything at once",
            "kind": "parallel",
            "steps": [
                {"id": "site", "kind": "http", "url": "https://app.example.com/api/health"},
                {"id": "backend", "kind": "http", "url": "https://backend.example.com/health"},
            ],
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """What each of its steps observes, under ``steps.ID``."""
        from runbook.kinds.registry import KINDS

        observed: dict[str, Observed] = {}
        steps = fields.get("steps")
        for step in steps if isinstance(steps, list) else []:
            kind = KINDS.get(str(step.get("kind"))) if isinstance(step, dict) else None
            if kind is not None and isinstance(step, dict):
                observed |= {f"steps.{step.get('id')}.{name}": field for name, field in kind.observes(step).items()}
        return observed

    def preview(self) -> Preview:
        """Which steps; below it for each ``[ID]`` what it does, its further lines indented."""
        lines: list[str] = []
        for step in self.steps:
            shown = _preview(step)
            lines += [f"[{step['id']}] {shown.line}", *(f"    {line}" for line in shown.detail.splitlines())]
        return Preview(
            line=f"side by side: {', '.join(str(step['id']) for step in self.steps)}", detail="\n".join(lines)
        )

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes when each of its steps has left an observation, which only a step does that has passed."""
        seen = observation["steps"]
        left = [str(step["id"]) for step in self.steps if not isinstance(seen, dict) or step["id"] not in seen]
        if left:
            return Verdict(outcome=Outcome.FAILED, reason=f"did not pass: {', '.join(left)}")
        return Verdict(outcome=Outcome.PASSED)


def _preview(step: Mapping[str, Resolved]) -> Preview:
    """What one of its steps does; its fields as they are where one is an expression, or no kind can be made of them."""
    from runbook.kinds.registry import KINDS, make

    name, kind = str(step.get("kind")), KINDS.get(str(step.get("kind")))
    known = step if kind is None else cast("JsonObject", kind.SCHEMA["properties"])
    own = {field: value for field, value in step.items() if field in known}
    if kind is not None and not kind.TRAITS.expressions:
        with suppress(ExpressionError):
            return make(name, own).preview()
    return preview_as_written(name, {field: referenced(value) for field, value in own.items()})
