"""The command line at a pseudo-terminal: walked, paused, gone on with, and left without a word."""

import os
import signal
import sys
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import BOOK
from tests.drivers.terminal.pseudo import Terminal

START = (
    "import fcntl, termios, sys; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "from runbook.cli.main import main; sys.exit(main())"
)


def runbook(directory: Path, *arguments: str) -> Terminal:
    """A command at a terminal of its own."""
    if not (directory / "demo.yaml").exists():
        (directory / "demo.yaml").write_text(BOOK)
    env = {"RUNBOOK_STATE_DIR": str(directory / "state")}
    return Terminal([sys.executable, "-c", START, *arguments], env=env)


def test_a_run_is_paused_and_gone_on_with_by_the_command_that_is_shown(tmp_path: Path) -> None:
    """What was passed stays passed, what was asked is asked again, and the statuses are 3 and 0."""
    book = str(tmp_path / "demo.yaml")
    with runbook(tmp_path, "run", book, "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("")
        terminal.expect("│ seen", "passed", "yes do it now")
        terminal.answer("p", guarded=True)
        terminal.expect("run r1 is paused", "runbook resume r1")
        assert terminal.end() == 3
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("Resumed.", "step 2 of 3", "✓ look › mend", "CHANGES SOMETHING", "yes do it now")
        terminal.answer("yes", guarded=True)
        terminal.expect("│ mended", "RESOLVED", "runbook verify r1")
        assert terminal.end() == 0


def test_a_loop_that_begins_after_a_resume_is_not_said_to_be_stopped(tmp_path: Path) -> None:
    looping = "argv: [echo, '${{ item }}'], for_each: {in: '[1, 2]'}}\n"
    (tmp_path / "demo.yaml").write_text(BOOK.replace("argv: [echo, seen]}\n", looping))
    with runbook(tmp_path, "run", str(tmp_path / "demo.yaml"), "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("p")
        terminal.expect("run r1 is paused")
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("Resumed.", "for each of 2", "run it")
        terminal.answer("")
        assert "STOPPED" not in terminal.expect("all 2", "yes do it now")


@pytest.mark.reliability
def test_f11_a_runbook_that_is_edited_between_load_and_start_is_walked_as_it_was_loaded(tmp_path: Path) -> None:
    """It is read once; while its input is asked for, somebody edits it."""
    book = tmp_path / "demo.yaml"
    book.write_text(BOOK.replace("environments:", "inputs: {ticket: {type: string}}\nenvironments:"))
    loaded = book.read_bytes()
    with runbook(tmp_path, "run", str(book), "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("ticket")
        book.write_bytes(loaded.replace(b"[echo, seen]", b"[echo, something else]"))
        terminal.answer("INC-7")
        terminal.expect("run r1", "run it")
        terminal.answer("")
        assert "something else" not in terminal.expect("│ seen", "yes do it now")
        terminal.answer("p", guarded=True)
        terminal.expect("run r1 is paused")
    run = tmp_path / "state" / "runs" / "r1"
    (snapshot,) = (run / "runbook").iterdir()
    assert snapshot.read_bytes() == loaded
    assert "has changed since; the walk goes on with the snapshot" in (run / "audit.jsonl").read_text()


@pytest.mark.reliability
def test_g5_a_dropped_connection_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    """The terminal is gone: no trace, the status of a signal, and a log that says that it is paused."""
    book = str(tmp_path / "demo.yaml")
    with runbook(tmp_path, "run", book, "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.hang_up()
        assert terminal.end() == 130
    assert '"type":"run.paused"' in (tmp_path / "state" / "runs" / "r1" / "audit.jsonl").read_text()
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("Resumed.", "step 1 of 3", "run it")


@pytest.mark.reliability
def test_g5_a_change_that_was_cut_off_is_settled_after_the_resume(tmp_path: Path) -> None:
    """The terminal went while a change ran: its result is unknown, it is shown again, and it is not repeated."""
    (tmp_path / "demo.yaml").write_text(BOOK.replace("[echo, mended]", '[sh, -c, "echo mending; sleep 30"]'))
    book = str(tmp_path / "demo.yaml")
    with runbook(tmp_path, "run", book, "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("")
        terminal.expect("yes do it now")
        terminal.answer("yes", guarded=True)
        terminal.expect("│ mending", "Ctrl-C stops it")
        terminal.hang_up()
        assert terminal.end() == 130
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("nobody knows whether mend changed anything", "NOBODY SAW THE RESULT", "echo mending; sleep 30")
        terminal.answer("failed", guarded=True)
        terminal.expect("How do you know?")
        terminal.answer("the list is as it was")
        terminal.expect("settled as failed", "r try again")
    log = (tmp_path / "state" / "runs" / "r1" / "audit.jsonl").read_text()
    assert "stopped by a person" not in log


@pytest.mark.reliability
def test_c2_a_change_whose_walk_was_killed_is_shown_as_it_was_begun_with_what_still_runs(tmp_path: Path) -> None:
    """The action is the recorded one, with its values; the process that outlived the walk is named."""
    running = BOOK.replace("[echo, mended]", '[sh, -c, "echo $$ > pid; exec sleep 60", "in-${{ environment.base }}"]')
    (tmp_path / "demo.yaml").write_text(running.replace("argv: [sh", f"cwd: {tmp_path}\n    argv: [sh"))
    with runbook(tmp_path, "run", str(tmp_path / "demo.yaml"), "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("")
        terminal.expect("yes do it now")
        terminal.answer("yes", guarded=True)
        terminal.expect("Ctrl-C stops it")
        os.kill(terminal.process.pid, signal.SIGKILL)
        terminal.end()
    pid = int((tmp_path / "pid").read_text())
    try:
        with runbook(tmp_path, "resume", "r1") as terminal:
            terminal.expect(f"its command may still be running: process {pid} on", "NOBODY SAW THE RESULT", "in-x")
            terminal.expect("passed it happened, and all of it")
            assert "${{" not in terminal.text
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.reliability
def test_c2_a_change_by_hand_that_was_begun_says_so_when_it_is_asked_about_again(tmp_path: Path) -> None:
    hand = "    kind: manual\n    effect: change\n    instructions: Switch it over.\n"
    text = BOOK.replace("    kind: command\n    effect: change\n    argv: [echo, mended]\n", hand)
    (tmp_path / "demo.yaml").write_text(text)
    with runbook(tmp_path, "run", str(tmp_path / "demo.yaml"), "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("")
        terminal.expect("yes do it now")
        terminal.answer("yes", guarded=True)
        terminal.expect("Do it now, then say how it went", "d it is done")
        os.kill(terminal.process.pid, signal.SIGKILL)
        terminal.end()
    with runbook(tmp_path, "status", "r1") as terminal:
        terminal.expect("changed mend (maybe, begun and not seen to end)")
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("CHANGES SOMETHING, BY HAND", "Switch it over.", "confirmed and begun before the pause")
        terminal.expect("d it is done")


def test_a_wait_that_is_gone_on_with_says_what_it_waits_for(tmp_path: Path) -> None:
    wait = (
        "    kind: wait\n    until: {kind: command, argv: [test, -e, there], expect: exit_code == 0}\n    every: 30s\n"
    )
    text = BOOK.replace("    kind: command\n    effect: change\n    argv: [echo, mended]\n", wait + "    timeout: 5m\n")
    (tmp_path / "demo.yaml").write_text(text.replace("    undo: {kind: manual, instructions: Break it again}\n", ""))
    with runbook(tmp_path, "run", str(tmp_path / "demo.yaml"), "-e", "production", "--run-id", "r1") as terminal:
        terminal.expect("run r1", "run it")
        terminal.answer("")
        terminal.expect("look 1: not yet", "looks in 0:29")
        terminal.send("\x03")
        terminal.expect("run r1 is paused")
        assert terminal.end() == 3
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect(
            "step 2 of 3", "(until): test -e there", "passes if exit_code == 0", "x stop waiting", "looks in"
        )
