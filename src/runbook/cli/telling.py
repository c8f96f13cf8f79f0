"""Telling a run something from another terminal: through its inbox where somebody walks it, else as its writer."""

import os
from collections.abc import Mapping
from enum import Enum

from runbook.audit.inbox import put
from runbook.audit.lock import holder_of
from runbook.audit.store import Store, state_dir
from runbook.drivers.live import aside
from runbook.kinds.registry import KINDS
from runbook.walk import run_events as r


class Told(Enum):
    """What became of it."""

    DELIVERED = "delivered"
    RECORDED = "recorded"


def tell(run_id: str, state: str | None, *, kind: str, fields: Mapping[str, str], by: str) -> Told:
    """Tell a run a ``note`` or an ``abort``.

    :raises Refused: if there is no such run, it is over, or its log cannot be written.
    """
    run = Store(state_dir(state, os.environ)).find(run_id)
    if holder_of(run) is not None:
        put(run, kind, dict(fields))
        return Told.DELIVERED
    with aside(run, by, KINDS) as journal:
        if kind == "note":
            journal.tell(r.NoteAdded, **fields)
        else:
            journal.tell(r.OperatorActed, do="abort", source="inbox", **fields)
            journal.tell(r.RunFinished, finish="aborted")
        journal.sync()
    return Told.RECORDED
