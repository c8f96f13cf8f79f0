"""A run's directory or a state directory that somebody damaged: every command says so, and none makes it worse."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers

pytestmark = pytest.mark.reliability
BOOK = book(read("look", then="one"), change("one", then="done"))
COMMANDS = {
    "runs": ["runs"],
    "status": ["status", "r1"],
    "verify": ["verify", "r1"],
    "note": ["note", "r1", "hello"],
    "resume": ["resume", "r1"],
    "answers": ["resume", "r1", "--answers", "answers.yaml"],
    "abort": ["abort", "r1", "--reason", "enough"],
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a run that is paused."""
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    assert desk.walk(BOOK).status == 3
    return desk


def assert_said(done: Done, *, statuses: set[int]) -> None:
    """The command ends with one of these statuses and, where it refuses, with a code and one thing to do."""
    assert done.status in statuses, done
    if done.status == 2:
        assert done.err.startswith("error[RB"), done
        assert "= help: " in done.err, done


def replaced_by_directory(log: Path) -> None:
    log.unlink()
    log.mkdir()


def replaced_by_fifo(log: Path) -> None:
    log.unlink()
    os.mkfifo(log)


def replaced_by_link(log: Path) -> None:
    log.rename(log.with_name("elsewhere"))
    log.symlink_to("elsewhere")


LOGS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    # what is done to the log, the status of verify, the state in the list of runs
    "missing": (Path.unlink, 7, "never began"),
    "empty": (lambda log: log.write_bytes(b""), 7, "never began"),
    "begun": (lambda log: log.write_bytes(log.read_bytes()[:100]), 4, "never began"),
    "directory": (replaced_by_directory, 7, "unreadable"),
    "fifo": (replaced_by_fifo, 7, "unreadable"),
    "link": (replaced_by_link, 3, "unreadable"),
    "garbage": (lambda log: log.write_bytes(b"\0\xff" * 300 + b"\n"), 1, "damaged"),
    "altered": (lambda log: log.write_bytes(log.read_bytes().replace(b'"live"', b'"love"')), 1, "paused"),
    "middle": (lambda log: log.write_bytes(log.read_bytes().replace(b'"passed"', b'"failed"')), 1, "paused"),
}


@pytest.mark.parametrize("name", LOGS)
def test_c4_a_run_whose_log_is_damaged_is_not_gone_on_with_and_never_looks_clean(name: str, desk: Desk) -> None:
    damage, verdict, state = LOGS[name]
    damage(desk.run().log)
    before = desk.every_byte()
    listed = desk.do("runs")
    assert listed.status == 0
    assert state in listed.out
    assert desk.verify() == verdict
    status = desk.do("status", "r1")
    assert status.status == (1 if verdict == 1 or (state == "unreadable" and verdict == 7) else 0)
    assert ("PROBLEM" in status.out) == (status.status == 1)
    assert not (status.status == 1 and "runbook resume" in status.out)
    for command in ("note", "resume", "answers", "abort"):
        assert_said(desk.do(*COMMANDS[command]), statuses={2})
    assert desk.every_byte().replace(b"writer.json", b"") == before.replace(b"writer.json", b"")


def snapshot(desk: Desk) -> Path:
    return next((desk.run().path / "runbook").iterdir())


@pytest.mark.parametrize("damage", ["missing", "edited", "directory"])
def test_i2_a_run_whose_snapshot_is_damaged_is_not_gone_on_with(damage: str, desk: Desk) -> None:
    file = snapshot(desk)
    text = file.read_text()
    file.unlink()
    if damage == "edited":
        file.write_text(text + "# a comment\n")
    elif damage == "directory":
        file.mkdir()
    assert desk.verify() == 6
    assert desk.do("status", "r1").status == 1
    for command in ("note", "resume", "answers", "abort"):
        done = desk.do(*COMMANDS[command])
        assert_said(done, statuses={2})
        assert "RB547" in done.err
    if damage == "directory":
        file.rmdir()
    file.write_text(text)
    assert desk.do(*COMMANDS["answers"]).status == 0


def emptied(path: Path) -> None:
    """Take away whatever stands there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("part", ["inbox", "output", "checkpoints", "requests", "writer.json"])
def test_a_part_of_a_runs_directory_that_is_missing_or_something_else_stops_nothing_unsaid(
    part: str, desk: Desk
) -> None:
    path = desk.run().path / part
    for stands_there in ("nothing", "garbage", "a directory"):
        emptied(path)
        if stands_there == "garbage":
            path.write_bytes(b"\xff{")
        elif stands_there == "a directory":
            path.mkdir()
        for command in ("runs", "status"):
            assert desk.do(*COMMANDS[command]).status == 0
        assert desk.verify() == 3
        for command in ("note", "resume"):
            assert_said(desk.do(*COMMANDS[command]), statuses={0, 2, 3, 74})
    emptied(path)
    if part != "writer.json":
        path.mkdir()
    assert desk.do(*COMMANDS["answers"]).status == 0
    assert desk.verify() == 0


def a_file(state: Path) -> None:
    shutil.rmtree(state)
    state.write_text("")


def runs_a_file(state: Path) -> None:
    shutil.rmtree(state / "runs")
    (state / "runs").write_text("")


def format_a_directory(state: Path) -> None:
    (state / "format").unlink()
    (state / "format").mkdir()


STORES: dict[str, Callable[[Path], object]] = {
    "a file": a_file,
    "runs a file": runs_a_file,
    "format newer": lambda state: (state / "format").write_text("9\n"),
    "format garbage": lambda state: (state / "format").write_bytes(b"\xff\x1b[31m"),
    "format a directory": format_a_directory,
    "gone": shutil.rmtree,
}


@pytest.mark.parametrize("name", STORES)
def test_k5_a_state_directory_that_is_none_is_refused_by_every_command(name: str, desk: Desk) -> None:
    STORES[name](desk.state)
    for command, argv in COMMANDS.items():
        done = desk.do(*argv)
        assert_said(done, statuses={0} if (name, command) == ("gone", "runs") else {2})
        assert "\x1b" not in done.text
    assert not (name == "gone" and desk.state.exists())
    done = desk.do("run", "book.yaml")
    assert_said(done, statuses={3} if name == "gone" else {2})


def test_k5_a_state_directory_that_everybody_can_write_to_is_read_but_never_written_to(desk: Desk) -> None:
    desk.state.chmod(0o777)
    before = desk.every_byte()
    for command in ("runs", "status"):
        assert desk.do(*COMMANDS[command]).status == 0
    for argv in (COMMANDS["note"], COMMANDS["resume"], COMMANDS["abort"], ["run", "book.yaml"]):
        done = desk.do(*argv)
        assert_said(done, statuses={2})
        assert "RB530" in done.err
        assert f"chmod o-w {desk.state}" in " ".join(done.err.split())
    assert desk.every_byte() == before


def test_k5_a_state_directory_of_another_user_is_refused(desk: Desk) -> None:
    if os.geteuid():
        pytest.skip("only root can give a directory away")
    os.chown(desk.state, 12345, -1)
    for argv in (COMMANDS["note"], COMMANDS["resume"], ["run", "book.yaml"]):
        done = desk.do(*argv)
        assert_said(done, statuses={2})
        assert "belongs to user 12345" in done.err
