"""SQL steps on a real PostgreSQL server: values, what a read may not do, what a failed change leaves, big answers."""

import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world.databases import INJECTIONS, Hand, threads, titles
from tests.world.postgres import Postgres

from runbook.model.io import NotSent, WorldError
from runbook.model.secrets import Resolved, SecretRef, SecretText
from runbook.world.sql_answer import KEPT, ROWS


@pytest.fixture
def hand(postgres: Postgres, tmp_path: Path) -> Hand:
    return threads(postgres, tmp_path)


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


def test_a_read_reaches_nothing_out_of_the_database(hand: Hand, postgres: Postgres, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for statement in (
        f"copy threads to '{tmp_path}/rows'",
        f"/* all */ COPY (select 1) to program 'cat > {tmp_path}/rows'",
    ):
        with pytest.raises(NotSent, match="reaches out of the database"):
            hand.read(statement)
    with psycopg.connect(postgres.url, autocommit=True) as listener:
        listener.execute("listen news")
        hand.read("notify news")
        hand.read("select pg_notify('news', 'again')")
        assert list(listener.notifies(timeout=0.2)) == []
    assert list(tmp_path.iterdir()) == []


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
