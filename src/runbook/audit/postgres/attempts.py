"""The attempts of runs that several machines walk: whoever claims one first has it, and nobody else may perform it."""

from collections.abc import Sequence

from runbook.audit.postgres.link import Link, StoreFailed
from runbook.audit.postgres.records import TAKEN, put

_CLAIM = """
    with put as (insert into runbook.record (run, seq, line) select %s, given.seq, given.line
        from unnest(%s::bigint[], %s::bytea[]) as given (seq, line) order by given.seq)
    insert into runbook.attempt (run, name, worker) values (%s, %s, %s) on conflict do nothing returning 1"""


def claim(link: Link, run: str, name: str, worker: str, *, seq: int = 0, lines: Sequence[bytes] = ()) -> bool:
    """Claim an attempt, if nobody has, and put records in the same commit; these are kept in any case.

    :param worker: who has it then; empty: nobody may perform it any more.
    :param seq: the number of the first record, ``lines`` as :func:`runbook.audit.postgres.records.put` has them.
    :raises Diverged: if another record stands there.
    :raises StoreFailed: if it is not known what was done.
    """
    try:
        return bool(link.rows(_CLAIM, run, [*range(seq, seq + len(lines))], [*lines], run, name, worker))
    except StoreFailed as failed:
        if failed.state not in TAKEN:
            raise
    put(link, run, seq, lines)  # by somebody at the same moment
    return claim(link, run, name, worker)


def voided(link: Link, run: str, name: str) -> bool:
    """Whether nobody may perform an attempt any more.

    :raises StoreFailed: if that cannot be asked.
    """
    return link.rows("select worker from runbook.attempt where run = %s and name = %s", run, name) == [("",)]
