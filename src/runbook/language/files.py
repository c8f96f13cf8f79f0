"""Reads a file's bytes, once and whole, and says why where it cannot."""

import errno
import os
import stat

from runbook.model.diagnostics import Code, Diagnostic, Refused

MISSING = Code(
    number="RB100",
    title="no such file",
    why="There is nothing under the path that was given, as seen from the directory in which the command was started.",
)
NO_FILE = Code(
    number="RB101",
    title="not a file",
    why="A runbook is a regular file, so that it can be read whole and its digest be taken. A directory, a device or a "
    "pipe is none. `runbook check` takes a directory too, and looks at all that is below it.",
)
CLOSED = Code(
    number="RB102",
    title="file that cannot be read",
    why="The file is there, and the system does not let it be read: by its permissions, or because the disk fails.",
)
TOO_LARGE = Code(
    number="RB104",
    title="file too large",
    why="Two megabytes are thousands of steps. A larger file is no runbook but a mistake or an attack, and reading "
    "it would take time that nobody has.",
)
LARGEST = 2_000_000
"""How many bytes a file may have."""


def content(file: str) -> bytes:
    """The bytes of a file; of one that is too large, enough of them to see that it is.

    :raises Refused: if there is no such file, or it cannot be read.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # or a pipe nobody writes would hang
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise Refused(_no_file(file, mode))
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                return opened.read(LARGEST + 1)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise Refused(Diagnostic(code=MISSING, message="there is no such file", file=file, help=_other(file))) from None
    except OSError as error:
        raise Refused(_closed(file, error)) from None


def too_large(file: str) -> Diagnostic:
    """What is said of a file with more than ``LARGEST`` bytes."""
    message = f"the file has more than {LARGEST:,} bytes"
    return Diagnostic(
        code=TOO_LARGE, message=message, file=file, help="keep large data in files of its own, which steps name"
    )


def _other(file: str) -> str:
    """What to do about a path that leads nowhere."""
    from pathlib import Path  # only where something is wrong

    from runbook.language.near import nearest

    where = Path(file).parent
    try:
        names = {
            Path(entry.name).stem: entry.name for entry in os.scandir(where) if entry.name.endswith((".yaml", ".yml"))
        }
    except (OSError, ValueError):
        return f"check the path: there is no directory `{where}` either"
    close = nearest(Path(file).stem, names)
    return f"did you mean `{where / names[close]}`?" if close else "check the path"


def _no_file(file: str, mode: int) -> Diagnostic:
    if stat.S_ISDIR(mode):
        message, advice = "this is a directory", "name a file in it; `runbook check` takes directories too"
    else:
        message, advice = "this is no regular file", "write its content into a file and name that"
    return Diagnostic(code=NO_FILE, message=message, file=file, help=advice)


def _closed(file: str, error: OSError) -> Diagnostic:
    if error.errno in (errno.EACCES, errno.EPERM):
        message, advice = "you are not permitted to read this file", f"`ls -l {file}` shows who is; let them permit it"
    else:
        reason = (error.strerror or "it fails").lower()
        message, advice = f"the file cannot be read: {reason}", "check the disk and the path, then try again"
    return Diagnostic(code=CLOSED, message=message, file=file, help=advice)
