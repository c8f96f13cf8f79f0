"""Labels and what belongs to them, in two columns, on a terminal that may be narrow.

Words are wrapped beside their label, and what would steer the terminal is shown by its number. What is there to be
copied is never cut: where there is no room, it has a line of its own below its label, which begins at the margin.
"""

import os
from collections.abc import Iterable, Iterator
from typing import TextIO

from runbook.language.frames import columns, visible

_COPIED = frozenset({"ticket", "head", "log", "report", "verify", "go on", "look closer"})


def rows(pairs: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """The lines for these labels and texts.

    :param stream: where they will be written: a terminal has a width, and nothing else does.
    """
    listed = [(label, visible(text)) for label, text in pairs]
    widest = max((len(label) for label, _ in listed), default=0)
    room = _columns(stream)
    lines = []
    for label, text in listed:
        line = f"  {label:<{widest}}  {text}"
        if room is None or columns(line) <= room:
            lines.append(line)
        elif label in _COPIED:
            lines += [f"  {label}", text]
        else:
            beside = widest + 4
            first, *others = _wrapped(text, max(room - beside, 10))
            lines += [line[:beside] + first, *(" " * beside + other for other in others)]
    return lines


def _wrapped(text: str, room: int) -> Iterator[str]:
    """A text in lines of so many columns, cut between its words, and within a word only where that is too long."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and columns(longer) > room:
            yield line
            longer = word
        line = ""
        for character in longer:
            if columns(line + character) > room:
                yield line
                line = ""
            line += character
    yield line


def _columns(stream: TextIO) -> int | None:
    """How wide the terminal is; None where it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None
