"""What has arrived lately in the inboxes of the runs that an engine walks, for all of them at once."""

from runbook.audit.postgres.link import Link

NEWS = """
    select new.run, new.number, begun.line
    from (select run, max(number) as number from runbook.inbox
        where at > statement_timestamp() - %s * interval '1 second' group by run) new
    join runbook.record begun on begun.run = new.run and begun.seq = 0
    where position('"host":"temporal '::bytea in begun.line) > 0 and
        (select type from runbook.record where run = new.run order by seq desc limit 1) <> 'run.finished'"""
"""What has arrived within so many seconds; an index is of no use for `clock_timestamp()`, which no two rows share."""


def arrivals(link: Link, within: int) -> list[tuple[str, int, bytes]]:
    """The runs that are not over and got something within so many seconds: id, the last number, and the first record.

    :raises StoreFailed: if that cannot be asked.
    """
    return link.rows(NEWS, within)
