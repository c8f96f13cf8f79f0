"""Plain files only: opened without waiting for a pipe or being taken in by a link, made for nobody but ourselves."""

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


def check_plain(path: Path) -> None:
    """Refuse to write over what is no regular file, or has another name too.

    :raises OSError: naming it.
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise OSError(0, f"`{path.name}` is not a regular file of this name alone", str(path))


def new_file(path: Path, *, replace: bool = False) -> BinaryIO:
    """Make a file with mode 0600, whatever the umask is, and open it for writing.

    :param replace: whether a regular file of that name is emptied and taken.
    :raises FileExistsError: if there is something of that name, unless that is to be replaced.
    :raises OSError: if it cannot be made, or a link stands in its place.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    if replace and os.path.lexists(path):
        check_plain(path)
    fd = os.open(path, flags | (os.O_TRUNC if replace else os.O_EXCL), 0o600)
    os.fchmod(fd, 0o600)
    return os.fdopen(fd, "wb")
