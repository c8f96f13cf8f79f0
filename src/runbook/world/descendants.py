"""Finds everything that descends from a program, also what gave itself a session of its own, and signals it.

On Linux three things are put together, because each alone has a hole: the session of the program; a mark in the
environment that its descendants inherit; and what was orphaned into our hands, for which this process makes itself a
subreaper (prctl(2), PR_SET_CHILD_SUBREAPER) before the first program starts. Elsewhere there is the process group.

Rules. Orphans are reaped one by one by their process id, never with ``waitpid(-1)``, which would steal the exit status
of a program that somebody else in this process waits for. An orphan without a mark belongs to a program only if no
other program ran meanwhile. Whoever starts a program in a session of its own does it through :class:`Family`.
"""

import contextlib
import functools
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MARK = "RUNBOOK_WITHIN"
"""The variable of the mark: one word a program, behind those of the walks that this one runs within.

A word is random, and names the action behind a colon where it is one of a run: whoever goes on with a run whose walk
was killed finds what still runs of it.
"""

_LINUX = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36
_lock = threading.Lock()  # held from before a program starts until it is known, so that none is taken for an orphan
_families: set["Family"] = set()


class _Process(NamedTuple):
    """What /proc/PID/stat says (proc_pid_stat(5)): state, parent, session, start in clock ticks since boot."""

    state: str
    parent: int
    session: int
    start: int


class Family:
    """A program and everything that descends from it. It leads a session and a group of its own."""

    def __init__(self, action: str = "") -> None:
        """Make the mark; nothing runs yet.

        :param action: what :func:`left_running` asks for.
        """
        self.mark = f"{os.environ.get(MARK, '')}/{secrets.token_hex(8)}{':' if action else ''}{action}"
        self._born = 0
        self.alone = True
        self.leader: subprocess.Popen[bytes]

    def start(self, launch: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Launch the program; ``launch`` puts :attr:`mark` into its environment and gives it a session of its own."""
        with _lock:
            if _LINUX:
                _adopt_orphans()
                self._born = int(time.clock_gettime(time.CLOCK_BOOTTIME) * _ticks())
            for other in _families:
                other.alone = self.alone = False
            self.leader = launch()
            _families.add(self)
        return self.leader

    def leave(self) -> None:
        """Forget the family, and reap what was orphaned into our hands and is dead by now."""
        with _lock:
            _families.discard(self)
            if _LINUX:
                _reap_orphans()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of the family that lives; whom we may not signal is left out."""
        if self.leader.returncode is None:
            _send(os.killpg, self.leader.pid, number)
        if _LINUX:
            for pid in self.members() - {self.leader.pid}:
                _send(os.kill, pid, number)

    def members(self) -> frozenset[int]:
        """The process ids of all of the family that lives."""
        leader = self.leader.pid
        if not _LINUX:
            return frozenset({leader}) if _send(os.killpg, leader, 0) else frozenset()
        table = _processes()
        found = {pid for pid, process in table.items() if self._owns(pid, process)}
        while grown := {pid for pid, process in table.items() if process.parent in found} - found:
            found |= grown
        return frozenset(pid for pid in found if table[pid].state not in "ZX")

    def _owns(self, pid: int, process: _Process) -> bool:
        if self.leader.pid in (pid, process.session):
            return True
        environment = _environment(pid)
        if f"{MARK}=".encode() in environment:
            return self.mark.encode() in environment
        return self.alone and _is_orphan(process) and process.start >= self._born


def action_of(store: str, run: str, address: str) -> str:
    """How the mark names the action of a step of a run; the ids of runs are unique in their store only."""
    digest = hashlib.sha256(f"{store}\n{run}".encode(errors="surrogateescape")).hexdigest()
    return f"{digest[:16]}:{address}".replace("/", "|")


def left_running(action: str) -> tuple[int, ...] | None:
    """The process ids of what still runs of an action that a killed walk started; None where that cannot be seen.

    What runs as another user, or has thrown its environment away, is not among them.
    """
    if not _LINUX:
        return None
    wanted = f":{action}".encode()
    return tuple(
        sorted(pid for pid, process in _processes().items() if process.state not in "ZX" and _within(pid, wanted))
    )


def _within(pid: int, wanted: bytes) -> bool:
    """Whether a process has a mark with a word that ends so."""
    marks = (entry for entry in _environment(pid).split(b"\0") if entry.startswith(f"{MARK}=".encode()))
    return any(word.endswith(wanted) for mark in marks for word in mark.split(b"/"))


def _environment(pid: int) -> bytes:
    """What a process was given as its environment; empty where we may not look."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _send(call: Callable[[int, int], None], pid: int, number: int) -> bool:
    """Whether the signal could be sent."""
    try:
        call(pid, number)
    except OSError:
        return False
    return True


@functools.cache
def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")


@functools.cache
def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies; once in the life of this process."""
    with contextlib.suppress(ImportError):  # a Python built without libffi; the mark still finds nearly all
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _is_orphan(process: _Process) -> bool:
    """Whether it was orphaned into our hands: our child, in a session that is neither ours nor that of a program."""
    return process.parent == os.getpid() and process.session != os.getsid(0)


def _reap_orphans() -> None:
    """Reap dead orphans as long as the kernel shows one; a dead child of somebody else's stays and ends the round."""
    with contextlib.suppress(ChildProcessError):
        while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            process = _process(dead.si_pid)
            known = {family.leader.pid for family in _families}
            if process is None or not _is_orphan(process) or dead.si_pid in known:
                return
            os.waitpid(dead.si_pid, os.WNOHANG)


def _process(pid: int) -> _Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    words = text.rpartition(")")[2].split()
    return _Process(words[0], int(words[1]), int(words[3]), int(words[19]))


def _processes() -> dict[int, _Process]:
    found = {int(entry.name): _process(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return {pid: process for pid, process in found.items() if process is not None}
