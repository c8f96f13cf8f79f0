"""Reading a log from its beginning, record by record, and judging its chain on the way.

Memory is constant, whatever the file holds. Records are handed out as long as everything up to them is right; the
first thing that is wrong ends the reading, because nothing after it can be trusted to be what it says.
What follows the last LF is what a crash leaves, and no more than that; but nothing may follow ``run.finished``.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from runbook.audit.chain import parse_line
from runbook.audit.plain_file import open_plain
from runbook.audit.record import END, NO_RECORD, START, Record
from runbook.audit.strict import LINE_CAP, NEWER, NOT_A_RECORD, REFORMATTED, LineError
from runbook.audit.verdict import Finding, Status, Verdict
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity, Span

UNREADABLE = Code(
    number="RB500",
    title="unreadable log",
    why="There is nothing to judge: the file is missing, empty, not a file, or may not be read. An empty log is never"
    " a valid one, since even a run that did nothing has a first record.",
)
BROKEN_CHAIN = Code(
    number="RB506",
    title="broken chain",
    why="Each record carries its number and the hash of the one before. Where they do not follow on each other, a"
    " record was removed, inserted, moved, or taken from another log.",
)
BACKWARDS = Code(
    number="RB507",
    title="time that runs backwards",
    why="`mono` counts milliseconds since the run began and never decreases, also across resumes, whatever the wall"
    " clock does. It is the walk's only clock.",
)
BEGINNING = Code(
    number="RB508",
    title="log without its beginning",
    why="The first record of a log is `run.started` of a format that this version knows, at 0 ms: it says which run,"
    " of which runbook, this is. No other record has that type.",
)
AFTER_THE_END = Code(
    number="RB509",
    title="something after the end",
    why="`run.finished` is the last record. Whoever writes after it, even a blank line, did so after the run was over.",
)
TRUNCATED = Code(
    number="RB510",
    title="truncated log",
    why="An anchor or a checkpoint says that the log once had a record which it no longer has: its end was cut off.",
)
OTHER_LOG = Code(
    number="RB511",
    title="not the anchored log",
    why="The log has a record of the anchored number, and it is another one: the log was rewritten, or is of another"
    " run.",
)
NO_END = Code(
    number="RB512",
    title="log without an end",
    why="The chain is whole as far as it goes, and does not end in `run.finished`. The run is still going on, was"
    " paused or interrupted, or its last records were cut off. The log alone cannot tell these apart; an anchor can.",
    severity=Severity.WARNING,
)
TORN = Code(
    number="RB513",
    title="torn tail",
    why="The last line has no end: what a power loss or a full disk leaves behind. Resuming keeps it aside and goes on"
    " from the last whole record.",
    severity=Severity.WARNING,
)
UNSIGNED = Code(
    number="RB514",
    title="unsigned log",
    why="A chain shows that nothing was changed in a log, but whoever owns the file can write all of it anew. Only a"
    " signed checkpoint, or a head that was noted elsewhere (in a ticket), shows that.",
    severity=Severity.WARNING,
)
ONLY_THE_BYTES = "verify the original file, copied byte by byte"
RESTORE = "compare it with a copy from before; what the log says from there on proves nothing"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A record that somebody noted elsewhere: its ``seq`` and its hash."""

    seq: int
    h: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``N:HASH``.

        :raises ValueError: if it is something else.
        """
        if not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", text):
            raise ValueError(
                f"an anchor is the number of a record, a colon and its 64 hexadecimal digits, not `{text}`"
            )
        number, _, h = text.partition(":")
        return cls(int(number), h)


class _Wrong(Exception):  # noqa: N818 - it never leaves this module
    """The first thing that is wrong: what ends a reading."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.diagnostic.message)
        self.finding = finding


class Lines(Protocol):
    """What a log is read from: a file, or one that grows."""

    def readline(self, size: int, /) -> bytes:
        """The next line with its LF, no more than so many bytes of it; nothing at the end."""


class Reading:
    """One pass over a log: iterate over it for its records, then ask for the verdict."""

    def __init__(self, file: Lines, name: str, anchor: Anchor | None = None) -> None:
        """Read from a file that is at its beginning; ``name`` is what diagnostics call it."""
        self._file = file
        self._name = name
        self._anchor = anchor
        self._findings: list[Finding] = []
        self._count = 0
        self._size = 0
        self._torn = 0
        self._last: Record | None = None

    def __iter__(self) -> Iterator[Record]:
        """The records, up to the first thing that is wrong."""
        prev, mono, ended = NO_RECORD, 0, False
        anchored = -1 if self._anchor is None else self._anchor.seq
        readline = self._file.readline
        try:
            while line := readline(LINE_CAP + 1):
                if ended:
                    raise self._after_the_end(line)
                if not line.endswith(b"\n"):
                    raise self._tail(line)
                record = parse_line(line[:-1])
                if record.prev != prev or record.seq != self._count:
                    raise self._unchained(record, prev)
                if record.mono < mono:
                    raise self._wrong(BACKWARDS, f"`mono` is {record.mono}, and was {mono} before", RESTORE)
                if record.type == START or self._count == 0:
                    self._begin(record)
                if self._count == anchored:
                    self._compare_with_anchor(record)
                prev, mono, ended = record.h, record.mono, record.type == END
                self._last = record
                self._count += 1
                self._size += len(line)
                yield record
        except _Wrong as wrong:
            self._findings.append(wrong.finding)
        except LineError as error:
            status = Status.UNREADABLE if error.code is NEWER else Status.TAMPERED
            help_ = {NEWER: "use a newer runbook-walk", REFORMATTED: ONLY_THE_BYTES}.get(error.code, RESTORE)
            self._findings.append(self._wrong(error.code, error.message, help_, status).finding)
        except OSError as error:
            self._findings.append(unreadable(self._name, error.strerror or str(error)))
        self._end()

    def verdict(self) -> Verdict:
        """What the chain is worth; only once the records have been iterated over to their end."""
        return Verdict(
            findings=tuple(self._findings),
            count=self._count,
            head=None if self._last is None else self._last.h,
            size=self._size,
            torn=self._torn,
            finished=self._last is not None and self._last.type == END,
        )

    def _wrong(self, code: Code, message: str, help_: str, status: Status = Status.TAMPERED) -> _Wrong:
        line = self._count + 1
        place = Span(line, 1, line, 2)
        diagnostic = Diagnostic(code=code, message=message, file=self._name, span=place, help=help_)
        return _Wrong(Finding(status=status, diagnostic=diagnostic, line=line))

    def _unchained(self, record: Record, prev: str) -> _Wrong:
        """Why a record does not follow on the one before."""
        if self._count == 0:
            return self._wrong(BEGINNING, f"the log begins with record {record.seq}: the first is missing", RESTORE)
        if record.seq != self._count:
            return self._wrong(
                BROKEN_CHAIN, f"here stands record {record.seq}, where record {self._count} belongs", RESTORE
            )
        return self._wrong(
            BROKEN_CHAIN, f"it follows on {record.prev[:12]}…, and the record before is {prev[:12]}…", RESTORE
        )

    def _compare_with_anchor(self, record: Record) -> None:
        """Look at the record that has the anchor's number."""
        if self._anchor is not None and record.h != self._anchor.h:
            message = f"record {record.seq} is not the anchored one: its hash is {record.h}"
            raise self._wrong(OTHER_LOG, message, "compare the anchor's run with the run of this log")

    def _begin(self, record: Record) -> None:
        """Look at the record that begins a log, or should not begin a second one."""
        if self._count > 0:
            raise self._wrong(BEGINNING, "a second `run.started` stands in it", RESTORE)
        if record.type != START or record.mono != 0:
            raise self._wrong(BEGINNING, f"the log begins with `{record.type}` at {record.mono} ms", RESTORE)
        format_ = record.fields.get("format")
        if isinstance(format_, str) and re.fullmatch(r"[1-9][0-9]{0,8}\.[0-9]{1,9}", format_):
            if not format_.startswith("1."):
                message = f"the log is of format {format_}, and this program knows format 1"
                raise self._wrong(NEWER, message, "use a newer runbook-walk", Status.UNREADABLE)
        else:
            raise self._wrong(BEGINNING, "`run.started` does not say of which format the log is", RESTORE)

    def _after_the_end(self, line: bytes) -> _Wrong:
        """What stands behind ``run.finished``."""
        if not line.strip():
            message = "re-formatted, not byte-identical: a blank line after the end"
            return self._wrong(REFORMATTED, message, ONLY_THE_BYTES)
        return self._wrong(AFTER_THE_END, "something follows `run.finished`", RESTORE)

    def _tail(self, line: bytes) -> _Wrong:
        """What stands behind the last LF, or a line too long for a record; never more than a piece of it is kept."""
        zeros = not line.strip(b"\0")
        length = len(line)
        while length > LINE_CAP and zeros and (more := self._file.readline(1024 * 1024)):
            length += len(more)
            zeros = not more.strip(b"\0")
        if length > LINE_CAP and not zeros:
            return self._wrong(NOT_A_RECORD, f"it is longer than {LINE_CAP:,} bytes", RESTORE)
        self._torn = length
        what = "zeros" if zeros else "the beginning of a record"
        message = f"the last line has no end: {length:,} bytes of {what}"
        return self._wrong(TORN, message, "`runbook resume` keeps them aside and goes on", Status.TORN_TAIL)

    def _end(self) -> None:
        """What is to be said at the end, besides the first thing that is wrong."""
        if self._count == 0 and not self._findings:
            self._findings.append(unreadable(self._name, "it is empty"))
        if any(finding.status in (Status.UNREADABLE, Status.TAMPERED) for finding in self._findings):
            return
        if self._anchor is not None and self._anchor.seq >= self._count:
            message = (
                f"TRUNCATED: the anchor is record {self._anchor.seq}, and the log ends with record {self._count - 1}"
            )
            self._note(TRUNCATED, message, "look for the rest of the log where it was written", Status.TAMPERED)
        if not self._findings and self._last is not None and self._last.type != END:
            self._findings.append(self._unfinished())
        message = "unsigned: its owner could have written all of it anew"
        if self._anchor is not None:
            rest = self._count - 1 - self._anchor.seq
            message = f"unsigned: its owner could have written the {rest} records after the anchor anew"
        if self._anchor is None or self._anchor.seq < self._count - 1:
            help_ = "compare its head with one noted elsewhere: --anchor N:HASH"
            self._note(UNSIGNED, message, help_, Status.VALID, strict=Status.SIGNATURE)

    def _unfinished(self) -> Finding:
        """The finding that a log without ``run.finished`` gets."""
        message = "valid as far as it goes, but the run has no end: cannot tell a crash from a cut without an anchor"
        help_ = "compare with a head noted elsewhere: --anchor N:HASH"
        if self._anchor is not None:
            message = f"valid as far as it goes, and complete up to record {self._anchor.seq}, but the run has no end"
            help_ = "`runbook status` says whether it is still going on"
        diagnostic = Diagnostic(code=NO_END, message=message, file=self._name, help=help_)
        return Finding(status=Status.NO_END, diagnostic=diagnostic)

    def _note(self, code: Code, message: str, help_: str, status: Status, strict: Status | None = None) -> None:
        diagnostic = Diagnostic(code=code, message=message, file=self._name, help=help_)
        self._findings.append(Finding(status=status, diagnostic=diagnostic, strict=strict))


def unreadable(name: str, why: str) -> Finding:
    """The finding that there is nothing to judge."""
    message = f"the log cannot be read: {why[:1].lower()}{why[1:]}"
    diagnostic = Diagnostic(code=UNREADABLE, message=message, file=name, help="name the audit.jsonl of a run")
    return Finding(status=Status.UNREADABLE, diagnostic=diagnostic)


@contextmanager
def reading(path: str | os.PathLike[str], anchor: Anchor | None = None) -> Iterator[Reading]:
    """Open a log to read it; only a regular file is one, whatever a link leads to.

    :raises Refused: if it cannot be opened; its diagnostic is that of :func:`unreadable`.
    """
    name = os.fspath(path)
    try:
        file = open_plain(name, follow=True, buffering=1024 * 1024)
    except OSError as error:
        raise Refused(unreadable(name, error.strerror or str(error)).diagnostic) from None
    with file:
        yield Reading(file, name, anchor)


def judge(path: str | os.PathLike[str], anchor: Anchor | None = None) -> Verdict:
    """Judge the chain of the log in a file; whatever is wrong is in the verdict."""
    try:
        with reading(path, anchor) as log:
            for _ in log:
                pass
            return log.verdict()
    except Refused as refused:
        findings = tuple(Finding(status=Status.UNREADABLE, diagnostic=each) for each in refused.diagnostics)
        return Verdict(findings=findings, count=0, head=None, size=0, torn=0, finished=False)
