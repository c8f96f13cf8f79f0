"""What a crash leaves behind, and going on after it."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.audit.logs import TS, FaultyDisk, me, new_run, written

from runbook.audit.chained import LogFailed
from runbook.audit.reader import judge, reading
from runbook.audit.record import Record
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status
from runbook.audit.writer import LogWriter
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability
TAILS = {
    "1 zero": b"\0",
    "4096 zeros": b"\0" * 4096,
    "100,000 zeros": b"\0" * 100_000,
    "garbage": bytes(range(1, 10)) + b"\xff\xfe{}",
    "half a record": b'{"v":1,"seq":4,"prev":"ab',
    "half a record and zeros": b'{"v":1,"seq":4,' + b"\0" * 300,
    "a whole record but for its LF": b"",
}


def tail_of(name: str, log: bytes) -> bytes:
    return TAILS[name] or log.splitlines()[-1]


@pytest.mark.parametrize("name", TAILS)
def test_c3_a_torn_tail_is_kept_aside_cut_and_told(name: str, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run)
    tail = tail_of(name, good)
    run.log.write_bytes(good + tail)
    assert judge(run.log).status is Status.TORN_TAIL
    seen: list[Record] = []
    reopened = LogWriter.reopen(run, me(), seen.append)
    assert run.log.read_bytes() == good
    assert [record.seq for record in seen] == list(range(4))
    (torn,) = reopened.torn
    assert (run.path / torn.file).read_bytes() == tail
    assert torn.as_json()["size"] == len(tail)
    with reopened.writer as writer:
        writer.append("run.resumed", {"torn": [torn.as_json()]}, ts=TS, mono=writer.mono)
        writer.append("run.finished", {"finish": "resolved"}, ts=TS, mono=writer.mono)
        writer.sync()
    assert judge(run.log).status is Status.VALID


@pytest.mark.parametrize("size", [1, 2, 71, 72, 73, 4095, 4096])
def test_c3_zeros_of_any_number_are_a_torn_tail(size: int, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run)
    run.log.write_bytes(good + b"\0" * size)
    assert judge(run.log).status is Status.TORN_TAIL
    assert judge(run.log).torn == size


def test_c3_zeros_of_every_number_up_to_a_page_are_a_torn_tail(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run, 0)
    for size in range(1, 4_097):
        run.log.write_bytes(good + b"\0" * size)
        verdict = judge(run.log)
        assert (verdict.status, verdict.torn) == (Status.TORN_TAIL, size)


def test_c3_what_was_kept_aside_is_told_until_it_is_noted_and_then_no_more(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run)
    run.log.write_bytes(good + b"first")
    LogWriter.reopen(run, me()).writer.close()  # killed before it could note anything
    with run.log.open("ab") as file:
        file.write(b"second")
    reopened = LogWriter.reopen(run, me())
    assert [(torn.file, torn.size) for torn in reopened.torn] == [("torn-1", 5), ("torn-2", 6)]
    with reopened.writer as writer:
        writer.append("run.resumed", {"torn": [torn.as_json() for torn in reopened.torn]}, ts=TS, mono=writer.mono)
    again = LogWriter.reopen(run, me())
    assert again.torn == ()
    again.writer.close()


@pytest.mark.parametrize("where", [0, 1, 2, 3])
@pytest.mark.parametrize("what", [b"\0\n", b"garbage\n", b"\n", b"\0" * 512 + b"\n", b"{}\n"])
def test_c4_anything_wrong_that_has_a_line_end_is_tampering_and_resuming_is_refused(
    where: int, what: bytes, tmp_path: Path
) -> None:
    run = new_run(tmp_path)
    lines = written(run).splitlines(keepends=True)
    changed = b"".join([*lines[: where + 1], what, *lines[where + 1 :]])
    run.log.write_bytes(changed)
    assert judge(run.log).status is Status.TAMPERED
    with pytest.raises(Refused, match=f"damaged, line {where + 2}"):
        LogWriter.reopen(run, me())
    assert run.log.read_bytes() == changed
    assert not list(run.path.glob("torn*"))


class Killed(BaseException):
    """The process ended here."""


def test_c5_a_recovery_killed_at_any_call_is_done_again_and_ends_the_same(tmp_path: Path) -> None:
    for nth in range(1, 100):
        run = new_run(tmp_path / str(nth))
        good = written(run)
        run.log.write_bytes(good + b"torn tail")
        disk = FaultyDisk(nth, Killed())
        try:
            LogWriter.reopen(run, me(), disk=disk).writer.close()
        except Killed:
            again = LogWriter.reopen(run, me())
            again.writer.close()
            assert run.log.read_bytes() == good
            assert [(torn.file, torn.size) for torn in again.torn] == [("torn-1", 9)]
            assert (run.path / "torn-1").read_bytes() == b"torn tail"
            assert not (run.path / "torn-2").exists()
        else:
            assert nth == len(disk.calls) + 1
            assert set(disk.calls) == {"open", "write", "fsync", "rename", "truncate"}
            return
    raise AssertionError("a recovery has fewer calls than that")


@pytest.mark.parametrize("nth", range(1, 10))
def test_c5_a_recovery_on_a_failing_disk_loses_nothing(nth: int, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run)
    run.log.write_bytes(good + b"torn tail")
    disk = FaultyDisk(nth, OSError(5, "Input/output error"))
    try:
        LogWriter.reopen(run, me(), disk=disk).writer.close()
    except (LogFailed, Refused):
        kept = (run.path / "torn-1").read_bytes() if (run.path / "torn-1").exists() else b""
        assert run.log.read_bytes().removeprefix(good) or kept == b"torn tail"
    LogWriter.reopen(run, me()).writer.close()
    assert run.log.read_bytes() == good
    assert (run.path / "torn-1").read_bytes() == b"torn tail"


WALK = """
import os, sys
from pathlib import Path
from runbook.audit.lock import Holder
from runbook.audit.store import RunDir
from runbook.audit.writer import LogWriter

run, effects = RunDir(Path(sys.argv[1])), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
reopened = LogWriter.reopen(run, Holder(pid=os.getpid(), host="h", operator="ana@example.com"))
writer = reopened.writer
note = {"torn": [torn.as_json() for torn in reopened.torn], "pad": "x" * 9000}
writer.append("run.resumed", note, ts="2026-11-21T09:00:00.123Z", mono=writer.mono)
while True:
    number = writer.count
    for _ in range(3):
        writer.append("warning", {"pad": "y" * 9000}, ts="2026-11-21T09:00:00.123Z", mono=number)
    writer.append("step.started", {"step": "s"}, ts="2026-11-21T09:00:00.123Z", mono=number)
    writer.sync()
    os.write(effects, b".")
    writer.append("step.finished", {"step": "s"}, ts="2026-11-21T09:00:00.123Z", mono=number)
"""


def kill_and_resume(times: int, tmp_path: Path) -> None:
    """Kill a walk with kill -9 at random moments, look, resume, again and again."""
    random_ = random.Random(20261121)
    run, effects = new_run(tmp_path), tmp_path / "effects"
    written(run)
    effects.touch()
    for _ in range(times):
        command = [sys.executable, "-c", WALK, str(run.path), str(effects)]
        with subprocess.Popen(command) as process:
            before = effects.stat().st_size
            while effects.stat().st_size == before:
                assert process.poll() is None
            for _ in range(random_.randrange(20_000)):
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
        verdict = judge(run.log)
        assert verdict.status in (Status.NO_END, Status.TORN_TAIL)
        with reading(run.log) as log:
            intents = sum(record.type == "step.started" for record in log)
        assert effects.stat().st_size <= intents <= effects.stat().st_size + times
    LogWriter.reopen(run, me()).writer.close()


def test_c1_a_log_killed_at_random_can_be_gone_on_with_and_has_every_intent(tmp_path: Path) -> None:
    kill_and_resume(8, tmp_path)


@pytest.mark.full
def test_c1_a_log_killed_a_thousand_times_can_be_gone_on_with_and_has_every_intent(tmp_path: Path) -> None:
    for number in range(20):
        kill_and_resume(50, tmp_path / str(number))


def test_c5_torn_tails_are_kept_in_order_whatever_their_number(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    good = written(run)
    for number in range(12):
        with run.log.open("ab") as file:
            file.write(b"tail %d" % number)
        reopened = LogWriter.reopen(run, me())
        reopened.writer.close()
        assert reopened.torn[-1].file == f"torn-{number + 1}"
    assert run.log.read_bytes() == good


def test_c5_a_link_in_the_place_of_a_torn_file_is_not_written_through(tmp_path: Path) -> None:
    run: RunDir = new_run(tmp_path)
    good = written(run)
    aside = tmp_path / "precious"
    aside.write_bytes(b"precious")
    (run.path / "torn.part").symlink_to(aside)
    run.log.write_bytes(good + b"torn")
    with pytest.raises(LogFailed):
        LogWriter.reopen(run, me())
    assert aside.read_bytes() == b"precious"
    assert run.log.read_bytes() == good + b"torn"
    assert (run.path / "torn.part").is_symlink()


@pytest.mark.parametrize("name", ["torn.part", "torn-1", "writer.json"])
@pytest.mark.parametrize("what", ["a pipe", "a pipe with a reader", "a directory", "a second name"])
def test_c13_what_is_no_plain_file_is_neither_waited_for_nor_written_over(what: str, name: str, tmp_path: Path) -> None:
    run: RunDir = new_run(tmp_path)
    good = written(run)
    path = run.path / name
    path.unlink(missing_ok=True)
    reader = None
    if what == "a directory":
        path.mkdir()
    elif what == "a second name":
        (tmp_path / "precious").write_bytes(b"precious")
        path.hardlink_to(tmp_path / "precious")
    else:
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if what == "a pipe with a reader" else None
    run.log.write_bytes(good + b"torn")
    if (what, name) == ("a second name", "torn-1"):  # it is only read
        LogWriter.reopen(run, me()).writer.close()
    else:
        with pytest.raises(LogFailed) as failed:
            LogWriter.reopen(run, me())
        assert "regular file" in str(failed.value)
        assert reader is None or os.read(reader, 1) == b""
    assert what != "a second name" or path.read_bytes() == b"precious"
    if reader is not None:
        os.close(reader)
