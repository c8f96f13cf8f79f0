"""SQL steps on a real PostgreSQL server."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world.databases import INJECTIONS, Hand, cancelled_after
from tests.world.postgres import ENCODED, PASSWORD, Postgres

from runbook.model.io import Cancelled, Lost, NotSent, TimedOut, WorldError
from runbook.model.secrets import Resolved, SecretRef, SecretText
from runbook.world.sql_answer import KEPT, ROWS

SLEEP = "select pg_sleep(60)"
SLOW_CHANGE = "insert into threads select 100 + g, pg_sleep(60)::text from generate_series(1, 2) g"


@pytest.fixture
def hand(postgres: Postgres, tmp_path: Path) -> Hand:
    postgres.do(
        "drop schema public cascade; create schema public;"
        "create table threads (id int primary key, title text);"
        "create table posts (thread int references threads deferrable initially deferred);"
        "create sequence numbers;"
        "insert into threads values (1, 'one'), (2, 'two');"
        "create function sneak() returns int language sql as 'delete from threads returning id';"
    )
    return Hand(postgres.url, tmp_path)


def titles(postgres: Postgres) -> list[object]:
    return [title for (title,) in postgres.do("select title from threads order by id")]


def test_rows_columns_and_their_number_are_observed(hand: Hand) -> None:
    result = hand.read("select id, title from threads where id < :most order by id", most=2)
    assert (result.rows, result.columns, result.row_count) == ([{"id": 1, "title": "one"}], ("id", "title"), 1)
    assert hand.read("select id from threads where false").columns == ("id",)
    assert hand.change("update threads set title = title || '!'").row_count == 2
    returned = hand.change("delete from threads where id = 2 returning title")
    assert (returned.rows, returned.row_count) == ([{"title": "two!"}], 1)
    made = hand.change("create table more (id int)")
    assert (made.rows, made.columns, made.row_count) == ([], (), 0)
    assert hand.read("do $$ begin perform 1; end $$").rows == []


def test_values_are_observed_exactly_or_as_text(hand: Hand) -> None:
    (row,) = hand.read(
        "select 9223372036854775807 as whole, 0.1::float8 as broken, null as absent, true as yes, 'é' as text,"
        " 1.50 as number, 'nan'::float8 as no_number, '-infinity'::numeric as endless, date '2026-01-02' as day,"
        " timestamp '2026-01-02 03:04:05.6' as naive, timestamptz 'infinity' as never, interval '1 day 2 h' as long,"
        " '00ff'::bytea as letters, '\\x00ff'::bytea as bytes, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as id,"
        " array[1, null, 3] as list, array[0.5, 2] as numbers, array['a', 'b,c'] as texts,"
        """ '{"k": [1, 2.5, null, "x"]}'::jsonb as json, int4range(1, 5) as range, row(1, 'a') as pair,"""
        " inet '10.0.0.0/8' as net, 'threads'::regclass as class"
    ).rows
    no_number = row.pop("no_number")  # type: ignore[attr-defined]  # it is a dictionary
    assert no_number != no_number  # noqa: PLR0124 - so is NaN known
    assert row == {
        "whole": 2**63 - 1,
        "broken": 0.1,
        "absent": None,
        "yes": True,
        "text": "é",
        "number": "1.50",
        "endless": "-Infinity",
        "day": "2026-01-02",
        "naive": "2026-01-02T03:04:05.6",
        "never": "infinity",
        "long": "1 day 02:00:00",
        "letters": "\\x30306666",
        "bytes": "\\x00ff",
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "list": [1, None, 3],
        "numbers": ["0.5", "2"],
        "texts": ["a", "b,c"],
        "json": {"k": [1, 2.5, None, "x"]},
        "range": "[1,5)",
        "pair": "(1,a)",
        "net": "10.0.0.0/8",
        "class": "threads",
    }


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-01-02T03:04:05.678Z"),
        ("Asia/Kolkata", "2026-01-02T08:34:05.678+05:30"),
        ("America/New_York", "2026-01-01T22:04:05.678-05:00"),
    ],
)
def test_an_instant_is_in_the_form_of_rfc_3339(hand: Hand, postgres: Postgres, zone: str, text: str) -> None:
    postgres.do(f"alter database app set timezone = '{zone}'; alter database app set datestyle = 'SQL, DMY'")
    try:
        assert hand.value("select timestamptz '2026-01-02 03:04:05.678Z' as at") == text
    finally:
        postgres.do("alter database app reset timezone; alter database app reset datestyle")


@pytest.mark.reliability
@pytest.mark.parametrize("value", INJECTIONS)
def test_f9_a_value_arrives_as_it_is_and_is_never_code(hand: Hand, postgres: Postgres, value: str) -> None:
    assert hand.value("select :value as v", value=value) == value
    assert hand.value("select :value || ':value' || '%' as v", value=value) == f"{value}:value%"
    assert hand.read("select * from threads where title = :value", value=value).row_count == 0
    assert hand.change("update threads set title = :value where id = 1", value=value).row_count == 1
    assert titles(postgres) == [value, "two"]


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["a\0b", ["a\0b"], {"k": "a\0b"}])
def test_f9_a_nul_is_refused_before_anything_is_sent(hand: Hand, value: Resolved) -> None:
    with pytest.raises(NotSent, match="the parameter `value` holds a NUL"):
        hand.change("update threads set title = :value", value=value)


@settings(max_examples=40)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    number=st.integers(-(2**63), 2**63 - 1),
    texts=st.lists(st.text("ab,{}\"\\' \n", max_size=5), min_size=1),
)
def test_every_value_comes_back_as_it_went(postgres: Postgres, value: str, number: int, texts: list[str]) -> None:
    statement = "select :v as t, cast(:n as bigint) as n, cast(:l as text[]) as l, cast(:j as jsonb) as j"
    (row,) = (
        Hand(postgres.url, Path()).read(statement, v=value, n=number, l=list[Resolved](texts), j={"k": [value]}).rows
    )
    assert row == {"t": value, "n": number, "l": texts, "j": {"k": [value]}}


def test_a_list_is_an_array_and_what_has_mappings_in_it_is_json(hand: Hand) -> None:
    assert hand.read("select 1 from threads where title = any(:titles)", titles=["two", "three"]).row_count == 1
    assert hand.read("select 1 from threads where id = any(:ids)", ids=[1, 2, 3]).row_count == 2
    assert hand.read("select 1 from threads where id = any(:ids)", ids=[]).row_count == 0
    assert hand.value("select cast(:it as jsonb) -> 'a' -> 1 as v", it={"a": [1, {"b": None}]}) == {"b": None}
    assert hand.value("select jsonb_array_length(:it) as v", it=[{"a": 1}, 2]) == 2
    with pytest.raises(NotSent, match="a parameter cannot be written for PostgreSQL"):
        hand.read("select :it", it=[1, "x"])


def test_a_secret_is_looked_up_for_the_value_and_for_the_url(hand: Hand, postgres: Postgres) -> None:
    assert hand.value("select :it as v", it=SecretText(("<", SecretRef("a"), ">"))) == "<value-of-a>"
    postgres.do("drop role if exists other; create role other login password 'value-of-pw'")
    url = postgres.url_of("app", user="other", password="@")
    before, _, after = url.partition("@")
    hand.url = SecretText((before, SecretRef("pw"), after))
    assert hand.value("select current_user as u") == "other"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into threads values (3, 'three')",
        "delete from threads",
        "with gone as (delete from threads returning id) select count(*) from gone",
        "select sneak()",
        "do $$ begin delete from threads; end $$",
        "create table more (id int)",
        "create table more as select * from threads",
        "select * into more from threads",
        "select nextval('numbers')",
        "truncate threads cascade",
        "drop table posts",
        "select set_config('transaction_read_only', 'off', true), sneak()",
        "do $$ begin set transaction read write; delete from threads; end $$",
        "do $$ begin commit; delete from threads; end $$",
        "explain analyze delete from threads",
        "copy threads from program 'echo 3'",
        "alter system set work_mem = '8MB'",
        "comment on table threads is 'x'",
    ],
)
def test_a_read_cannot_write(hand: Hand, postgres: Postgres, statement: str) -> None:
    with pytest.raises(NotSent) as caught:
        hand.read(statement)
    assert caught.value.help
    assert titles(postgres) == ["one", "two"]
    assert postgres.do("select count(*) from pg_tables where schemaname = 'public'") == [(2,)]


def test_a_read_says_what_the_step_would_have_to_say(hand: Hand) -> None:
    with pytest.raises(NotSent, match=r"cannot execute DELETE in a read-only transaction \(25006\)") as caught:
        hand.read("delete from threads")
    assert "effect: none" in caught.value.help


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "insert into threads values (3, 'x'), (1, 'y')",
            'duplicate key value violates unique constraint "threads_pkey"',
        ),
        ("insert into posts values (99)", "violates foreign key constraint"),  # at the commit
        ("update threads set id = 1 / (id - 2)", "division by zero"),
        ("do $$ begin delete from threads; raise exception 'no'; end $$", "no"),
        (
            "insert into threads values (3, 'x') returning id as a, title as a",
            "two columns of the answer are called `a`",
        ),
        ("vacuum", "VACUUM cannot run inside a transaction block"),
        ("create index concurrently i on threads (title)", "cannot run inside a transaction block"),
        ("create database other", "CREATE DATABASE cannot run inside a transaction block"),
        ("selec 1", 'syntax error at or near "selec"'),
        ("insert into nowhere values (1)", 'relation "nowhere" does not exist'),
        ("copy threads to stdout", "`copy` to or from the client"),
        ("copy threads from stdin", "`copy` to or from the client"),
        ("select pg_typeof(:a), :a + 1", "parameter `a`|operator"),
    ],
)
def test_a_change_that_fails_leaves_nothing_behind(hand: Hand, postgres: Postgres, statement: str, said: str) -> None:
    params: dict[str, Resolved] = {"a": "x"} if ":a" in statement else {}
    with pytest.raises(NotSent, match=said) as caught:
        hand.change(statement, **params)
    assert caught.value.help
    assert titles(postgres) == ["one", "two"]
    assert postgres.do("select count(*) from posts") == [(0,)]
    assert postgres.do("select count(*) from pg_stat_activity where state like 'idle in%'") == [(0,)]


@pytest.mark.parametrize("word", ["vacuum", "create index concurrently i on threads (title)", "create database other"])
def test_what_cannot_run_in_a_transaction_is_said_to_belong_elsewhere(hand: Hand, word: str) -> None:
    with pytest.raises(NotSent) as caught:
        hand.change(word)
    assert "manual" in caught.value.help


def test_the_server_stops_what_takes_too_long(hand: Hand, postgres: Postgres) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match="not done within 300 ms"):
        hand.statement(SLEEP, limit=300).run()
    with pytest.raises(NotSent, match="not done within 300 ms, and the database has rolled it back"):
        hand.statement(SLOW_CHANGE, limit=300, changes=True).run()
    assert time.monotonic() - began < 3
    assert postgres.running("pg_sleep") == []
    assert titles(postgres) == ["one", "two"]


@pytest.mark.reliability
def test_g5_a_person_has_the_server_stop_it(hand: Hand, postgres: Postgres) -> None:
    began = time.monotonic()
    read = hand.statement(SLEEP)
    cancelled_after(read, 0.2)
    with pytest.raises(Cancelled, match="stopped by a person"):
        read.run()
    change = hand.statement(SLOW_CHANGE, changes=True)
    cancelled_after(change, 0.2)
    with pytest.raises(NotSent, match="stopped by a person, and the database has rolled it back"):
        change.run()
    assert time.monotonic() - began < 3
    assert postgres.running("pg_sleep") == []
    assert titles(postgres) == ["one", "two"]


def test_somebody_else_may_stop_it(hand: Hand, postgres: Postgres) -> None:
    stop = meanwhile(postgres, "pg_sleep", lambda pid: postgres.do("select pg_cancel_backend(%s)", pid))
    with stop, pytest.raises(NotSent, match="somebody else had the database stop the statement"):
        hand.change(SLOW_CHANGE)


def test_a_lock_is_waited_for_and_then_the_statement_is_refused(hand: Hand, postgres: Postgres) -> None:
    with closing(psycopg.connect(postgres.url)) as other:
        other.execute("lock table threads")
        with pytest.raises(NotSent, match=r"lock timeout \(55P03\)") as caught:
            hand.statement("update threads set title = 'x'", changes=True, limit=400).run()
        assert "pg_blocking_pids" in caught.value.help
    assert titles(postgres) == ["one", "two"]


@contextmanager
def meanwhile(postgres: Postgres, part: str, act: Callable[[int], object]) -> Iterator[None]:
    """Do something to the server's process that carries out a statement, once it does."""

    def watch() -> None:
        until = time.monotonic() + 20
        while not (found := postgres.running(part)):
            assert time.monotonic() < until
            time.sleep(0.01)  # the statement is on its way
        act(found[0])

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


@pytest.mark.reliability
@pytest.mark.parametrize("how", ["terminated", "killed", "stopped"])
@pytest.mark.parametrize("changes", [False, True])
def test_c2_a_connection_that_is_lost_in_the_middle_is_lost(
    hand: Hand, postgres: Postgres, how: str, changes: bool
) -> None:
    acts: dict[str, Callable[[int], object]] = {
        "terminated": lambda pid: postgres.do("select pg_terminate_backend(%s)", pid),
        "killed": lambda pid: os.kill(pid, signal.SIGKILL),
        "stopped": lambda _: postgres.stop(signal.SIGQUIT),
    }
    with (
        meanwhile(postgres, "pg_sleep", acts[how]),
        pytest.raises(Lost, match="the connection to the database was lost"),
    ):
        hand.statement(SLOW_CHANGE if changes else SLEEP, changes=changes).run()
    if how == "stopped":
        with pytest.raises(NotSent, match="refused the connection"):
            hand.read("select 1")
        postgres.start()
    postgres.ready()
    assert titles(postgres) == ["one", "two"]


class Between:
    """A way to the server that can be cut without anybody being told: nothing more goes through."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing more through."""
        self._cut = True

    def close(self) -> None:
        """Close everything."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._server.accept()[0], socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if not self._cut:
                    other.sendall(data)
            if not self._cut:
                other.shutdown(socket.SHUT_WR)


@pytest.mark.reliability
def test_c2_a_network_that_goes_silent_leaves_a_change_timed_out_and_not_failed(hand: Hand, postgres: Postgres) -> None:
    with closing(Between(postgres.port)) as between:
        hand.url = postgres.url.replace(str(postgres.port), str(between.port))
        assert hand.read("select 1").row_count == 1
        began = time.monotonic()
        with (
            meanwhile(postgres, "pg_sleep", lambda _: between.cut()),
            pytest.raises(TimedOut, match="nor when it was told"),
        ):
            hand.statement(SLOW_CHANGE, changes=True, limit=500).run()
        assert time.monotonic() - began < 5
    # The server has kept the limits by itself, and leaves no lock behind.
    until = time.monotonic() + 10
    while postgres.do(
        "select 1 from pg_stat_activity where application_name like 'runbook/%%' and xact_start is not null"
    ):
        assert time.monotonic() < until
        time.sleep(0.05)  # the server's own clock runs out
    assert titles(postgres) == ["one", "two"]


def test_a_server_that_never_answers_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hand = Hand(f"postgresql://app:{ENCODED}@127.0.0.1:{silent.getsockname()[1]}/app", tmp_path)
        began = time.monotonic()
        with pytest.raises(NotSent, match="no connection to the database within 300 ms"):
            hand.statement("delete from threads", changes=True, limit=300).run()
        stopped = hand.statement("delete from threads", changes=True)
        cancelled_after(stopped, 0.2)
        with pytest.raises(NotSent, match="stopped by a person; nothing was sent"):
            stopped.run()
        assert time.monotonic() - began < 2


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://app:{pw}@127.0.0.1:1/app", "127.0.0.1:1 refused the connection"),
        ("postgresql://app:{pw}@surely-not.invalid/app", "the name of surely-not.invalid does not resolve"),
        ("postgresql://app:wrong{pw}@{here}/app", "{here} refused the user or the password"),
        ("postgresql://nobody:{pw}@{here}/app", "{here} refused the user or the password"),
        ("postgresql://app@{here}/app", "{here} wants a password, and the URL has none"),
        ("postgresql://app:{pw}@{here}/nowhere", "{here} has no database of that name"),
        ("postgresql://app:{pw}@{here}/app?sslmode=require", "TLS with {here} failed"),
        ("postgresql://app:{pw}@/app?host=/nowhere", "no database listens on the socket of this machine"),
        ("postgresql://app:{raw}@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:pa55-word%zz@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:pa55-word@with@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:55/55-word@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:{pw}@{here}/app?pa55-word=1", "the URL of the database cannot be read"),
        ("{raw}", "begins neither with"),
    ],
)
def test_d1_why_it_was_not_reached_is_said_without_the_password(
    postgres: Postgres, tmp_path: Path, url: str, said: str
) -> None:
    here = f"127.0.0.1:{postgres.port}"
    fill = {"pw": ENCODED, "raw": PASSWORD, "here": here}
    with pytest.raises(NotSent) as caught:
        Hand(url.format_map(fill), tmp_path).change("create table more (id int)")
    assert said.format_map(fill) in caught.value.reason
    assert caught.value.help
    for piece in ("pa55", "word", "with@", "signs", "55-"):
        assert piece not in f"{caught.value.reason} {caught.value.help}".replace("password", "")


def test_too_many_connections_are_a_reason_of_their_own(hand: Hand, postgres: Postgres) -> None:
    held: list[psycopg.Connection[object]] = []
    postgres.do("drop role if exists busy; create role busy login password 'busy-busy' connection limit 1")
    busy = postgres.url_of("app", user="busy", password="busy-busy")
    try:
        held.append(psycopg.connect(busy))
        hand.url = busy
        with pytest.raises(NotSent, match="has no connection left"):
            hand.read("select 1")
    finally:
        for connection in held:
            connection.close()


def test_a_big_answer_is_counted_whole_and_kept_in_part(hand: Hand) -> None:
    many = hand.read("select g from generate_series(1, 50000) g")
    assert (many.row_count, len(many.rows)) == (50_000, ROWS)
    wide = hand.read("select repeat('x', 100000) as h from generate_series(1, 100)")
    assert wide.row_count == 100
    assert KEPT < sum(len(str(row["h"])) for row in wide.rows) < 2 * KEPT
    assert len(str(hand.value("select repeat('x', 5000000) as h"))) == KEPT


@pytest.mark.reliability
def test_g3_two_hundred_megabytes_of_rows_take_flat_memory(postgres: Postgres, python: Callable[..., str]) -> None:
    grown = python(
        """
import resource, sys
from runbook.model.io import SqlQuery
from runbook.world.sql import Statement
def read(rows):
    text = f"select repeat('x', 1000) as t from generate_series(1, {rows})"
    query = SqlQuery(database=sys.argv[1], statement=text)
    answer = Statement(query, value_of=str, directory=".", limit=60_000).run()
    assert answer.row_count == rows
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = read(10_000)
print(read(200_000) - before)
""",
        postgres.url,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(grown) * unit < 16 * 1024 * 1024


def test_without_psycopg_it_says_how_to_install_it(python: Callable[..., str]) -> None:
    said = python(
        """
import sys
sys.modules["psycopg"] = None
from runbook.kinds.sql import Sql
from runbook.model.io import NotSent
from runbook.world.real import RealWorld
from runbook.world.secrets import SecretStore
world = RealWorld(secrets=SecretStore({}, register=lambda *_: None), output=lambda *_: None)
try:
    world.perform("step", Sql(database="postgresql://app@127.0.0.1:1/app", statement="select 1"), None)
except NotSent as error:
    print(error.reason, "|", error.help)
"""
    )
    assert said == "PostgreSQL needs psycopg, which is not installed here (RB410) | pip install 'runbook-walk[sql]'"


def test_a_walk_without_sql_never_imports_psycopg(python: Callable[..., str]) -> None:
    source = "import sys, runbook.cli.run, runbook.drivers.live, runbook.world.real\n"
    assert python(source + "print({'psycopg', 'sqlite3', 'runbook.world.sql'} & sys.modules.keys())") == "set()"


def test_every_failure_is_one_of_the_world(hand: Hand) -> None:
    """What a library raises that nobody foresaw is quoted nowhere: it may hold a value."""
    with pytest.raises(WorldError) as caught:
        hand.read("select cast(:secret as int)", secret="x" * 1_000 + "made-up-secret")
    assert "made-up" not in caught.value.reason
    assert "InvalidTextRepresentation (22P02)" in caught.value.reason
