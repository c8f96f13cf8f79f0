"""A run goes on in another history of the engine before one gets too long; nothing of that is on record.

Rules. The walk is told its log again, which is read from the store, and so stands where it stood: the number of its
records and the hash of the last go along, so nobody can have changed one. It goes on there only at a moment when a
session knows nothing that its log does not tell. Whoever was asked something is asked it again, under another number.
"""

import zlib

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from runbook.audit.chain import parse_line
from runbook.audit.record import NO_RECORD
from runbook.audit.strict import LineError
from runbook.drivers.journal import Last
from runbook.drivers.retelling import event_of
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import Carried
from runbook.walk import actions as a
from runbook.walk.including import chain
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

EVENTS, BYTES = 1_000, 4 * 1024 * 1024
"""A history that the engine calls long has had at least so many events, or bytes, since the log was read."""


class Onward(Exception):  # noqa: N818 - it is no error
    """The run goes on in another history."""


class History:
    """How long the history is that a run is in.

    :param limit: after how many events another one is begun; 0: when the engine suggests it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = self._events = self._bytes = 0

    def begins(self, count: int) -> None:
        """The run goes on from here, with so many records."""
        info = workflow.info()
        self._count = count
        self._events, self._bytes = info.get_current_history_length(), info.get_current_history_size()

    def is_long(self, count: int) -> bool:
        """Whether another history should be begun; never before there is something new on record."""
        if count <= self._count:
            return False
        info = workflow.info()
        events = info.get_current_history_length()
        if self._limit:
            return events >= self._limit
        since = events - self._events >= EVENTS or info.get_current_history_size() - self._bytes >= BYTES
        return since and info.is_continue_as_new_suggested()


def is_quiet(walk: Walk) -> bool:
    """Whether its log says all that there is to know of where a run stands."""
    walks = chain(walk)
    loops = any(each.visit and each.visit.elements and each.visit.phase is Phase.RUNNING for each in walks)
    if walk.in_flight() or loops or any(each.intent is not None for each in walks):
        return False
    visit = walks[-1].visit
    match next(iter(walk.pending()), None):
        case a.Enter() | a.Decide() | a.Confirm() | a.Wait() | a.AskOperator():
            return True
        case a.Perform():
            return visit is not None and visit.open_question and not visit.step.nested
        case a.AwaitApproval():
            return visit is not None and visit.confirmed is None
        case _:
            return False


def tell_again(walk: Walk, run: str, carried: Carried) -> Last:
    """Tell a walk the log that it has in the store so far; its last record.

    :raises ApplicationError: if that is not the log that was carried on.
    """
    seq, head, last = 0, NO_RECORD, None
    while seq < carried.count:
        page = calls.done(calls.READ, [run, seq, carried.count], bytes)
        for line in zlib.decompress(page).splitlines():
            try:
                record = parse_line(line)
            except LineError as error:
                raise _other(run, error.message) from None
            if (record.seq, record.prev) != (seq, head):
                raise _other(run, f"record {seq} does not follow")
            if (event := event_of(record)) is not None:
                walk.tell(event)
            seq, head, last = seq + 1, record.h, Last(ts=record.ts, mono=record.mono)
    if head != carried.head or last is None:
        raise _other(run, "its last record is another one")
    return last


def _other(run: str, why: str) -> ApplicationError:
    return ApplicationError(f"the log of {run} in the store is not the one that was written: {why}", non_retryable=True)
