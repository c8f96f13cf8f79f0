"""Whether somebody sits there, and what their terminal can do.

A person is there when standard input is a terminal and so is standard output, or else standard error: who sends the
output of a walk into a file still walks. Nothing is opened for it: without a terminal of its own a walk asks nobody.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

IN, OUT, ERR = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A terminal: where to read and to write, and what it can do.

    ``plain``: no cursor movement and no colours, one line after the other (``TERM=dumb``), as a screen reader likes it.
    ``colour``: whether colours are wanted (``NO_COLOR``, ``FORCE_COLOR``).
    """

    input: int = IN
    output: int = OUT
    plain: bool = False
    colour: bool = True


def presence(environ: Mapping[str, str]) -> Presence | None:
    """The terminal that somebody sits at; None when nobody can be asked."""
    output = next((fd for fd in (OUT, ERR) if _is_terminal(fd)), None)
    return None if output is None or not _is_terminal(IN) else _at(output, environ)


def shown_to(environ: Mapping[str, str]) -> Presence | None:
    """The terminal that standard output is, whether or not somebody types at it; None where it is none."""
    return _at(OUT, environ) if _is_terminal(OUT) else None


def _at(output: int, environ: Mapping[str, str]) -> Presence:
    plain = environ.get("TERM", "dumb") in {"dumb", "unknown", ""}
    colour = not environ.get("NO_COLOR") and (not plain or bool(environ.get("FORCE_COLOR")))
    return Presence(output=output, plain=plain, colour=colour)


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:  # pragma: no cover - a closed descriptor is no terminal; isatty says so itself on Linux
        return False
