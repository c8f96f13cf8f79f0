"""The lock of a live run: its key, taking it, and what the log of a run tells that lost it.

The key is the runbook's id and its ``lock`` text, by default the environment's name. It stands in ``run.started``, so
whoever goes on with the run, or judges its log, has it from there.
"""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields

from runbook.audit.chained import Chained
from runbook.audit.held import Broken, Claim
from runbook.audit.store import RunDir, Store
from runbook.drivers.journal import Journal
from runbook.language.expressions import Cel
from runbook.language.scope import types_of
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Mode
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import DeviationRecorded, RunStarted
from runbook.walk.scope import Scope
from runbook.walk.walk import Walk
from runbook.world.clock import RealClock

NO_KEY = Code(
    number="RB323",
    title="lock without a key",
    why="The runbook's `lock` says which live runs exclude each other. Its text has no value at the start of this run,"
    " or an empty one, so nobody could say whether another run is in the way.",
)


def key_of(walk: Walk, told: Mapping[str, Json | Mapping[str, Json]]) -> str | None:
    """The key of a run's lock, from its runbook and the fields of its ``run.started``; None if it takes none.

    :raises Refused: if its text has no value.
    """
    book = walk.runbook
    if told["mode"] != Mode.LIVE.value:
        return None
    if book.lock is None:
        environment = told["environment"]
        return f"{book.id}/{environment}" if environment else book.id
    started = RunStarted(ts="", mono=0, **{**told, "lock": None})  # type: ignore[arg-type]  # the fields are its own
    begun = Walk(book, walk.registry)
    begun.started, begun.environment, begun.operator = started, started.environment, started.operator
    begun.inputs = parsed(started.inputs, "inputs") or {}
    try:
        text = Cel(types_of(book, walk.registry)).render(book.lock, Scope(begun))
    except ExpressionError as error:
        raise _no_key(f"the `lock` of `{book.id}` has no value: {error.message}") from None
    if not isinstance(text, str) or not text.strip() or len(text) > 1_000:
        raise _no_key(f"the `lock` of `{book.id}` is empty, or longer than 1,000 characters")
    return f"{book.id}/{text}"


def hold(
    run: RunDir,
    writer: Chained,
    key: str | None,
    operator: str,
    *,
    reason: str | None,
    aside: Callable[[RunDir], AbstractContextManager[tuple[Journal, object]]],
) -> Claim | None:
    """Take the lock of a run, or keep it; the run that it was broken of.

    :param writer: of the run's log, which is let go if another run has the lock.
    :param reason: why it may be broken if nobody walks the run that has it; None: it may not.
    :param aside: the journal of a run that nobody walks, for a record or two.
    :raises Refused: if another run has it.
    """
    if key is None:
        return None
    claim = Claim(key=key, run=run.id, operator=operator, host=platform.node(), since=RealClock().now())
    try:
        return run.store.locks().take(claim, reason, told_by(run.store, aside))
    except BaseException:
        writer.close()
        raise


def told_by(
    store: Store, aside: Callable[[RunDir], AbstractContextManager[tuple[Journal, object]]]
) -> Callable[[Broken], bool]:
    """What has the log of a run tell that its lock was broken, and says whether it could.

    :param aside: the journal of a run that nobody walks, for a record or two.
    """

    def tell(lost: Broken) -> bool:
        other = store.run(lost.run)
        if other.away is None and other.log.stat().st_uid != os.geteuid():
            return False  # whoever goes on with it tells it
        with aside(other) as (journal, _):
            tell_lost(journal, [lost])
            journal.sync()
        return True

    return tell


def untold(run: RunDir, walk: Walk) -> Sequence[Broken]:
    """What the log of a run is to tell of its lock.

    :raises Refused: if that cannot be told.
    """
    key = walk.started.lock if walk.started else None
    return run.store.locks().untold(key, run.id) if key is not None else ()


def look_at_lock(walk: Walk, started: RunStarted) -> None:
    """Look at the key of a run's lock, as its log has it; earlier versions took none.

    :raises IllegalEvent: if it is not what the runbook says.
    """
    if started.lock is None:
        return
    try:
        key = key_of(walk, {field.name: getattr(started, field.name) for field in fields(started)[2:]})
    except Refused:
        key = None
    if key != started.lock:
        raise IllegalEvent("lock", "the key of the run's lock is not what the runbook says")


def tell_lost(journal: Journal, untold: Sequence[Broken]) -> None:
    """Have a run's own log tell that its lock was broken, if it does not yet."""
    for broken in untold:
        if broken.to not in journal.walk.lost_to:
            journal.tell(DeviationRecorded, deviation="lock_lost", to=broken.to, reason=broken.reason, by=broken.by)


def _no_key(message: str) -> Refused:
    return Refused(Diagnostic(code=NO_KEY, message=message, help="use inputs that give it a text, or mend `lock`"))
