"""The writer: whatever fails, it stops before the next effect, and says so from then on."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.audit.logs import BEGIN, STEP, TS, FaultyDisk, assert_final, me, new_run, written

from runbook.audit.chain import RecordTooLong
from runbook.audit.chained import LogFailed
from runbook.audit.disk import Disk, RealDisk
from runbook.audit.reader import Anchor, judge
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status
from runbook.audit.writer import LogWriter
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability
EFFECTS = 6
"""How many steps a walk of :func:`walk` takes, each with an effect."""


def walk(writer: LogWriter, effects: list[int]) -> None:
    """Announce a few effects and have them, as a driver does: intent, sync, effect, outcome."""
    writer.append("run.started", BEGIN, ts=TS, mono=0)
    for number in range(EFFECTS):
        writer.append("step.started", {"step": f"s{number}"}, ts=TS, mono=number)
        writer.sync()
        effects.append(number)
        writer.append("step.finished", {**STEP, "step": f"s{number}"}, ts=TS, mono=number)
    writer.append("run.finished", {"finish": "resolved"}, ts=TS, mono=99)
    writer.sync()


def intents(run: RunDir) -> int:
    return run.log.read_bytes().count(b'"type":"step.started"')


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])  # EROFS: a remount, C9
def test_c6_a_failed_write_stops_before_the_next_effect_whichever_it_is(error: int, tmp_path: Path) -> None:
    for nth in range(1, 2 * EFFECTS + 3):
        run = new_run(tmp_path / str(nth))
        disk = FaultyDisk(nth, OSError(error, os.strerror(error)), only="write")
        effects: list[int] = []
        with LogWriter.create(run, me(), disk) as writer:
            with pytest.raises(LogFailed, match=os.strerror(error).lower()):
                walk(writer, effects)
            assert_final(writer)
            assert disk.calls.count("write") == nth
        assert len(effects) <= intents(run) <= len(effects) + 1
        assert judge(run.log).status in (Status.NO_END, Status.TORN_TAIL, Status.UNREADABLE if nth == 1 else 3)


class ShortDisk(RealDisk):
    """A disk that takes a few bytes at a time, is interrupted in between, and fails in the middle if told so."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._interrupted = False

    def write(self, fd: int, data: bytes) -> int:
        """Take at most 7 bytes."""
        self._interrupted = not self._interrupted
        if self._interrupted:
            raise InterruptedError(errno.EINTR, "interrupted")
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= 7
        return super().write(fd, data[:7])


def test_c6_a_short_write_is_continued_and_an_interrupted_one_repeated(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me(), ShortDisk(1_000_000)) as writer:
        walk(writer, [])
    assert judge(run.log).status is Status.VALID


def test_c6_a_write_that_fails_after_a_piece_leaves_a_torn_tail_and_nothing_more(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me(), ShortDisk(900)) as writer:
        with pytest.raises(LogFailed):
            walk(writer, [])
        assert_final(writer)
    assert judge(run.log).status is Status.TORN_TAIL


def test_c7_a_failed_fsync_is_final_though_the_next_would_succeed(tmp_path: Path) -> None:
    for nth in range(1, EFFECTS + 2):
        run = new_run(tmp_path / str(nth))
        disk = FaultyDisk(nth + 2, OSError(errno.EIO, os.strerror(errno.EIO)), only="fsync")  # 2 for directories
        effects: list[int] = []
        with LogWriter.create(run, me(), disk) as writer:
            with pytest.raises(LogFailed, match="input/output error"):
                walk(writer, effects)
            assert_final(writer)
        assert disk.calls.count("fsync") == nth + 2
        assert len(effects) == min(nth - 1, EFFECTS)


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_c6_a_log_that_cannot_even_be_made_is_refused(nth: int, tmp_path: Path) -> None:
    disk = FaultyDisk(nth, OSError(errno.EIO, os.strerror(errno.EIO)))
    with pytest.raises(LogFailed):
        LogWriter.create(new_run(tmp_path), me(), disk)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB that will be full."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(place)]
    if (
        os.geteuid() != 0
        or sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no tmpfs can be mounted here (run as root on Linux)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def walk_until_full(writer: LogWriter) -> int:
    """Announce and have effects for ever; returns how many there were."""
    writer.append("run.started", BEGIN, ts=TS, mono=0)
    for number in range(10_000):
        try:
            writer.append("step.started", {"step": "s", "visit": number}, ts=TS, mono=number)
            writer.sync()
        except LogFailed:
            assert_final(writer)
            return number
    raise AssertionError("the disk was never full")


def test_c8_a_really_full_disk_stops_before_the_next_effect(small_disk: Path) -> None:
    run = new_run(small_disk)
    with LogWriter.create(run, me()) as writer:
        effects = walk_until_full(writer)
    assert effects > 50
    assert effects <= intents(run) <= effects + 1
    assert judge(run.log).status in (Status.NO_END, Status.TORN_TAIL)


def test_c8_a_limit_on_file_sizes_stops_before_the_next_effect(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = LogWriter.create(run, me())
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        effects = walk_until_full(writer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
        writer.close()
    assert effects <= intents(run) <= effects + 1
    assert judge(run.log).status is Status.TORN_TAIL


def test_one_write_a_record_and_one_sync_for_several(tmp_path: Path) -> None:
    disk = FaultyDisk(0, OSError())
    run = new_run(tmp_path)
    with LogWriter.create(run, me(), disk) as writer:
        disk.calls.clear()
        for number in range(3):
            writer.append("run.started" if number == 0 else "warning", BEGIN, ts=TS, mono=0)
        writer.sync()
        writer.sync()
        assert disk.calls == ["write", "write", "write", "fsync"]
        assert writer.count == 3
        assert judge(run.log, Anchor.parse(writer.anchor)).status is Status.NO_END


def test_what_does_not_belong_at_a_place_is_refused_before_it_is_written(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me()) as writer:
        wrong: list[tuple[str, int]] = [("step.started", 0)]
        for type_, mono in wrong:
            with pytest.raises(ValueError, match="cannot follow"):
                writer.append(type_, {}, ts=TS, mono=mono)
        writer.append("run.started", BEGIN, ts=TS, mono=0)
        writer.append("warning", {}, ts=TS, mono=5)
        for type_, mono in (("run.started", 9), ("warning", 4)):
            with pytest.raises(ValueError, match="cannot follow"):
                writer.append(type_, {}, ts=TS, mono=mono)
        with pytest.raises(RecordTooLong):
            writer.append("warning", {"text": "x" * 65_536}, ts=TS, mono=6)
        writer.append("run.finished", {"finish": "resolved"}, ts=TS, mono=6)
        with pytest.raises(ValueError, match="cannot follow"):
            writer.append("warning", {}, ts=TS, mono=7)
    assert judge(run.log).status is Status.VALID
    assert len(run.log.read_bytes().splitlines()) == 3


class Alarm(Exception):  # noqa: N818 - what a signal handler raises
    """It rang."""


def test_a_signal_in_the_middle_of_a_record_is_final_too(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    disk: Disk = FaultyDisk(2, Alarm(), only="write")
    with LogWriter.create(run, me(), disk) as writer:
        writer.append("run.started", BEGIN, ts=TS, mono=0)
        with pytest.raises(Alarm):
            writer.append("warning", {}, ts=TS, mono=0)
        assert_final(writer)


def test_a_run_that_is_over_or_never_began_is_not_reopened(tmp_path: Path) -> None:
    over = new_run(tmp_path, "over")
    written(over, finished=True)
    empty = new_run(tmp_path, "empty")
    LogWriter.create(empty, me()).close()
    torn = new_run(tmp_path, "torn")
    torn.log.write_bytes(b'{"v":1,"seq":0,')
    missing = new_run(tmp_path, "missing")
    for run, words in (
        (over, "the run is over"),
        (empty, "before anything"),
        (torn, "before anything"),
        (missing, "opened"),
    ):
        with pytest.raises(Refused, match=words):
            LogWriter.reopen(run, me())
