"""Runs one program to its end: no terminal, its own session, its output passed on as it comes.

Rules. The thread that asks does all the work (one ``poll`` loop, no helper threads). Memory is flat: every byte goes to
the callback, of each stream a head and a tail are kept. When the time is up, or a person stopped the program,
everything that descends from it is ended: SIGTERM, a grace of two seconds, SIGKILL. What a program that ended by itself
left running is left running; if that holds the output open, reading stops after the same grace (``incomplete``).
A callback that fails does not stop a program half-way: it is not called again, and its error is raised at the end.
"""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from runbook.model.durations import spoken
from runbook.model.io import Cancelled, NotSent, ProcessResult, TimedOut, WorldError
from runbook.world.capture import Capture
from runbook.world.descendants import MARK, Family
from runbook.world.unstartable import explained

GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL, and the longest wait for outputs after a program's end."""

Output = Callable[[str, bytes], None]
"""Takes each chunk as it comes: the name of the stream (``stdout``, ``stderr``) and its bytes."""

_STREAMS = ("stdout", "stderr")
_CHUNK = 64 * 1024
_LAST = 1.0  # seconds in which SIGKILL must have worked
_IDLE = 1.0  # seconds until the loop looks around, though nothing woke it
_LOOK = 0.05  # the same while a family is being ended
_TICK = 0.02  # the same where the system cannot wake us at a program's end
_CANCEL = {1: signal.SIGINT, 2: signal.SIGTERM, 3: signal.SIGKILL}
_PROMPTS = ("password", "passphrase", "passcode", "verification code", "[y/n]", "(yes/no)")


class Program:
    """One program, to be run once."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdin: bytes = b"",
        more: bool = False,
        limit: int | None = None,
        output: Output | None = None,
        action: str = "",
    ) -> None:
        """Prepare it.

        :param argv: the program and its arguments; a name without a slash is looked for in the PATH of ``env``.
        :param env: the whole environment.
        :param cwd: the directory it runs in; a relative program is looked for from there.
        :param stdin: what it reads; an empty text is ``/dev/null``.
        :param more: that :meth:`send` will say what else it reads.
        :param limit: milliseconds after which it is ended, or None.
        :param output: what takes its output while it runs.
        :param action: by what name it is found again if this process is killed, see :mod:`runbook.world.descendants`.
        """
        self._argv = list(argv)
        self._env = env
        self._cwd = cwd
        self._stdin = memoryview(stdin)
        self._more = more
        self._until: float | None = None
        self._limit = limit
        self._output = output
        self._output_error: Exception | None = None
        self._family = Family(action)
        self._popen: subprocess.Popen[bytes] | None = None
        self._level = 0
        self._starting = threading.Lock()
        self._poll = select.poll()
        self._streams: dict[int, str] = {}
        self._exit: int | None = None
        self._captures = {name: Capture() for name in _STREAMS}

    def run(self) -> ProcessResult:
        """Run it to its end.

        :raises NotSent: if it could not be started.
        :raises TimedOut: if the time was up; the reason names what could not be ended.
        :raises Cancelled: if a person stopped it; the same.
        :raises Exception: what the callback raised, after the end of the program.
        """
        if not self._argv or not self._argv[0]:
            raise NotSent("there is no program to run", "name one as the first element of `argv`")
        began = time.monotonic()
        popen = self._start()
        try:
            self._connect(popen)
            self._until = None if self._limit is None else began + self._limit / 1000
            self._follow(popen)
            error = self._end(popen) if popen.returncode is None or self._level else None
        except BaseException:
            self._family.signal(signal.SIGKILL)
            raise
        finally:
            incomplete = bool(self._streams)
            self._disconnect(popen)
            self._family.leave()
        if self._output_error is not None:
            raise self._output_error
        if error is not None:
            raise error
        return self._result(popen.returncode, round((time.monotonic() - began) * 1000), incomplete=incomplete)

    def cancel(self, level: int) -> None:
        """Stop it, from another thread: level 1 asks (SIGINT), 2 insists (SIGTERM), 3 kills (SIGKILL)."""
        with self._starting:
            self._level = max(self._level, level)
            if self._popen is not None:
                self._family.signal(_CANCEL[level])

    def send(self, data: bytes) -> None:
        """Say what else it reads, which is all then; to be called by what takes its output, in that thread."""
        if self._more and self._popen is not None and self._popen.stdin is not None:
            self._more = False
            self._stdin = memoryview(bytes(self._stdin) + data)
            self._poll.register(self._popen.stdin.fileno(), select.POLLOUT)

    def hurry(self, seconds: float) -> None:
        """End it after so many seconds, if it has not ended by then; to be called in the same thread."""
        until = time.monotonic() + seconds
        self._until = until if self._until is None else min(self._until, until)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._level:
                raise Cancelled("stopped before it was started")
            try:
                self._popen = self._family.start(self._launch)
            except (OSError, ValueError) as error:
                raise explained(error, self._argv, self._env, self._cwd) from error
            return self._popen

    def _launch(self) -> subprocess.Popen[bytes]:
        """Launch it with bare pipes: those of subprocess come as files, which nobody wants here."""
        pipes: list[tuple[int, int]] = []
        try:
            for _ in _STREAMS:
                pipes.append(os.pipe())  # noqa: PERF401 - what was opened is closed if the next cannot be
            (_, stdout), (_, stderr) = pipes
            popen = subprocess.Popen(  # the loop closes what it opens
                self._argv,
                bufsize=0,
                stdin=subprocess.PIPE if self._stdin or self._more else subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=self._cwd,
                env={**self._env, MARK: self._family.mark},
                start_new_session=True,
            )
        except BaseException:
            for reading, _ in pipes:
                os.close(reading)
            raise
        finally:
            for _, writing in pipes:
                os.close(writing)
        self._streams = {reading: name for (reading, _), name in zip(pipes, _STREAMS, strict=True)}
        return popen

    def _connect(self, popen: subprocess.Popen[bytes]) -> None:
        for descriptor in self._streams:
            self._poll.register(descriptor, select.POLLIN)
        if popen.stdin is not None:
            os.set_blocking(popen.stdin.fileno(), False)
            self._poll.register(popen.stdin.fileno(), select.POLLOUT)
        if hasattr(os, "pidfd_open"):
            self._exit = os.pidfd_open(popen.pid)
            self._poll.register(self._exit, select.POLLIN)

    def _disconnect(self, popen: subprocess.Popen[bytes]) -> None:
        for descriptor in self._streams:
            os.close(descriptor)
        if popen.stdin is not None:
            popen.stdin.close()
        if self._exit is not None:
            os.close(self._exit)

    def _follow(self, popen: subprocess.Popen[bytes]) -> None:
        """Serve it until it and its outputs have ended, until the limit, or until a person's word needs more."""
        drained: float | None = None
        while popen.returncode is None or self._streams:
            now = time.monotonic()
            if popen.returncode is not None:
                if self._level:
                    return
                drained = now + GRACE if drained is None else drained
            elif self._level == max(_CANCEL):
                return
            until = self._until if popen.returncode is None else drained
            if until is not None and now >= until:
                return
            self._serve(popen, _IDLE if until is None else min(until - now, _IDLE))

    def _serve(self, popen: subprocess.Popen[bytes], wait: float) -> None:
        """Wait for as many seconds for something to do, and do it: read, write, or learn of its end."""
        for descriptor, _ in self._poll.poll((wait if self._exit is not None else min(wait, _TICK)) * 1000):
            if descriptor in self._streams:
                self._read(descriptor)
            elif descriptor == self._exit:
                self._poll.unregister(descriptor)
                popen.wait()
            else:
                self._write(popen)
        if self._exit is None:
            popen.poll()

    def _read(self, descriptor: int) -> None:
        name = self._streams[descriptor]
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            self._poll.unregister(descriptor)
            del self._streams[descriptor]
            os.close(descriptor)
            return
        self._captures[name].take(chunk)
        if self._output is not None and self._output_error is None:
            try:
                self._output(name, chunk)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised at the end
                self._output_error = error

    def _write(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdin is not None  # noqa: S101 - only then is it in the poll
        with contextlib.suppress(BlockingIOError):
            try:
                self._stdin = self._stdin[os.write(popen.stdin.fileno(), self._stdin[:_CHUNK]) :]
            except BrokenPipeError:  # it does not want the rest: its right
                self._stdin = self._stdin[:0]
        if not self._stdin:
            self._poll.unregister(popen.stdin)
            if not self._more:
                popen.stdin.close()

    def _end(self, popen: subprocess.Popen[bytes]) -> WorldError:
        """End all that descends from it, and say why."""
        for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, _LAST)):
            until = time.monotonic() + patience
            self._family.signal(number)
            while (left := self._family.members()) and time.monotonic() < until:
                self._serve(popen, _LOOK)
                if number == signal.SIGKILL:  # again, for what was born while the first ones died
                    self._family.signal(number)
                elif self._level == max(_CANCEL):
                    break
        until = time.monotonic() + _LOOK
        while self._streams and time.monotonic() < until:  # what is in the pipes already
            self._serve(popen, _LOOK)
        popen.poll()
        return self._reason(popen.returncode, left)

    def _reason(self, status: int | None, left: frozenset[int]) -> WorldError:
        alive = f"; could not be ended: process {', '.join(map(str, sorted(left)))}" if left else ""
        if self._level:
            how = "" if status is None else f"; it ended with {_ending(status)}"
            return Cancelled(f"`{self._argv[0]}` was stopped{how}{alive}")
        last = self._captures["stderr"].text()[0][-200:] + self._captures["stdout"].text()[0][-200:]
        asks = any(word in last.lower() for word in _PROMPTS)
        return TimedOut(
            f"`{self._argv[0]}` did not end within {spoken(self._limit or 0)} and was ended{alive}",
            "it seems to ask for something: programs get no terminal here, so make it a manual step"
            if asks
            else "find out what it waits for, or raise `timeout`",
        )

    def _result(self, status: int, duration: int, *, incomplete: bool) -> ProcessResult:
        stdout, replaced = self._captures["stdout"].text()
        stderr, also = self._captures["stderr"].text()
        return ProcessResult(
            exit_code=status if status >= 0 else None,
            signal=None if status >= 0 else _signal(-status),
            stdout=stdout,
            stderr=stderr,
            duration_ms=duration,
            truncated=any(capture.dropped for capture in self._captures.values()),
            incomplete=incomplete,
            replaced=replaced or also,
        )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal between the two that have names
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"


def _ending(status: int) -> str:
    return f"status {status}" if status >= 0 else _signal(-status)
