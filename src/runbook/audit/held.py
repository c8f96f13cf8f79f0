"""The locks of runbooks: which run of a store has one, so that two live runs do not walk the same thing at once.

``locks/<SHA-256 of the key>.json`` names the run that took it last, and that run has it until its log ends in
``run.finished``: nothing has to be let go of, and nothing is left behind by a crash. It is looked at and written alone.
A run that is walked now keeps its lock; one that is paused or was killed keeps it too, and others may break it, which
both logs tell. Where a log belongs to another user, what it has to tell stands here until that user goes on with it.
"""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from runbook.audit.alone import alone
from runbook.audit.disk import REAL
from runbook.audit.footing import make_private, refusal, sync_directory, unusable
from runbook.audit.lock import holder_of
from runbook.audit.plain_file import open_plain, shared_file
from runbook.audit.record import END
from runbook.audit.recovery import write_whole
from runbook.audit.store import RunDir, Store, glimpse
from runbook.audit.strict import LINE_CAP
from runbook.model.canonical import Json, canonical
from runbook.model.diagnostics import Code

LOCKED = Code(
    number="RB527",
    title="runbook locked by another run",
    why="Two live runs of one runbook in one environment would undo or repeat each other's changes, so they exclude"
    " each other by the text of the runbook's `lock`, from start to finish, pauses included. A run that is paused or"
    " was interrupted keeps its lock; it can be broken with a reason, which both logs tell.",
)
DAMAGED = Code(
    number="RB528",
    title="damaged lock",
    why="A file in the store's `locks/` says which run has a lock. It is not what this program writes, so nobody can"
    " say who has it.",
)
CAP = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A lock that was taken from a run, which that run's log does not tell yet: into which run, by whom, and why."""

    run: str
    by: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that has a lock: under which key, who walks it, where, and since when (a UTC time)."""

    key: str
    run: str
    operator: str
    host: str
    since: str
    untold: tuple[Broken, ...] = ()


class Locks:
    """The locks of a store that is prepared."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def holder(self, key: str) -> Claim | None:
        """The run that has a lock and is not over; None if none does.

        :raises Refused: if that cannot be told.
        """
        claim = self._read(key)
        return claim if claim is not None and _goes_on(self._store.run(claim.run)) else None

    def untold(self, key: str, run: str) -> list[Broken]:
        """What the log of a run is to tell of its lock, if it does not yet.

        :raises Refused: if that cannot be told.
        """
        claim = self._read(key)
        return [each for each in claim.untold if each.run == run] if claim is not None else []

    def take(
        self, claim: Claim, reason: str | None = None, tell: Callable[[Broken], bool] = lambda _: False
    ) -> Claim | None:
        """Take a lock for a run whose log is locked already; a run that has it keeps it.

        :param reason: why the lock of another run may be broken, if nobody walks that; None: no lock is broken.
        :param tell: has the log of the run that has the lock tell that it is broken, and says whether it could.
        :returns: the run that it was taken from although that is not over.
        :raises Refused: if another run has it that is walked now, or one that is not and there is no reason.
        """
        try:
            with self._alone():
                before = self._read(claim.key)
                untold = [each for each in before.untold if _goes_on(self._store.run(each.run))] if before else []
                broken = None
                if before is not None and before.run != claim.run and _goes_on(self._store.run(before.run)):
                    self._look(before, may_break=reason is not None)
                    broken = before
                    lost = Broken(run=before.run, by=claim.operator, to=claim.run, reason=reason or "")
                    untold += [] if tell(lost) else [lost]
                since = before.since if before is not None and before.run == claim.run else claim.since
                self._write(replace(claim, since=since, untold=tuple(untold)))
                return broken
        except OSError as error:
            raise self._failed(self._directory, error) from None

    @staticmethod
    def _failed(path: Path, error: OSError) -> Exception:
        """What is raised where something about a lock could not be read or written."""
        return unusable(path, error)

    @property
    def _directory(self) -> Path:
        return self._store.root / "locks"

    def _path(self, key: str) -> Path:
        return self._directory / f"{sha256(key.encode()).hexdigest()}.json"

    def _look(self, claim: Claim, *, may_break: bool) -> None:
        """Refuse to take a lock from the run that has it.

        :raises Refused: unless it may be broken.
        """
        run = self._store.run(claim.run)
        engine = glimpse(run).engine is not None
        walked = engine or holder_of(run) is not None
        state = "is walked now" if walked else "is not over, though nobody walks it now"
        if engine:
            state = "is walked by an engine, as far as its log says"
        who = f"run {claim.run} of {claim.operator} on {claim.host}, begun {claim.since[:19]}Z, has the lock"
        message = f"{who} `{claim.key}`, and {state}"
        if walked:
            help_ = f"talk to {claim.operator}; `runbook status {claim.run}` shows where it stands"
            if engine:
                help_ += f", and `runbook resume {claim.run}` goes on with it if it was ended on the engine"
            raise refusal(LOCKED, message, None, help_)
        if not may_break:
            help_ = f"`runbook resume {claim.run}` or `runbook abort {claim.run}`; or take it with --break-lock REASON"
            raise refusal(LOCKED, message, None, help_)

    def _read(self, key: str) -> Claim | None:
        """The run that took a lock last.

        :raises Refused: if the file says something else.
        """
        path = self._path(key)
        try:
            text = self._text(key)
            if text is None:
                return None
            found = json.loads(text)
            untold = tuple(Broken(**each) for each in found.pop("untold"))
            claim = Claim(**found, untold=untold)
        except OSError as error:
            raise self._failed(path, error) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            claim = None
        texts = [getattr(claim, name, None) for name in ("key", "run", "operator", "host", "since")]
        if claim is None or claim.key != key or not all(isinstance(text, str) for text in texts):
            help_ = "see with `runbook runs` that nobody walks the runbook, then remove the file"
            raise refusal(DAMAGED, "the file does not say who has the lock", path, help_)
        return claim

    def _write(self, claim: Claim) -> None:
        self._keep(claim.key, canonical({**asdict(claim), "untold": _untold(claim)}).encode("ascii"))

    def _alone(self) -> AbstractContextManager[None]:
        """Be the only one that takes a lock.

        :raises OSError: if that cannot be.
        """
        make_private(self._directory)
        return alone(self._store.root)

    def _text(self, key: str) -> bytes | None:
        """What was kept last of a lock.

        :raises OSError: if it cannot be read.
        """
        try:
            with open_plain(self._path(key)) as file:
                return file.read(CAP)
        except FileNotFoundError:
            return None

    def _keep(self, key: str, text: bytes) -> None:
        """Keep a text for a lock, for certain.

        :raises OSError: if it cannot be.
        """
        path = self._path(key)
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with shared_file(part, os.O_WRONLY) as file:
            write_whole(REAL, file.fileno(), text)
            REAL.fsync(file.fileno())
        REAL.rename(part, path)
        sync_directory(self._directory)


def _untold(claim: Claim) -> list[Json]:
    return [{"run": each.run, "by": each.by, "to": each.to, "reason": each.reason} for each in claim.untold]


def _goes_on(run: RunDir) -> bool:
    """Whether a run keeps its lock: it began, or begins now, and is not over."""
    seen = glimpse(run)
    if seen.last is not None:
        return seen.last.type != END
    if run.away is not None:
        return holder_of(run) is not None
    try:
        with open_plain(run.log) as log:
            begun = b"\n" in log.read(LINE_CAP)  # a part of a first record is none
    except FileNotFoundError:
        return False
    except OSError:
        return True  # whoever looks at that run is told
    return begun or holder_of(run) is not None
