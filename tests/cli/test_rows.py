"""Two columns on a terminal of any width: nothing stands below a label, whatever its characters take."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from runbook.cli.rows import folded, rows
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


def test_a_text_is_folded_between_words_a_little_further_in_and_a_longer_word_is_left_whole(narrow: TextIO) -> None:
    long = "/runs/" + "x" * 40
    text = f"short\n  test      walk scenarios without anybody, with coverage\n{long}: valid\n"
    assert folded(text, narrow).splitlines() == [
        "short",
        "  test      walk scenarios without",
        "    anybody, with coverage",
        long + ":",
        "  valid",
    ]


def test_a_text_for_no_terminal_is_not_folded() -> None:
    assert folded("word " * 40, io.StringIO()) == "word " * 40


@pytest.mark.parametrize("command", ["--help", "abort --help", "explain RB252", "kinds wait", "kinds", "resme"])
def test_what_is_read_at_a_narrow_terminal_is_cut_between_words(command: str, tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    arguments = [str(Path(sys.executable).with_name("runbook")), *command.split()]
    environment = {**os.environ, "RUNBOOK_STATE_DIR": str(tmp_path)}
    with subprocess.Popen(arguments, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        said = "".join(iter(lambda: read(mine), ""))
    os.close(mine)
    lines = [line for line in said.splitlines() if line]
    assert len(lines) > 1
    assert all(columns(line) <= 40 or " " not in line.strip() for line in lines)


def read(terminal: int) -> str:
    """What is there to be read; empty at its end, which Linux calls an error."""
    try:
        return os.read(terminal, 4096).decode()
    except OSError:
        return ""
