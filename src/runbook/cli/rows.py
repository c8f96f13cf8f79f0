"""Labels and what belongs to them, in two columns, on a terminal that may be narrow.

Words are wrapped beside their label, and what would steer the terminal is shown by its number. What is there to be
copied is never cut: where there is no room, it has a line of its own below its label, which begins at the margin.
"""

from collections.abc import Iterable, Iterator
from typing import TextIO

from runbook.cli.width import width_of
from runbook.language.frames import columns, visible, wrapped

_COPIED = frozenset({"ticket", "head", "log", "report", "verify", "go on", "look closer"})


def rows(pairs: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """The lines for these labels and texts.

    :param stream: where they will be written: a terminal has a width, and nothing else does.
    """
    listed = [(label, visible(text)) for label, text in pairs]
    widest = max((len(label) for label, _ in listed), default=0)
    room = width_of(stream)
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


def folded(text: str, stream: TextIO) -> str:
    """A text in which lines that are too long for the terminal are wrapped between words, a little further in."""
    room = width_of(stream)
    return text if room is None else "\n".join(part for line in text.split("\n") for part in _folded(line, room))


def _folded(line: str, room: int) -> Iterator[str]:
    if columns(line) <= room:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip(" ")))
    first, *others = wrapped(line.lstrip(" "), room - len(indent))
    yield indent + first
    for other in wrapped(" ".join(others), room - len(indent) - 2) if others else ():
        yield f"{indent}  {other}"


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
