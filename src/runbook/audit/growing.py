"""A log that grows while it is read: whole lines as they come, and between them whoever reads is asked to wait.

A line that is half written is not handed out, and nothing of it is remembered: it is read again, because the end that a
crash leaves is cut, and written anew, when the run goes on. Nothing is locked and nothing is written. A log that got
shorter than what was read of it, or is no longer the file of its name, raises an error that says so.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runbook.audit.plain_file import open_plain
from runbook.audit.reader import Reading, unreadable
from runbook.model.diagnostics import Refused

_PIECE = 256 * 1024


class Growing:
    """The lines of a log that somebody else writes.

    :param wait: called where nothing new is there; lets some time pass. False: what is there is all that is wanted.
    """

    def __init__(self, fd: int, path: Path, wait: Callable[[], bool]) -> None:
        self._fd = fd
        self._path = path
        self._wait = wait
        self._at = 0
        self._piece = b""
        self._from = 0

    def readline(self, size: int, /) -> bytes:
        """The next whole line, once it is there; at the end of waiting what is there of it.

        :raises OSError: if the log was removed, replaced or cut.
        """
        while True:
            end = self._piece.find(b"\n", self._from) + 1
            if end:
                line = self._piece[self._from : end][:size]
                self._from += len(line)
                self._at += len(line)
                return line
            self._piece, self._from = os.pread(self._fd, _PIECE, self._at), 0
            if b"\n" in self._piece:
                continue
            if len(self._piece) >= size or not self._goes_on():
                rest, self._piece = self._piece[:size], b""
                self._at += len(rest)
                return rest

    def _goes_on(self) -> bool:
        found = os.fstat(self._fd)
        if found.st_size < self._at:
            raise OSError(0, "it got shorter than what was read of it: its end was cut off")
        try:
            named = self._path.lstat()
        except FileNotFoundError:
            raise OSError(0, "it was removed while it was read") from None
        if (named.st_dev, named.st_ino) != (found.st_dev, found.st_ino):
            raise OSError(0, "it was replaced by another file while it was read")
        return self._wait()


@contextmanager
def following(path: Path, wait: Callable[[], bool]) -> Iterator[Reading]:
    """Open a log to read it as it grows; see :class:`Growing`.

    :raises Refused: if it cannot be opened.
    """
    try:
        file = open_plain(path, buffering=0)
    except OSError as error:
        raise Refused(unreadable(str(path), error.strerror or str(error)).diagnostic) from None
    with file:
        yield Reading(Growing(file.fileno(), path, wait), str(path))
