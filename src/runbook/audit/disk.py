"""The few system calls that the writer needs, as one small object, so that a test can bring a faulty disk."""

import fcntl
import os
import sys
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """A disk; every method raises OSError as the system call of its name does."""

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Open a file and return its descriptor."""

    def write(self, fd: int, data: bytes) -> int:
        """Write, and return how many bytes were taken."""

    def fsync(self, fd: int) -> None:
        """Return once everything written to a file, or every name in a directory, is on the disk."""

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, at once."""


class RealDisk:
    """The disk of this machine."""

    def open(self, path: Path, flags: int, mode: int) -> int:
        """See open in section 2."""
        return os.open(path, flags, mode)

    def write(self, fd: int, data: bytes) -> int:
        """See write in section 2."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """See fsync in section 2; on macOS, where that does not reach the disk, as ``F_FULLFSYNC`` of fcntl(2)."""
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """See ftruncate in section 2."""
        os.ftruncate(fd, size)

    def rename(self, old: Path, new: Path) -> None:
        """See rename in section 2."""
        old.rename(new)


REAL = RealDisk()
