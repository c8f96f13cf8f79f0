"""The records in PostgreSQL: the database itself keeps the chain, whoever writes, and its writers only add to it."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import wait_for
from tests.drivers.stored import PASSWORD, WALKER, database
from tests.world.postgres import Postgres

from runbook.audit.chain import line_of
from runbook.audit.chained import LogFailed
from runbook.audit.lock import Holder
from runbook.audit.postgres.link import Link, StoreFailed, without_password
from runbook.audit.postgres.records import Diverged, keep, put, read
from runbook.audit.postgres.store import PostgresStore, schema
from runbook.audit.record import NO_RECORD
from runbook.audit.writer import begin, go_on
from runbook.model.canonical import Json
from runbook.model.diagnostics import Refused

TS = "2026-11-21T09:00:00.123Z"
_NUMBERS = itertools.count()
STARTED: dict[str, Json] = {"format": "1.0", "run": "r1"}


def lines(count: int, *, text: str = "", last: str = "warning") -> list[bytes]:
    """A chain of so many records."""
    made, prev = [], NO_RECORD
    for seq in range(count):
        type_ = "run.started" if seq == 0 else last if seq == count - 1 else "warning"
        fields = STARTED if seq == 0 else {"text": f"{text}{seq}"}
        raw, prev = line_of(seq=seq, prev=prev, ts=TS, mono=seq, type_=type_, fields=fields)
        made.append(raw)
    return made


@pytest.fixture(scope="module")
def kept(postgres: Postgres) -> str:
    """The database of a store."""
    return database(postgres)


@pytest.fixture
def link(postgres: Postgres, kept: str) -> Iterator[Link]:
    """The store as whoever walks sees it."""
    with closing(Link(postgres.url_of(kept, user=WALKER, password=PASSWORD))) as found:
        yield found


@pytest.fixture
def run() -> str:
    """A run of the test's own."""
    return f"run-{next(_NUMBERS)}"


def test_records_come_back_to_the_byte_and_in_order(link: Link, run: str) -> None:
    made = lines(1_201)
    put(link, run, 0, made[:700])
    put(link, run, 700, made[700:])
    assert [*read(link, run)] == [*enumerate(made)]


def test_the_same_records_again_change_nothing(link: Link, run: str) -> None:
    made = lines(5)
    for first, last in ((0, 3), (0, 3), (1, 4), (0, 5), (4, 5)):
        put(link, run, first, made[first:last])
    assert [line for _, line in read(link, run)] == made


def test_other_bytes_are_refused_with_what_stands_there_and_nothing_of_them_is_kept(link: Link, run: str) -> None:
    ours, theirs = lines(5), lines(6, text="other ")
    put(link, run, 0, ours[:3])
    with pytest.raises(Diverged) as refused:
        put(link, run, 1, theirs[1:6])
    assert (refused.value.seq, refused.value.stored) == (1, ours[1])
    assert [line for _, line in read(link, run)] == ours[:3]


def mangled(made: list[bytes]) -> dict[str, tuple[int, list[bytes]]]:
    """What does not follow on the first two records of five, from a number on."""
    two = made[2]
    return {
        "a gap": (3, made[3:]),
        "another number": (2, [made[1]]),
        "another one before": (2, [lines(3, text="other ")[2]]),
        "another hash": (2, [two[:-10] + b"00000000" + two[-2:]]),
        "other text": (2, [two.replace(b'"text":"2"', b'"text":"3"')]),
        "no record": (2, [b"{}"]),
        "nothing": (2, [b""]),
        "two lines": (2, [two + b"\n" + made[3]]),
        "a second beginning": (2, [made[0]]),
        "no ASCII": (2, [two.replace(b"warning", b"w\xffrning")]),
        "something huge": (2, [two + b" " * 70_000]),
    }


@pytest.mark.parametrize("how", mangled(lines(5)))
def test_what_does_not_follow_is_refused(link: Link, run: str, how: str) -> None:
    made = lines(5)
    put(link, run, 0, made[:2])
    with pytest.raises(StoreFailed):
        put(link, run, *mangled(made)[how])
    assert [line for _, line in read(link, run)] == made[:2]


def test_a_log_begins_with_its_first_record(link: Link, run: str) -> None:
    with pytest.raises(StoreFailed):
        put(link, run, 1, lines(3)[1:])
    assert [*read(link, run)] == []


def test_files_are_kept_once_and_other_bytes_of_their_names_refused(link: Link, run: str) -> None:
    files = {"requests/a.txt": b"asked", "checkpoints/000000000001.txt": b"signed"}
    keep(link, run, files)
    keep(link, run, files)
    with pytest.raises(StoreFailed, match="another file is kept"):
        keep(link, run, {"requests/a.txt": b"other"})
    for name, data in (("runbook/0.yaml", b"x"), ("out/x", b"x"), ("requests/../x", b"x"), ("requests/.x", b"x")):
        with pytest.raises(StoreFailed):
            keep(link, run, {name: data})
    assert dict(link.rows("select name, data from runbook.file where run = %s", run)) == files


def test_nothing_follows_the_end_and_time_does_not_go_back(link: Link, run: str) -> None:
    made = lines(3, last="run.finished")
    put(link, run, 0, made)
    h = made[-1][-66:-2].decode()
    after, _ = line_of(seq=3, prev=h, ts=TS, mono=9, type_="warning", fields={"text": "more"})
    with pytest.raises(StoreFailed):
        put(link, run, 3, [after])
    made = lines(3)
    put(link, f"{run}-2", 0, made)
    back, _ = line_of(seq=3, prev=made[-1][-66:-2].decode(), ts=TS, mono=1, type_="warning", fields={"text": "back"})
    with pytest.raises(StoreFailed):
        put(link, f"{run}-2", 3, [back])


@pytest.mark.parametrize("writers", [4])
def test_of_writers_that_go_on_at_the_same_moment_one_does(
    postgres: Postgres, kept: str, link: Link, run: str, writers: int
) -> None:
    put(link, run, 0, lines(2))
    gate = threading.Barrier(writers)
    won: list[str] = []

    def go_on(name: str) -> None:
        with closing(Link(postgres.url_of(kept, user=WALKER, password=PASSWORD))) as own:
            own.rows("select 1")
            made = lines(2)
            for seq in range(2, 40):
                raw, _ = line_of(
                    seq=seq, prev=made[-1][-66:-2].decode(), ts=TS, mono=seq, type_="warning", fields={"text": name}
                )
                made.append(raw)
                if seq == 2:
                    gate.wait()
                try:
                    put(own, run, seq, [raw])
                except Diverged:
                    return
            won.append(name)

    threads = [threading.Thread(target=go_on, args=(f"writer {number}",)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept_lines = [line for _, line in read(link, run)]
    assert len(won) == 1
    assert len(kept_lines) == 40
    assert all(won[0].encode() in line for line in kept_lines[2:])


def test_of_writers_that_put_the_same_records_at_the_same_moment_each_has_put_all_of_its_own(
    postgres: Postgres, kept: str, link: Link, run: str
) -> None:
    """Attempts that begin side by side each carry the records before them."""
    made = lines(5)
    put(link, run, 0, made[:2])
    failed: list[BaseException] = []

    def more() -> None:
        with closing(Link(postgres.url_of(kept, user=WALKER, password=PASSWORD))) as own:
            try:
                put(own, run, 2, made[2:])
            except StoreFailed as error:
                failed.append(error)

    thread = threading.Thread(target=more)
    with link.together():
        put(link, run, 2, made[2:3])
        thread.start()
        wait_for(lambda: postgres.running("insert into runbook.record"), "nobody waits for us")
    thread.join()
    assert failed == []
    assert [line for _, line in read(link, run)] == made


TABLES = ("record", "file", "output", "inbox", "start", "claim", "writer")


def filled(link: Link, run: str) -> None:
    """A row in each table."""
    put(link, run, 0, lines(2))
    link.rows("insert into runbook.file (run, name, data) values (%s, 'requests/a.txt', 'x')", run)
    link.rows("insert into runbook.output (run, name, start, data) values (%s, 'a', 0, 'x')", run)
    link.rows("insert into runbook.inbox (run, number, data) values (%s, 0, 'x')", run)
    link.rows("insert into runbook.start (key, run, runbook, step, operator, ts) values ('k', %s, '', '', '', '')", run)
    link.rows("insert into runbook.claim (key, claim) values (%s, 'x')", run)
    link.rows("insert into runbook.writer (run, backend, pid, host, operator) values (%s, 1, 1, '', '')", run)


def changing(table: str, column: str) -> list[str]:
    """Statements that change or remove what is there."""
    name = f"runbook.{table}"
    return [f"update {name} set {column} = now()", f"delete from {name}", f"truncate {name}"]  # noqa: S608 - our own names


@pytest.mark.parametrize("table", [*TABLES, "meta"])
def test_who_walks_can_add_rows_and_neither_change_nor_remove_one(link: Link, run: str, table: str) -> None:
    filled(link, run)
    for statement in (
        *changing(table, "made" if table == "meta" else "at"),
        f"drop table runbook.{table}",
        f"alter table runbook.{table} disable trigger all",
        "set session_replication_role = replica",
        "create table runbook.other (a int)",
        "create function runbook.follow(int) returns int language sql as 'select 1'",
    ):
        with pytest.raises(StoreFailed) as refused:
            link.rows(statement)
        assert refused.value.state == "42501", statement


@pytest.mark.parametrize("table", TABLES)
def test_not_even_the_owner_changes_or_removes_a_row_by_accident(
    postgres: Postgres, kept: str, link: Link, run: str, table: str
) -> None:
    filled(link, run)
    with psycopg.connect(postgres.url_of(kept), autocommit=True) as owner:
        for statement in changing(table, "at"):
            with pytest.raises(psycopg.Error, match="never changed or taken away"):
                owner.execute(statement.encode())


def test_the_schema_can_be_carried_out_again(postgres: Postgres, kept: str, link: Link, run: str) -> None:
    put(link, run, 0, lines(2))
    with psycopg.connect(postgres.url_of(kept), autocommit=True) as owner:
        owner.execute(schema().encode())
    assert len([*read(link, run)]) == 2


def test_a_store_of_a_newer_format_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    newer = database(postgres)
    with closing(Link(postgres.url_of(newer))) as owner:
        owner.rows("insert into runbook.meta (format) values (2)")
        with pytest.raises(Refused, match="of format 2"):
            PostgresStore(tmp_path, owner).look()


def test_messages_have_numbers_without_a_gap_in_the_order_of_commits(
    postgres: Postgres, kept: str, link: Link, run: str
) -> None:
    def deliver(name: int) -> None:
        with closing(Link(postgres.url_of(kept, user=WALKER, password=PASSWORD))) as own:
            for number in range(10):
                own.rows(
                    "insert into runbook.inbox (run, number, data) values (%s, 7, %s)", run, f"{name} {number}".encode()
                )

    threads = [threading.Thread(target=deliver, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [number for (number,) in link.rows("select number from runbook.inbox where run = %s order by 1", run)]
    assert found == [*range(1, 31)]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://u:p@h/d", "postgresql://u@h/d"),
        ("postgresql://:p@h/d", "postgresql://@h/d"),
        ("postgresql://u@h/d?password=p&sslmode=require", "postgresql://u@h/d?sslmode=require"),
        ("postgresql://u@h/d?sslmode=require&sslpassword=p", "postgresql://u@h/d?sslmode=require"),
        ("postgresql://h/d?password=p", "postgresql://h/d"),
        ("postgresql:///?service=runs", "postgresql:///?service=runs"),
        ("postgresql://u%3A:p%40%3A@[::1]:5433,other/d", "postgresql://u%3A@[::1]:5433,other/d"),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, safe: str) -> None:
    assert (without_password(url), Link(url).shown) == (safe, safe)


def test_a_writer_gathers_records_and_keeps_them_when_it_syncs_or_ends(link: Link, run: str, tmp_path: Path) -> None:
    store = PostgresStore(tmp_path, link).prepare()
    made = store.create(run)
    log = begin(made, Holder(pid=1, host="here", operator="ana"))
    log.append("run.started", STARTED, ts=TS, mono=0)
    assert [*read(link, run)] == []
    log.sync()
    for number in range(450):
        log.append("warning", {"text": str(number)}, ts=TS, mono=number)
    assert len([*read(link, run)]) == 401
    with pytest.raises(Refused, match="held by process 1 on here"):
        go_on(store.run(run), Holder(pid=2, host="there", operator="ben"), lambda _: None)
    log.close()
    assert log.anchor == f"450:{log.head}"
    assert made.log.read_bytes() == b"".join(line + b"\n" for _, line in read(link, run))
    with pytest.raises(LogFailed):
        log.append("warning", {"text": "late"}, ts=TS, mono=1_000)
    seen: list[int] = []
    with go_on(
        store.run(run), Holder(pid=2, host="there", operator="ben"), lambda record: seen.append(record.seq)
    ).writer:
        assert seen == [*range(451)]
        holder = store.run(run).away
        assert holder is not None
        assert holder.holder() == Holder(pid=2, host="there", operator="ben")
