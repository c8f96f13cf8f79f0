"""Which steps were started under which key: what a cooldown looks at, for all runs of a store.

``starts.jsonl`` has a line a start, the latest last; per key only the last one matters, and the others are dropped now
and then. Its first line says how long the file is at least, so that one that was cut is never taken for whole. Whoever
starts a step looks at it and writes its own start in one go, alone and on disk, before ``step.started``. So a start
whose walk was killed in between counts although nothing was done: the file errs on the safe side. It is derived from
the logs and can be made anew from them, which forgets such a start.

How long ago a start was is told by the machine's own clock while it stays switched on, which nobody can set; after that
by the wall clock.
"""

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeAlias

from runbook.audit.alone import alone
from runbook.audit.disk import REAL
from runbook.audit.footing import sync_directory
from runbook.audit.lock import holder_of
from runbook.audit.plain_file import open_plain, shared_file
from runbook.audit.reader import reading
from runbook.audit.record import Record
from runbook.audit.recovery import write_whole
from runbook.audit.store import RunDir, Store, glimpse
from runbook.audit.verdict import Status
from runbook.model.canonical import canonical
from runbook.model.diagnostics import Refused

FILE = "starts.jsonl"
MANY = 1_000
"""Lines from which on those that do not matter any more are dropped."""
_HEAD = re.compile(rb'\{"whole":"([0-9]{12})"\}')
"""The first line: how many bytes of the file are whole, or more; always of the same length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A step that was started: under which key it counts, in which run, by whom, and when (a UTC time)."""

    key: str
    run: str
    runbook: str
    step: str
    operator: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A start that counts. ``ago``: milliseconds since then where the machine's own clock tells, else None."""

    start: Start
    ago: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The clock of this machine: which time it was switched on, and milliseconds since then, asleep or not."""

    boot: str
    up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuilding came to: how many keys, of how many runs, and the runs whose logs are not whole."""

    keys: int
    runs: int
    damaged: tuple[str, ...]


class Damaged(Exception):  # noqa: N818 - named for what the file is
    """The record of starts cannot be trusted; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line(Start):
    """A line of the file."""

    boot: str
    up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """What the log of a run tells of starts. ``place``: which file it was and how many bytes it had before it was read.

    ``live``: it is of no rehearsal. ``whole``: it is no damaged one.
    """

    place: tuple[int, int] | None
    live: bool
    whole: bool
    lines: tuple[_Line, ...]


_Lines: TypeAlias = dict[str, _Line]
_Logs: TypeAlias = Mapping[str, _Log]
_NAMES = tuple(field.name for field in fields(_Line))
_TYPES = (str,) * 7 + (int,)


def this_machine() -> Machine | None:
    """The clock of this machine; None where it has none that runs on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        return None
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return Machine(boot=boot, up=time.clock_gettime_ns(clock) // 1_000_000)
    except (OSError, UnicodeDecodeError):
        return None


class Starts:
    """The record of starts of a store that is prepared.

    :param machine: tells the clock of this machine.
    """

    def __init__(self, store: Store, machine: Callable[[], Machine | None] = this_machine) -> None:
        self._store = store
        self._path = store.root / FILE
        self._machine = machine

    def last(self, key: str) -> Found | None:
        """The last start of a key.

        :raises Damaged: if the file cannot be trusted; OSError if it cannot be read.
        """
        there = self._read()
        if there is None:
            known = self._logs({})
            with alone(self._store.root):
                there = self._there(known)
        line = there[0].get(key)
        return None if line is None else self._found(line)

    def reserve(
        self, start: Start, keys: Collection[str], forbids: Callable[[str, Found], str | None]
    ) -> Mapping[str, str]:
        """Look at the last start of each key and, if none forbids, write down one under each; alone, and on disk.

        :param start: whose ``key`` is each of ``keys`` in turn.
        :param forbids: why a start forbids another one of its key now; None if it does not.
        :returns: the keys that forbid it, with why; nothing is written if there is one.
        :raises Damaged: if the file cannot be trusted; OSError if it cannot be read or written.
        """
        known = {} if self._read() is not None else self._logs({})
        with alone(self._store.root):
            lines, size, count = self._there(known)
            forbidden = {
                key: why for key in keys if key in lines and (why := forbids(key, self._found(lines[key]))) is not None
            }
            if forbidden:
                return forbidden
            machine = self._machine() or Machine(boot="", up=0)
            told = {name: getattr(start, name) for name in _NAMES[1:6]}
            new = {key: _Line(key=key, **told, boot=machine.boot, up=machine.up) for key in keys}
            if not size or (count > MANY and count > 2 * len(lines)):
                self._write(lines | new)
            else:
                self._append(new.values(), size)
            return {}

    def rebuild(self) -> Rebuilt:
        """Make the file anew from the logs of the store.

        What a walk that goes on now has reserved stays, for its ``step.started`` may be still to come.

        :raises OSError: if a log cannot be read or the file not be written; Refused if the store is of another format.
        """
        known = self._logs({})
        with alone(self._store.root):
            return self._rebuild(known)

    def _logs(self, known: _Logs) -> _Logs:
        """What every log of the store tells; one that is as it was is not read again.

        Thousands of logs take seconds, in which others have to go on. So they are read before the store is locked, and
        then, alone, those that have become other ones.
        """
        told: dict[str, _Log] = {}
        for run in self._store.newest():
            place = _place(run)
            before = known.get(run.id)
            told[run.id] = before if before is not None and before.place == place else _told(run, place)
        return told

    def _rebuild(self, known: _Logs) -> Rebuilt:
        """Make the file anew, alone. ``known``: what the logs told a moment ago."""
        logs = {run: log for run, log in self._logs(known).items() if log.live}
        found = sorted((line for log in logs.values() for line in log.lines), key=lambda line: line.ts)
        damaged = tuple(run for run, log in logs.items() if not log.whole)
        lines = {line.key: line for line in found}
        for line in self._reserved():
            lines.pop(line.key, None)  # the latest stands last
            lines[line.key] = line
        self._write(lines)
        return Rebuilt(keys=len(lines), runs=len(logs), damaged=damaged)

    def _reserved(self) -> Iterator[_Line]:
        """The starts in the present file of runs that are walked now."""
        try:
            with open_plain(self._path) as file:
                present = [_parsed(line) for line in file.read().split(b"\n")]
        except OSError:
            return
        walked = {line.run for line in present if line is not None}
        walked = {run for run in walked if holder_of(RunDir(self._store.runs / run)) is not None}
        yield from (line for line in present if line is not None and line.run in walked)

    def _there(self, known: _Logs) -> tuple[_Lines, int, int]:
        """The last start of each key, up to which byte the file is whole, and how many lines it has.

        Where there is none, but there are runs, it was lost, or an earlier version walked them: it is made first, of
        what is known of their logs.
        """
        there = self._read()
        if there is None and self._store.newest(1):
            known = self._logs(known)
            if damaged := [run for run, log in known.items() if not log.whole]:
                raise Damaged(f"the record of starts is lost, and the log of {damaged[0]} is damaged")
            self._rebuild(known)
            there = self._read()
        return there or ({}, 0, 0)

    def _read(self) -> tuple[_Lines, int, int] | None:
        """What the file has; None where there is none, or only that of an earlier version."""
        try:
            with open_plain(self._path) as file:
                data = file.read()
        except FileNotFoundError:
            return None
        # What follows the last LF was never whole, so its step was never started.
        whole = data[: data.rfind(b"\n") + 1]
        first, *texts = whole.split(b"\n")[:-1] or [data]
        if not data or _parsed(first) is not None:
            return None
        head = _HEAD.fullmatch(first)
        if head is not None and len(whole) < int(head[1]):
            raise Damaged(f"{self._path} was cut: it had {int(head[1]):,} bytes, and {len(whole):,} are left")
        lines: _Lines = {}
        for number, text in enumerate([first, *texts], 1):
            line = _parsed(text)
            if line is not None:
                lines[line.key] = line
            elif number > 1 or head is None:
                raise Damaged(f"line {number} of {self._path} is no start")
        return lines, len(whole), len(texts)

    def _found(self, line: _Line) -> Found:
        start = Start(**{name: getattr(line, name) for name in _NAMES[:6]})
        machine = self._machine()
        ago = machine.up - line.up if machine is not None and line.boot == machine.boot else -1
        # A clock that went back although it cannot is that of a container; the wall clock then has to do.
        return Found(start=start, ago=ago if ago >= 0 else None)

    def _append(self, lines: Iterable[_Line], size: int) -> None:
        with shared_file(self._path, os.O_WRONLY) as file:
            fd = file.fileno()
            os.ftruncate(fd, size)
            os.lseek(fd, size, os.SEEK_SET)
            text = _text(lines)
            write_whole(REAL, fd, text)
            REAL.fsync(fd)
            # After a crash it may still say less, which is no harm: the lines are there.
            os.pwrite(fd, _head(size + len(text)), 0)

    def _write(self, lines: _Lines) -> None:
        """Put other lines in the place of all that are there, at once."""
        part = self._store.root / f"{FILE}.part"
        part.unlink(missing_ok=True)
        with shared_file(part, os.O_WRONLY) as file:
            text = _text(lines.values())
            write_whole(REAL, file.fileno(), _head(len(_head(0)) + len(text)) + text)
            REAL.fsync(file.fileno())
        REAL.rename(part, self._path)
        sync_directory(self._store.root)


def _head(whole: int) -> bytes:
    return b'{"whole":"%012d"}\n' % whole


def _text(lines: Iterable[_Line]) -> bytes:
    return b"".join(canonical(asdict(line)).encode("ascii") + b"\n" for line in lines)


def _parsed(text: bytes) -> _Line | None:
    """The start in a line; None if it is anything else."""
    try:
        value = json.loads(text)
        told = [value.pop(name) for name in _NAMES]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if value or any(type(each) is not type_ for each, type_ in zip(told, _TYPES, strict=True)):
        return None
    return _Line(**dict(zip(_NAMES, told, strict=True)))


def _place(run: RunDir) -> tuple[int, int] | None:
    """Which file a log is, and how many bytes it has; it only ever grows."""
    try:
        found = run.log.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size


def _told(run: RunDir, place: tuple[int, int] | None) -> _Log:
    """What a log tells of starts; nothing where it is of a rehearsal."""
    first = glimpse(run).first
    if place is None or place[1] == 0 or (first is not None and first.fields.get("mode") != "live"):
        return _Log(place=place, live=False, whole=True, lines=())
    lines: list[_Line] = []
    try:
        with reading(run.log) as log:
            lines.extend(_started(run, log))
            whole = log.verdict().status not in {Status.TAMPERED, Status.UNREADABLE}
    except (Refused, OSError):
        whole = False
    # Where nothing is whole it was never begun; where something is, and the first record was not to be read, it was.
    return _Log(place=place, live=first is not None or bool(lines) or not whole, whole=whole, lines=tuple(lines))


def _started(run: RunDir, log: Iterable[Record]) -> Iterator[_Line]:
    """Every start under a key that a log tells: the guards of a visit were asked, and then the step started."""
    keys: dict[tuple[object, object], dict[object, str]] = {}
    begun: Mapping[str, object] = {}
    operator = ""
    for record in log:
        told = record.fields
        where = (told.get("step"), told.get("visit"))
        match record.type:
            case "run.started":
                begun, operator = told, str(told.get("operator"))
            case "run.handed_over":
                operator = str(told.get("to"))
            case "guard.checked" if isinstance(key := told.get("key"), str):
                keys.setdefault(where, {})[told.get("guard")] = key
            case "step.started":
                for key in keys.get(where, {}).values():
                    yield _Line(
                        key=key,
                        run=run.id,
                        runbook=str(begun.get("runbook")),
                        step=str(told.get("step")),
                        operator=operator,
                        ts=record.ts,
                        boot="",
                        up=0,
                    )
            case _:
                pass
