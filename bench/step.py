"""An automated `command` step of a live run, both its records on disk, against a bare `posix_spawn` and its wait.

The first steps of a run against the last of ten thousand, too, and the memory that they take. ``bare_python`` is the
least that this takes in Python: a program with both outputs on pipes, in a session of its own, and one fsync.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import interleaved, row
from runbook.audit.store import Store
from runbook.drivers.answers import AnswersOperator
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.live import Live, Sitting, Start
from runbook.drivers.notary import Credentials
from runbook.drivers.session import Session
from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.world.clock import RealClock

ROUNDS = 300
MANY = 10_000


def runbook(steps: int) -> str:
    """A runbook of so many commands."""
    lines = ["runbook: v1", "id: measured", "title: Measured", "steps:"]
    lines += [f"  - {{id: s{number}, kind: command, effect: none, argv: [/bin/true]}}" for number in range(steps)]
    return "\n".join([*lines, "  - {id: done, kind: finish, outcome: completed}"]) + "\n"


def sitting(folder: Path, steps: int) -> Sitting:
    """A live run that has not begun."""
    file = folder / f"{steps}.yaml"
    file.write_text(runbook(steps))
    loaded = load(str(file), KINDS)
    assert loaded.runbook is not None
    live = Live(
        operator=AnswersOperator((), RealClock()),
        registry=KINDS,
        interrupts=Interrupts(),
        credentials=Credentials(key=None, signers=folder / "allowed_signers"),
    )
    run = Store(folder / "state").prepare().create(f"bench-{steps}")
    start = Start(file=str(file), environment=None, inputs={}, operator="bench")
    return live.begin(run, loaded.runbook, {str(file): file.read_bytes()}, start)


def walk_steps(session: Session, count: int) -> None:
    """Go on until so many more steps have finished."""
    walk = session.walk
    until = len(walk.results) + count
    while len(walk.results) < until:
        session.do(walk.pending()[0])


def spawn() -> None:
    """The least that running a program takes."""
    os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)


def bare_step(log: int) -> None:
    """A program whose outputs are read, and one record on disk."""
    os.write(log, b"x" * 499 + b"\n")
    os.fsync(log)
    pipes = os.pipe(), os.pipe()
    out, err = pipes[0][1], pipes[1][1]
    program = subprocess.Popen(["/bin/true"], stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
    for _, writing in pipes:
        os.close(writing)
    for reading, _ in pipes:
        os.read(reading, 65_536)
        os.close(reading)
    program.wait()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        sat = sitting(folder, MANY)
        session = sat.session
        walk_steps(session, 50)
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        works = {
            "spawn": spawn,
            "ours": lambda: walk_steps(session, 1),
            "subprocess_run": lambda: subprocess.run(["/bin/true"], check=True),
            "bare_python": lambda: bare_step(log),
        }
        took = interleaved(works, ROUNDS)
        early_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        walk_steps(session, MANY - len(session.walk.results) - ROUNDS - 60)
        late = interleaved({"spawn": spawn, "ours": lambda: walk_steps(session, 1)}, ROUNDS)
        late_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sat.close()
        os.close(log)
    first, last = took["ours"] / took["spawn"], late["ours"] / late["spawn"]
    peers = {name: took[name] / took["spawn"] for name in ("subprocess_run", "bare_python")}
    row("a command step, two records on disk", "spawns", ours=first, bar=2.2, limit=1.35, **peers)
    row("the last of 10,000 command steps", "x the first", ours=last / first, bar=1.1)
    grown = (late_memory - early_memory) * (1 if sys.platform == "darwin" else 1_024) / MANY
    row("memory that a step leaves", "bytes", ours=grown, bar=2_048)


if __name__ == "__main__":
    main()
