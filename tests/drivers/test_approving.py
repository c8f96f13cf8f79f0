"""Approvals by a second person: asked for, signed, taken in, and refused, with real keys and real signatures."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Done, answers
from tests.drivers.persons import ANA, BEN, CLEO, Persons

ROLES = f"roles: {{platform: [{ANA}, {BEN}, {CLEO}]}}\n"
ASKED = "confirm: {approvals: {count: 1, from: [platform]}}\n"
BOOK = book(change("mend", then="done", more=ASKED), head=ROLES)
YES = answers("step: mend, confirm: yes")
AS_ANA = ("--operator", ANA)


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    directory = tmp_path / "keys"
    directory.mkdir(0o700)
    return Persons(directory).list(ANA, BEN, CLEO)


@pytest.fixture
def desk(tmp_path: Path, persons: Persons) -> Desk:
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", YES)
    return desk


def begin(desk: Desk, text: str = BOOK) -> Done:
    """Walk until somebody else is needed."""
    return desk.walk(text, *AS_ANA, "--answers", "answers.yaml")


def go_on(desk: Desk) -> Done:
    """Resume, with the same answers."""
    return desk.do("resume", "r1", "--answers", "answers.yaml")


def test_a_step_waits_for_an_approval_and_starts_with_it(desk: Desk, persons: Persons) -> None:
    paused = begin(desk)
    assert (paused.status, desk.effects()) == (3, []), paused.err
    assert "runbook approve" in paused.err
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    assert desk.effects() == ["mend"]
    assert [told["approver"] for told in desk.told("approval.given")] == [BEN]
    assert desk.verify() == 0
