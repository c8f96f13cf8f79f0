"""The outputs of a step in full, masked: one file a stream in the run's ``output/``, and what the log says of it.

A file is named ``<address>#<visit>.<attempt>.<stream>``, ``/`` in the address written ``~`` (and ``.2``, ``.3``… behind
it where an attempt that was killed has left one); a stream without a byte has no file. A file ends at a stated size,
and so does one that the disk refuses: the bytes that follow are counted and part of the digest of the stream, but gone.
No failure here raises: a step is under way, and the log is what must not fail. These files are not fsynced; their
digests in the log show after a power loss which of them are whole.
"""

import contextlib
import os
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

from runbook.audit.disk import REAL, Disk
from runbook.audit.masking import Masker
from runbook.audit.plain_file import file_mode
from runbook.audit.recovery import write_whole
from runbook.audit.store import RunDir
from runbook.model.address import with_visit

CAP = 64 * 1024 * 1024
"""The most bytes of one stream that are kept."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One stream of one attempt, over.

    ``file`` is relative to the run's directory, None if nothing was kept; ``size`` and ``sha256`` are those of the
    file; ``dropped`` counts the bytes behind it, ``stream_sha256`` covers them too; ``masked`` names the secrets that
    stood in it; ``problem`` says why the disk took no more, empty if it did not refuse.
    """

    stream: str
    file: str | None
    size: int
    sha256: str
    dropped: int
    stream_sha256: str
    masked: tuple[str, ...]
    problem: str = ""


def name_of(address: str, visit: int, attempt: int, stream: str) -> str:
    """The name of the file in the run's ``output/`` that a stream of an attempt has, unless that is taken."""
    return f"{with_visit(address, visit, attempt).replace('/', '~')}.{stream}"


class OutputFile:
    """Takes the raw bytes of one stream as they come, keeps them masked, and returns them masked to be shown."""

    def __init__(
        self,
        run: RunDir,
        masker: Masker,
        *,
        address: str,
        visit: int,
        attempt: int,
        stream: str,
        cap: int = CAP,
        disk: Disk = REAL,
    ) -> None:
        """Keep a stream (``stdout``, ``stderr``) of one attempt; nothing is made before its first byte."""
        self._name = name_of(address, visit, attempt, stream)
        self._path = run.output / self._name
        self._stream = stream
        self._mask = masker.stream()
        self._left = cap
        self._disk = disk
        self._fd: int | None = None
        self._size = self._dropped = 0
        self._kept, self._all = sha256(), sha256()
        self._problem = ""

    def feed(self, data: bytes) -> bytes:
        """Take a piece as the program wrote it; returns what may be shown now."""
        return self._keep(self._mask.feed(data))

    def close(self) -> tuple[bytes, Output]:
        """The stream is over: the rest of what may be shown, and what there is to be logged."""
        rest = self._keep(self._mask.flush())
        if self._fd is not None:
            os.close(self._fd)
            if self._size == 0:  # the disk refused its very beginning
                with contextlib.suppress(OSError):
                    self._path.unlink()
        output = Output(
            stream=self._stream,
            file=f"output/{self._path.name}" if self._size else None,
            size=self._size,
            sha256=self._kept.hexdigest(),
            dropped=self._dropped,
            stream_sha256=self._all.hexdigest(),
            masked=self._mask.names,
            problem=self._problem,
        )
        self._left, self._fd = 0, None
        return rest, output

    def _keep(self, data: bytes) -> bytes:
        """Put masked bytes into the file as far as it takes them, count the others; returns them all."""
        self._all.update(data)
        kept = data[: self._left]
        if kept:
            try:
                if self._fd is None:
                    self._fd = self._open()
                write_whole(self._disk, self._fd, kept)
            except OSError as error:
                self._problem = (error.strerror or str(error)).lower()
                self._left, kept = 0, b""
                if self._fd is not None:
                    with contextlib.suppress(OSError):
                        self._disk.truncate(self._fd, self._size)
        self._left -= len(kept)
        self._size += len(kept)
        self._dropped += len(data) - len(kept)
        self._kept.update(kept)
        return data

    def _open(self) -> int:
        """Make the file, under the first name that is free."""
        mode = file_mode(self._path.parent)
        for number in count(2):
            try:
                fd = self._disk.open(self._path, _NEW, mode)
            except FileExistsError:
                self._path = self._path.with_name(f"{self._name}.{number}")
            else:
                os.fchmod(fd, mode)
                return fd
        raise AssertionError("there is always a free name")
