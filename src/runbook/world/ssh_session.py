"""Runs one program on another machine over a connection of the built-in client.

Rules. The thread that asks does all the work. Memory is flat: every byte goes to the callback, of each stream a head
and a tail are kept, and what was not read yet is held back by the window of the channel. When the time is up, or a
person stopped it, the program is ended there, or the error says that it may still run. A callback that fails does not
stop a program half-way: it is not called again, and its error is raised at the end.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runbook.model.durations import spoken
from runbook.model.io import Cancelled, NotSent, ProcessResult, TimedOut, WorldError
from runbook.world.capture import Capture
from runbook.world.processes import GRACE, Output
from runbook.world.ssh_config import PATIENCE
from runbook.world.ssh_connection import Closing, Connection
from runbook.world.ssh_wrapper import Conversation, Order

if TYPE_CHECKING:
    from paramiko.channel import Channel

Stop = Callable[[bytes, float], bytes]
"""Hands an input to a shell on that machine, and returns what it answers within so many seconds."""

_SIGNALS = {1: "INT", 2: "TERM"}
_KILL = 3
_CHUNK = 64 * 1024
_STOPPING = 6.0  # seconds that ending a program for sure may take there: two, one, and the way
_SIGNALLING = 3.0
_IDLE = 1.0  # seconds until the loop looks around, though nothing woke it
_AGAIN = 0.05  # seconds until a machine is asked again that had no room for a session
_FULL = 0.02  # the same while the other side has no room for our input


class Remote:
    """What every way to run a program on another machine has in common: its output, its end, its being stopped."""

    def __init__(self, host: str, order: Order, *, limit: int | None, output: Output | None) -> None:
        """Prepare it.

        :param host: the machine, as the runbook calls it.
        :param limit: milliseconds after which it is ended, or None.
        :param output: what takes its output while it runs.
        :raises NotSent: if no program can be given that.
        """
        self.host = host
        self.level = 0
        self._program = order.argv[0] if order.argv else ""
        self._limit = limit
        self._began = time.monotonic()
        self.until = None if limit is None else self._began + limit / 1000
        self._output = output
        self._output_error: Exception | None = None
        self._captures = {"stdout": Capture(), "stderr": Capture()}
        self.conversation = Conversation(host, order, self._take)

    def _take(self, name: str, chunk: bytes) -> None:
        self._captures[name].take(chunk)
        if self._output is not None and self._output_error is None:
            try:
                self._output(name, chunk)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised at the end
                self._output_error = error

    def late(self) -> bool:
        """Whether the time is up, or a person said a last word."""
        return self.level >= _KILL or (self.until is not None and time.monotonic() >= self.until)

    def patience(self) -> float:
        """The seconds that the next stage of connecting may take."""
        left = self.seconds_left()
        return PATIENCE if left is None else max(0.1, min(PATIENCE, left))

    def seconds_left(self) -> float | None:
        """The seconds until the time is up; None if it never is."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())

    def pass_on(self, level: int, stop: Stop) -> int:
        """Pass a person's word on to the program, if there is a new one; returns the level that was passed on."""
        if self.level > level and self.level in _SIGNALS and self.conversation.gone:
            stop(self.conversation.stop(_SIGNALS[self.level]), _SIGNALLING)
        return self.level

    def ended(self, stop: Stop) -> WorldError:
        """End it there, since the time is up or a person wants it so, and say what came of it."""
        where = f"`{self._program}` on {self.host}"
        if not self.conversation.gone:
            if self.level:
                return Cancelled(f"{where} was stopped by a person before it was started")
            return NotSent(
                f"{where} was not started within {spoken(self._limit or 0)}", "raise `timeout`, or look at the machine"
            )
        left = self.conversation.left(stop(self.conversation.stop(None), _STOPPING))
        if left is None:
            still = f", and may still run there (process group {self.conversation.pid})"
        else:
            still = f" and was ended; could not be ended: process {', '.join(left)}" if left else " and was ended"
        if self.level:
            return Cancelled(f"{where} was stopped by a person{still.removeprefix(' and was ended')}")
        return TimedOut(
            f"{where} did not end within {spoken(self._limit or 0)}{still}",
            "find out what it waits for, or raise `timeout`" if left == [] else f"look at it on {self.host}",
        )

    def broken(self, why: str) -> WorldError:
        """The connection ended too early."""
        return self.conversation.broken(why)

    def result(self, *, incomplete: bool) -> ProcessResult:
        """How it ended; the other machine's shell tells a signal as 128 and its number.

        :raises Cancelled: if a person had stopped it.
        :raises Exception: what the callback raised.
        """
        if self._output_error is not None:
            raise self._output_error
        if self.level:
            how = f"it ended with status {self.conversation.status}"
            raise Cancelled(f"`{self._program}` on {self.host} was stopped by a person; {how}")
        stdout, replaced = self._captures["stdout"].text()
        stderr, also = self._captures["stderr"].text()
        return ProcessResult(
            exit_code=self.conversation.status,
            signal=None,
            stdout=stdout,
            stderr=stderr,
            duration_ms=round((time.monotonic() - self._began) * 1000),
            truncated=any(capture.dropped for capture in self._captures.values()),
            incomplete=incomplete,
            replaced=replaced or also,
        )


class Session:
    """One program over a kept connection, to be run once."""

    def __init__(self, remote: Remote, connection: Callable[["Session"], Connection]) -> None:
        """Prepare it.

        :param connection: finds or makes the connection; it looks at :meth:`stopped` while it waits.
        """
        self._remote = remote
        self._conversation = remote.conversation
        self._find = connection
        self._woken = threading.Event()
        self._sending = memoryview(b"")

    def run(self) -> ProcessResult:
        """Run it to its end.

        :raises WorldError: of the right class.
        :raises Exception: what the callback raised, after the end of the program.
        """
        connection, channel = self._open()
        try:
            return self._follow(connection, channel)
        finally:
            with contextlib.suppress(OSError, EOFError):  # the connection has ended, and the channel with it
                channel.close()
            connection.leave()

    def cancel(self, level: int) -> None:
        """Stop it, from another thread: level 1 asks (SIGINT), 2 insists (SIGTERM), 3 kills."""
        self._remote.level = max(self._remote.level, level)
        self._woken.set()

    def stopped(self) -> bool:
        """Whether nobody waits for its beginning any more."""
        return bool(self._remote.level) or self._remote.late()

    def patience(self) -> float:
        """The seconds that may be waited for its beginning."""
        return self._remote.patience()

    def refused(self) -> WorldError:
        """Why it was not begun."""
        return self._remote.ended(_nobody)

    def _open(self) -> tuple[Connection, "Channel"]:
        """A connection with a place on it, and a session there.

        A kept connection that has ended meanwhile, or says nothing, is made anew, once. A machine that has no room for
        a session may not have seen yet that another one has ended.
        """
        until = time.monotonic() + self._remote.patience()
        anew = False
        while True:
            connection = self._find(self)
            while not connection.enter(min(0.2, self._remote.patience())):
                if self.stopped():
                    raise self.refused()
            try:
                return connection, connection.session(self._remote.patience(), self._woken.set)
            except Closing as closing:
                connection.leave()
                if anew if not connection.alive() else time.monotonic() >= until:
                    raise NotSent(
                        f"{self._remote.host} takes no further session: {closing}", "look at MaxSessions of its sshd"
                    ) from closing
                anew = not connection.alive()
            if self.stopped():
                raise self.refused()
            self._woken.wait(_AGAIN)

    def _follow(self, connection: Connection, channel: "Channel") -> ProcessResult:
        """Serve it until it and its outputs have ended, or the time is up."""
        channel.setblocking(0)
        remote, conversation = self._remote, self._conversation
        self._sending = memoryview(conversation.opening)
        passed_on = 0
        drained: float | None = None
        while True:
            self._woken.clear()
            over = channel.closed or channel.eof_received
            moved = self._read(channel) | self._write(channel)
            if conversation.status is not None:
                drained = drained or time.monotonic() + GRACE
                if over or time.monotonic() >= drained or remote.level:
                    return remote.result(incomplete=not over)
            elif over and not moved:
                for name in ("stdout", "stderr"):
                    conversation.close(name)
                raise remote.broken(_why(channel, alive=connection.alive()))
            elif remote.late() or (remote.level and not conversation.gone):
                raise self._end(connection, channel)
            passed_on = remote.pass_on(passed_on, connection.ask)
            if not moved:
                self._woken.wait(self._wait(drained))

    def _wait(self, drained: float | None) -> float:
        """The seconds until something has to be looked at though nothing came."""
        now = time.monotonic()
        until = [at - now for at in (self._remote.until, drained) if at is not None]
        return max(0.0, min([_FULL if self._sending else _IDLE, *until]))

    def _read(self, channel: "Channel") -> bool:
        moved = False
        for name, ready, receive in (
            ("stdout", channel.recv_ready, channel.recv),
            ("stderr", channel.recv_stderr_ready, channel.recv_stderr),
        ):
            if ready():
                self._conversation.feed(name, receive(_CHUNK))
                moved = True
        if self._conversation.begun and not self._conversation.gone and not self._remote.level:
            self._sending = memoryview(bytes(self._sending) + self._conversation.go())
        return moved

    def _write(self, channel: "Channel") -> bool:
        if not self._sending or not channel.send_ready():
            return False
        try:
            self._sending = self._sending[channel.send(bytes(self._sending[:_CHUNK])) :]
            if not self._sending and self._conversation.gone:
                channel.shutdown_write()
        except (OSError, EOFError):  # it does not want the rest, or the connection has ended: its end is read anyhow
            self._sending = memoryview(b"")
        return True

    def _end(self, connection: Connection, channel: "Channel") -> WorldError:
        """End it there, and take what it still said."""
        error = self._remote.ended(connection.ask)
        for _ in range(1000):
            if not self._read(channel):
                break
        return error


def _nobody(data: bytes, seconds: float) -> bytes:
    """There is no program to be stopped."""
    del data, seconds
    return b""


def _why(channel: "Channel", *, alive: bool) -> str:
    """Why a session ended without our mark."""
    if not alive:
        return "the connection ended"
    if channel.exit_status_ready():
        return "it was ended there" if channel.exit_status < 0 else f"exit status {channel.exit_status}"
    return "the session ended"
