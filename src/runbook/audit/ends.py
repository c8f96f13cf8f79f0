"""The records at the end of a log, read without those before them; the chain is not judged."""

import os
from collections.abc import Iterator

from runbook.audit.chain import parse_line
from runbook.audit.record import ASIDE, Record
from runbook.audit.strict import LINE_CAP, LineError


def ending(fd: int, size: int) -> Iterator[Record | None]:
    """The last whole records of an open log, the last one first, up to one that says where the run stands."""
    end = size
    while end > 0:
        begin = max(0, end - 2 * LINE_CAP)
        piece = os.pread(fd, end - begin, begin)
        stop = piece.rfind(b"\n")
        found = False
        while stop > 0:
            start = piece.rfind(b"\n", 0, stop) + 1
            if start == 0 and begin > 0:
                break  # the beginning of this line is before the piece
            record = record_in(piece[start:stop])
            found = True
            yield record
            if record is None or record.type not in ASIDE:
                return
            stop = start - 1
        if not found:
            return  # a line as long as this is no record
        end = begin + stop + 1 if begin else 0


def record_in(line: bytes) -> Record | None:
    """The record in a line; None where it is none."""
    try:
        return parse_line(line)
    except LineError:
        return None
