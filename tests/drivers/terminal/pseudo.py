"""A real pseudo-terminal with somebody at it who can wait: programs run on it, keys are sent, the screen is read.

The emulator knows the sequences that our own screen uses and no others: one that comes from anywhere else is an error,
so that each test that reads a screen also proves that nothing foreign reached it.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.cells import cell_len

PATIENCE = 10.0
"""Seconds for which a text is waited for."""
_SEQUENCE = re.compile(r"\x1b\[(?P<private>\?)?(?P<numbers>[0-9;]*)(?P<final>[A-Za-z])")
_NO_TERMINAL = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM"}


class ForeignSequence(AssertionError):  # noqa: N818 - named for what was found
    """Something reached the terminal that our screen does not send."""


class Emulator:
    """What stands on a terminal after all that was written to it, the lines that scrolled away among it."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[list[str]] = [[]]
        self.x = 0

    def write(self, text: str) -> None:
        """Take what was written.

        :raises ForeignSequence: if there is a control in it that we do not use.
        """
        place = 0
        while place < len(text):
            character = text[place]
            if character == "\x1b":
                found = _SEQUENCE.match(text, place)
                if found is None:
                    raise ForeignSequence(repr(text[place : place + 40]))
                self._sequence(found)
                place = found.end()
                continue
            place += 1
            if character == "\r":
                self.x = 0
            elif character == "\n":
                self.rows.append([])
            elif character == "\b":
                self.x = max(0, self.x - 1)
            elif character < " " or "\x7f" <= character <= "\x9f":
                raise ForeignSequence(repr(text[max(0, place - 20) : place + 20]))
            else:
                self._put(character)

    @property
    def text(self) -> str:
        """All of it, a line each, without spaces at the ends of lines."""
        return "\n".join("".join(row).rstrip() for row in self.rows)

    def _put(self, character: str) -> None:
        width = cell_len(character)
        if self.x + width > self.columns:
            self.rows.append([])
            self.x = 0
        row = self.rows[-1]
        row.extend(" " * (self.x - len(row)))
        row[self.x : self.x + width] = [character, *[""] * (width - 1)]
        self.x += width

    def _sequence(self, found: re.Match[str]) -> None:
        match found["private"], found["numbers"], found["final"]:
            case None, _, "m":
                pass
            case None, "" | "0", "K":
                del self.rows[-1][self.x :]
            case None, numbers, "C":
                self.x += int(numbers or 1)
            case "?", "2004", "h" | "l":
                pass
            case _:
                raise ForeignSequence(repr(found[0]))


class Child(Protocol):
    """A process as :class:`subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int:
        """How it ended."""

    def poll(self) -> int | None:
        """How it ended; None if it has not."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""

    def wait(self) -> int:
        """Wait for its end."""


class Terminal:
    """A program on a pseudo-terminal of its own; to be used as a context."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        start: Callable[[str], Child] | None = None,
    ) -> None:
        """Start a program.

        :param env: variables besides those of this process; the terminal is an xterm unless they say otherwise.
        :param stdin: something else in place of the terminal; ``stdout`` too.
        :param start: starts it in place of all this, at the terminal whose device has that path.
        """
        self.raw = ""
        self._master, self.slave = os.openpty()
        self._emulator = Emulator(columns)
        self._utf8 = b""
        self._seen = 0
        self._size(columns, rows)
        self.process: Child
        if start is not None:
            self.process = start(os.ttyname(self.slave))
            return
        inherited = {name: value for name, value in os.environ.items() if name not in _NO_TERMINAL}
        self.process = subprocess.Popen(
            argv,
            stdin=self.slave if stdin is None else stdin,
            stdout=self.slave if stdout is None else stdout,
            stderr=self.slave,
            env={**inherited, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for fd in (self._master, self.slave):
            if fd >= 0:
                os.close(fd)

    @property
    def text(self) -> str:
        """All that has been shown, as it stands now."""
        self._read(0.0)
        return self._emulator.text

    @property
    def modes(self) -> list[int | list[bytes | int]]:
        """The modes of the terminal."""
        return termios.tcgetattr(self.slave)

    def expect(self, *texts: str, within: float = PATIENCE) -> str:
        """Wait until all of these are shown behind what was expected before; the text from there on."""
        until = time.monotonic() + within
        while True:
            shown = _joined(self._emulator.text)
            new = shown[self._seen :]
            if all(text in new for text in texts):
                # The row at the bottom may still change, so it is looked at again.
                stays = len(_joined(self._emulator.text.rpartition("\n")[0]))
                self._seen = min(self._seen + max(new.index(text) + len(text) for text in texts), stays)
                return new
            left = until - time.monotonic()
            missing = [text for text in texts if text not in new]
            assert left > 0, f"{missing} did not come; there is:\n{self._emulator.text}"
            ended = self.process.poll() is not None
            if not self._read(min(left, 0.2)):
                assert not ended, f"{missing} did not come before the end; there is:\n{self._emulator.text}"

    def send(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def answer(self, text: str, *, guarded: bool = False) -> None:
        """Type a line as a person does, who first reads the question.

        :param guarded: the question is one that is deaf at first.
        """
        time.sleep(0.33 if guarded else 0.02)  # a person reads; the question is deaf for 300 ms
        self.send(text + "\r")

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal larger or smaller."""
        self._read(0.0)
        self._emulator.columns = columns
        self._size(columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Let the terminal be gone, as a dropped connection does."""
        self._read(0.0)
        os.close(self.slave)
        os.close(self._master)
        self.slave = self._master = -1

    def end(self, within: float = PATIENCE) -> int:
        """Wait for the end of the program; its exit status."""
        until = time.monotonic() + within
        while self.process.poll() is None:
            assert time.monotonic() < until, f"it does not end; there is:\n{self._emulator.text}"
            self._read(0.05)
        self._read(0.1)
        return self.process.returncode

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, seconds: float) -> bool:
        """Take what was written; whether there was anything."""
        got = False
        if self._master < 0:
            time.sleep(min(seconds, 0.05))  # there is nothing to read, and the program takes its time to end
            return False
        while select.select([self._master], [], [], 0.0 if got else seconds)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other end is closed
                return got
            if not data:
                return got
            got = True
            data = self._utf8 + data
            whole = data.decode(errors="ignore")
            self._utf8 = data[len(whole.encode()) :] if len(data) - len(whole.encode()) < 4 else b""
            # A sequence may be cut in two; the rest of it is on its way.
            while "\x1b" in whole[-12:] and _SEQUENCE.match(whole, whole.rindex("\x1b")) is None:
                if not select.select([self._master], [], [], 0.5)[0]:
                    break
                whole += os.read(self._master, 65536).decode(errors="replace")
            self.raw += whole
            self._emulator.write(whole)
        return got


def _joined(text: str) -> str:
    """The text with every run of blanks and line ends as one space, so that wrapping makes no difference."""
    return " ".join(text.split())
