"""One attempt of an action: in the other thread, its output masked and kept, while the operator stays in charge."""

from collections.abc import Callable
from typing import Protocol

from runbook.audit.outputs import Outputs
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Operator
from runbook.drivers.preparing import Prepared
from runbook.drivers.worker import Job, Worker
from runbook.model.canonical import JsonObject
from runbook.model.clock import Clock
from runbook.model.io import World
from runbook.walk import events as e
from runbook.walk.results import Visit

TICK = 0.25
"""Seconds after which the operator is shown that something still runs."""


class Stoppable(World, Protocol):
    """A world in which what runs can be stopped."""

    def cancel(self, level: int) -> None:
        """Stop what runs: 1 asks it to, 2 insists, 3 kills it."""


class Attempts:
    """Runs the attempts of one session, one at a time."""

    def __init__(
        self, *, journal: Journal, operator: Operator, world: Stoppable, outputs: Outputs, clock: Clock
    ) -> None:
        self._journal = journal
        self._operator = operator
        self._world = world
        self._outputs = outputs
        self._clock = clock
        self._worker = Worker()
        self._watch: Callable[[], int] = lambda: 0
        self._held: list[tuple[str, bytes]] | None = None

    def attend(self, watch: Callable[[], int]) -> None:
        """Ask this, while something runs, how hard to stop it."""
        self._watch = watch

    def run(
        self, address: str, visit: Visit, attempt: int, prepared: Prepared, timeout: int | None, *, hold: bool = False
    ) -> JsonObject:
        """Perform an action and return its raw observation; :meth:`record_outputs` is to follow.

        :param hold: show and keep no output before it is over, because it may hold a secret that is not known yet.
        """
        job = Job(lambda: self._world.perform(address, prepared.kind, timeout))  # type: ignore[arg-type]
        self._held = [] if hold else None
        self._recorder = self._outputs.open(address, visit.number, attempt)
        self._job = job
        self._worker.start(job)
        began, level = self._clock.mono(), 0
        while not job.done:
            chunk = job.chunk(TICK)
            if chunk is not None:
                self._operator.output(*chunk)
                continue
            if job.done:
                break
            self._operator.working(self._clock.mono() - began)
            wanted = self._watch()
            if wanted > level:
                level = wanted
                self._world.cancel(level)
        return job.result()

    def take_output(self, stream: str, chunk: bytes) -> None:
        """Take a piece of output from the world; called in the thread that performs."""
        if self._held is not None:
            self._held.append((stream, chunk))
            return
        shown = self._recorder.feed(stream, chunk)
        if shown:
            self._job.show(stream, shown)

    def record_outputs(self, address: str, visit: Visit, attempt: int, *, drop: bool = False) -> None:
        """Keep what was held back, or drop it, and tell which outputs were kept."""
        for stream, chunk in () if drop else self._held or ():
            shown = self._recorder.feed(stream, chunk)
            if shown:
                self._operator.output(stream, shown)
        self._held = None
        for output in self._recorder.close():
            self._journal.tell(
                e.StepOutput,
                step=address,
                visit=visit.number,
                attempt=attempt,
                stream=output.stream,
                file=output.file,
                size=output.size,
                sha256=output.sha256,
                dropped=output.dropped,
            )
