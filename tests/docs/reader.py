"""Somebody who follows a page to the letter: writes its files, runs its commands, and compares what it shows.

It happens in a directory of its own, with a copy of runbooks/ where the page speaks of it, on this machine only. Ports
of the pages stand for free ones. What differs from one time to the next (runs, times, durations, hashes, ports) is not
compared.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.pages import ROOT, Block
from tests.drivers.terminal.pseudo import Terminal

PATIENCE = 60.0
_OWN = ("RUNBOOK_", "XDG_")
STANDINS = Path(__file__).parent / "standins"
"""Programs that stand for those of a platform."""
PORT = re.compile(r"\b(8765|8766)\b")
"""The ports that the pages speak of."""
_VARYING = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b20\d{6}-\d{4}-[a-z0-9_]+-[a-z0-9]{4}\b"), "RUN"),
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b( \d+ s\b)?"), "DURATION"),
    (re.compile(r" · DURATION\b"), ""),  # what took no time says nothing of it
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "HASH"),
    (re.compile(r"\b\d+:HASH\b"), "ANCHOR"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"──+"), "──"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(kw_only=True)
class Reader:
    """Follows one page; to be used as a context."""

    directory: Path
    library: bool = False
    said: str = ""
    ports: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        home = self.directory / "home"
        home.mkdir()
        self.place.mkdir()
        if self.library:
            shutil.copytree(ROOT / "runbooks", self.place / "runbooks")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.running:
            process.terminate()
            process.wait()

    @property
    def place(self) -> Path:
        """Where the reader is."""
        return self.directory / "here"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the reader."""
        programs = f"{STANDINS}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": programs, "HOME": str(self.directory / "home"), "PYTHONUNBUFFERED": "1"}

    def write(self, block: Block) -> None:
        """Write a file of the page."""
        path = self.place / block.said["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(block.text))

    def run(self, block: Block) -> None:
        """Run the commands of a block, and hold what they say for the block that shows it."""
        if "first" in block.said:
            self._shell(block.said["first"], f"{block} (first)", 0)
        if "background" in block.said:
            self._start(block)
        elif "typed" in block.said:
            self._type(block)
        else:
            self._shell(block.text, str(block), int(block.said.get("status", "0")))
        self.kept += [line for line in block.text.splitlines() if line.startswith(("export ", "cd "))]

    def compare(self, block: Block) -> None:
        """Look whether all that a block shows was said, in this order; ``…`` stands for anything."""
        if "shown by" in block.said:
            self._shell(block.said["shown by"], str(block), int(block.said.get("status", "0")))
        there = _same(self.said)
        at = 0
        for part in re.split(r"\n *…\n|(?<=\S) ?… ?(?=\S|\n)", "\n" + _same(block.text).strip("\n") + "\n"):
            wanted = part.strip("\n…")
            found = there.find(wanted, at)
            assert found >= 0, f"{block}: this is shown:\n{wanted}\n\nand this was said:\n{there[at:]}"
            at = found + len(wanted)

    def here(self, text: str) -> str:
        """A text of the page with ports that are free."""
        return PORT.sub(lambda found: self.ports.setdefault(found[0], free_port()), text)

    def _script(self, text: str) -> list[str]:
        own = " ".join(name for name in os.environ if name.startswith(_OWN))
        return [
            "sh",
            "-c",
            "\n".join([f"unset {own} NOTHING", "set -eu", f"cd '{self.place}'", *self.kept, self.here(text)]),
        ]

    def _shell(self, text: str, where: str, status: int) -> None:
        done = subprocess.run(
            self._script(text),
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        self.said = self._told(done.stdout)
        assert done.returncode == status, f"{where}: status {done.returncode}\n{self.said}"

    def _start(self, block: Block) -> None:
        process = subprocess.Popen(
            self._script("exec " + block.text.strip()),
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.running.append(process)
        for port in self.ports.values():
            until = time.monotonic() + PATIENCE
            while not answers(int(port)):
                assert time.monotonic() < until, f"{block}: nothing listens"
                time.sleep(0.02)  # it takes its time to begin

    def _type(self, block: Block) -> None:
        with Terminal(self._script(block.text), columns=100, rows=60, env=self.variables) as terminal:
            for line in block.said["typed"].split("|"):
                shown = asked(terminal, f"{block}: before {line.strip()!r}")
                terminal.answer(line.strip(), guarded=True)
                gone_on(terminal, shown)
            status = terminal.end(PATIENCE)
            self.said = self._told(terminal.text)
        assert status == int(block.said.get("status", "0")), f"{block}: status {status}\n{self.said}"

    def _told(self, text: str) -> str:
        return text.replace(str(self.directory / "home"), "~").replace(f"{self.place}/", "")


def asked(terminal: Terminal, what: str) -> str:
    """Wait for a question; what is on the screen then."""
    until = time.monotonic() + PATIENCE
    while not (shown := terminal.text.rstrip()).endswith("›"):
        assert time.monotonic() < until, f"{what}: nothing is asked; there is:\n{shown}"
        assert terminal.process.poll() is None, f"{what}: it is over; there is:\n{shown}"
        time.sleep(0.02)  # it takes its time
    return shown


def gone_on(terminal: Terminal, shown: str) -> None:
    """Wait until an answer has been taken: the screen is another one than that."""
    until = time.monotonic() + PATIENCE
    while terminal.text.rstrip() == shown and time.monotonic() < until:
        time.sleep(0.02)  # it takes its time


def answers(port: int) -> bool:
    """Whether something listens on this port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> str:
    """A port that nothing listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return str(server.getsockname()[1])


def _same(text: str) -> str:
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.splitlines())
