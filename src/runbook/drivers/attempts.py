"""Attempts of actions: in other threads, their output masked and kept, while the operator stays in charge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from runbook.audit.outputs import Output
from runbook.drivers.holding import Held
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Operator
from runbook.drivers.preparing import Prepared
from runbook.drivers.recipes import Recipes
from runbook.drivers.telling_apart import Apart
from runbook.drivers.worker import Job, Workers
from runbook.model.canonical import JsonObject
from runbook.model.clock import Clock
from runbook.model.io import World
from runbook.model.runbook import Mode
from runbook.walk import events as e
from runbook.walk.results import Visit

TICK = 0.25
"""Seconds after which the operator is shown that something still runs."""
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


@dataclass(slots=True)
class _Attempt:
    """One that runs, or whose outputs are still to be told. ``held`` is output that may hold a secret not known yet."""

    address: str
    visit: int
    attempt: int
    job: Job
    apart: Apart
    open: dict[str, Keeper] = field(default_factory=dict)
    held: Held | None = None


class Attempts:
    """Runs the attempts of one session: one after the other, or several side by side."""

    def __init__(
        self,
        *,
        journal: Journal,
        operator: Operator,
        world: Callable[[TakeOutput], Stoppable],
        keepers: Keepers,
        clock: Clock,
        workers: Workers,
    ) -> None:
        self._journal = journal
        self._operator = operator
        self._world = world(self.take_output)
        self._keepers = keepers
        self._clock = clock
        self._workers = workers
        self._watch: Callable[[], int] = lambda: 0
        self._all: dict[str, _Attempt] = {}

    def attend(self, watch: Callable[[], int]) -> None:
        """Ask this, while something runs, how hard to stop it."""
        self._watch = watch

    def begin(
        self,
        address: str,
        visit: Visit,
        attempt: int,
        prepared: Prepared,
        timeout: int | None,
        *,
        changes: bool = False,
        making: Recipes | None = None,
    ) -> None:
        """Begin to perform an action; :meth:`result` and :meth:`record_outputs` are to follow when it is over.

        :param changes: whether it may change something.
        :param making: the secrets that it makes; no output is shown or kept before they are known.
        """
        if changes and self._journal.walk.mode is Mode.DRY:  # pragma: no cover - what changes is shown
            raise AssertionError(f"a dry run would change something at {address}")
        perform = self._world.perform
        job = self._workers.job(lambda: perform(address, prepared.kind, timeout, changes=changes))  # type: ignore[arg-type]
        held = Held() if making else None
        self._all[address] = _Attempt(address, visit.number, attempt, job, Apart(address), held=held)
        self._workers.start(job)

    def runs(self, address: str) -> bool:
        """Whether an attempt of that address was begun and its outputs are not told yet."""
        return address in self._all

    def result(self, address: str) -> JsonObject:
        """The raw observation of an attempt that is over.

        :raises WorldError: if there is none.
        """
        return self._all[address].job.result()

    def overflowed(self, address: str) -> bool:
        """Whether more was to be held back than can be; none of it is there any more."""
        held = self._all[address].held
        return held is not None and held.overflowed

    def made(self, address: str, known: Callable[[], str | None]) -> str | None:
        """Know the secrets that an attempt has made; what was wrong, if anything.

        :param known: has them known, where they were made in this process.
        """
        del address
        return known()

    def over(self) -> list[str]:
        """The addresses of the attempts that are over."""
        return [address for address in self._all if self._over(address)]

    def _over(self, address: str) -> bool:
        return self._all[address].job.done

    def stay(self, enough: Callable[[], bool]) -> None:
        """Show what is printed, pass on whoever wants it stopped, until it is enough."""
        began = looked = self._clock.mono()
        level = 0
        try:
            while not enough():
                news = self._workers.news(TICK)
                if news is not None and news[1] is not None:
                    self._shown_by(news[0], *news[1])
                now = self._clock.mono()
                if news is not None and (news[1] is None or now - looked < TICK * 1_000):
                    continue
                looked = now
                self._operator.working(now - began)
                wanted = self._watch()
                if wanted > level:
                    level = wanted
                    self._world.cancel(level)
        except BaseException:
            # The log cannot be written, or something worse: nothing may go on behind our back.
            self._world.cancel(3)
            for attempt in self._all.values():
                self._workers.wait(attempt.job, LAST_WAIT)
            raise

    def _shown_by(self, job: Job, stream: str, chunk: bytes) -> None:
        for attempt in self._all.values():
            if attempt.job is job:
                self._show(attempt, stream, chunk)

    def take_output(self, address: str, stream: str, chunk: bytes) -> None:
        """Take a piece of output from the world; called in the thread that performs."""
        attempt = self._all[address]
        if attempt.held is not None:
            attempt.held.take(stream, chunk)
            return
        shown = self._keep(attempt, stream, chunk)
        if shown:
            attempt.job.show(stream, shown)

    def _keep(self, attempt: _Attempt, stream: str, chunk: bytes) -> bytes:
        if stream not in attempt.open:
            attempt.open[stream] = self._keepers(attempt.address, attempt.visit, attempt.attempt, stream)
        return attempt.open[stream].feed(chunk)

    def record_outputs(self, address: str, *, drop: bool = False) -> None:
        """Keep what was held back, or drop it, and tell which outputs of an attempt that is over were kept."""
        attempt = self._all[address]
        for stream, chunk in () if drop or attempt.held is None else attempt.held.pieces():
            self._show(attempt, stream, self._keep(attempt, stream, chunk))
        for stream, keeper in attempt.open.items():
            rest, output = keeper.close()
            self._show(attempt, stream, rest, last=True)
            tell_output(self._journal, address, attempt.visit, attempt.attempt, output)
        del self._all[address]

    def _show(self, attempt: _Attempt, stream: str, shown: bytes, *, last: bool = False) -> None:
        """Show output; of one among several in whole lines that say whose they are."""
        shown = attempt.apart.take(stream, shown, several=len(self._all) > 1, last=last)
        if shown:
            self._operator.output(stream, shown)


def tell_output(journal: Journal, address: str, visit: int, attempt: int, output: Output) -> None:
    """Tell that an output of an attempt was kept."""
    journal.tell(
        e.StepOutput,
        step=address,
        visit=visit,
        attempt=attempt,
        stream=output.stream,
        file=output.file,
        size=output.size,
        sha256=output.sha256,
        dropped=output.dropped,
        stream_sha256=output.stream_sha256 if output.dropped else None,
        masked=output.masked,
        problem=output.problem or None,
    )
