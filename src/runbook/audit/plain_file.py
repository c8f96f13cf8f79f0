"""Opening a file to read it, and only if it is one: never waiting for a pipe, never taken in by a link."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: str | os.PathLike[str], *, follow: bool = False, buffering: int = -1) -> BinaryIO:
    """Open a regular file for reading.

    :param follow: whether a symbolic link may lead to it.
    :raises OSError: if there is none, it is something else, or may not be read.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        fd = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except ValueError as error:  # a NUL in the name
        raise OSError(0, str(error)) from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(0, "not a regular file", str(Path(path)))
    return os.fdopen(fd, "rb", buffering=buffering)
