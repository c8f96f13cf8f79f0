"""Watching a run from another terminal: live, over a crash and a resume, after the fact; nothing is touched by it."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.drivers.books import END, GOOD, book, change, read
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.terminal.pseudo import Terminal

from runbook.audit.lock import holder_of, writer_of

MAIN = [sys.executable, "-c", "from runbook.cli.main import main; main()"]
HOLD = "while [ ! -e go ]; do sleep 0.02; done"
SPEAKS = "printf 'a \\033]0;owned\\007wide 世界 \\033[31mred\\n'"
SLOW = book(
    read("look", "echo", "seen", then="hold"),
    read("hold", "sh", "-c", f"{SPEAKS}; {HOLD}; echo at-the-end", then="mend"),
    change("mend", then="done"),
)
ANSWERS = answers("step: mend, confirm: 'yes'")
CALM = book("id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n", end=GOOD)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", ANSWERS)
    return desk


def watching(desk: Desk, *argv: str, columns: int = 80, env: Mapping[str, str] | None = None) -> Terminal:
    """A terminal at which a run is watched."""
    return Terminal([*MAIN, "watch", "r1", *argv], columns=columns, env={**desk.env, "TERM": "xterm", **(env or {})})


def started(desk: Desk, text: str, *argv: str) -> None:
    desk.write("book.yaml", text)
    desk.start("run", "book.yaml", "--run-id", "r1", "--operator", "ana@example.com", *argv)
    last = "wait.started" if text is CALM else "step.started"
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == [last], "it does not begin")
    if text is SLOW:
        wait_for(lambda: desk.told("step.started")[-1]["step"] == "hold", "it does not come to the step")


def places(desk: Desk) -> Sequence[tuple[str, int, int]]:
    """Every file of the run, its size and its time."""
    found = [(path, path.stat()) for path in sorted(desk.run().path.rglob("*"))]
    return [(str(path), status.st_size, status.st_mtime_ns) for path, status in found]


def test_a_run_is_followed_to_its_end_with_its_output_and_where_it_stands(desk: Desk) -> None:
    started(desk, SLOW, "--answers", "answers.yaml")
    with watching(desk) as terminal:
        terminal.expect("run r1 · A runbook to be tested", "walked by ana@example.com", "look passed", "hold started")
        terminal.expect("│ a ␛]0;owned␇wide 世界 red", "hold: runs")
        assert desk.do("note", "r1", "the disk is full", "--operator", "cem@example.com").status == 0
        terminal.expect("note by cem@example.com: the disk is full")
        (desk.root / "go").touch()
        terminal.expect("│ at-the-end", "hold passed", "mend the operator is asked to confirm it", "confirmed by ana")
        terminal.expect("mend passed", "the run is over: resolved")
        assert terminal.end() == 0
        assert terminal.text.splitlines()[-1].endswith("ms") or "over: resolved" in terminal.text
        assert "owned\x07" not in terminal.raw
        assert "│ seen" not in terminal.text  # what was over before is told in lines


def test_the_option_that_was_taken_is_named_in_progress_and_by_whoever_looks_on(desk: Desk) -> None:
    options = '[{id: good, label: It "is" well, otherwise: true}, {id: bad, label: It is down, when: "1 > 2"}]'
    machine = f"id: seen\ntitle: What does it see?\nkind: choice\noptions: {options}\nnext: way\n"
    options = "[{id: old, label: An old one}, {id: new, label: 'A new one, of ${{ run.operator }}'}]"
    person = f"id: way\ntitle: Which one?\nkind: choice\noptions: {options}\nnext: done\n"
    paused = desk.walk(book(machine, person, end=GOOD), "--operator", "ana@example.com")
    assert 'seen passed · chosen good: It "is" well' in paused.text
    desk.write("chosen.yaml", answers("step: way, choose: new"))
    resumed = desk.do("resume", "r1", "--answers", "chosen.yaml", "--operator", "ana@example.com")
    seen = desk.do("watch", "r1")
    for text in (resumed.text, seen.text):
        assert "way passed · chosen new: A new one, of ana@example.com" in text


def test_ctrl_c_leaves_at_once_and_does_nothing_to_the_run(desk: Desk) -> None:
    started(desk, SLOW, "--answers", "answers.yaml")
    with watching(desk) as terminal:
        terminal.expect("hold: runs")
        os.kill(terminal.process.pid, signal.SIGINT)
        assert terminal.end(3) == 130
        assert "hold: runs" not in terminal.text  # the bottom row is gone
    (desk.root / "go").touch()
    wait_for(lambda: desk.types()[-1:] == ["run.finished"], "the run does not go on")
    assert desk.types().count("operator.acted") == 0


def test_nothing_is_written_or_locked_by_a_watch_and_what_is_over_is_shown_at_once(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(SLOW, "--answers", "answers.yaml").status == 0
    before = places(desk)
    done = desk.do("watch", "r1")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "run r1 · A runbook to be tested"
    assert lines[-1][9:].startswith("the run is over: resolved, after ")
    assert "\x1b" not in done.out
    assert places(desk) == before


@pytest.mark.parametrize("finish", ["failed", "aborted"])
def test_the_status_is_the_one_of_the_walk(finish: str, desk: Desk) -> None:
    text = book(read("look", "false" if finish == "failed" else "true"), end=END) if finish == "failed" else CALM
    if finish == "failed":
        desk.walk(book(read("look", "false", then="done"), end=END))
    else:
        started(desk, text)
        assert desk.do("watch", "r1", "--once").status == 3
        assert desk.do("abort", "r1", "--reason", "enough").status == 0
    assert desk.do("watch", "r1").status == 1


@pytest.mark.reliability
def test_k4_a_walk_that_is_killed_is_said_and_the_watch_goes_on_with_whoever_goes_on(desk: Desk) -> None:
    started(desk, SLOW, "--answers", "answers.yaml")
    holder = holder_of(desk.run())
    assert holder is not None
    assert writer_of(desk.run()) == holder
    with watching(desk) as terminal:
        terminal.expect("hold: runs")
        os.kill(holder.pid, signal.SIGKILL)
        terminal.expect("Nobody walks this run", "go on: runbook resume r1", "NOBODY WALKS IT")
        assert writer_of(desk.run()) is None
        (desk.root / "go").touch()
        with desk.run().log.open("ab") as log:
            log.write(b'{"v":1,"seq":')  # what the crash left
        again = desk.start("resume", "r1", "--operator", "ben@example.com", "--answers", "answers.yaml")
        terminal.expect("taken over by ben@example.com", "the run goes on", "a crash had left", "over: resolved")
        assert terminal.end() == 0
    assert again.ended().status == 0
    assert desk.verify() == 0


def test_over_a_pause_it_stays_and_once_it_leaves_with_3(desk: Desk) -> None:
    assert desk.walk(SLOW.replace(HOLD, "true"), "--operator", "ana@example.com").status == 3
    once = desk.do("watch", "r1", "--once")
    assert once.status == 3
    assert "the run is paused by ana@example.com" in once.out
    with watching(desk) as terminal:
        terminal.expect("PAUSED", "mend: waits for ana@example.com to confirm it")
        assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
        terminal.expect("the run goes on", "over: resolved")
        assert terminal.end() == 0


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_on_a_plain_terminal_it_is_said_once_where_the_run_stands(env: Mapping[str, str], desk: Desk) -> None:
    started(desk, CALM)
    with watching(desk, env=env) as terminal:
        terminal.expect("calm waits 1 h", "calm: waits for" if "TERM" in env else "left · calm: waits")
        if "TERM" in env:
            assert "\x1b" not in terminal.raw
            assert terminal.text.count("now: calm") == 1
        else:
            assert "\x1b[3" not in terminal.raw
        assert desk.do("abort", "r1", "--reason", "enough").status == 0
        assert terminal.end() == 1


def test_at_40_columns_nothing_is_wider_and_after_a_resize_it_goes_on(desk: Desk) -> None:
    started(desk, SLOW, "--answers", "answers.yaml")
    with watching(desk, columns=40) as terminal:
        terminal.expect("hold: runs")
        terminal.resize(60, 20)
        terminal.expect("hold: runs")
        (desk.root / "go").touch()
        assert terminal.end() == 0
        assert all(len(line) <= 60 for line in terminal.text.splitlines())


def test_whoever_reads_from_a_pipe_gets_lines_as_they_come_and_may_go_away(desk: Desk) -> None:
    started(desk, SLOW, "--answers", "answers.yaml")
    script = f"{sys.executable} -c 'from runbook.cli.main import main; main()' watch r1"
    with Terminal(["sh", "-c", f"{script} | head -n 4; echo over"], env=desk.env) as terminal:
        terminal.expect("look entered", "over")
        assert terminal.end() == 0
    (desk.root / "go").touch()
    wait_for(lambda: desk.types()[-1:] == ["run.finished"], "the run does not go on")


@pytest.mark.reliability
def test_a3_a_log_that_is_changed_under_the_eyes_of_who_watches_is_said_and_ends_the_watch(desk: Desk) -> None:
    started(desk, CALM)
    with watching(desk) as terminal:
        terminal.expect("calm: waits")
        with desk.run().log.open("ab") as log:
            log.write(desk.run().log.read_bytes().splitlines(keepends=True)[1])
        terminal.expect("error[RB506]", "here stands record 1")
        assert terminal.end() == 1
