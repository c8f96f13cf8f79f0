"""Walks a runbook at the terminal that it is started on: the session as it is, real actions, a log that tests can read.

To be run as a program: ``walker.py RUNBOOK LOG [ENVIRONMENT]``. The last line says how it ended.
"""

import fcntl
import json
import os
import signal
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from runbook.audit.chain import encode
from runbook.audit.masking import Masker
from runbook.audit.outputs import OutputFile
from runbook.audit.record import NO_RECORD
from runbook.audit.store import Store
from runbook.drivers.assembly import assemble, performed_here, started
from runbook.drivers.attempts import Stoppable, TakeOutput
from runbook.drivers.attendance import attending
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.past import MemoryPast
from runbook.drivers.simulated_approvals import SimulatedApprovals
from runbook.drivers.terminal.operator import TerminalOperator
from runbook.kinds.registry import KINDS
from runbook.language.inputs import bind_inputs
from runbook.language.loading import load
from runbook.model.canonical import Json, canonical
from runbook.walk import run_events as r
from runbook.walk.walk import Walk
from runbook.world.clock import RealClock
from runbook.world.real import RealWorld
from runbook.world.secrets import SecretStore


class FileLog:
    """A log in a file, a record a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        self._head = NO_RECORD
        self._seq = 0

    def append(self, record_type: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> object:
        """Write one record."""
        record = encode(seq=self._seq, prev=self._head, ts=ts, mono=mono, type_=record_type, fields=fields)
        self._seq, self._head = self._seq + 1, record.h
        self._file.write(json.dumps({"type": record_type, **fields}) + "\n")
        self._file.flush()
        return record

    def sync(self) -> None:
        """Nothing is kept back."""


def fail(number: int, frame: FrameType | None) -> None:
    """Raise what nobody expects.

    :raises RuntimeError: always.
    """
    del number, frame
    raise RuntimeError("on purpose")


def main(path: str, log: Path, environment: str | None) -> str:
    """Walk, and say how it ended."""
    loaded = load(path, KINDS)
    assert loaded.runbook is not None, loaded.diagnostics
    runbook = loaded.runbook
    interrupts = Interrupts()
    with interrupts.caught(), attending(interrupts, answers=None) as seat:
        operator = seat.operator
        inputs = bind_inputs(runbook, seat.ask_inputs(runbook, {}))
        walk, masker, clock = Walk(runbook, KINDS), Masker(), RealClock()
        prompt = operator.ask_secret if isinstance(operator, TerminalOperator) else None
        secrets = SecretStore(runbook.secrets, register=masker.register, prompt=prompt, directory=str(log.parent))
        run = Store(log.parent / "state").prepare().create("test")

        def begin(journal: Journal) -> None:
            fields = started(
                walk, run="test", mode=os.environ.get("MODE", "live"), environment=environment, files={path: "0" * 64},
                inputs=canonical(inputs), operator="ana@example.com", incident=None, host="here", store="memory",
            )  # fmt: skip
            journal.tell(r.RunStarted, **fields)

        def world(take: TakeOutput) -> Stoppable:
            return RealWorld(secrets=secrets, output=take, directory=str(log.parent))

        def keeper(address: str, visit: int, attempt: int, stream: str) -> OutputFile:
            return OutputFile(run, masker, address=address, visit=visit, attempt=attempt, stream=stream)

        session = assemble(
            walk=walk,
            log=FileLog(log),
            operator=operator,
            attempts=performed_here(operator=operator, world=world, keepers=keeper, clock=clock),
            secrets=secrets,
            masker=masker,
            clock=clock,
            interrupts=interrupts,
            begin=begin,
            messages=lambda _: None,
            past=MemoryPast(),
            approvals=lambda journal: SimulatedApprovals(journal, operator),
        )
        ending = session.go()
    return f"ENDING {ending.stop.value} {ending.finish.value if ending.finish else ending.reason}"


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, fail)
    with suppress(OSError):  # where it is no terminal, there is none to have
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    said = main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
    os.write(1, f"\n{said}\n".encode())
