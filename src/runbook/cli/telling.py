"""Telling a run something from another terminal: through its inbox where it is walked, else as its writer."""

from collections.abc import Callable, Mapping
from enum import Enum

from runbook.audit.inbox import put
from runbook.audit.lock import HELD, holder_of
from runbook.audit.record import END
from runbook.audit.store import Store, glimpse
from runbook.cli.stores import run_to_write
from runbook.drivers.aside import abort_aside, hand_over_aside, note_aside
from runbook.kinds.registry import KINDS
from runbook.model.diagnostics import Refused

_ASIDE: Mapping[str, Callable[..., None]] = {
    "note": note_aside,
    "abort": abort_aside,
    "handover": hand_over_aside,
}


class Told(Enum):
    """What became of it: somebody, or an engine, walks the run and takes it up; it is on record; its user finds it."""

    DELIVERED = "delivered"
    SENT = "sent"
    RECORDED = "recorded"
    LEFT = "left"


def tell(store: Store, run_id: str, *, kind: str, fields: Mapping[str, str]) -> Told:
    """Tell a run a ``note`` (``kind text by``), an ``abort`` (``reason by``) or a ``handover`` (``to by reason?``).

    :raises Refused: if there is no such run, it is over, or neither its log nor its inbox can be written.
    """
    run = run_to_write(store, run_id)
    if holder_of(run) is None:
        seen = glimpse(run)
        last = seen.last
        if seen.engine is not None:
            put(run, kind, fields)
            return Told.SENT
        if last is not None and last.type != END and not run.writable:
            put(run, kind, fields)
            return Told.LEFT
        try:
            _ASIDE[kind](run, KINDS, **fields)
        except Refused as refused:
            if HELD not in {diagnostic.code for diagnostic in refused.diagnostics}:
                raise  # else somebody has just gone on with it
        else:
            return Told.RECORDED
    put(run, kind, fields)
    return Told.DELIVERED
