"""One attempt of an action: in the other thread, its output masked and kept, while the operator stays in charge."""

from collections.abc import Callable
from typing import Protocol

from runbook.audit.outputs import Output
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
HELD = 4 * 1024 * 1024
"""Bytes that are held back at most of what may hold a secret; each piece counts for :data:`PIECE` more."""
PIECE = 128
LAST_WAIT = 3.0
"""Seconds to wait for something that was killed because we have to end."""


class Stoppable(World, Protocol):
    """A world in which what runs can be stopped."""

    def cancel(self, level: int) -> None:
        """Stop what runs: 1 asks it to, 2 insists, 3 kills it."""


class Keeper(Protocol):
    """Keeps one stream of one attempt."""

    def feed(self, data: bytes) -> bytes:
        """Take a piece, and return what may be shown now."""

    def close(self) -> tuple[bytes, Output]:
        """The stream is over: the rest of what may be shown, and what is to be told."""


Keepers = Callable[[str, int, int, str], Keeper]
"""Makes a keeper for an address, a visit, an attempt and the name of a stream."""


TakeOutput = Callable[[str, str, bytes], None]
"""Takes a piece of output from a world: the address, the stream, the bytes."""


class Attempts:
    """Runs the attempts of one session, one at a time."""

    def __init__(
        self,
        *,
        journal: Journal,
        operator: Operator,
        world: Callable[[TakeOutput], Stoppable],
        keepers: Keepers,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._operator = operator
        self._world = world(self.take_output)
        self._keepers = keepers
        self._open: dict[str, Keeper] = {}
        self._place = ("", 0, 0)
        self._clock = clock
        self._worker = Worker()
        self._watch: Callable[[], int] = lambda: 0
        self._held: list[tuple[str, bytes]] | None = None
        self._holding = 0

    def attend(self, watch: Callable[[], int]) -> None:
        """Ask this, while something runs, how hard to stop it."""
        self._watch = watch

    def run(
        self,
        address: str,
        visit: Visit,
        attempt: int,
        prepared: Prepared,
        timeout: int | None,
        *,
        changes: bool = False,
        hold: bool = False,
    ) -> JsonObject:
        """Perform an action and return its raw observation; :meth:`record_outputs` is to follow.

        :param changes: whether it may change something.
        :param hold: show and keep no output before it is over, because it may hold a secret that is not known yet.
        """
        perform = self._world.perform
        job = Job(lambda: perform(address, prepared.kind, timeout, changes=changes))  # type: ignore[arg-type]
        self._held, self._holding = [] if hold else None, 0
        self._place = (address, visit.number, attempt)
        self._job = job
        self._worker.start(job)
        try:
            self._stay(job)
        except BaseException:
            # The log cannot be written, or something worse: nothing may go on behind our back.
            self._world.cancel(3)
            job.wait(LAST_WAIT)
            raise
        return job.result()

    @property
    def overflowed(self) -> bool:
        """Whether more was to be held back than can be; none of it is there any more."""
        return self._holding > HELD

    def _stay(self, job: Job[JsonObject]) -> None:
        """Show what it prints, pass on whoever wants it stopped, until it is over."""
        began = looked = self._clock.mono()
        level = 0
        while not job.done:
            chunk = job.chunk(TICK)
            if chunk is not None:
                self._operator.output(*chunk)
            now = self._clock.mono()
            if job.done or (chunk is not None and now - looked < TICK * 1_000):
                continue
            looked = now
            self._operator.working(now - began)
            wanted = self._watch()
            if wanted > level:
                level = wanted
                self._world.cancel(level)

    def take_output(self, address: str, stream: str, chunk: bytes) -> None:
        """Take a piece of output from the world; called in the thread that performs."""
        del address  # one attempt at a time
        if self._held is not None:
            self._holding += len(chunk) + PIECE
            if self._holding > HELD:
                self._held.clear()
            else:
                self._held.append((stream, chunk))
            return
        shown = self._keep(stream, chunk)
        if shown:
            self._job.show(stream, shown)

    def _keep(self, stream: str, chunk: bytes) -> bytes:
        if stream not in self._open:
            self._open[stream] = self._keepers(*self._place, stream)
        return self._open[stream].feed(chunk)

    def record_outputs(self, address: str, visit: Visit, attempt: int, *, drop: bool = False) -> None:
        """Keep what was held back, or drop it, and tell which outputs were kept."""
        for stream, chunk in () if drop else self._held or ():
            self._show(stream, self._keep(stream, chunk))
        self._held = None
        opened, self._open = self._open, {}
        for stream, keeper in opened.items():
            rest, output = keeper.close()
            self._show(stream, rest)
            self._journal.tell(
                e.StepOutput,
                step=address,
                visit=visit.number,
                attempt=attempt,
                stream=stream,
                file=output.file,
                size=output.size,
                sha256=output.sha256,
                dropped=output.dropped,
                stream_sha256=output.stream_sha256 if output.dropped else None,
                masked=output.masked,
                problem=output.problem or None,
            )

    def _show(self, stream: str, shown: bytes) -> None:
        if shown:
            self._operator.output(stream, shown)
