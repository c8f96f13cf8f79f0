"""Says in words why a program could not be started, each cause in its own, with one act that helps."""

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from runbook.model.io import NotSent

_SYSTEM = {
    errno.E2BIG: (
        "the arguments and the environment of `{program}` are too long for the system",
        "hand long values over through `stdin` or `files`",
    ),
    errno.EAGAIN: (
        "`{program}` was not started: the system allows no further process now",
        "look at the limits of this user (`ulimit -u`) and of the machine, then retry",
    ),
    errno.ENOMEM: ("`{program}` was not started: the system is out of memory", "free memory, then retry"),
    errno.EMFILE: ("`{program}` was not started: too many open files", "raise `ulimit -n`, then retry"),
    errno.ENFILE: ("`{program}` was not started: too many open files", "close some on this machine, then retry"),
    errno.ETXTBSY: ("`{program}` is being written by another process", "wait until it is written, then retry"),
    errno.ENOEXEC: (
        "`{program}` is no program that this system can run",
        "if it is a script, give it a first line such as `#!/bin/sh`; else install the build for this machine",
    ),
    errno.ELOOP: ("`{program}` is a symbolic link that leads back to itself", "mend the link"),
    errno.ENAMETOOLONG: ("the name of the program is too long", "look at the first element of `argv`"),
}


def explained(error: OSError | ValueError, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> NotSent:
    """What a failed start says to the person at the keyboard.

    :param error: what :class:`subprocess.Popen` raised.
    """
    if isinstance(error, ValueError):
        return _unwritable(argv, env, cwd) or NotSent(f"`{argv[0]}` could not be started: {error}", "mend the step")
    program = argv[0]
    if not Path(cwd).exists():
        return NotSent(f"the working directory `{cwd}` does not exist", "make it, or mend `cwd`")
    if not Path(cwd).is_dir():
        return NotSent(f"the working directory `{cwd}` is not a directory", "mend `cwd`")
    if not os.access(cwd, os.X_OK):
        return NotSent(f"the working directory `{cwd}` may not be entered", "ask its owner for access, or mend `cwd`")
    if error.errno in _SYSTEM:
        reason, help_ = _SYSTEM[error.errno]
        return NotSent(reason.format(program=program), help_)
    place = Path(cwd, program) if "/" in program else None
    if place is None:
        if error.errno == errno.ENOENT and shutil.which(program, path=env.get("PATH", os.defpath)) is None:
            return NotSent(f"the command `{program}` was not found", f"install `{program}`, or look at PATH")
        found = shutil.which(program, mode=os.F_OK, path=env.get("PATH", os.defpath))
        place = Path(cwd, found) if found else Path(cwd, program)
    if place.is_dir():
        return NotSent(f"`{program}` is a directory", "name the program in it")
    if not place.exists():
        return NotSent(f"the program `{program}` does not exist", "mend the path, which is seen from `cwd`")
    if error.errno == errno.ENOENT:
        return NotSent(f"the interpreter in the first line of `{program}` does not exist", "install it, or mend `#!`")
    if error.errno == errno.EACCES:
        return NotSent(f"`{program}` may not be executed", f"chmod +x {place}, or look at the mount's `noexec`")
    return NotSent(f"`{program}` could not be started: {os.strerror(error.errno or 0)}", "see the reason")


def _unwritable(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> NotSent | None:
    """What no program can be given: a NUL, or a character that has no bytes."""
    places = [(f"argument {number} of `{argv[0]}`", value) for number, value in enumerate(argv)]
    places += [(f"the environment variable `{name}`", name + value) for name, value in env.items()]
    for place, text in [*places, ("the working directory", cwd)]:
        if "\0" in text:
            return NotSent(f"{place} holds a NUL, which no program can be given", "take the NUL out of the value")
        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            return NotSent(f"{place} holds half a character (a lone surrogate)", "mend the value")
    for name in env:
        if not name or "=" in name:
            return NotSent(f"`{name}` is no name of an environment variable", "take the `=` out of the name")
    return None
