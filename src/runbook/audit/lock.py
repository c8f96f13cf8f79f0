"""One writer a run: the lock on its log, and who holds it.

The lock is an flock(2) on the log itself, which the kernel lets go when its holder ends, however it ends; a stopped
process still holds it. Who that is stands in ``writer.json`` beside the log, and is only ever read when the lock is
held: what is in the file alone means nothing.
"""

import fcntl
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from runbook.audit.escapes import inert
from runbook.audit.footing import refusal
from runbook.audit.plain_file import new_file, open_plain
from runbook.audit.store import RunDir
from runbook.model.diagnostics import Code, Refused

HELD = Code(
    number="RB520",
    title="run held by another process",
    why="One process at a time writes a run's log, and walks the run. Two would do the same step twice. A process that"
    " was stopped (Ctrl-Z) still holds its run.",
)
NO_LOCKS = Code(
    number="RB521",
    title="no locks here",
    why="The file system under the state directory has no locks, so nothing could keep a second process from walking"
    " the same run.",
)
_PATIENCE = 5
"""How often a held lock is asked for, 50 ms apart: whoever only looks whether it is held, holds it for an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who writes a log: process, machine, operator."""

    pid: int
    host: str
    operator: str


def acquire(fd: int, run: RunDir) -> None:
    """Take the lock on an open log.

    :raises Refused: naming the holder, if it is held.
    """
    for attempt in range(_PATIENCE):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < _PATIENCE:
                time.sleep(0.05)
        except OSError as error:
            raise refusal(
                NO_LOCKS, f"the log cannot be locked: {error.strerror}", run.log, "use a local disk"
            ) from None
        else:
            return
    raise held_by(run, _written(run))


def held_by(run: RunDir, found: Holder | None) -> Refused:
    """What is raised when another process holds a run; None: nobody knows which."""
    who = f"process {found.pid} on {found.host} ({found.operator})" if found else "another process"
    help_ = "go on there; `runbook status` shows from here where it stands"
    return refusal(HELD, f"the run is held by {who}", run.log, help_)


def record_holder(run: RunDir, holder: Holder) -> None:
    """Write down who holds the lock; whoever is refused reads it.

    :raises OSError: if that fails.
    """
    with new_file(run.path / "writer.json", replace=True) as file:
        file.write(json.dumps(asdict(holder)).encode())


def holder_of(run: RunDir) -> Holder | None:
    """Who writes a run's log now; None if nobody does, and somebody without a name if that cannot be told."""
    if run.away is not None:
        return run.away.holder()
    try:
        with open_plain(run.log) as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written(run) or Holder(pid=0, host="unknown", operator="unknown")
    except OSError:
        pass  # there is no log, or there are no locks: nobody can hold it
    return None


def writer_of(run: RunDir) -> Holder | None:
    """Who writes a run's log now, told without touching its lock: for whoever looks again and again, or for long.

    The process that wrote itself down must be there, and the kernel must say that somebody holds the log (proc(5),
    ``/proc/locks``); where a system does not tell that, the process has to do.
    """
    if run.away is not None:
        return run.away.holder()
    holder = _written(run)
    if holder is None:
        return None
    if holder.host == platform.node() and not _is_there(holder.pid):
        return None
    try:
        inode = run.log.stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except (OSError, ValueError):
        return holder
    held = (line.split() for line in locks.splitlines() if " FLOCK " in line and " WRITE " in line)
    return holder if any(words[5].endswith(f":{inode}") for words in held if len(words) > 5) else None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # another user's
    return True


def one_line(value: object) -> str:
    """What somebody wrote, as one short line that a terminal only shows."""
    return " ".join(inert(str(value)).split())[:120]


def _written(run: RunDir) -> Holder | None:
    """What the holder wrote down, if it did so already."""
    try:
        with open_plain(run.path / "writer.json") as file:
            found = json.loads(file.read(4096))
        return Holder(pid=int(found["pid"]), host=one_line(found["host"]), operator=one_line(found["operator"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
