"""Lines of a drawn rail in the colours of this terminal, where it has any."""

import os

from runbook.drivers.terminal.presence import shown_to
from runbook.report.text_graph import Line, Tone

_COLOURS = {Tone.UNWALKED: "33"}


def coloured() -> bool:
    """Whether colours are wanted here."""
    shown = shown_to(os.environ)
    if shown is not None:
        return shown.colour
    return bool(os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")


def painted(line: Line, *, colour: bool) -> str:
    """A line, without spaces at its end."""
    return "".join(_painted(text, tone, colour=colour) for text, tone in line).rstrip()


def _painted(text: str, tone: Tone, *, colour: bool) -> str:
    paint = _COLOURS.get(tone) if colour and text.strip() else None
    return f"\x1b[{paint}m{text}\x1b[0m" if paint else text
