"""Two columns on a terminal of any width: nothing stands below a label, whatever its characters take."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest

from runbook.cli.rows import rows
from runbook.language.frames import columns


@pytest.fixture
def narrow() -> Iterator[TextIO]:
    """A terminal of 40 columns."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(mine)


@pytest.mark.parametrize(
    "text", ["日本語のランブック · éclair 👩 · العربية, LIVE", "日" * 60, "x" * 90, "one two " * 20]
)
def test_no_line_is_wider_than_the_terminal_and_all_is_said_beside_its_label(text: str, narrow: TextIO) -> None:
    lines = rows([("runbook", text), ("operator", "ana@example.com")], narrow)
    assert all(columns(line) <= 40 for line in lines)
    said = [line[12:] for line in lines[:-1]]
    assert "".join("".join(said).split()) == "".join(text.split())
    assert all(line.startswith(" " * 12) for line in lines[1:-1])


def test_what_is_to_be_copied_is_not_cut(narrow: TextIO) -> None:
    assert rows([("ticket", "3:" + "f" * 64)], narrow) == ["  ticket", "3:" + "f" * 64]
