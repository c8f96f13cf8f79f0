"""How a worker begins a run: its lock is taken, then its first records and its files are stored, all or none.

It may be asked again where its answer was lost, and then says the same.
"""

import contextlib
import json
from functools import partial

from runbook.audit.held import Claim
from runbook.audit.postgres.link import StoreFailed
from runbook.audit.postgres.records import begun, keep, put
from runbook.audit.postgres.store import PostgresStore
from runbook.audit.record import END
from runbook.audit.store import glimpse
from runbook.drivers.aside import aside
from runbook.drivers.locking import told_by
from runbook.drivers.temporal.payloads import Beginning, Begun
from runbook.kinds.registry import KINDS
from runbook.model.diagnostics import Refused
from runbook.world.clock import RealClock

_BEFORE = 100
"""How many times back it is looked who had a lock."""
OTHER_ID = "choose another id, or none"


def begin(store: PostgresStore, beginning: Beginning) -> Begun:
    """Begin a run, or say why that is refused."""
    records = beginning.records
    name = f"runbook run {records.run}"
    if not store.link.lock(name):
        return Begun(refused=(f"another process writes the run `{records.run}`", OTHER_ID))
    try:
        broken = _lock(store, beginning)
        with store.link.together():
            put(store.link, records.run, records.seq, [line.encode("ascii") for line in records.lines])
            files = {f"runbook/{digest}.yaml": text.encode() for digest, text in beginning.files.items()}
            keep(store.link, records.run, files)
    except Refused as refused:
        return Begun(refused=(refused.diagnostics[0].message, refused.diagnostics[0].help))
    except StoreFailed as failed:
        if failed.state in {"RB001", "25P02"} and begun(store.link, records.run):
            return Begun(refused=(f"there is a run `{records.run}` already", OTHER_ID))
        raise
    finally:
        with contextlib.suppress(StoreFailed):  # it goes with the session then
            store.link.unlock(name)
    return Begun(broken=broken)


def _lock(store: PostgresStore, beginning: Beginning) -> str:
    """Take the lock of a run; the run that it was broken of, empty where it was of none.

    :raises Refused: if another run has it.
    """
    if beginning.lock is None:
        return ""
    run, operator = beginning.records.run, beginning.operator
    claim = Claim(key=beginning.lock, run=run, operator=operator, host=beginning.host, since=RealClock().now())
    tell = told_by(store, partial(aside, operator=operator, registry=KINDS))
    locks = store.locks()
    broken = locks.take(claim, beginning.break_lock, tell)
    if broken is not None or beginning.break_lock is None:
        return broken.run if broken is not None else ""
    before = (json.loads(claim)["run"] for claim in locks.kept(beginning.lock, _BEFORE))
    other = next((name for name in before if name != run), None)  # where this was asked before
    last = glimpse(store.run(other)).last if other is not None else None
    return other if other is not None and last is not None and last.type != END else ""
