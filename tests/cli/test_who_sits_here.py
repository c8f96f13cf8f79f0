"""Who acts is who they say they are: on the command line, else in their environment, else as the machine knows them."""

import os
import platform
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, answers

ANA, BEN, CEM = "ana@example.com", "ben@example.com", "cem@example.com"
BOOK = book(change("one", then="two"), change("two", then="done"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.env["RUNBOOK_OPERATOR"] = ANA
    desk.write("one.yaml", answers("step: one, confirm: 'yes'"))
    desk.write("two.yaml", answers("step: two, confirm: 'yes'"))
    return desk


def test_whom_the_environment_names_walks_and_notes_and_the_command_line_goes_before_it(desk: Desk) -> None:
    assert desk.walk(BOOK, "--answers", "one.yaml").status == 3
    assert desk.do("note", "r1", "orders fail").status == 0
    assert desk.do("note", "r1", "so they do here", "--operator", BEN).status == 0
    assert desk.do("resume", "r1", "--answers", "two.yaml").status == 0
    assert desk.told("run.started")[0]["operator"] == ANA
    assert [said["by"] for said in desk.told("note.added")] == [ANA, BEN]
    assert desk.told("run.resumed")[0]["operator"] == ANA


def test_whom_the_environment_names_takes_over_what_was_handed_to_them(desk: Desk) -> None:
    assert desk.walk(BOOK, "--answers", "one.yaml").status == 3
    assert desk.do("handover", "r1", "--to", CEM, "--reason", "my shift ends").status == 0
    assert desk.told("run.handed_over")[0]["by"] == ANA
    done = desk.do("resume", "r1", "--answers", "two.yaml", env={"RUNBOOK_OPERATOR": CEM})
    assert (done.status, f"r1 was handed over to {CEM} by {ANA}" in done.err) == (0, True), done.err
    assert desk.told("run.resumed")[0]["operator"] == CEM


def test_a_name_that_is_none_is_refused_before_anything_begins(desk: Desk) -> None:
    done = desk.walk(BOOK, "--answers", "one.yaml", env={"RUNBOOK_OPERATOR": "ana\nben"})
    assert (done.status, desk.run().log.exists()) == (2, False)
    assert "$RUNBOOK_OPERATOR: a name is one line" in done.err
    assert "set $RUNBOOK_OPERATOR to your name or address, or unset it" in done.err


@pytest.mark.parametrize("login", ["\udcff", "\x1b[31mana", "ana\nben", " ", "a" * 300])
def test_a_login_that_is_no_name_is_not_taken_for_one(login: str, desk: Desk) -> None:
    del desk.env["RUNBOOK_OPERATOR"]
    done = desk.walk(BOOK, "--answers", "one.yaml", env={"LOGNAME": login})
    assert (done.status, desk.told("run.started")[0]["operator"]) == (3, f"{os.getuid()}@{platform.node()}")
