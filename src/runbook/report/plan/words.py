"""What stands beside a step of a drawn rail."""

from collections.abc import Iterator, Sequence

from runbook.model.runbook import Effect
from runbook.report.plan.content import Onward, Plan, PlannedStep
from runbook.report.rail import Rail, Row, rail
from runbook.report.rail_lines import Lines, pointed_node, round_node, square_node
from runbook.report.tags import Html


class Drawing:
    """The rail of a plan, on its way to a picture."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # The file's own handler is said once, below the picture: a lane from every step would hide the others.
        self._ways = [(step, way) for step in plan.steps for way in step.ways if not way.default]
        pairs = [(step.id, way.target) for step, way in self._ways]
        self.rail: Rail = rail([step.id for step in plan.steps], pairs)
        self._lines = Lines(
            self.rail, walked=(), others={(step.id, way.target) for step, way in self._ways if not way.fails}
        )
        self.titles = {step.id: step.title for step in plan.steps}

    @property
    def width(self) -> int:
        """How wide the lines are, in pixels."""
        return self._lines.width

    def rows(self) -> Iterator[tuple[PlannedStep, Row]]:
        """Each step and its row."""
        return zip(self._plan.steps, self.rail.rows, strict=True)

    def lines(self, step: PlannedStep) -> Sequence[Html]:
        """What is drawn beside a step, and its node."""
        return [*self._lines.row(step.number - 1), _node(step)]

    def told(self, step: PlannedStep, row: Row) -> Iterator[Onward]:
        """The ways that are told in words: not one that just runs on to the step below."""
        for way in step.ways:
            straight = row.falls and way.plain and way.target == self._below(step)
            if not straight and not way.default:
                yield way

    def _below(self, step: PlannedStep) -> str | None:
        return self._plan.steps[step.number].id if step.number < len(self._plan.steps) else None

    def way(self, way: Onward) -> str:
        """A way in words."""
        return f"{way.words} → {self.titles.get(way.target, way.target)}"


def about(step: PlannedStep) -> str:
    """What kind of step it is, and what it asks for where it changes something."""
    return "; ".join(part for part in (step.does, *step.asks) if part)


def _node(step: PlannedStep) -> Html:
    if step.effect is not Effect.NONE:
        return pointed_node(step.effect.value)
    return square_node("ends") if step.ends else round_node("reads")
