"""J10: a guard that refuses is overridden where the file allows it, with a reason, and that stands on record."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.sitting import Sitting, answering, loaded, replayed

from runbook.audit.starts import Start
from runbook.drivers.past import MemoryPast
from runbook.drivers.session import Stop
from runbook.world.clock import SimulatedClock

NOW = "2026-11-21T09:00:00.000Z"


def past(clock: SimulatedClock) -> MemoryPast:
    """Somebody has just started a step of the key."""
    started = Start(key="k", run="r0", runbook="other", step="reset", operator="ben@example.com", ts=clock.now())
    return MemoryPast([started])


def guarded(override: str = ", override: reason") -> str:
    return book(change("reset", then="done", more=f"guards: [{{cooldown: 60m, key: k{override}}}]\n"))


def sit(root: Path, text: str, answer: str) -> Sitting:
    clock = SimulatedClock()
    operator = answering(root, f"answers:\n  - {{step: reset, {answer}}}\n", clock)
    sitting = Sitting(loaded(root, text), operator, clock=clock, past=past(clock), world={"reset": [{"exit_code": 0}]})
    sitting.ending = sitting.go()  # type: ignore[attr-defined]  # kept for the test
    return sitting


@pytest.mark.reliability
def test_j10_an_override_with_a_reason_is_recorded_and_then_the_step_is_confirmed(tmp_path: Path) -> None:
    sitting = sit(tmp_path, guarded(), 'do: override, reason: "the first one had no effect", confirm: yes')
    assert sitting.walk.finish is not None
    (deviation,) = sitting.told("deviation.recorded")
    assert (deviation["deviation"], deviation["reason"]) == ("override", "the first one had no effect")
    (overridden,) = sitting.told("guard.overridden")
    assert (overridden["guard"], overridden["by"]) == (0, "ana@example.com")
    order = [type_ for type_ in sitting.types if type_.split(".")[0] in {"guard", "deviation", "confirmation"}]
    assert order == [
        "guard.checked",
        "deviation.recorded",
        "guard.overridden",
        "confirmation.requested",
        "confirmation.given",
    ]
    assert replayed(sitting).finish is sitting.walk.finish


@pytest.mark.reliability
@pytest.mark.parametrize("answer", ["do: override, confirm: yes", 'do: override, reason: " ", confirm: yes'])
def test_j10_an_override_without_a_reason_or_with_a_blank_one_is_refused(tmp_path: Path, answer: str) -> None:
    sitting = sit(tmp_path, guarded(), answer)
    assert sitting.walk.finish is None
    assert "without a reason" in sitting.told("run.paused")[0]["reason"]  # type: ignore[operator]  # a text
    assert sitting.told("step.started") == sitting.told("guard.overridden") == []


@pytest.mark.reliability
def test_j10_what_the_file_does_not_let_be_overridden_is_not(tmp_path: Path) -> None:
    sitting = sit(tmp_path, guarded(""), "do: override, reason: I want it, confirm: yes")
    assert sitting.walk.finish is None
    assert sitting.told("operator.acted", "reset")[-1:] != [{"do": "override"}]
    assert sitting.told("step.started") == sitting.told("guard.overridden") == []


@pytest.mark.reliability
def test_j10_one_guard_that_may_not_be_overridden_holds_the_step(tmp_path: Path) -> None:
    guards = "guards: [{cooldown: 60m, key: k, override: reason}, {cooldown: 2h, key: k}]\n"
    text = book(change("reset", then="done", more=guards))
    sitting = sit(tmp_path, text, "do: override, reason: I want it, confirm: yes")
    assert sitting.walk.finish is None
    assert sitting.told("step.started") == []


def test_a_start_that_overrode_counts_for_those_after_it(tmp_path: Path) -> None:
    clock = SimulatedClock()
    before = past(clock)
    operator = answering(tmp_path, "answers: [{step: reset, do: override, reason: why not, confirm: yes}]", clock)
    book_ = loaded(tmp_path, guarded())
    Sitting(book_, operator, clock=clock, past=before, world={"reset": [{"exit_code": 0}]}).go()
    clock.wait(55 * 60_000)
    nobody = answering(tmp_path, "answers: []", clock)
    later = Sitting(book_, nobody, clock=clock, past=before)
    assert later.go().stop is Stop.PAUSED
    assert "run r1" in later.told("step.refused")[0]["reason"]  # type: ignore[operator]  # a text
