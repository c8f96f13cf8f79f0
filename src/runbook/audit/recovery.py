"""What a crash left behind the last whole record: kept aside in ``torn-<n>``, then cut off the log.

Whatever moment this is killed at, doing it again ends the same: the bytes are on disk under their final name before
the log loses them, and a second attempt finds them there instead of keeping them twice.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runbook.audit.disk import Disk
from runbook.audit.plain_file import check_plain, file_mode, open_plain
from runbook.audit.store import RunDir
from runbook.model.canonical import JsonObject

_PIECE = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """Bytes that were kept aside: the name of the file beside the log, how many they are, and their SHA-256."""

    file: str
    size: int
    sha256: str

    def as_json(self) -> JsonObject:
        """As ``run.resumed`` notes it, in its list ``torn``."""
        return {"file": self.file, "size": self.size, "sha256": self.sha256}


def keep_aside_and_cut(disk: Disk, fd: int, run: RunDir, size: int) -> None:
    """Keep everything of an open, locked log from ``size`` on aside, and cut it there.

    :raises OSError: if that fails; the log then still has all its bytes.
    """
    part = run.path / "torn.part"
    digest = _write_out(disk, part, _pieces(fd, size))
    kept = torn_files(run)
    if not kept or kept[-1].sha256 != digest:
        disk.rename(part, run.path / f"torn-{len(kept) + 1}")
        sync_directory(disk, run.path)
    disk.truncate(fd, size)
    disk.fsync(fd)


def torn_files(run: RunDir, noted: Collection[str] = ()) -> tuple[Torn, ...]:
    """What was kept aside in a run, oldest first, but for the files of these names.

    :raises OSError: if one cannot be read, or is no plain file.
    """
    found: list[Torn] = []
    for number in range(1, 1_000_000):
        path = run.path / f"torn-{number}"
        if not os.path.lexists(path):
            break
        if path.name not in noted:
            with open_plain(path) as file:
                digest, size = sha256(), 0
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
            found.append(Torn(file=path.name, size=size, sha256=digest.hexdigest()))
    return tuple(found)


def sync_directory(disk: Disk, path: Path) -> None:
    """Put the names in a directory on disk.

    :raises OSError: if that fails.
    """
    fd = disk.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0)
    try:
        disk.fsync(fd)
    finally:
        os.close(fd)


def write_whole(disk: Disk, fd: int, data: bytes) -> None:
    """Write all of it: a short write is continued and an interrupted one repeated, as write(2) means them.

    :raises OSError: if a write fails or takes nothing.
    """
    while data:
        try:
            taken = disk.write(fd, data)
        except InterruptedError:
            continue
        if taken <= 0:
            raise OSError(0, "the disk takes no more bytes")
        data = data[taken:]


def _pieces(fd: int, offset: int) -> Iterator[bytes]:
    while piece := os.pread(fd, _PIECE, offset):
        yield piece
        offset += len(piece)


def _write_out(disk: Disk, path: Path, pieces: Iterator[bytes]) -> str:
    """Write a file anew and put it on disk; returns its SHA-256.

    :raises OSError: if that fails, or something else than a plain file with this one name stands there.
    """
    digest = sha256()
    if os.path.lexists(path):
        check_plain(path)
    mode = file_mode(path.parent)
    fd = disk.open(path, _NEW, mode)
    try:
        os.fchmod(fd, mode)
        for piece in pieces:
            digest.update(piece)
            write_whole(disk, fd, piece)
        disk.fsync(fd)
    finally:
        os.close(fd)
    return digest.hexdigest()
