"""Deviations in a log whose owner wrote it anew: who deviated, and why, is told once and everywhere alike."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers
from tests.drivers.forgery import Forgery, judged

pytestmark = pytest.mark.reliability
ANA, EVE = "ana@example.com", "eve@example.com"
BROKEN = book(
    "id: broken\ntitle: It is broken\nkind: command\neffect: none\nargv: ['false']\nnext: well\n",
    read("well", "true", then="done"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A run in which ana skipped a step that failed."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.write("answers.yaml", answers("step: broken, do: skip, reason: we know that"))
    assert desk.walk(BROKEN, "--operator", ANA, "--answers", "answers.yaml").status == 0
    return desk


@pytest.fixture
def forged(desk: Desk) -> Forgery:
    return Forgery.of(Path(desk.run().log))


def test_i2_nobody_else_can_be_said_to_have_deviated(desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, forged.edit(forged.find("deviation.recorded"), by=EVE))
    assert (status, f"`{EVE}` deviates, and `{ANA}` walks (rule: operator)" in out) == (6, True), out


def test_i2_a_step_is_skipped_for_the_reason_that_the_deviation_gives(desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, forged.edit(forged.find("step.skipped"), reason="the file says so"))
    assert (status, "for another reason than its deviation gives (rule: reason)" in out) == (6, True), out


def test_i2_neither_the_skip_nor_its_deviation_can_be_left_out(desk: Desk, forged: Forgery) -> None:
    for type_ in ("operator.acted", "deviation.recorded", "step.skipped"):
        again = Forgery([*forged.lines])
        assert judged(desk, again.drop(again.find(type_)))[0] == 6


def test_i2_what_refused_a_step_is_one_of_what_can(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    guarded = book(change("reset", then="done", more="guards: [{cooldown: 60m, key: k, override: reason}]\n"))
    given = "step: reset, do: override, reason: it is urgent, confirm: 'yes'"
    for run, answer in (("r0", "step: reset, confirm: 'yes'"), ("r1", given)):
        desk.write("answers.yaml", answers(answer))
        assert desk.walk(guarded, "--operator", ANA, "--answers", "answers.yaml", run=run).status == 0
    forged = Forgery.of(Path(desk.run().log))
    assert judged(desk, forged)[0] == 0
    status, out = judged(desk, forged.edit(forged.find("step.refused"), by="the manager"))
    assert (status, "which cannot refuse a step" in out) == (6, True), out
