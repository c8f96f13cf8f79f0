"""What the steps of a run print, from the store, while they print it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runbook.audit.postgres.link import Link

MOST = 64 * 1024
"""Bytes of an output that are read at once; of more that is new, the last."""
_NEW = """
    with new as (select number, name, start, data, max(start + octet_length(data)) over (partition by name) as size
        from runbook.output join unnest(%s::text[], %s::bigint[]) as known (name, size) using (name)
        where run = %s and start >= known.size)
    select name, start, data, size from new where start + octet_length(data) > size - %s order by number"""


class Piece(NamedTuple):
    """What is new of an output: its name, how many bytes before these are passed over, and the bytes."""

    name: str
    skipped: int
    data: bytes


def printed(link: Link, run: str, known: Mapping[str, int]) -> Iterator[Piece]:
    """What is new of outputs, each in order.

    Not by the numbers of the rows: those of steps side by side are not in the order of their commits.

    :param known: their names, each with how many bytes of it have been read.
    :raises StoreFailed: if it cannot be read.
    """
    at = dict(known)
    for name, start, data, size in link.rows(_NEW, [*known], [*known.values()], run, MOST):
        end = start + len(data)
        begin = max(start, size - MOST)
        yield Piece(name, begin - at[name], data[begin - start :])
        at[name] = end
