"""One attempt, as a worker performs it: in a thread, while the worker's loop gives signs of life for all of them.

Rules. A worker that stood still, and so may have been given up, begins nothing when it goes on, though it has
claimed it. What an attempt prints is kept in the store as it comes; nothing of it stays on the worker.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path

from temporalio import activity

from runbook.audit.observation import observe
from runbook.audit.outputs import OutputFile
from runbook.audit.postgres.link import Link
from runbook.audit.postgres.run import Pieces
from runbook.audit.store import RunDir
from runbook.drivers.holding import OVERFLOWED, Held
from runbook.drivers.temporal.here import Known
from runbook.drivers.temporal.payloads import Done, End, Task
from runbook.kinds.registry import make
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Cancelled, Lost, NotSent, TimedOut, WorldError
from runbook.model.kind import is_automated
from runbook.model.secrets import dereferenced
from runbook.world.clock import RealClock
from runbook.world.real import RealWorld

BEAT = 0.25
"""Seconds between two signs of life."""
PATIENCE = 5.0
"""Seconds after which something that was asked to stop is made to."""
_LONGEST = 300
_ENDS: tuple[tuple[type[WorldError], End], ...] = (
    (NotSent, End.NOT_SENT),
    (TimedOut, End.TIMED_OUT),
    (Cancelled, End.CANCELLED),
    (Lost, End.LOST),
)


async def attended(attempt: "Attempt", work: asyncio.Future[Done]) -> Done:
    """Wait for an attempt, give signs of life meanwhile, and have it stopped where that is wanted, ever harder."""
    loop = asyncio.get_running_loop()
    level, asked = 0, 0.0
    while True:
        with contextlib.suppress(asyncio.CancelledError):  # `is_cancelled` says so too
            await asyncio.wait([work], timeout=BEAT)
        if work.done():
            break
        attempt.live()
        activity.heartbeat()
        if activity.is_cancelled() and (level == 0 or loop.time() - asked > PATIENCE):
            level, asked = min(level + 1, 3), loop.time()
            loop.run_in_executor(None, attempt.stop, level)  # which may take time, and the loop has others to serve
    done = work.result()
    if done.end is End.CANCELLED and activity.is_worker_shutdown():
        return replace(done, end=End.LOST, reason="its worker was stopped", help="")
    return done


class Attempt:
    """One attempt.

    :param silent: after how long a silence its worker is given up; where it was half as long, nothing is begun.
    """

    def __init__(self, task: Task, silent: timedelta | None) -> None:
        kind = make(task.kind, {name: dereferenced(value) for name, value in json.loads(task.fields).items()})
        if not is_automated(kind):  # pragma: no cover - only such a kind is performed
            raise TypeError(kind.NAME)
        self.task = task
        self._kind = kind
        self._world: RealWorld | None = None
        self._stopped = 0
        self._clock = RealClock()
        self._longest = silent.total_seconds() * 500 if silent is not None else inf
        self._lived = self._clock.mono()
        self._frozen = False

    def live(self) -> bool:
        """Say again and again that its worker is alive; false once it was silent for too long between two times."""
        now = self._clock.mono()
        self._frozen = self._frozen or now - self._lived > self._longest
        self._lived = now
        return not self._frozen

    def stop(self, level: int) -> None:
        """Stop it, from another thread; how hard as :meth:`RealWorld.cancel` has it."""
        self._stopped = level
        if self._world is not None:
            self._world.cancel(level)

    def perform(self, link: Link, root: Path, known: Known) -> Done:
        """Perform it, and keep what it prints in the store.

        :param root: a directory that no other attempt uses meanwhile.
        """
        task = self.task
        here = RunDir(root)
        disk = Pieces(link, task.records.run)
        kept: dict[str, OutputFile] = {}

        held = Held() if task.making else None

        def take(address: str, stream: str, chunk: bytes) -> None:
            if held is not None:
                held.take(stream, chunk)
                return
            write(address, stream, chunk)

        def write(address: str, stream: str, chunk: bytes) -> None:
            if stream not in kept:
                kept[stream] = OutputFile(
                    here,
                    known.masker,
                    address=address,
                    visit=task.visit,
                    attempt=task.attempt,
                    stream=stream,
                    disk=disk,
                )
            kept[stream].feed(chunk)

        world = self._world = RealWorld(secrets=known.secrets, output=take, run=(link.name, task.records.run))
        try:
            ended = self._ended(world, known, held)
        finally:
            world.close()
        if held is not None and ended.end is End.SEEN and not ended.problem:
            for stream, chunk in held.pieces():
                write(task.address, stream, chunk)
        outputs = [keeper.close()[1] for keeper in kept.values()]
        for each in outputs:
            if each.file is not None:
                (here.path / each.file).unlink(missing_ok=True)
        return replace(ended, printed=outputs)

    def _ended(self, world: RealWorld, known: Known, held: Held | None) -> Done:
        """What comes of it, with every secret covered, those among them that it has made."""
        cover, task = known.masker.cover, self.task
        made: Mapping[str, str] = {}
        if self._stopped:
            return Done(end=End.NOT_SENT, reason="it was stopped before it began")
        if not self.live():
            return Done(end=End.NOT_SENT, reason="its worker stood still for too long to begin it")
        try:
            raw = world.perform(task.address, self._kind, task.timeout, changes=task.changes)
            if held is not None:
                try:
                    made = known.make(task.making, raw)
                except (ExpressionError, Refused) as error:
                    return Done(end=End.SEEN, text="{}", problem=cover(f"`save_secret`: {error}"))
                if held.overflowed:
                    return Done(end=End.SEEN, text="{}", problem=OVERFLOWED)
            observed = observe(raw, known.masker)
        except WorldError as error:
            end = next(end for class_, end in _ENDS if isinstance(error, class_))
            return Done(end=end, reason=cover(error.reason), help=cover(error.help))
        except Refused as refused:
            return Done(end=End.NOT_SENT, reason=cover(str(refused)), help=cover(refused.diagnostics[0].help))
        except Exception as error:  # noqa: BLE001 - it may quote a secret, which the engine would keep uncovered
            return Done(end=End.LOST, reason=cover(f"its worker failed: {type(error).__name__}: {error}")[:_LONGEST])
        return Done(
            end=End.SEEN,
            text=observed.text,
            masked=observed.masked,
            truncated=observed.truncated,
            made=made,
            holder=known.holder,
        )
