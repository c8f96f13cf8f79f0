r"""The modes of the terminal while a walk has it, and the signals that are about them.

Rules. Keys come one by one and without echo, so that nothing shows or waits that was typed while a command ran; Ctrl-C
and Ctrl-Z stay signals, the key that would kill the walk without a word (Ctrl-\) is none. Whatever happens, the
modes are put back: at the end, on every exception, and before the walk is suspended. What was typed by then is dropped,
for a shell would run it. Nothing is done inside a signal handler but to take a note and to wake who waits.
"""

import os
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeAlias

from runbook.drivers.terminal.presence import Presence

_BRACKET, _UNBRACKET = b"\x1b[?2004h", b"\x1b[?2004l"
_IFLAG, _LFLAG, _CC = 0, 3, 6
_PIECE = 4096
Handler: TypeAlias = Callable[[int, FrameType | None], None]
Attributes: TypeAlias = "list[int | list[bytes | int]]"


class Modes:
    """The terminal in our hands; to be used as ``with modes.held():``."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._fd = presence.input
        self._wakes, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wakes, False)
        self._awake = True
        self._suspend = self._continued = self._changed = False
        self._saved: Attributes | None = None

    @property
    def echoed(self) -> bool:
        """Whether the terminal showed what is typed before we had it; where it did not, something else shows it."""
        return self._saved is None or bool(int(self._saved[_LFLAG]) & termios.ECHO)  # type: ignore[arg-type]  # a flag

    def wake(self) -> None:
        """End the present wait for a key, or the next one; from a signal handler or another thread."""
        if self._awake:
            with suppress(OSError):  # the pipe is full of wakes
                os.write(self._wake, b"!")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the terminal for so long."""
        self._saved = termios.tcgetattr(self._fd)
        before = {number: signal.signal(number, handler) for number, handler in self._handlers().items()}
        try:
            self._take()
            yield
        finally:
            self._give_back()
            for number, former in before.items():
                signal.signal(number, former)
            self._awake = False  # before the descriptor can be another file's
            for fd in (self._wakes, self._wake):
                os.close(fd)

    def _handlers(self) -> Mapping[signal.Signals, Handler]:
        if threading.current_thread() is not threading.main_thread():
            return {}  # only the main thread can
        handlers: dict[signal.Signals, Handler] = {signal.SIGCONT: self._on_continue, signal.SIGWINCH: self._on_change}
        # Who started us may have wanted that we cannot be suspended.
        suspendable = signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN
        return handlers | ({signal.SIGTSTP: self._on_suspend} if suspendable else {})

    def look(self) -> bool:
        """Do what signals asked for; whether what stands on the screen must be drawn again.

        To be called often by the thread that has the terminal.
        """
        if self._suspend:
            self._suspend = False
            self._stand_still()
        if self._continued:
            self._continued = False
            with suppress(OSError, termios.error):
                self._take()
        changed, self._changed = self._changed, False
        return changed

    def read(self, seconds: float) -> bytes | None:
        """What was typed within so many seconds; empty if nothing was, None if there is no terminal any more."""
        try:
            ready = select.select([self._fd, self._wakes], [], [], max(0.0, seconds))[0]
            if self._wakes in ready:
                os.read(self._wakes, _PIECE)
            if self._fd not in ready:
                return b""
            data = os.read(self._fd, _PIECE)
            if not data:
                termios.tcgetattr(self._fd)  # fails where the terminal is gone; else Ctrl-C has dropped what was there
        except (OSError, ValueError, termios.error):
            return None
        return data

    def flush(self) -> bool:
        """Drop what was typed so far; whether there was anything."""
        try:
            pending = bool(select.select([self._fd], [], [], 0)[0])
            termios.tcflush(self._fd, termios.TCIFLUSH)
        except (OSError, ValueError, termios.error):
            return False
        return pending

    def _take(self) -> None:
        modes = termios.tcgetattr(self._fd)
        modes[_IFLAG] = int(modes[_IFLAG]) | termios.ICRNL
        modes[_LFLAG] = int(modes[_LFLAG]) & ~(termios.ICANON | termios.ECHO | termios.IEXTEN) | termios.ISIG
        controls = list(modes[_CC])
        controls[termios.VMIN], controls[termios.VTIME] = 0, 0  # reading never waits, see read()
        controls[termios.VQUIT] = bytes([os.fpathconf(self._fd, "PC_VDISABLE") & 0xFF])
        modes[_CC] = controls
        termios.tcsetattr(self._fd, termios.TCSANOW, modes)
        if not self._presence.plain:
            os.write(self._presence.output, _BRACKET)

    def _give_back(self) -> None:
        with suppress(OSError, termios.error):  # the terminal may be gone
            if self._saved is not None:
                termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)
            termios.tcflush(self._fd, termios.TCIFLUSH)
            if not self._presence.plain:
                os.write(self._presence.output, _UNBRACKET)

    def _stand_still(self) -> None:
        """Give the terminal back, be suspended as anybody is, and take it again afterwards."""
        self._give_back()
        ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, ours)
        self._continued = self._changed = True

    def _on_suspend(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._suspend = True
        self.wake()

    def _on_continue(self, number: int, frame: FrameType | None) -> None:
        self._continued = True
        self._on_change(number, frame)

    def _on_change(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._changed = True
        self.wake()
