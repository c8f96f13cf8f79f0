"""Logs, runs and disks that the tests of this room are made with."""

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from runbook.audit.chain import encode
from runbook.audit.chained import LogFailed
from runbook.audit.disk import RealDisk
from runbook.audit.lock import Holder
from runbook.audit.record import END, NO_RECORD, START, Record
from runbook.audit.store import RunDir, Store
from runbook.audit.writer import LogWriter
from runbook.model.canonical import Json

TS = "2026-11-21T09:00:00.123Z"
BEGIN: Mapping[str, Json] = {"format": "1.0", "run": "r1", "mode": "live", "operator": "ana@example.com"}
STEP: Mapping[str, Json] = {
    "step": "check_health",
    "visit": 1,
    "attempt": 1,
    "outcome": "passed",
    "reason": 'status 200, “ok” 😀 \\ " \u007f',
    "obs": json.dumps({"status": 200, "elapsed_ms": 1.5, "body": {"status": "ok"}}),
    "masked": ["body.token"],
}
Plan = Sequence[tuple[str, Mapping[str, Json]]]


def plan(steps: int, run: str = "r1", *, finished: bool = True) -> Plan:
    """What a log of so many steps says."""
    middle = [("step.finished", {**STEP, "visit": visit + 1}) for visit in range(steps)]
    return [(START, {**BEGIN, "run": run}), *middle, *([(END, {"finish": "resolved"})] if finished else [])]


def records(said: Plan) -> list[Record]:
    """Records that say it, chained, 10 ms apart."""
    made: list[Record] = []
    for seq, (type_, fields) in enumerate(said):
        prev = made[-1].h if made else NO_RECORD
        made.append(encode(seq=seq, prev=prev, ts=TS, mono=seq * 10, type_=type_, fields=fields))
    return made


def log(steps: int = 3, run: str = "r1", *, finished: bool = True) -> bytes:
    """A log of so many steps."""
    return b"".join(record.raw + b"\n" for record in records(plan(steps, run, finished=finished)))


def sealed(front: str | bytes) -> bytes:
    """A line (without LF) whose hash fits, whatever stands before it."""
    data = front.encode() if isinstance(front, str) else front
    return data + b',"h":"' + sha256(data).hexdigest().encode() + b'"}'


def header(seq: int = 0, prev: str = NO_RECORD, type_: str = START, mono: int = 0) -> str:
    """The front of a line, up to its fields."""
    return f'{{"v":1,"seq":{seq},"prev":"{prev}","ts":"{TS}","mono":{mono},"type":"{type_}"'


def me() -> Holder:
    """This process as the holder of a lock."""
    return Holder(pid=os.getpid(), host="bastion.example.com", operator="ana@example.com")


def new_run(root: Path, run_id: str = "r1") -> RunDir:
    """A run's directory without a log, in a store below a directory."""
    return Store(root / "state").prepare().create(run_id)


def written(run: RunDir, steps: int = 3, *, finished: bool = False) -> bytes:
    """Write a log of so many steps with the writer, and return its bytes."""
    with LogWriter.create(run, me()) as writer:
        for number, (type_, fields) in enumerate(plan(steps, run.id, finished=finished)):
            writer.append(type_, fields, ts=TS, mono=number)
        writer.sync()
    return run.log.read_bytes()


def assert_final(writer: LogWriter) -> None:
    """Whatever is asked of the writer now, it refuses, and touches the disk no more."""
    for _ in range(2):
        with pytest.raises(LogFailed) as caught:
            writer.append("warning", {"text": "still there?"}, ts=TS, mono=99)
        assert caught.value.diagnostic.help
        with pytest.raises(LogFailed):
            writer.sync()


class FaultyDisk(RealDisk):
    """A disk on which one call fails: the Nth of all, or the Nth of a name; then it works again, as disks do."""

    def __init__(self, nth: int, error: BaseException, only: str = "") -> None:
        """Raise ``error`` at the Nth call (from 1) of the method ``only``, or of any."""
        self.calls: list[str] = []
        self._nth = nth
        self._error = error
        self._only = only

    def _count(self, name: str) -> None:
        self.calls.append(name)
        counted = [call for call in self.calls if self._only in ("", call)]
        if self._only in ("", name) and len(counted) == self._nth:
            raise self._error

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Count, and open."""
        self._count("open")
        return super().open(path, flags, mode)

    def write(self, fd: int, data: bytes) -> int:
        """Count, and write."""
        self._count("write")
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        """Count, and sync."""
        self._count("fsync")
        super().fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Count, and cut."""
        self._count("truncate")
        super().truncate(fd, size)

    def rename(self, old: Path, new: Path) -> None:
        """Count, and rename."""
        self._count("rename")
        super().rename(old, new)
