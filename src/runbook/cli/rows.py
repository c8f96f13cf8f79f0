"""Labels and what belongs to them, in two columns; on a terminal that is too narrow for one, the second below it.

What is in the second column is there to be copied: it is never cut or wrapped, and below its label it has a line of its
own that begins at the margin.
"""

import os
from collections.abc import Iterable
from typing import TextIO


def rows(pairs: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """The lines for these labels and texts.

    :param stream: where they will be written: a terminal has a width, and nothing else does.
    """
    listed = list(pairs)
    widest = max((len(label) for label, _ in listed), default=0)
    room = _columns(stream)
    lines = []
    for label, text in listed:
        line = f"  {label:<{widest}}  {text}"
        lines += [line] if room is None or len(line) <= room else [f"  {label}", text]
    return lines


def _columns(stream: TextIO) -> int | None:
    """How wide the terminal is; None where it is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None
