"""A walk is killed while a command runs: whoever goes on is told that the command may still be running, and where."""

import os
import re
import signal
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers, wait_for

from runbook.drivers.interrupted import still_running
from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.walk.walk import Walk

pytestmark = pytest.mark.reliability
LONG = "echo $$ > pid; [ -e again ] || { touch again; exec sleep 60; }"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes', settle: passed, evidence: looked"))
    return desk


def killed(desk: Desk, text: str) -> int:
    """Kill a walk while its command runs; the pid of the command, which lives."""
    desk.write("book.yaml", text)
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--answers", "answers.yaml")
    wait_for((desk.root / "again").exists, "the command does not begin")
    process.signal(signal.SIGKILL)
    process.ended()
    return int((desk.root / "pid").read_text())


def test_c2_a_change_that_outlives_its_walk_is_named_with_its_process(desk: Desk) -> None:
    pid = killed(desk, book(change("one", then="done", before=LONG)))
    try:
        assert f"may still be running: process {pid} on " in desk.do("status", "r1").out
        done = desk.do("resume", "r1", "--answers", "answers.yaml")
        said = f"the walk was interrupted while it ran; its command may still be running: process {pid} on "
        assert said in done.err
        assert said in str(desk.told("step.unknown")[0]["reason"])
    finally:
        stop(pid)
    assert done.status == 0
    assert desk.verify() == 0


def test_c2_status_says_what_was_begun_and_who_walks(desk: Desk) -> None:
    pid = killed(desk, book(change("one", then="done", before=LONG)))
    stop(pid)
    assert "changed     one (maybe, begun and not seen to end)" in desk.do("status", "r1").out
    going = desk.start("resume", "r1")  # it pauses, but for a moment it walks
    going.ended()
    assert '"operator": ""' not in (desk.run().path / "writer.json").read_text()


def test_c2_a_read_that_outlives_its_walk_is_named_before_it_is_run_again(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    pid = killed(desk, book(read("look", "sh", "-c", LONG, then="done")))
    try:
        assert desk.do("resume", "r1").status == 0
    finally:
        stop(pid)
    assert f"process {pid} on " in str(desk.told("step.cancelled")[0]["reason"])


def test_c2_a_change_that_ended_with_its_walk_is_said_to_have_left_no_process(desk: Desk) -> None:
    stop(killed(desk, book(change("one", then="done", before=LONG))))
    desk.settled()
    desk.do("resume", "r1", "--answers", "answers.yaml")
    assert re.search("no process of its command is found on .", str(desk.told("step.unknown")[0]["reason"]))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "kind: ssh\nhost: web1.example.com\nargv: [sleep, '60']",
            "; its command may still be running on the other machine, which cannot be seen from here",
        ),
        ("kind: http\nurl: https://example.com/\nmethod: POST", ""),
    ],
)
def test_c2_what_runs_elsewhere_is_not_looked_for_here(kind: str, said: str, desk: Desk) -> None:
    text = f"id: far\ntitle: Far\n{kind}\neffect: change\nundo: none\nbecause: a test\nnext: done\n"
    loaded = load(str(desk.write("book.yaml", book(text, end=GOOD))), KINDS)
    assert loaded.runbook is not None, loaded.diagnostics
    assert still_running(Walk(loaded.runbook, KINDS), "far") == said


def stop(pid: int) -> None:
    """End a command that this test left running."""
    os.kill(pid, signal.SIGKILL)
