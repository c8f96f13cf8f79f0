"""The past that a scenario tells: what its guards see of runs that are not walked in it."""

from collections.abc import Iterator, Sequence

from runbook.audit.starts import Start
from runbook.drivers.guarding import default_key
from runbook.drivers.past import MemoryPast, PastRun
from runbook.model.runbook import Runbook
from runbook.model.scenario import Scenario, ToldRun
from runbook.world.clock import later

GUARDS_SEE = "what the scenario tells of other runs"


def past_of(scenario: Scenario, runbook: Runbook, now: str) -> MemoryPast:
    """What a scenario tells of other runs, as guards ask for it.

    :param now: the time at which its walk begins, from which it tells how long ago they were.
    """
    oldest_first = sorted(scenario.past, key=lambda run: -run.ago)
    starts = [start for run in oldest_first for start in _starts(run, scenario, runbook, now)]
    runs = [
        PastRun(
            run=run.run,
            runbook=run.runbook or runbook.id,
            environment=run.environment,
            finish=run.finish.value,
            ended=later(now, -run.ago),
            graph=None,
            passed=frozenset(run.passed),
        )
        for run in reversed(oldest_first)
        if run.finish is not None
    ]
    return MemoryPast(starts, runs)


def unknown_in(scenario: Scenario, runbook: Runbook) -> Iterator[tuple[ToldRun, str]]:
    """The runs of this very runbook that are told with a step or an environment which it does not have, and that."""
    steps = {step.id for step in runbook.steps}
    for run in scenario.past:
        if run.runbook not in (None, runbook.id):
            continue
        yield from ((run, name) for name in [*(step for step, _ in run.started), *run.passed] if name not in steps)
        if (run.environment or runbook.environments) and run.environment not in runbook.environments:
            yield run, run.environment or "-"


def _starts(run: ToldRun, scenario: Scenario, runbook: Runbook, now: str) -> Sequence[Start]:
    book = run.runbook or runbook.id
    return [
        Start(
            key=key or default_key(book, step, run.environment),
            run=run.run,
            runbook=book,
            step=step,
            operator=run.operator or scenario.operator,
            ts=later(now, -run.ago),
        )
        for step, key in run.started
    ]
