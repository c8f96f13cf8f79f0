"""What workers do for a run: store its records, look into the store, and perform its steps.

Rules. A step is performed after its records are committed, and a change after it was claimed; whoever claims an attempt
first has it, be it the worker that is to perform it or the workflow that has given that worker up. Several threads work
at once, each with a connection of its own.
"""

import asyncio
import contextlib
import secrets
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from temporalio import activity
from temporalio.exceptions import ApplicationError

from runbook.audit.checkpoints import SIGNED, SUFFIX
from runbook.audit.inbox import AT_ONCE
from runbook.audit.postgres.attempts import claim, voided
from runbook.audit.postgres.link import Link, StoreFailed
from runbook.audit.postgres.records import Diverged, keep, kept, put, read
from runbook.audit.postgres.store import PostgresStore
from runbook.audit.starts import Start
from runbook.drivers.guarding import Wanted as WantedRun
from runbook.drivers.store_past import StorePast
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.beginning import begin
from runbook.drivers.temporal.here import Runs
from runbook.drivers.temporal.payloads import (
    Beginning,
    Begun,
    Claim,
    Deliveries,
    Delivery,
    Done,
    End,
    Records,
    Task,
)
from runbook.drivers.temporal.performing import Attempt, attended
from runbook.drivers.temporal.witnesses import Witnesses
from runbook.kinds.registry import KINDS
from runbook.model.diagnostics import Refused

SPARE = 20
"""How much more than attempts is done at once by a worker because it alone can: it must not seem to be gone."""
READ, PACKED = 4 * 1024 * 1024, 1024 * 1024
"""Bytes of a log that are read at once, and that they may take in a history."""
MOST = 256 * 1024
"""Bytes of an inbox that are told at once; escaped they may take six times as many."""


class Activities:
    """The activities of one worker.

    :param url: the store.
    :param root: a directory for what is copied meanwhile.
    :param signers: the file of allowed signers of this machine.
    :param at_once: how many attempts that any worker can perform, and as many that only this one can.
    :param key: what the workers of all sites have in common, if anything.
    """

    def __init__(
        self, url: str, root: Path, signers: Path, name: str, *, at_once: int, key: bytes | None = None
    ) -> None:
        self._url = url
        self._root = root
        self._signers = signers
        self.name = name
        self.threads = ThreadPoolExecutor(2 * at_once + SPARE, thread_name_prefix="activity")
        self._stores: dict[int, PostgresStore] = {}
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

    def close(self) -> None:
        """Return when what was begun is done, and the connections to the store are closed."""
        self.threads.shutdown()
        for store in self._stores.values():
            store.link.close()

    @property
    def _store(self) -> PostgresStore:
        """The store, over a connection of this thread."""
        thread = threading.get_ident()
        if thread not in self._stores:
            root = self._root / str(thread)
            (root / "output").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._stores[thread] = PostgresStore(root, Link(self._url))
        return self._stores[thread]

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
        store = self._stores.pop(threading.get_ident(), None)
        if store is not None:
            store.link.close()

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
    def void(self, given: Claim) -> bool:
        """See to it that an attempt does not begin any more; false: a worker had claimed it before."""
        with self._asked() as store:
            return claim(store.link, given.run, given.name, "") or voided(store.link, given.run, given.name)

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
        """Keep a checkpoint, the first of that text; the name of its text below the run's directory."""
        name = f"checkpoints/{size:012d}{SUFFIX}"
        with self._asked() as store:
            if kept(store.link, run, name) != text.encode():
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

    @activity.defn(name=calls.PERFORM)
    async def perform(self, task: Task) -> Done:
        """Store the records of an attempt, claim it if it changes something, and perform it."""
        info = activity.info()
        attempt, whose = Attempt(task, info.heartbeat_timeout), f"{self.name} {info.activity_id}"
        work = asyncio.get_running_loop().run_in_executor(self.threads, self._perform, attempt, whose)
        return await attended(attempt, work)

    def _perform(self, attempt: Attempt, whose: str) -> Done:
        task = attempt.task
        records = task.records
        known = self._runs.of(records.run, task.secrets)
        if known.open(task.sealed):
            return Done(end=End.GONE)
        try:
            with self._asked() as store:
                if not _announced(store, task, whose):
                    return _unclaimed(voided(store.link, records.run, task.name))
        except ApplicationError as failed:
            if failed.non_retryable:
                raise
            return Done(end=End.NOT_STORED, reason=failed.message)
        if task.committed and not known.holds(task.committed):
            looked = known.look(sorted(task.committed), {})
            if looked.problems:
                return Done(end=End.NOT_SENT, reason=looked.problems[0][0], help=looked.problems[0][1])
            if looked.commitments != task.committed:
                reason = "another worker of its site looked at its secrets when it was confirmed"
                return Done(end=End.NOT_SENT, reason=reason, help="try it again")
        return attempt.perform(store.link, store.root, known)


def _put(store: PostgresStore, records: Records) -> None:
    put(store.link, records.run, records.seq, _lines(records))


def _lines(records: Records) -> list[bytes]:
    return [line.encode("ascii") for line in records.lines]


def _announced(store: PostgresStore, task: Task, whose: str) -> bool:
    """Put the records of an attempt, and claim it if it changes something; whether it may be performed."""
    records = task.records
    if task.changes:
        return claim(store.link, records.run, task.name, whose, seq=records.seq, lines=_lines(records))
    if records.lines:
        _put(store, records)
    return True


def _unclaimed(void: bool) -> Done:
    if void:
        return Done(end=End.NOT_SENT, reason="it was given up before this worker began it")
    return Done(end=End.LOST, reason="another worker had claimed it, and may have begun it")
