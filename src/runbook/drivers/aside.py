"""A log that goes on: opened again and followed to its end, by whoever goes on with the run or has a word for it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from runbook.audit.lock import Holder
from runbook.audit.masking import Masker
from runbook.audit.record import Record
from runbook.audit.store import RunDir, glimpse
from runbook.audit.writer import Reopened, go_on
from runbook.drivers.interrupted import tell_interrupted
from runbook.drivers.journal import Journal, Last
from runbook.drivers.locking import tell_lost, untold
from runbook.drivers.replay import runbook_of
from runbook.drivers.retelling import event_of
from runbook.drivers.snapshot import difference, directory_of
from runbook.language.included import secrets_of
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Finish, Runbook
from runbook.walk import run_events as r
from runbook.walk.actions import Interrupted
from runbook.walk.records import MalformedEvent
from runbook.walk.walk import IllegalEvent, Walk
from runbook.world.clock import RealClock, SkippingClock
from runbook.world.secrets import SecretStore

NOT_LEGAL = Code(
    number="RB320",
    title="log cannot be gone on with",
    why="The log of the run is whole, but it is not a walk that this version of the program can follow: it was written "
    "by another version, or changed. Going on would mean to guess where the walk stands.",
)

ANOTHERS = Code(
    number="RB325",
    title="log of another run",
    why="The directory of a run is named for its id, and its log says the id too. Here they differ: the directory was "
    "copied or renamed. Whoever went on with a copy would do a second time what is done where it was copied from.",
)

BY_AN_ENGINE = Code(
    number="RB589",
    title="run that an engine walks",
    why="A run that was submitted is walked by a Temporal server and its workers, which hold no lock while they wait. "
    "Whoever wrote into its log beside them would take the run from them.",
)


def reopen(run: RunDir, operator: str | None, registry: Registry) -> tuple[Reopened, Walk, Last]:
    """The writer of a log that goes on, the walk as it stands, and its last record.

    :raises Refused: if it is held, over, damaged, or no legal walk.
    """
    walks: list[Walk] = []
    last: list[Record] = []

    def each(record: Record) -> None:
        last[:] = [record]
        event = event_of(record)
        if event is None:
            return
        if not walks and isinstance(event, r.RunStarted):
            if event.run != run.id:
                raise _anothers(run, event.run)
            walks.append(Walk(runbook_of(event, run.snapshot, registry), registry))
        walks[0].tell(event)

    try:
        # Who walked last is who holds it, unless somebody else says so; only the records tell.
        reopened = go_on(run, lambda: holder(operator or walks[0].operator), each)
    except (IllegalEvent, MalformedEvent) as error:
        raise not_legal(run, error) from None
    return reopened, walks[0], Last(ts=last[0].ts, mono=last[0].mono)


def _anothers(run: RunDir, id_: str) -> Refused:
    message = f"the directory is that of `{run.id}`, and the log that of `{id_}`"
    help_ = f"go on with `{id_}`; if only this is left of it, give the directory that name again"
    return Refused(Diagnostic(code=ANOTHERS, message=message, file=run.shown, help=help_))


def not_legal(run: RunDir, error: IllegalEvent | MalformedEvent) -> Refused:
    """What is raised where the log of a run is no legal walk."""
    message = f"the log is no walk that can be gone on with: {error}"
    help_ = f"`runbook verify {run.argument}` says more"
    return Refused(Diagnostic(code=NOT_LEGAL, message=message, file=run.shown, help=help_))


def clock_of(walk: Walk, last: Last) -> Clock:
    """The clock of a run that goes on: where waits pass at once, it has stood still since the last record."""
    simulated = walk.started is not None and walk.started.clock is not None
    return SkippingClock(last.ts) if simulated else RealClock()


def tell_resumed(journal: Journal, reopened: Reopened) -> None:
    """Tell that a run goes on, and what a crash left at the end of its log."""
    walk = journal.walk
    journal.tell(
        r.RunResumed,
        operator=walk.operator,
        host=platform.node(),
        torn=tuple(torn.as_json() for torn in reopened.torn),
        differs=difference(walk),
    )


@contextmanager
def aside(run: RunDir, operator: str, registry: Registry) -> Iterator[tuple[Journal, Reopened]]:
    """The journal of a run that nobody walks, for a record or two.

    :raises Refused: if an engine walks it.
    """
    _look_who_walks(run)
    reopened, walk, last = reopen(run, operator, registry)
    with reopened.writer as writer:
        masker = Masker()
        SecretStore(secrets_of(walk.runbook), register=masker.register, directory=directory_of(walk)).foresee()
        yield Journal(walk, writer, clock_of(walk, last), show=lambda _: None, mask=masker.cover, last=last), reopened


def note_aside(run: RunDir, registry: Registry, *, kind: str, text: str, by: str) -> None:
    """Write a note into the log of a run that nobody walks.

    :raises Refused: if it is held after all, over or damaged.
    """
    with aside(run, by, registry) as (journal, _):
        journal.tell(r.NoteAdded, kind=kind, text=text, by=by)
        journal.sync()


def hand_over_aside(run: RunDir, registry: Registry, *, to: str, by: str, reason: str | None = None) -> None:
    """Make somebody else the operator of a run that nobody walks.

    :raises Refused: as :func:`note_aside` does.
    """
    with aside(run, by, registry) as (journal, _):
        journal.tell(r.RunHandedOver, to=journal.covered(to), by=journal.covered(by), reason=reason)
        journal.sync()


def abort_aside(run: RunDir, registry: Registry, *, reason: str, by: str) -> None:
    """End a run that nobody walks; what was in flight when its walk was killed is said to be interrupted first.

    :raises Refused: as :func:`note_aside` does.
    """
    with aside(run, by, registry) as (journal, reopened):
        _settle(journal, reopened)
        tell_lost(journal, untold(run, journal.walk))
        journal.tell(r.OperatorActed, do="abort", reason=reason, by=by, source="inbox")
        journal.tell(r.RunFinished, finish=Finish.ABORTED.value)
        journal.sync()


def pause_aside(run: RunDir, registry: Registry, *, reason: str, by: str) -> None:
    """Pause a run whose sitting could not go on; what was in flight then is said to be interrupted.

    :raises Refused: as :func:`note_aside` does.
    """
    with aside(run, by, registry) as (journal, reopened):
        _settle(journal, reopened)
        journal.tell(r.RunPaused, reason=reason, by=by)
        journal.sync()


def _settle(journal: Journal, reopened: Reopened) -> None:
    """Tell what was in flight when a walk ended without a word."""
    if journal.walk.in_flight():
        tell_resumed(journal, reopened)
    while isinstance(action := journal.walk.pending()[0], Interrupted):
        tell_interrupted(journal, action)


def _look_who_walks(run: RunDir) -> None:
    """Look that no engine walks a run: it holds no lock, and would find its log gone on with by somebody else.

    :raises Refused: if one does.
    """
    engine = glimpse(run).engine
    if engine is not None:
        message = f"run {run.id} is walked by an engine, {engine}"
        help_ = f"`runbook answer {run.id}` goes on with it; `runbook resume {run.id}` takes it from the engine"
        raise Refused(Diagnostic(code=BY_AN_ENGINE, message=message, file=run.shown, help=help_))


def snapshot_of(run: RunDir, registry: Registry) -> Runbook:
    """The runbook that a run walks, from the file kept beside its log.

    :raises Refused: if the run never began, or the file is not there.
    """
    first = glimpse(run).first
    try:
        event = event_of(first) if first else None
    except MalformedEvent:
        event = None
    if not isinstance(event, r.RunStarted):
        message = "the run never began, or the beginning of its log cannot be read"
        help_ = f"`runbook verify {run.argument}` says which"
        raise Refused(Diagnostic(code=NOT_LEGAL, message=message, file=run.shown, help=help_))
    return runbook_of(event, run.snapshot, registry)


def holder(operator: str) -> Holder:
    """Who holds a log that this process writes."""
    return Holder(pid=os.getpid(), host=platform.node(), operator=operator)
