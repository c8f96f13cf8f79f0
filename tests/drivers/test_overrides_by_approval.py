"""A guard that only somebody else may have overridden: requested, approved, given up, and expired, over two runs."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Done
from tests.drivers.persons import ANA, BEN, CLEO, Persons, open_request

GUARD = "guards: [{cooldown: 60m, key: k, override: approval}]\n"
BOOK = book(
    change("reset", then="done", more=GUARD),
    head=f"roles: {{platform: [{ANA}, {BEN}], security: [{CLEO}]}}\n",
)
WHY = "the first one had no effect"
pytestmark = pytest.mark.reliability


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN, CLEO)


@pytest.fixture
def desk(tmp_path: Path, persons: Persons) -> Desk:
    """A desk at which the first reset has just been made."""
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", f"answers: [{{step: reset, do: override, reason: {WHY}, confirm: yes}}]\n")
    desk.write("yes.yaml", "answers: [{step: reset, confirm: yes}]\n")
    assert desk.walk(BOOK, "--answers", "yes.yaml", run="r0").status == 0
    return desk


def begin(desk: Desk) -> Done:
    return desk.walk(BOOK, "--operator", ANA, "--answers", "answers.yaml")


def go_on(desk: Desk, answers: str = "answers.yaml") -> Done:
    return desk.do("resume", "r1", "--answers", answers)


def test_j10_an_override_waits_for_an_approver_and_is_told_with_reason_and_name(desk: Desk, persons: Persons) -> None:
    paused = begin(desk)
    assert (paused.status, desk.effects()) == (3, ["reset"]), paused.err
    request = open_request(desk.run())
    assert WHY in request.what
    assert "cooldown" in request.what
    persons.approve(desk.run(), CLEO)
    done = go_on(desk)
    assert (done.status, desk.effects()) == (0, ["reset", "reset"]), done.err
    overridden = desk.told("guard.overridden")
    assert [(told["by"], told["reason"]) for told in overridden] == [(CLEO, WHY)]
    assert [told["deviation"] for told in desk.told("deviation.recorded")] == ["override"]
    assert desk.verify() == 0


def test_j10_the_operator_approves_no_override(desk: Desk, persons: Persons) -> None:
    begin(desk)
    persons.approve(desk.run(), ANA)
    assert go_on(desk).status == 3
    assert desk.effects() == ["reset"]
    assert len(desk.told("approval.refused")) == 1


def test_an_override_that_waits_may_be_given_up(desk: Desk) -> None:
    begin(desk)
    done = desk.do("abort", "r1", "--reason", "not worth it")
    assert done.status == 0, done.err
    assert desk.effects() == ["reset"]
    assert desk.verify() == 0


def test_an_override_for_which_nobody_can_be_asked_leaves_the_step_refused(desk: Desk) -> None:
    desk.env["RUNBOOK_KEY"] = ""
    done = begin(desk)
    assert (done.status, desk.effects()) == (3, ["reset"]), done.err
    assert [told["by"] for told in desk.told("step.refused")] == ["guard", "approval"]
    assert desk.verify() == 3
