"""Where a jump may lead: the steps of the runbook that is under way, then those outside, with what is against it."""

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from runbook.drivers.telling import Mark
from runbook.drivers.terminal.screen import Screen, one_line, styled
from runbook.drivers.terminal.wording import sign
from runbook.model.runbook import Step
from runbook.walk.walk import Walk


def goals_of(walks: Sequence[Walk]) -> dict[str, Walk]:
    """The steps that one can go to, each with its walk: those of the one under way first.

    :param walks: that of the run and those inside it, the one under way last.
    """
    goals = dict.fromkeys(walks[-1].steps, walks[-1])
    for outer in reversed(walks[:-1]):
        goals |= {step_id: outer for step_id in outer.steps if step_id not in goals}
    return goals


def show_goals(screen: Screen, goals: Mapping[str, Walk], walk: Walk, here: Step, now: int) -> None:
    """List them, numbered from 1; ``now`` is the walk's clock."""
    before = walk
    for number, (step_id, of) in enumerate(goals.items(), start=1):
        if of is not before:
            left = of.visit.step.id if of.visit else ""
            screen.say(f"Or out of `{left}`, which is then not finished:", style="bold")
        before = of
        row = _row_of(of, step_id, now, here=of is walk and step_id == here.id)
        screen.say(row, first=Text(f"{number:3}  ", style="bold"))


def objections(walk: Walk, step_id: str, now: int) -> Iterator[str]:
    """Why a walk cannot go to a step now."""
    yield from walk.objections(step_id)
    if step_id in walk.steps:
        yield from (reason for by, reason in walk.unmet(walk.steps[step_id], now) if by == "needs")


def _row_of(walk: Walk, step_id: str, now: int, *, here: bool) -> Text:
    result = walk.results.get(step_id)
    line = Text(step_id)
    if here:
        line.append("  you are here", style="cyan")
    elif result is not None:
        line.append("  ").append_text(sign(Mark(result.outcome.value))).append(f" {result.outcome.value}")
    title = one_line(walk.steps[step_id].title)
    if title and title != step_id:
        line.append_text(styled(f"  {title}", "dim"))
    if walk.objections(step_id):
        line.append("  not now: a gate before it", style="yellow")
    elif objection := next(objections(walk, step_id, now), None):
        line.append(f"  not now: {objection}", style="yellow")
    return line
