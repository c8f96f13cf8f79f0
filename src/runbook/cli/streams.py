"""Our standard streams, made so that nothing about them can stop a walk or hide its result.

Whoever reads our output may leave in the middle of it, its disk may be full, it may be closed from the beginning: the
command does its work to the end all the same, and its status says what came of that work.
"""

import io
import os
import sys
from typing import TextIO


class Stream(io.TextIOWrapper):
    """A standard stream that remembers the first thing that went wrong, and is silent from then on."""

    lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write what can be written."""
        if self.lost is None:
            try:
                return super().write(text)
            except OSError as error:
                self.lost = error
        return len(text)

    def flush(self) -> None:
        """Write out what was kept back."""
        if self.lost is None:
            try:
                super().flush()
            except OSError as error:
                self.lost = error


def prepare() -> tuple[Stream, Stream]:
    """Put such streams in the place of ``sys.stdout`` and ``sys.stderr``, and something in the place of closed ones.

    A file that is opened where a standard stream is missing gets its number, and what is written there by mistake.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stdout, sys.stderr = streams = _stream(sys.stdout, 1), _stream(sys.stderr, 2)
    return streams


def _stream(present: TextIO | None, fd: int) -> Stream:
    if isinstance(present, io.TextIOWrapper):
        present.flush()
        encoding, lines = present.encoding, present.line_buffering
        return Stream(present.buffer, encoding=encoding, errors="backslashreplace", line_buffering=lines)
    raw = open(fd, "wb", closefd=False)  # noqa: SIM115 - for the whole process
    return Stream(raw, encoding="utf-8", errors="backslashreplace", line_buffering=fd == 2)
