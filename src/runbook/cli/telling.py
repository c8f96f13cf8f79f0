"""Telling a run something from another terminal: through its inbox where somebody walks it, else as its writer."""

from collections.abc import Mapping
from enum import Enum

from runbook.audit.inbox import put
from runbook.audit.lock import holder_of
from runbook.cli.options import run_to_write
from runbook.drivers.live import abort_aside, note_aside
from runbook.kinds.registry import KINDS


class Told(Enum):
    """What became of it."""

    DELIVERED = "delivered"
    RECORDED = "recorded"


def tell(run_id: str, state: str | None, *, kind: str, fields: Mapping[str, str]) -> Told:
    """Tell a run a ``note`` (``kind text by``) or an ``abort`` (``reason by``).

    :raises Refused: if there is no such run, it is over, or its log cannot be written.
    """
    run = run_to_write(run_id, state)
    if holder_of(run) is not None:
        put(run, kind, dict(fields))
        return Told.DELIVERED
    (note_aside if kind == "note" else abort_aside)(run, KINDS, **fields)
    return Told.RECORDED
