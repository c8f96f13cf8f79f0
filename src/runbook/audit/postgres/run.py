"""One run in PostgreSQL, and its directory, which is a copy of it.

What stands in the database was written by whoever may write there, so a name is looked at before a file gets it.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.audit.away import Arrival
from runbook.audit.chained import Chained
from runbook.audit.disk import RealDisk
from runbook.audit.ends import record_in
from runbook.audit.footing import refusal
from runbook.audit.inbox import AT_ONCE
from runbook.audit.lock import Holder, held_by, one_line
from runbook.audit.outputs import CAP
from runbook.audit.plain_file import new_file
from runbook.audit.postgres.link import Link, StoreFailed
from runbook.audit.postgres.log import PostgresLog
from runbook.audit.postgres.printed import printed
from runbook.audit.postgres.records import begun, keep, kept, put, read
from runbook.audit.record import ASIDE, Record
from runbook.audit.store import PARTS, RUN_EXISTS, Glimpse, RunDir

if TYPE_CHECKING:
    from runbook.audit.postgres.store import PostgresStore

_FILE = re.compile(r"(?:runbook|requests|checkpoints)/[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OUTPUT = re.compile(r"[^/\s.][^/\s]{0,254}")
_PIECES = 8
"""Pieces of outputs that are read at once, each of a MiB at most."""
_PATIENCE, _PAUSE = 20, 0.1
"""How often a held lock is asked for, seconds apart: the database notices in a moment that a process was killed."""
ENDS = """
    select begun.run, begun.at, begun.line, last.line, stands.line, handed.line, resumed.line
    from runbook.record begun
    left join lateral (select line from runbook.record where run = begun.run order by seq desc limit 1) last on true
    left join lateral (select line, seq from runbook.record where run = begun.run and type <> all(%s)
        order by seq desc limit 1) stands on true
    left join lateral (select line from runbook.record where run = begun.run and seq > stands.seq
        and type = 'run.handed_over' order by seq desc limit 1) handed on true
    left join lateral (select line from runbook.record where run = begun.run and type = 'run.resumed'
        and position('"host":"temporal '::bytea in begun.line) > 0 order by seq desc limit 1) resumed on true
    where begun.seq = 0"""
"""What a list of runs shows of each; a condition, an order and a limit follow."""


class StoredRun:
    """Where one run is kept."""

    def __init__(self, store: "PostgresStore", link: Link, run_id: str) -> None:
        """Ask nothing yet."""
        self.store = store
        self.shown = f"{link.name}/runs/{run_id}/audit.jsonl"
        self.disk = Pieces(link, run_id)
        self._link = link
        self._id = run_id
        self._lock = f"runbook run {run_id}"
        self._held = self._begun = False
        self._waiting: list[str] = []
        self._records = 0
        self._sizes: dict[str, int] = {}
        self._files: set[str] = set()
        self._seen: dict[bool, list[tuple[int | None, ...]]] = {}

    def glimpse(self, run: RunDir) -> Glimpse:
        """Its first record and its last."""
        for _, _, *ends in self._link.rows(f"{ENDS} and begun.run = %s", [*ASIDE], self._id):
            return glimpsed(run, ends)
        return Glimpse(run=run, first=None, last=None)

    def holder(self) -> Holder | None:
        """Who writes its log now: whose session has its lock."""
        found = self._link.rows(
            "select writer.pid, writer.host, writer.operator from pg_locks held left join lateral"
            " (select * from runbook.writer where run = %s and backend = held.pid order by number desc limit 1) writer"
            " on true, hashtextextended(%s, 0) as name (key)"
            " where held.locktype = 'advisory' and held.granted and held.objsubid = 1"
            " and held.database = (select oid from pg_database where datname = current_database())"
            " and held.classid::bigint = (name.key >> 32) & 4294967295 and held.objid::bigint = name.key & 4294967295",
            self._id,
            self._lock,
        )
        for pid, host, operator in found:
            return Holder(pid=pid or 0, host=one_line(host or "unknown"), operator=one_line(operator or "unknown"))
        return None

    def fetch(self, run: RunDir, *, outputs: bool = True) -> None:
        """Make the directory as new as what is kept, as it all is at one moment."""
        tops = ["max(seq) from runbook.record", "count(*) from runbook.file"]
        tops += ["count(*) from runbook.output"] if outputs else []
        asked = ", ".join(f"(select {top} where run = %s)" for top in tops)
        found = self._link.rows(f"select {asked}", *[self._id] * len(tops))
        if found == self._seen.get(outputs) and run.log.exists():
            return
        for part in ("", *PARTS):
            (run.path / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._link.together(snapshot=True):
            with run.log.open("ab") as log:
                for seq, line in read(self._link, self._id, self._records):
                    log.write(line + b"\n")
                    self._records = seq + 1
            self._begun = self._begun or self._records > 0
            self._fetch_files(run)
            if outputs:
                self._fetch_outputs(run)
        self._seen[outputs] = found

    def _fetch_files(self, run: RunDir) -> None:
        names = self._link.rows("select name from runbook.file where run = %s order by name", self._id)
        for name in (name for (name,) in names if name not in self._files and _FILE.fullmatch(name)):
            data = kept(self._link, self._id, name)
            with new_file(run.path / name, replace=True) as file:
                file.write(data)
            self._files.add(name)

    def fetch_ends(self, run: RunDir, names: Iterable[str]) -> None:
        """Make the ends of outputs as new as what is kept; of one that is long a hole stands for its beginning."""
        known = {name: self._sizes.get(name, 0) for name in names}
        for name, skipped, data in printed(self._link, self._id, known) if known else ():
            start = self._sizes.get(name, 0) + skipped
            self._write(run, name, start, data)
            self._sizes[name] = start + len(data)

    def _fetch_outputs(self, run: RunDir) -> None:
        last = ("", -1)
        while pieces := self._link.rows(
            "select name, start, data from runbook.output where run = %s and (name, start) > (%s, %s)"
            " order by name, start limit %s",
            *(self._id, *last, _PIECES),
        ):
            for name, start, data in pieces:
                last = name, start
                self._write(run, name, start, data)

    @staticmethod
    def _write(run: RunDir, name: str, start: int, data: bytes) -> None:
        if _OUTPUT.fullmatch(name) and 0 <= start <= CAP:
            fd = os.open(run.output / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.pwrite(fd, data, start)
            finally:
                os.close(fd)

    def publish(self, run: RunDir, names: Sequence[str]) -> None:
        """Keep files of the directory; before the first record they are kept with that."""
        self._files.update(names)
        if not self._begun:
            self._waiting += names
            return
        keep(self._link, self._id, {name: (run.path / name).read_bytes() for name in names})

    def deliver(self, data: bytes) -> None:
        """Put something into its inbox."""
        self._link.rows("insert into runbook.inbox (run, number, data) values (%s, 0, %s)", self._id, data)

    def arrived(self, after: int) -> Sequence[Arrival]:
        """What is in its inbox behind a number."""
        found = self._link.rows(
            "select number, data, nullif(owner, session_user)::text from runbook.inbox"
            " where run = %s and number > %s order by number limit %s",
            *(self._id, after, AT_ONCE),
        )
        return [Arrival(*row) for row in found]

    def begin(self, run: RunDir, holder: Holder) -> Chained:
        """The writer of a run that has no record yet."""
        self._hold(run)
        if begun(self._link, self._id):
            self.let_go()
            raise refusal(RUN_EXISTS, "the run has a log already", run.log, "choose another id, or none")
        self._tell(holder)
        return PostgresLog(run, self)

    def reopen(
        self, run: RunDir, holder: Holder | Callable[[], Holder], each: Callable[[Record], object] | None
    ) -> Chained:
        """The writer of a run that goes on."""
        self._hold(run)
        try:
            self.fetch(run, outputs=False)
            log = PostgresLog(run, self)
            log.follow(each or (lambda _: None))
            self._tell(holder if isinstance(holder, Holder) else holder())
        except BaseException:
            self.let_go()
            raise
        return log

    def lost(self) -> StoreFailed | None:
        """Why nothing can be written any more; None if nothing is known to speak against it."""
        return self._link.lost()

    def append(self, run: RunDir, seq: int, lines: Sequence[bytes]) -> None:
        """Put records there; with the first ones the files that waited for them."""
        if self._begun:
            put(self._link, self._id, seq, lines)
        else:
            with self._link.together():
                put(self._link, self._id, seq, lines)
                self._begun = True
                self.publish(run, self._waiting)
        self._records = seq + len(lines)

    def let_go(self) -> None:
        """Let the lock go."""
        if self._held:
            self._held = False
            with contextlib.suppress(StoreFailed):  # without a session there is no lock
                self._link.unlock(self._lock)

    def _hold(self, run: RunDir) -> None:
        """Take the lock.

        :raises Refused: if another session has it, or another writer of this one.
        """
        for attempt in range(_PATIENCE):
            if not self._held and self._link.lock(self._lock):
                self._held = True
                return
            if attempt and self._held:
                break
            time.sleep(_PAUSE)
        raise held_by(run, self.holder())

    def _tell(self, holder: Holder) -> None:
        """Write down who has the lock."""
        self._link.rows(
            "insert into runbook.writer (run, backend, pid, host, operator) values (%s, pg_backend_pid(), %s, %s, %s)",
            *(self._id, holder.pid, holder.host, holder.operator),
        )


class Pieces(RealDisk):
    """Writes outputs into the store, a piece a write, and into the copy; several threads may."""

    def __init__(self, link: Link, run_id: str) -> None:
        self._link = link
        self._id = run_id
        self._open: dict[int, tuple[str, int]] = {}

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Open a file of the copy."""
        fd = super().open(path, flags, mode)
        self._open[fd] = (path.name, 0)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        """Put a piece into the store, then into the copy."""
        name, start = self._open[fd]
        piece = data[: 1024 * 1024]
        self._link.rows(
            "insert into runbook.output (run, name, start, data) values (%s, %s, %s, %s)", self._id, name, start, piece
        )
        self._open[fd] = (name, start + len(piece))
        while piece:
            piece = piece[super().write(fd, piece) :]
        return self._open[fd][1] - start


def glimpsed(run: RunDir, ends: Sequence[bytes | None]) -> Glimpse:
    """A run by the lines of the records that a :class:`Glimpse` shows, in its order."""
    first, last, stands, handed, resumed = (record_in(line) if line is not None else None for line in ends)
    return Glimpse(run=run, first=first, last=last, stands=stands, handed=handed, resumed=resumed)
