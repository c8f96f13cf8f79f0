"""The records of a run in PostgreSQL: put there once and for all, and read from there.

``put`` is all that a writer needs, wherever it runs and however often it is repeated: put-if-absent by run and number.
The same bytes again are no error and change nothing; where other bytes stand, or where the records do not follow on
what is there, it is refused and nothing of it is kept. The database itself sees to that, for every writer.
"""

from collections.abc import Iterator, Mapping, Sequence

from runbook.audit.postgres.link import Link, StoreFailed

_PAGE = 500
TAKEN = frozenset({"RB001", "23505"})
"""The states of a number that is taken: by other bytes, or by somebody at the same moment."""


class Diverged(StoreFailed):
    """Another writer's record stands where one was to be put; the stored bytes win."""

    def __init__(self, seq: int, stored: bytes) -> None:
        """Say which number it is, and what stands there."""
        super().__init__(f"another writer has gone on with the run: record {seq} is theirs")
        self.seq = seq
        self.stored = stored


def put(link: Link, run: str, seq: int, lines: Sequence[bytes]) -> None:
    """Put records behind each other, all or none, committed when it returns.

    :param seq: the number of the first.
    :param lines: each without its LF, as :func:`runbook.audit.chain.line_of` makes them.
    :raises Diverged: if another record stands there.
    :raises StoreFailed: if they do not follow on what is there, or it is not known whether they are kept.
    """
    while lines:
        try:
            link.rows(
                "insert into runbook.record (run, seq, line) select %s, given.seq, given.line"
                " from unnest(%s::bigint[], %s::bytea[]) as given (seq, line) order by given.seq",
                run,
                [*range(seq, seq + len(lines))],
                [*lines],
            )
        except StoreFailed as failed:
            if failed.state not in TAKEN or (stored := _stored(link, run, seq, lines)) == 0:
                raise
            seq, lines = seq + stored, lines[stored:]
        else:
            return


def keep(link: Link, run: str, files: Mapping[str, bytes]) -> None:
    """Keep files of a run, committed when it returns; the same files again change nothing.

    :param files: by their names, such as ``requests/4f0c….txt``.
    :raises StoreFailed: if other bytes stand under such a name, or it is not known whether they are kept.
    """
    given = "unnest(%s::text[], %s::bytea[]) as given (name, data)"
    both = [*files], [*files.values()]
    link.rows(
        f"insert into runbook.file (run, name, data) select %s, name, data from {given} on conflict do nothing",  # noqa: S608 - our own words
        *(run, *both),
    )
    other = link.rows(
        f"select name from runbook.file there join {given} using (name) where run = %s and there.data <> given.data",  # noqa: S608 - our own words
        *(*both, run),
    )
    if other:
        raise StoreFailed(f"another file is kept as `{other[0][0]}`")


def kept(link: Link, run: str, name: str) -> bytes:
    """What is kept of a run under a name; empty where nothing is.

    :raises StoreFailed: if it cannot be read.
    """
    found = link.rows("select data from runbook.file where run = %s and name = %s", run, name)
    return found[0][0] if found else b""


def _stored(link: Link, run: str, seq: int, lines: Sequence[bytes]) -> int:
    """How many of the records that were refused are stored: somebody has put them, or the first of them, meanwhile.

    :raises Diverged: if another record stands where one was to be put.
    """
    there = dict(read(link, run, seq))
    for number, line in enumerate(lines, seq):
        if number not in there:
            return number - seq
        if there[number] != line:
            raise Diverged(number, there[number])
    return len(lines)


def begun(link: Link, run: str) -> bool:
    """Whether a run has a record.

    :raises StoreFailed: if that cannot be asked.
    """
    return bool(link.rows("select 1 from runbook.record where run = %s limit 1", run))


def read(link: Link, run: str, seq: int = 0) -> Iterator[tuple[int, bytes]]:
    """The records of a run from a number on, in order: number and line, read a page at a time.

    :raises StoreFailed: if they cannot be read.
    """
    while True:
        page = link.rows(
            "select seq, line from runbook.record where run = %s and seq >= %s order by seq limit %s", run, seq, _PAGE
        )
        yield from page
        if len(page) < _PAGE:
            return
        seq = page[-1][0] + 1
