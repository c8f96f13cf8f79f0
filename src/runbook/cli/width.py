"""How wide what is written to is; every command line asks, so nothing that takes time is loaded for it."""

import os
from typing import TextIO

WIDEST = 80
"""Columns that reference and diagnostics have at most."""


def width_of(stream: TextIO) -> int | None:
    """How many columns a terminal has; None where the stream is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def room_on(stream: TextIO) -> int:
    """How many columns reference and diagnostics have there."""
    return min(width_of(stream) or WIDEST, WIDEST)
