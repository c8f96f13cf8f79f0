"""Arguments that no log can hold are refused before anything is begun, and texts that are too long are said to be."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk

BROKEN = "caf\udce9"
"""What Python makes of an argument in Latin-1."""
BOOK = book(read("look", then="one"), change("one", then="done"), head="inputs: {x: {required: false}}\n")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    assert desk.walk(BOOK).status == 3
    return desk


@pytest.mark.parametrize(
    "command",
    [
        ["note", "r1", BROKEN],
        ["note", "r1", "hello", "--operator", BROKEN],
        ["abort", "r1", "--reason", BROKEN],
        ["run", "book.yaml", "--operator", BROKEN],
        ["run", "book.yaml", "--incident", BROKEN],
        ["run", "book.yaml", "-i", f"x={BROKEN}"],
        ["run", "book.yaml", "--start-at", "one", "--reason", BROKEN],
        ["run", BROKEN],
        ["check", BROKEN],
        ["status", BROKEN],
        ["resume", "r1", "--answers", BROKEN],
        [BROKEN],
    ],
    ids=lambda command: " ".join(command).replace(BROKEN, "…"),
)
def test_an_argument_that_is_no_utf_8_is_refused_and_shown(command: list[str], desk: Desk) -> None:
    before = desk.every_byte()
    done = desk.do(*command)
    assert done.status == 2
    assert done.err.startswith("error[RB310]")
    assert "the argument `" in done.err
    assert "caf\\xe9` holds bytes that are no UTF-8" in done.err
    assert desk.every_byte() == before


def test_an_argument_that_this_locale_cannot_read_is_said_to_be_that(desk: Desk) -> None:
    """An old locale (no UTF-8) is the reader's to change, and the argument is right as it is."""
    environment = {**desk.env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", "from runbook.cli.main import main; main()", "note", "r1", "zäh"]
    done = subprocess.run(
        command, env=environment, cwd=desk.root, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    said = " ".join(done.stderr.decode("ascii").split())
    assert "the argument `z\\xe4h` cannot be read in this locale (ascii)" in said
    assert "LC_ALL=C.UTF-8" in said


def test_a_note_that_is_too_long_is_refused(desk: Desk) -> None:
    done = desk.do("note", "r1", "n" * 70_000)
    assert done.status == 2
    assert "it takes 70,002 bytes in the log" in done.err
    assert desk.do("note", "r1", "n" * 10_000).status == 0
    assert desk.told("note.added")[-1]["text"] == "n" * 10_000


def test_a_blank_or_long_reason_is_refused(desk: Desk) -> None:
    for reason in ("", " ", "r" * 2_001):
        assert desk.do("abort", "r1", "--reason", reason).status == 2
        assert desk.do("run", "book.yaml", "--start-at", "one", "--reason", reason).status == 2
    assert desk.do("abort", "r1", "--reason", "r" * 1_990).status == 0
    assert desk.told("operator.acted")[-1]["reason"] == "r" * 1_990


@pytest.mark.parametrize("option", ["--operator", "--incident"])
def test_a_name_that_is_too_long_is_refused(option: str, desk: Desk) -> None:
    for value in ("x" * 300, "", " ", "a\nb"):
        done = desk.do("run", "book.yaml", option, value)
        assert done.status == 2
        assert "RB310" in done.err
        assert f"argument {option}" in done.err


def test_inputs_that_are_too_long_are_refused_before_the_run_has_a_directory(desk: Desk) -> None:
    done = desk.do("run", "book.yaml", "-i", "x=" + "é" * 20_000, "--run-id", "r2")
    assert done.status == 2
    assert "RB314" in done.err
    assert not desk.run("r2").path.exists()


def test_an_empty_run_id_is_no_run_id(desk: Desk) -> None:
    assert desk.do("run", "book.yaml", "--run-id", "").status == 2
