"""A signal to an unattended walk: it reaches what runs, the log is whole, the run goes on later, nothing survives."""

import os
import signal
import time
from pathlib import Path
from textwrap import dedent
from typing import Unpack

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, Done, Process, answers, wait_for
from tests.drivers.hatchery import Options

pytestmark = pytest.mark.reliability
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READ = book(read("look", "sh", "-c", "echo $$ >> pids; [ -e again ] || { touch again; exec sleep 60; }", then="done"))
CHANGE = book(change("one", then="done", after="[ -e again ] || { touch again; exec sleep 60; }"))
CALM = book("id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n", end=GOOD)
LATER = book(read("look", "false", then="done", more="retry: {attempts: 2, delay: 1h}\n"))
UNTIL = book(
    "id: until\ntitle: Wait\nkind: wait\nuntil: {kind: command, argv: [sh, -c, 'touch again; sleep 60']}\nevery: 1s\n"
    "timeout: 1h\nnext: done\non_fail: bad\n"
)
"""What is going on when the signal comes, each of them once only."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes', settle: passed, evidence: looked"))
    return desk


def begun(desk: Desk, text: str, *, until: str, **options: Unpack[Options]) -> Process:
    """Start a walk and wait until the last record is of that type, and what it announces has begun."""
    desk.write("book.yaml", text)
    given = ("--answers", "answers.yaml") if "id: one" in text else ()
    process = desk.start("run", "book.yaml", "--run-id", "r1", *given, **options)
    log = desk.run().log
    wait_for(lambda: log.exists() and desk.types()[-1:] == [until], f"{until} does not come")
    if "again" in text:
        wait_for((desk.root / "again").exists, "the command does not begin")
    return process


def assert_stopped(desk: Desk, done: Done, number: signal.Signals, *, since: float) -> None:
    """It ended soon, says how to go on, left no process, and its log is right and durable."""
    assert time.monotonic() - since < 5
    assert done.status == (3 if number is signal.SIGINT else 130)
    assert "runbook resume r1" in done.err
    assert "Traceback" not in done.text
    assert desk.types()[-1] == "run.paused"
    assert desk.verify() == 3
    wait_for(lambda: not desk.stragglers(), "something survives", 2)


@pytest.mark.parametrize("number", ENDING)
def test_g5_during_a_read_it_is_stopped_and_run_again_later(number: signal.Signals, desk: Desk) -> None:
    process = begun(desk, READ, until="step.started")
    since = time.monotonic()
    process.signal(number)
    assert_stopped(desk, process.ended(), number, since=since)
    assert desk.types().count("step.cancelled") == 1
    assert desk.do("resume", "r1").status == 0
    assert [f["attempt"] for f in desk.told("step.started") if f["step"] == "look"] == [1, 2]
    assert desk.verify() == 0


@pytest.mark.parametrize("number", ENDING)
def test_g5_during_a_change_its_outcome_is_unknown_and_asked_about_later(number: signal.Signals, desk: Desk) -> None:
    process = begun(desk, CHANGE, until="step.started")
    since = time.monotonic()
    process.signal(number)
    assert_stopped(desk, process.ended(), number, since=since)
    assert desk.types().count("step.unknown") == 1
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert (desk.effects(), desk.intents()) == (["one"], ["one"])
    assert desk.verify() == 0


@pytest.mark.parametrize("number", ENDING[:2])
@pytest.mark.parametrize(("text", "last"), [(CALM, "wait.started"), (LATER, "step.retrying")], ids=["wait", "retry"])
def test_g5_during_a_wait_it_pauses_at_once_and_goes_on_waiting_later(
    text: str, last: str, number: signal.Signals, desk: Desk
) -> None:
    process = begun(desk, text, until=last)
    since = time.monotonic()
    process.signal(number)
    assert_stopped(desk, process.ended(), number, since=since)
    again = desk.start("resume", "r1")
    wait_for(lambda: desk.types()[-1] == "run.resumed", "it does not go on")
    again.signal(signal.SIGTERM)
    assert again.ended().status == 130
    assert desk.verify() == 3


@pytest.mark.parametrize("number", ENDING[:2])
def test_g5_during_the_look_of_a_wait_the_look_is_stopped(number: signal.Signals, desk: Desk) -> None:
    process = begun(desk, UNTIL, until="step.started")
    since = time.monotonic()
    process.signal(number)
    assert_stopped(desk, process.ended(), number, since=since)


def test_g5_a_command_that_ignores_ctrl_c_is_told_more_plainly_each_time(desk: Desk) -> None:
    deaf = """
        import pathlib, signal, time
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: open("heard", "a").write("x"))
        pathlib.Path("again").touch()
        while True:
            time.sleep(1)
    """
    desk.write("deaf.py", dedent(deaf))
    process = begun(desk, book(read("look", "python3", "deaf.py", then="done"), head="# again\n"), until="step.started")
    heard = desk.root / "heard"
    process.signal(signal.SIGINT)
    wait_for(lambda: heard.exists() and heard.read_text() == "x", "the first Ctrl-C does not reach it")
    process.signal(signal.SIGINT)
    wait_for(lambda: heard.read_text() == "xx" or desk.types()[-1] == "run.paused", "the second does not reach it")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3
    assert [f["do"] for f in desk.told("operator.acted")][:2] == ["interrupt", "interrupt"]
    assert desk.verify() == 3


def test_g5_a_ctrl_c_between_two_steps_pauses_before_the_next_one_starts(desk: Desk) -> None:
    # The first step presses Ctrl-C as its last act, so that nothing runs any more when it is looked at.
    text = book(read("look", "sh", "-c", "kill -INT $PPID", then="one"), change("one", then="done"))
    done = desk.walk(text, "--answers", "answers.yaml")
    assert done.status == 3
    assert desk.intents() == []
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert desk.effects() == ["one"]


def test_g5_a_walk_that_is_stopped_and_continued_goes_on(desk: Desk) -> None:
    process = begun(desk, CALM.replace("1h", "1s"), until="wait.started")
    process.signal(signal.SIGSTOP)
    held = desk.do("resume", "r1")
    assert held.status == 2
    assert f"process {process.pid} " in held.err
    process.signal(signal.SIGCONT)
    assert process.ended().status == 0
    assert desk.verify() == 0


def test_g5_a_walk_that_is_suspended_while_something_runs_goes_on_with_it(desk: Desk) -> None:
    """What runs is in a session of its own and goes on; its end is recorded when the walk is continued."""
    wait = "touch again; while [ ! -e go ]; do sleep 0.02; done; touch over"
    process = begun(
        desk, book(read("look", "sh", "-c", wait, then="one"), change("one", then="done")), until="step.started"
    )
    for number in (signal.SIGTSTP, signal.SIGSTOP):
        process.signal(number)
    (desk.root / "go").touch()
    wait_for((desk.root / "over").exists, "what runs was stopped too")
    assert desk.types()[-1] == "step.started"
    process.signal(signal.SIGCONT)
    assert process.ended().status == 0
    assert desk.types().count("step.finished") == 3
    assert desk.verify() == 0


def test_g5_a_hangup_that_was_ignored_from_the_beginning_stays_ignored(desk: Desk) -> None:
    process = begun(desk, CALM.replace("1h", "1s"), until="wait.started", ignore=(signal.SIGHUP,))
    process.signal(signal.SIGHUP)
    assert process.ended().status == 0


def test_g5_a_ctrl_c_that_was_ignored_from_the_beginning_is_ignored_by_the_walk_and_not_by_its_commands(
    desk: Desk,
) -> None:
    """A walk in the background of a script goes on; what it starts can still be asked to stop."""
    script = "touch again; kill -INT $PPID; kill -INT $$; touch deaf"
    process = begun(
        desk,
        book(read("look", "sh", "-c", script, then="bad", fail="done")),
        until="run.finished",
        ignore=(signal.SIGINT,),
    )
    assert process.ended().status == 0
    assert "SIGINT" in str(desk.told("step.finished")[0]["reason"])
    assert not (desk.root / "deaf").exists()


def test_g5_a_signal_before_the_first_record_leaves_no_half_of_a_run(desk: Desk) -> None:
    for number in range(6):
        process = desk.start("run", "book.yaml", "--run-id", f"r{number}")
        time.sleep(number * 0.01)  # the moment is the point
        os.kill(process.pid, signal.SIGTERM)
        assert process.ended().status in (130, -signal.SIGTERM, 2, 3)
        assert desk.do("status", f"r{number}").status in (0, 2)
