"""Real processes of the command line, fast: a server imports the program once and forks a process for each call.

What is hatched is a process like any other, with a pid, a session, standard streams, an environment and a directory of
its own; it calls ``main()`` as the console script does, and can be killed. On request it is killed before the Nth call
into the operating system that could leave a mark there, or such a call fails. For that the interpreter's profiler looks
at the calls; nothing of the program is replaced.
"""

import codecs
import contextlib
import ctypes
import json
import os
import pkgutil
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import FrameType
from typing import TextIO, TypedDict

MARKS = frozenset(
    {
        *("write", "fsync", "open", "mkdir", "chmod", "fchmod", "rename", "replace", "link", "unlink", "remove"),
        *("ftruncate", "flock", "fork_exec", "flush", "rmdir"),
    }
)
"""The names of the functions that could leave a mark in the world."""
_NEWUTS = 0x04000000
"""CLONE_NEWUTS (unshare(2))."""
MODULES = frozenset({"posix", "fcntl", "_posixsubprocess", "_io"})


class Options(TypedDict, total=False):
    """How a process differs from others.

    ``stdin`` is a file to read from, ``stdout`` and ``stderr`` are files that are appended to. ``kill``: it dies by
    SIGKILL before the call of that number (from 1) that could leave a mark. ``fail``: a function, a number and an
    errno: that call of it fails, and the next one works again. ``trace``: a file to write the names of the calls into.
    ``file_size``: RLIMIT_FSIZE in bytes. ``ignore``: signals that it ignores from its beginning.
    ``user``: the numbers of the user and of the one group that it is, where this process is root.
    ``host``: the name of the machine that it believes to be on, where this process is root (uts_namespaces(7)).
    ``fault``: the arguments of ``faults_arm`` in ``faults.c``, but for the last, where the hatchery has preloaded it;
    the calls are written to ``trace``.
    """

    cwd: str
    env: Mapping[str, str]
    stdin: str
    stdout: str
    stderr: str
    kill: int
    fail: tuple[str, int, int]
    trace: str
    file_size: int
    umask: int
    ignore: Sequence[int]
    user: tuple[int, int]
    host: str
    fault: tuple[str, str, int, int, str]


class Hatchery:
    """A client of the server; it ends with it."""

    def __init__(self, preload: str | None = None, *, modules: Sequence[str] = ()) -> None:
        """Start a server.

        :param preload: a library that stands between it and the C library.
        :param modules: what it imports beside what every walk needs.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=None if preload is None else {**os.environ, "LD_PRELOAD": preload},
            )
        self._socket = ours
        self._lines = ours.makefile("rw", encoding="utf-8")

    def close(self) -> None:
        """End the server, and what it hatched."""
        self._lines.close()
        self._socket.close()
        self._server.wait(10)

    def hatch(self, argv: Sequence[str], options: Options) -> int:
        """Start a process and return its pid."""
        pid = self._ask({"do": "hatch", "argv": argv, "options": options})
        assert pid is not None
        return pid

    def wait(self, pid: int, seconds: float) -> int | None:
        """How a process ended: its status, or the signal as a negative number; None if it has not."""
        return self._ask({"do": "wait", "pid": pid, "seconds": seconds})

    def _ask(self, what: object) -> int | None:
        self._lines.write(json.dumps(what) + "\n")
        self._lines.flush()
        line = self._lines.readline()
        if not line:
            raise AssertionError("the hatchery is dead")
        answer: int | None = json.loads(line)
        return answer


def serve(lines: TextIO) -> None:
    """Answer requests until there are no more."""
    hatched: set[int] = set()
    while line := lines.readline():
        request = json.loads(line)
        if request["do"] == "hatch":
            pid = os.fork()
            if pid == 0:
                lines.close()
                live(request["argv"], request["options"])
            hatched.add(pid)
            answer: int | None = pid
        else:
            answer = reaped(request["pid"], request["seconds"])
            hatched -= {request["pid"]} if answer is not None else set()
        lines.write(json.dumps(answer) + "\n")
        lines.flush()
    for pid in hatched:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def reaped(pid: int, seconds: float) -> int | None:
    """Wait so long at most for a child to end."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.002)  # the next look; a signal handler would have to be taken out again in each child


def live(argv: Sequence[str], options: Options) -> None:
    """Be the process that is wanted; never returns."""
    try:
        os.setsid()
        read = os.open(options.get("stdin", os.devnull), os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(read, True)
        os.dup2(read, 0)
        for fd, path in ((1, options["stdout"]), (2, options["stderr"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), fd)
        os.closerange(3, 64)
        if os.isatty(1):  # the streams of the server know that one can seek in them
            sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc] # noqa: SIM115 - for life
            sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # type: ignore[misc] # noqa: SIM115
            sys.stderr = sys.__stderr__ = open(2, "w", closefd=False)  # type: ignore[misc] # noqa: SIM115
        os.environ.clear()
        os.environ.update(options["env"])
        if (host := options.get("host")) is not None:
            ctypes.CDLL(None).unshare(_NEWUTS)
            socket.sethostname(host)
            vars(platform)["_uname_cache"] = None  # the server may have asked for its own name
        if (user := options.get("user")) is not None:
            load_all()
            os.setgroups([user[1]])
            os.setgid(user[1])
            os.setuid(user[0])
        os.chdir(options["cwd"])
        os.umask(options.get("umask", 0o022))
        for number in options.get("ignore", ()):
            signal.signal(number, signal.SIG_IGN)
        if (size := options.get("file_size")) is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        sys.argv = ["runbook", *argv]
        if "fault" in options:
            arm(options["fault"], options.get("trace"))
        elif options.keys() & {"kill", "fail", "trace"}:
            watch(options)
        from runbook.cli.main import main

        main()
    finally:
        os._exit(99)


def load_all() -> None:
    """Load what the program loads late, for another user may not be able to read it where this one installed it."""
    import runbook

    for module in pkgutil.walk_packages(runbook.__path__, "runbook."):
        import_module(module.name)
    for name in ("ascii", "unicode_escape", "idna", "latin-1"):
        codecs.lookup(name)


def arm(fault: tuple[str, str, int, int, str], trace: str | None) -> None:
    """Have the disk below a directory fail."""
    root, name, nth, error, mode = fault
    fd = -1 if trace is None else os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    texts = [os.fsencode(text) for text in (root, name, mode)]
    ctypes.CDLL(None).faults_arm(texts[0], texts[1], ctypes.c_long(nth), error, texts[2], fd)


def watch(options: Options) -> None:
    """Look at every call that could leave a mark, and do what was asked for before it."""
    trace = os.open(options["trace"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if "trace" in options else None
    failing, nth, error = options.get("fail", ("", 0, 0))
    streams = (sys.stdout, sys.stderr, sys.stdout.buffer, sys.stderr.buffer)
    lock = threading.Lock()
    calls: list[str] = []

    def look(frame: FrameType, event: str, function: object) -> None:
        del frame
        name = getattr(function, "__name__", "")
        if event != "c_call" or name not in MARKS:
            return
        owner = getattr(function, "__self__", None)
        module = getattr(function, "__module__", None) or type(owner).__module__
        if module not in MODULES or owner in streams:
            return
        with lock:
            calls.append(name)
            if trace is not None:
                os.write(trace, f"{name}\n".encode())
            if len(calls) == options.get("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()
            if name == failing and calls.count(name) == nth:
                raise OSError(error, os.strerror(error))

    threading.setprofile(look)
    sys.setprofile(look)


def server() -> None:
    """Import everything that a walk needs, and the modules that are named, then answer on the socket of that number."""
    for name in ("abort", "check", "failing", "note", "resume", "run", "runs", "state", "status", "test", "verify"):
        import_module(f"runbook.cli.{name}")
    for name in sys.argv[2:]:
        import_module(name)
    from runbook.kinds.registry import KINDS
    from runbook.language.loading import load

    load(os.devnull, KINDS)
    with socket.socket(fileno=int(sys.argv[1])) as connection, connection.makefile("rw", encoding="utf-8") as lines:
        serve(lines)


if __name__ == "__main__":
    server()
