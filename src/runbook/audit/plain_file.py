"""Plain files only: opened without waiting for a pipe or being taken in by a link, made for nobody but ourselves.

A directory with the set-group-id bit is one of a store that a group shares; what is made in it, the group may read.
"""

import errno
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


def is_shared(directory: Path) -> bool:
    """Whether what stands in a directory is for a group to read.

    :raises OSError: if it cannot be looked at.
    """
    return bool(directory.stat().st_mode & stat.S_ISGID)


def file_mode(directory: Path) -> int:
    """The mode of a file that is made in a directory of a store: 0600, and 0640 in a shared one.

    :raises OSError: if it cannot be looked at, or a link stands in its place.
    """
    if directory.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "a link stands in the place of a directory", str(directory))
    return 0o640 if is_shared(directory) else 0o600


def new_file(path: Path, *, replace: bool = False) -> BinaryIO:
    """Make a file with the mode of its directory, whatever the umask is, and open it for writing.

    :param replace: whether a regular file of that name is emptied and taken.
    :raises FileExistsError: if there is something of that name, unless that is to be replaced.
    :raises OSError: if it cannot be made, or a link stands in its place.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    if replace and os.path.lexists(path):
        check_plain(path)
    mode = file_mode(path.parent)
    fd = os.open(path, flags | (os.O_TRUNC if replace else os.O_EXCL), mode)
    os.fchmod(fd, mode)
    return os.fdopen(fd, "wb")


def shared_file(path: Path, flags: int) -> BinaryIO:
    """Open a file that every run of a store writes to, unbuffered; made where there is none, 0600, or 0660 if shared.

    :param flags: those of open(2) that say how.
    :raises OSError: if it cannot be opened or made, or is no plain file.
    """
    flags |= os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    mode = 0o660 if is_shared(path.parent) else 0o600
    fd = os.open(path, flags, mode)
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise OSError(0, "not a regular file", str(path))
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != mode:
        os.fchmod(fd, mode)  # whatever the umask is
    return os.fdopen(fd, "r+b" if flags & os.O_RDWR else "wb", buffering=0)
