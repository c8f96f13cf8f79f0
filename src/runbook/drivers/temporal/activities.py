"""What workers do for a run: store its records, look into the store, and perform its steps.

Rules. A step is performed after its records are committed, and a change after it was claimed; whoever claims an attempt
first has it, be it the worker that is to perform it or the workflow that has given that worker up. Several threads work
at once, each with a connection of its own.
"""

import contextlib
import json
import secrets
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from runbook.audit.checkpoints import SIGNED, SUFFIX
from runbook.audit.inbox import AT_ONCE
from runbook.audit.observation import observe
from runbook.audit.outputs import OutputFile
from runbook.audit.postgres.link import Link, StoreFailed
from runbook.audit.postgres.records import Diverged, keep, put, read
from runbook.audit.postgres.store import PostgresStore
from runbook.audit.starts import Start
from runbook.drivers.guarding import Wanted as WantedRun
from runbook.drivers.holding import OVERFLOWED, Held
from runbook.drivers.store_past import StorePast
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.beginning import begin
from runbook.drivers.temporal.here import Known, Runs
from runbook.drivers.temporal.payloads import (
    Beginning,
    Begun,
    Claim,
    Deliveries,
    Delivery,
    Done,
    End,
    Printed,
    Records,
    Task,
)
from runbook.drivers.temporal.witnesses import Witnesses
from runbook.drivers.worker import Workers
from runbook.kinds.registry import KINDS, make
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Cancelled, Lost, NotSent, Performs, TimedOut, WorldError
from runbook.model.kind import is_automated
from runbook.model.secrets import dereferenced
from runbook.world.clock import RealClock
from runbook.world.real import RealWorld

BEAT = 0.25
"""Seconds between two signs of life."""
PATIENCE = 5_000
"""Milliseconds after which something that was asked to stop is made to."""
READ, PACKED = 4 * 1024 * 1024, 1024 * 1024
"""Bytes of a log that are read at once, and that they may take in a history."""
MOST = 256 * 1024
"""Bytes of an inbox that are told at once; escaped they may take six times as many."""
_LONGEST = 300
_ENDS: tuple[tuple[type[WorldError], End], ...] = (
    (NotSent, End.NOT_SENT),
    (TimedOut, End.TIMED_OUT),
    (Cancelled, End.CANCELLED),
    (Lost, End.LOST),
)


class Activities:
    """The activities of one worker.

    :param url: the store.
    :param root: a directory for what is copied meanwhile.
    :param signers: the file of allowed signers of this machine.
    :param key: what the workers of all sites have in common, if anything.
    """

    def __init__(self, url: str, root: Path, signers: Path, name: str, key: bytes | None = None) -> None:
        self._url = url
        self._root = root
        self._signers = signers
        self.name = name
        self._own = threading.local()
        self.queue = f"runbook/worker/{secrets.token_hex(16)}"
        self._runs = Runs(self.queue, key)

    def storing(self) -> list[Callable[..., object]]:
        """What a worker does that walks runs."""
        looking: list[Callable[..., object]] = [self.read, self.arrived, self.forbids, self.reserve, self.lacks]
        witnesses = Witnesses(self._signers).all()
        return [
            self.begin,
            self.append,
            self.void,
            self.request,
            self.checkpoint,
            *looking,
            *witnesses,
            *self.performing(),
        ]

    def performing(self) -> list[Callable[..., object]]:
        """What a worker does that performs steps."""
        return [self.perform, *self._runs.activities()]

    @property
    def _store(self) -> PostgresStore:
        """The store, over a connection of this thread."""
        store: PostgresStore | None = getattr(self._own, "store", None)
        if store is None:
            root = self._root / str(threading.get_ident())
            root.mkdir(mode=0o700, exist_ok=True)
            store = self._own.store = PostgresStore(root, Link(self._url))
        return store

    @contextlib.contextmanager
    def _asked(self) -> Iterator[PostgresStore]:
        """The store for something that is tried again where it fails, then over a new connection.

        :raises ApplicationError: where the store says that somebody else has written.
        """
        try:
            yield self._store
        except Diverged as diverged:
            raise ApplicationError(diverged.strerror or "", type=calls.DIVERGED, non_retryable=True) from None
        except (StoreFailed, Refused) as failed:
            self._let_go()
            raise ApplicationError(str(getattr(failed, "strerror", None) or failed), type="StoreFailed") from None

    def _let_go(self) -> None:
        """Close the connection of this thread; the next that needs one makes another."""
        store: PostgresStore | None = getattr(self._own, "store", None)
        if store is not None:
            store.link.close()
            self._own.store = None

    @activity.defn(name=calls.BEGIN)
    def begin(self, beginning: Beginning) -> Begun:
        """Take the lock of a run and store its first records and files, or say why that is refused."""
        with self._asked() as store:
            return begin(store, beginning)

    @activity.defn(name=calls.APPEND)
    def append(self, records: Records) -> bool:
        """Store records."""
        with self._asked() as store:
            _put(store, records)
        return True

    @activity.defn(name=calls.VOID)
    def void(self, claim: Claim) -> bool:
        """See to it that an attempt does not begin any more; false: a worker had claimed it before."""
        with self._asked() as store:
            return _claimed(store, claim.run, claim.name, "") or store.link.rows(_WHOSE, claim.run, claim.name) == [
                ("",)
            ]

    @activity.defn(name=calls.READ)
    def read(self, run: str, seq: int, before: int) -> bytes:
        """The lines of a run's records between two numbers, compressed (zlib); fewer where that would be too much."""
        packed, pieces, size = zlib.compressobj(), list[bytes](), 0
        with self._asked() as store:
            for _, line in islice(read(store.link, run, seq), before - seq):
                pieces.append(packed.compress(line + b"\n"))
                size += len(line)
                if size > READ or sum(map(len, pieces)) > PACKED:
                    break
        return b"".join([*pieces, packed.flush()])

    @activity.defn(name=calls.ARRIVED)
    def arrived(self, run: str, after: int) -> Deliveries:
        """What is in the inbox of a run behind a number."""
        with self._asked() as store:
            away = store.run(run).away
            rows = away.arrived(after) if away is not None else ()
        found: list[Delivery] = []
        size = 0
        for number, data, owner in rows:
            size += len(data)
            if found and size > MOST:
                break
            found.append(Delivery(number=number, text=data.decode("latin-1"), owner=owner))
        return Deliveries(found=found, more=len(found) < len(rows) or len(rows) == AT_ONCE)

    @activity.defn(name=calls.REQUEST)
    def request(self, run: str, number: str, text: str) -> bool:
        """Keep a request for approvals, by its number."""
        with self._asked() as store:
            keep(store.link, run, {f"requests/{number}.txt": text.encode()})
        return True

    @activity.defn(name=calls.CHECKPOINT)
    def checkpoint(self, run: str, size: int, text: str, signature: str) -> str:
        """Keep a checkpoint; the name of its text below the run's directory."""
        name = f"checkpoints/{size:012d}{SUFFIX}"
        with self._asked() as store:
            keep(store.link, run, {name + SIGNED: signature.encode(), name: text.encode()})
        return name

    @activity.defn(name=calls.FORBIDS)
    def forbids(self, key: str, window: int, now: str) -> str:
        """Why a step of that key may not start now; empty if it may."""
        with self._asked() as store:
            return self._past(store).forbids(key, window, now) or ""

    @activity.defn(name=calls.RESERVE)
    def reserve(self, wanted: dict[str, int | None], start: Start) -> dict[str, str]:
        """Count a start under each key if no cooldown forbids it; once, however often it is asked."""
        with self._asked() as store:
            starts = store.starts()
            own = (start.run, start.step, start.ts)
            lasts = {key: starts.last(key) for key in wanted}
            counted = {
                key
                for key, last in lasts.items()
                if last is not None and (last.start.run, last.start.step, last.start.ts) == own
            }
            left = {key: window for key, window in wanted.items() if key not in counted}
            return dict(self._past(store).reserve(left, start)) if left else {}

    @activity.defn(name=calls.LACKS)
    def lacks(self, wanted: WantedRun, now: str) -> str:
        """Why no run is there that is wanted; empty if one is."""
        with self._asked() as store:
            return self._past(store).lacks(wanted, now) or ""

    def _past(self, store: PostgresStore) -> StorePast:
        return StorePast(store, KINDS, signers=self._signers)

    @activity.defn(name=calls.PERFORM, no_thread_cancel_exception=True)
    def perform(self, task: Task) -> Done:
        """Store the records of an attempt, claim it if it changes something, and perform it."""
        records = task.records
        kind = make(task.kind, {name: dereferenced(value) for name, value in json.loads(task.fields).items()})
        if not is_automated(kind):  # pragma: no cover - only such a kind is performed
            raise TypeError(kind.NAME)
        known = self._runs.of(records.run, task.secrets)
        if known.open(task.sealed):
            return Done(end=End.GONE)
        try:
            store = self._store
            if records.lines:
                _put(store, records)
            whose = f"{self.name} {activity.info().activity_id}"
            if task.changes and not _claimed(store, records.run, task.name, whose):
                return _unclaimed(store.link.rows(_WHOSE, records.run, task.name) == [("",)])
        except Diverged as diverged:
            raise ApplicationError(diverged.strerror or "", type=calls.DIVERGED, non_retryable=True) from None
        except (StoreFailed, Refused) as failed:
            self._let_go()
            return Done(end=End.NOT_STORED, reason=str(getattr(failed, "strerror", None) or failed))
        if task.committed and not known.holds(dict(task.committed)):
            looked = known.look(sorted(task.committed), {})
            if looked.problems:
                return Done(end=End.NOT_SENT, reason=looked.problems[0][0], help=looked.problems[0][1])
            if looked.commitments != task.committed:
                reason = "another worker of its site looked at its secrets when it was confirmed"
                return Done(end=End.NOT_SENT, reason=reason, help="try it again")
        return self._performed(store, known, task, kind)

    def _performed(self, store: PostgresStore, known: Known, task: Task, kind: Performs) -> Done:
        """Perform an attempt in a thread of its own, and give signs of life meanwhile."""
        run = store.run(task.records.run)
        run.output.mkdir(mode=0o700, parents=True, exist_ok=True)
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
                    run,
                    known.masker,
                    address=address,
                    visit=task.visit,
                    attempt=task.attempt,
                    stream=stream,
                    disk=run.disk,
                )
            kept[stream].feed(chunk)

        world = RealWorld(secrets=known.secrets, output=take, run=(store.shown, run.id))
        workers = Workers()
        job = workers.job(lambda: world.perform(task.address, kind, task.timeout, changes=task.changes))
        workers.start(job)
        clock, level, asked = RealClock(), 0, 0
        try:
            while workers.news(BEAT) is None or not job.done:
                activity.heartbeat()
                if activity.is_cancelled() and (level == 0 or clock.mono() - asked > PATIENCE):
                    level, asked = min(level + 1, 3), clock.mono()
                    world.cancel(level)
            ended = self._ended(known, task, held, job.result)
        finally:
            world.close()
        if held is not None and ended.end is End.SEEN and not ended.problem:
            for stream, chunk in held.pieces():
                write(task.address, stream, chunk)
        outputs = [keeper.close()[1] for keeper in kept.values()]
        shutil.rmtree(run.path, ignore_errors=True)
        printed = [
            Printed(
                stream=each.stream,
                file=each.file,
                size=each.size,
                sha256=each.sha256,
                dropped=each.dropped,
                stream_sha256=each.stream_sha256,
                masked=each.masked,
                problem=each.problem,
            )
            for each in outputs
        ]
        return replace(ended, printed=printed)

    def _ended(self, known: Known, task: Task, held: Held | None, result: Callable[[], JsonObject]) -> Done:
        """What came of an attempt, with every secret covered, those among them that it has made."""
        cover = known.masker.cover
        made: Mapping[str, str] = {}
        try:
            raw = result()
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
            if end is End.CANCELLED and activity.is_worker_shutdown():
                return Done(end=End.LOST, reason="its worker was stopped")
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


_WHOSE = "select worker from runbook.attempt where run = %s and name = %s"


def _put(store: PostgresStore, records: Records) -> None:
    put(store.link, records.run, records.seq, [line.encode("ascii") for line in records.lines])


def _claimed(store: PostgresStore, run: str, name: str, whose: str) -> bool:
    """Claim an attempt, if nobody has."""
    return bool(
        store.link.rows(
            "insert into runbook.attempt (run, name, worker) values (%s, %s, %s) on conflict do nothing returning 1",
            *(run, name, whose),
        )
    )


def _unclaimed(void: bool) -> Done:
    if void:
        return Done(end=End.NOT_SENT, reason="it was given up before this worker began it")
    return Done(end=End.LOST, reason="another worker had claimed it, and may have begun it")
