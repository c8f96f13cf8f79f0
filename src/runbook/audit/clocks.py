"""What the two clocks of a log say of each other: the wall clock that people set, and the steady one that decides.

`mono` alone decides anything, so a wall clock that jumps makes no log wrong. But whoever reads the times should know.
"""

from collections.abc import Iterator
from datetime import datetime

from runbook.audit.record import Record
from runbook.audit.verdict import Finding, Status
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

CLOCK_MOVED = Code(
    number="RB515",
    title="wall clock that was moved",
    why="Between two records the wall clock moved otherwise than the steady one: it was set, the machine slept, or "
    "somebody changed the times in the log. The order of the records, and every wait, go by the steady clock; times of "
    "day around there may be wrong.",
    severity=Severity.WARNING,
)
JUMP = 5_000
"""Milliseconds by which the two may leave each other before it is said."""
_BACK = 1_000
_SHOWN = 3


class Clocks:
    """Compares the two clocks of one log."""

    def __init__(self, file: str) -> None:
        """Begin; ``file`` is the log."""
        self._file = file
        self._second, self._mono = "", 0
        self._wall: float | None = None
        self._apart = 0.0
        self._jumps: list[tuple[int, float]] = []
        self._count = 0

    def tell(self, line: int, record: Record) -> None:
        """Take the record of a line (from 1)."""
        second = record.ts[:19]
        if second == self._second and record.mono - self._mono < _BACK:
            return  # nothing that is said here can have happened since, and there is little time for each record
        self._second, self._mono = second, record.mono
        try:
            wall = datetime.fromisoformat(record.ts).timestamp() * 1_000
        except ValueError:  # a time that never was, such as the 31st of April
            self._note(line, 0.0)
            return
        apart = wall - record.mono
        if self._wall is None:
            self._apart = apart
        elif not -JUMP <= apart - self._apart <= JUMP or wall < self._wall - _BACK:
            self._note(line, apart - self._apart)
            self._apart = apart
        self._wall = wall

    def findings(self) -> Iterator[Finding]:
        """There are no more records: what is to be said."""
        if not self._jumps:
            return
        shown = ", ".join(
            f"by {jump / 1_000:+.0f} s before record {line - 1}" if jump else f"to no time at record {line - 1}"
            for line, jump in self._jumps
        )
        more = f", and {self._count - _SHOWN:,} times more" if self._count > _SHOWN else ""
        diagnostic = Diagnostic(
            code=CLOCK_MOVED,
            message=f"the wall clock moved against the steady one: {shown}{more}",
            file=self._file,
            span=Span(self._jumps[0][0], 1, self._jumps[0][0], 2),
            help="go by `mono` around there",
        )
        yield Finding(status=Status.VALID, line=self._jumps[0][0], diagnostic=diagnostic)

    def _note(self, line: int, jump: float) -> None:
        self._count += 1
        if self._count <= _SHOWN:
            self._jumps.append((line, jump))
