"""A disk that fails under a walk: nothing more is started, the status is 74, what is on disk is right and goes on."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, changes, read
from tests.drivers.desk import Desk, Done, answers, wait_for

pytestmark = pytest.mark.reliability
STEPS = ("one", "two", "three")
WITH = ("--answers", "answers.yaml")
YES = answers(*(f"step: {step}, confirm: 'yes', settle: passed, evidence: looked" for step in STEPS))
HOLD = "touch holding; while [ ! -e go ]; do sleep 0.02; done"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", YES)
    return desk


def assert_stopped(desk: Desk, done: Done, *, began: bool = True) -> None:
    """It stopped before the next effect, says so in one frame, and left a log that is right as far as it goes."""
    desk.settled()
    assert done.status == 74, done
    assert done.err.count("error[RB") == 1
    assert "= help: " in done.err
    if began:
        assert desk.effects() in (desk.intents(), desk.intents()[:-1])
        assert desk.verify() in (3, 4)
    else:
        assert desk.effects() == []


def assert_goes_on(desk: Desk, steps: tuple[str, ...] = STEPS) -> None:
    """With a disk that works again it is walked to its end, and nothing is done twice."""
    assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.verify() == 0
    assert len(desk.effects()) == len(set(desk.effects()))
    assert set(desk.intents()) == set(steps)
    assert len(desk.intents()) == len(steps)


def calls_of(desk: Desk, name: str) -> tuple[int, int]:
    """How often a whole walk calls a function, and how often it has when its log is locked."""
    trace = desk.root / "trace"
    assert desk.walk(changes(STEPS), *WITH, run="counted", trace=str(trace)).status == 0
    calls = trace.read_text().split()
    desk.effects_file.unlink()
    shutil.rmtree(desk.state)
    return calls.count(name), calls[: calls.index("flock")].count(name)


@pytest.mark.parametrize(
    ("call", "error"),
    [("write", errno.ENOSPC), ("write", errno.EIO), ("write", errno.EDQUOT), ("fsync", errno.EIO)],
    ids=["c6-full", "c6-broken", "c6-quota", "c7"],
)
def test_c6_whichever_write_or_fsync_fails_nothing_more_is_started(call: str, error: int, desk: Desk) -> None:
    total, before = calls_of(desk, call)
    step = 5 if error != errno.ENOSPC else 3
    for nth in range(1, total + 1, step):
        done = desk.walk(changes(STEPS), *WITH, fail=(call, nth, error))
        log = desk.run().log
        began = log.exists() and b"\n" in log.read_bytes()
        if nth <= before or (done.status == 2 and not began):  # the second: its lock could not be taken
            assert done.status == 2
            assert "RB533" in done.err
            assert desk.effects() == []
        else:
            assert os.strerror(error).lower() in done.err
            assert_stopped(desk, done, began=began)
            if began and desk.types()[-1] != "run.finished":
                assert_goes_on(desk)
        shutil.rmtree(desk.state)
        desk.effects_file.unlink(missing_ok=True)


def test_c7_a_failed_fsync_is_not_tried_again_though_the_next_would_succeed(desk: Desk) -> None:
    total, before = calls_of(desk, "fsync")
    trace = desk.root / "trace"
    trace.unlink()
    nth = (total + before) // 2
    done = desk.walk(changes(STEPS), *WITH, fail=("fsync", nth, errno.EIO), trace=str(trace))
    assert_stopped(desk, done)
    assert trace.read_text().split().count("fsync") == nth


@pytest.mark.parametrize("size", [1_500, 3_000, 4_500, 6_000])
def test_c8_a_limit_on_the_size_of_files_is_a_full_disk(size: int, desk: Desk) -> None:
    done = desk.walk(changes(STEPS), *WITH, file_size=size)
    assert_stopped(desk, done)
    assert "file too large" in done.err
    assert desk.run().log.stat().st_size <= size
    assert_goes_on(desk)


@pytest.fixture
def small(desk: Desk) -> Iterator[Desk]:
    """A desk whose state directory is on a file system of 64 KiB."""
    if os.geteuid():
        pytest.skip("only root can mount a file system")
    desk.state.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", desk.state], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield desk
    subprocess.run(["umount", "-l", desk.state], check=True)


def test_c8_a_file_system_that_is_really_full_stops_the_walk_and_outputs_are_not_worth_stopping_it(small: Desk) -> None:
    # The output fills the disk; that it could not be kept is in the log, as long as the log itself has room.
    loud = book(
        read("loud", "sh", "-c", "head -c $(cat loudness) /dev/zero | tr '\\\\0' x", then="one"),
        change("one", then="done"),
    )
    desk = small
    desk.write("loudness", "100000")
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    done = desk.walk(loud, *WITH)
    assert done.status in (0, 74), done
    assert desk.verify() in (0, 3, 4)
    assert desk.effects() in (desk.intents(), desk.intents()[:-1])
    filler = desk.state / "filler"
    filled = subprocess.run(
        ["dd", "if=/dev/zero", f"of={filler}", "bs=4k", "count=100"], capture_output=True, check=False
    )
    assert b"No space left" in filled.stderr
    refused = desk.do("run", "book.yaml", "--run-id", "r2", *WITH)
    assert refused.status in (2, 74)
    assert "no space left on device" in refused.err
    filler.unlink()
    if done.status == 74:
        shutil.rmtree(desk.run().output)
        desk.run().output.mkdir(0o700)
        desk.write("loudness", "10")  # a read that was interrupted is run again, and would fill the disk again
        assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.verify() == 0


def test_c8_a_file_system_that_fills_up_in_the_middle_stops_before_the_next_effect(small: Desk) -> None:
    desk = small
    names = [f"s{number}" for number in range(12)]
    fill = {"s1": "head -c 200000 /dev/zero > state/filler || true"}
    then = [*names[1:], "done"]
    desk.write("answers.yaml", answers(*(f"step: {name}, confirm: 'yes', settle: passed" for name in names)))
    steps = [change(name, then=next_, after=fill.get(name, "")) for name, next_ in zip(names, then, strict=True)]
    done = desk.walk(book(*steps), *WITH)
    assert_stopped(desk, done)
    assert "no space left on device" in done.err
    assert len(desk.effects()) < len(names)
    (desk.state / "filler").unlink()
    assert_goes_on(desk, tuple(names))


def removed(run: Path) -> None:
    shutil.rmtree(run)


def moved(run: Path) -> None:
    run.rename(run.with_name("elsewhere"))


def linked(run: Path) -> None:
    run.rename(run.with_name("elsewhere"))
    run.symlink_to("elsewhere")


def log_removed(run: Path) -> None:
    (run / "audit.jsonl").unlink()


def log_copied(run: Path) -> None:
    log = run / "audit.jsonl"
    log.rename(run / "kept")
    shutil.copy(run / "kept", log)


def log_linked(run: Path) -> None:
    log = run / "audit.jsonl"
    log.rename(run / "kept")
    log.symlink_to("kept")


def log_longer(run: Path) -> None:
    with (run / "audit.jsonl").open("ab") as log:
        log.write(b'{"v":1}\n')


def log_shorter(run: Path) -> None:
    log = run / "audit.jsonl"
    os.truncate(log, log.stat().st_size - 100)


def closed(run: Path) -> None:
    run.chmod(0)


def read_only(run: Path) -> None:
    (run / "audit.jsonl").chmod(0o400)


@pytest.mark.parametrize(
    "damage",
    [removed, moved, linked, log_removed, log_copied, log_linked, log_longer, log_shorter, closed, read_only],
    ids=lambda damage: damage.__name__,
)
@pytest.mark.parametrize("where", ["read", "change"])
def test_c9_a_log_that_is_not_where_it_was_is_noticed_before_anything_else_is_started(
    where: str, damage: Callable[[Path], None], desk: Desk
) -> None:
    first = read("look", "sh", "-c", HOLD, then="two") if where == "read" else change("one", then="two", after=HOLD)
    desk.write("book.yaml", book(first, change("two", then="done")))
    names = ("two",) if where == "read" else ("one", "two")
    desk.write("answers.yaml", answers(*(f"step: {name}, confirm: 'yes'" for name in names)))
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for((desk.root / "holding").exists, "it does not begin")
    damage(desk.run().path)
    (desk.root / "go").touch()
    done = process.ended()
    assert done.status == 74, done
    assert "RB523" in done.err
    assert "two" not in desk.effects()


def test_c9_a_file_system_that_is_mounted_read_only_in_the_middle_stops_the_walk(small: Desk) -> None:
    desk = small
    desk.write("book.yaml", book(change("one", then="two", after=HOLD), change("two", then="done")))
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'", "step: two, confirm: 'yes', settle: passed"))
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for((desk.root / "holding").exists, "it does not begin")
    # A file that is open for writing keeps a file system from being mounted read-only; so the disk goes instead.
    remounted = subprocess.run(["mount", "-o", "remount,ro", desk.state], capture_output=True, check=False)
    if remounted.returncode:
        subprocess.run(["umount", "-l", desk.state], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", desk.state], check=True)
    (desk.root / "go").touch()
    assert process.ended().status == 74
    assert desk.effects() == ["one"]


def test_c9_what_runs_when_the_log_is_lost_is_killed(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", "sh", "-c", "touch holding; exec sleep 60", then="done")))
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for((desk.root / "holding").exists, "it does not begin")
    removed(desk.run().path)
    desk.write("book.yaml", "changed: so that there is something to be recorded\n")
    done = process.ended(10)
    assert done.status == 74
    wait_for(lambda: not desk.stragglers(), "what ran is still there", 3)


def test_c14_no_child_has_a_descriptor_of_the_log_or_of_anything_but_its_three_streams(desk: Desk) -> None:
    look = "ls -l /proc/self/fd"
    secret = "secrets: {made: {command: [sh, -c, 'ls -l /proc/self/fd > fds; echo long-enough']}}\n"
    secret = secret.replace("']}", "'], strip: newline}")
    step = read("look", *look.split(), then="done", more="env: {M: '${{ secrets.made }}'}\n")
    assert desk.walk(book(step, head=secret)).status == 0
    seen = str(desk.told("step.finished")[0]["obs"]) + (desk.root / "fds").read_text()
    assert str(desk.state) not in seen
    assert "audit.jsonl" not in seen
    # Three streams each, and the directory that `ls` itself has opened.
    assert seen.count(" -> ") == 8
