"""A desk: one directory with runbooks, a state directory, and the commands that are called at it."""

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from tests.drivers.hatchery import Hatchery, Options

from runbook.audit.chain import parse_line
from runbook.audit.record import Record
from runbook.audit.store import RunDir

PATIENCE = 30
"""Seconds after which a process that should have ended counts as hanging."""


@functools.cache
def hatchery() -> Hatchery:
    """The one hatchery of this test process; it ends when its socket is closed with the process."""
    return Hatchery()


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its status (or the signal as a negative number), and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it wrote."""
        return self.out + self.err


class Process:
    """A command that runs."""

    def __init__(self, pid: int, out: Path, err: Path, hatchery: Hatchery) -> None:
        self.pid = pid
        self._hatchery = hatchery
        self._out = out
        self._err = err
        self._status: int | None = None

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        if self._status is None:
            os.kill(self.pid, number)

    def said(self) -> str:
        """What it wrote to its standard error so far."""
        return self._err.read_text(errors="replace")

    def poll(self) -> int | None:
        """How it ended; None if it has not."""
        if self._status is None:
            self._status = self._hatchery.wait(self.pid, 0)
        return self._status

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self.signal(number)

    @property
    def returncode(self) -> int:
        """How it ended, which it has."""
        return self.ended().status

    def wait(self) -> int:
        """Wait for its end."""
        return self.ended().status

    def ended(self, seconds: float = PATIENCE) -> Done:
        """Wait for its end."""
        if self._status is None:
            self._status = self._hatchery.wait(self.pid, seconds)
        assert self._status is not None, f"it hangs; so far it wrote: {self._err.read_text()}"
        return Done(self._status, self._out.read_text(errors="replace"), self._err.read_text(errors="replace"))


class Desk:
    """One directory, with a state directory in it."""

    def __init__(self, root: Path, hatchery: Callable[[], Hatchery] = hatchery) -> None:
        self.root = root
        self._hatchery = hatchery
        self.state = root / "state"
        self.env: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "RUNBOOK_STATE_DIR": str(self.state),
            "EFFECTS": str(self.effects_file),
            "TERM": "dumb",
        }
        self._number = 0

    @property
    def effects_file(self) -> Path:
        """Where the commands of runbooks write down that they had an effect."""
        return self.root / "effects"

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.root / name
        path.write_text(text)
        return path

    def start(self, *argv: str, **options: Unpack[Options]) -> Process:
        """Start a command; ``env`` of the options adds to the desk's."""
        self._number += 1
        out, err = (self.root / f".{self._number}.{name}" for name in ("out", "err"))
        out.touch()
        err.touch()
        given: Options = {"cwd": str(self.root), "stdout": str(out), "stderr": str(err), **options}
        given["env"] = {**self.env, **options.get("env", {})}
        return Process(self._hatchery().hatch(argv, given), out, err, self._hatchery())

    def do(self, *argv: str, **options: Unpack[Options]) -> Done:
        """Call a command and wait for its end."""
        return self.start(*argv, **options).ended()

    def walk(self, book: str, *argv: str, run: str = "r1", **options: Unpack[Options]) -> Done:
        """Walk a runbook, given as its text."""
        self.write("book.yaml", book)
        return self.do("run", "book.yaml", "--run-id", run, *argv, **options)

    def run(self, run: str = "r1") -> RunDir:
        """The directory of a run."""
        return RunDir(self.state / "runs" / run)

    def records(self, run: str = "r1") -> list[Record]:
        """The whole records of a run's log."""
        data = self.run(run).log.read_bytes()
        return [parse_line(line) for line in data.split(b"\n")[:-1]]

    def types(self, run: str = "r1") -> list[str]:
        """The types of its records."""
        return [record.type for record in self.records(run)]

    def told(self, record_type: str, run: str = "r1") -> list[Mapping[str, Any]]:
        """The fields of its records of one type."""
        return [record.fields for record in self.records(run) if record.type == record_type]

    def verify(self, run: str = "r1") -> int:
        """The status of ``runbook verify``."""
        return self.do("verify", run).status

    def effects(self) -> list[str]:
        """What commands wrote down."""
        return self.effects_file.read_text().splitlines() if self.effects_file.exists() else []

    def intents(self, run: str = "r1") -> list[str]:
        """The changes that are announced in the log, by step."""
        return [str(f["step"]) for f in self.told("step.started", run) if f["effect"] != "none"]

    def every_byte(self) -> bytes:
        """Everything below the state directory, names included."""
        found = []
        for path in sorted(self.state.rglob("*")):
            found.append(os.fsencode(path))
            found.append(path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
        return b"\n".join(found)

    def stragglers(self) -> list[int]:
        """Processes that a killed walk left behind: those that work in this directory."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if Path(os.readlink(entry / "cwd")) == self.root:  # noqa: PTH115 - a link of the kernel's
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def cleared(self) -> "Desk":
        """End what a killed walk left behind, and wait until nothing works in this directory any more."""
        for pid in self.stragglers():
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGKILL)
        return self.settled()

    def settled(self) -> "Desk":
        """Wait until nothing works in this directory any more."""
        wait_for(lambda: not self.stragglers(), "the commands of a killed walk do not end")
        return self


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.005)  # another process makes it hold


def in_words(text: str) -> str:
    """A text without the lines that a frame breaks it into."""
    return " ".join(text.split())


def answers(*entries: str) -> str:
    """The text of an answers file."""
    return "answers:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries) if entries else "answers: []\n"


def count(values: Iterable[str]) -> dict[str, int]:
    """How often each value occurs."""
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
