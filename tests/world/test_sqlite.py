"""SQL steps on a real SQLite file."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world.databases import INJECTIONS, Hand, cancelled_after

from runbook.model.io import Cancelled, NotSent, TimedOut
from runbook.model.secrets import Resolved, SecretRef, SecretText
from runbook.world.sql_answer import KEPT, ROWS

FOR_EVER = "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) as m from n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "create table threads (id integer primary key, title text unique);"
            "create table posts (thread integer references threads (id));"
            "insert into threads values (1, 'one'), (2, 'two'); insert into posts values (1);"
        )
    return path


@pytest.fixture
def hand(file: Path) -> Hand:
    return Hand("sqlite:app.db", file.parent)


def titles(hand: Hand) -> list[object]:
    return [row["title"] for row in hand.read("select title from threads order by id").rows]


def test_rows_columns_and_their_number_are_observed(hand: Hand) -> None:
    result = hand.read("select id, title from threads where id < :most order by id", most=2)
    assert (result.rows, result.columns, result.row_count) == ([{"id": 1, "title": "one"}], ("id", "title"), 1)
    assert hand.read("select id from threads where false").columns == ("id",)
    assert hand.change("update threads set title = title || '!'").row_count == 2
    returned = hand.change("delete from threads where id = 2 returning title")
    assert (returned.rows, returned.row_count) == ([{"title": "two!"}], 1)
    made = hand.change("create table more (id)")
    assert (made.rows, made.columns, made.row_count) == ([], (), 0)


def test_values_are_observed_exactly_or_as_text(hand: Hand) -> None:
    (row,) = hand.read(
        "select 9223372036854775807 as whole, 0.1 as broken, null as absent, 'é' as text, x'00ff' as bytes,"
        " cast(x'ff61' as text) as no_text, 9e999 as endless"
    ).rows
    assert row == {
        "whole": 2**63 - 1,
        "broken": 0.1,
        "absent": None,
        "text": "é",
        "bytes": "\\x00ff",
        "no_text": "\ufffda",
        "endless": float("inf"),
    }


@pytest.mark.reliability
@pytest.mark.parametrize("value", INJECTIONS)
def test_f9_a_value_arrives_as_it_is_and_is_never_code(hand: Hand, value: str) -> None:
    assert hand.value("select :value as v", value=value) == value
    assert hand.read("select * from threads where title = :value", value=value).row_count == 0
    assert hand.change("update threads set title = :value where id = 1", value=value).row_count == 1
    assert titles(hand) == [value, "two"]


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["a\0b", ["a\0b"], {"k": "a\0b"}, SecretText(("\0", SecretRef("x")))])
def test_f9_a_nul_is_refused_before_anything_is_sent(hand: Hand, value: Resolved) -> None:
    with pytest.raises(NotSent, match="the parameter `value` holds a NUL"):
        hand.change("insert into threads (title) values (:value)", value=value)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Hand:
    directory = tmp_path_factory.mktemp("empty")
    (directory / "app.db").touch()
    return Hand("sqlite:app.db", directory)


@settings(max_examples=50)
@given(
    value=st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.booleans(),
        st.none(),
    )
)
def test_every_value_comes_back_as_it_went(empty: Hand, value: Resolved) -> None:
    assert empty.value("select :value as v", value=value) == value


def test_a_list_and_a_mapping_are_json_texts(hand: Hand) -> None:
    found = hand.read(
        "select title from threads where title in (select value from json_each(:titles))", titles=["two", "three"]
    )
    assert [row["title"] for row in found.rows] == ["two"]
    assert hand.value("select :it ->> '$.a[1]' as v", it={"a": [1, "x"]}) == "x"


def test_a_secret_is_looked_up_for_the_value_and_for_the_url(hand: Hand, file: Path) -> None:
    assert hand.value("select :it as v", it=SecretText(("<", SecretRef("a"), ">"))) == "<value-of-a>"
    file.rename(file.with_name("value-of-name"))
    assert Hand(SecretText(("sqlite:", SecretRef("name"))), file.parent).value("select 1 as one") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "insert into threads (title) values ('three')",
        "delete from threads",
        "create table more (id)",
        "drop table posts",
        "with gone as (select 1) delete from threads",
        "pragma user_version = 7",
        "pragma query_only = off",
        "replace into threads values (1, 'x')",
        "vacuum into 'copy.db'",
    ],
)
def test_a_read_cannot_write(hand: Hand, file: Path, statement: str) -> None:
    before = file.read_bytes()
    try:
        hand.read(statement)
    except NotSent as refused:
        assert refused.help  # noqa: PT017 - some are carried out, and change nothing
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir()} == {"app.db"}


@pytest.mark.parametrize("changes", [False, True])
def test_no_other_file_can_be_reached_or_made(hand: Hand, file: Path, changes: bool) -> None:
    other = file.with_name("other.db")
    with pytest.raises(NotSent, match="attached databases") as caught:
        hand.statement("attach :path as other", params={"path": str(other)}, changes=changes).run()
    assert "one database" in caught.value.help
    assert not other.exists()


def test_a_read_says_what_the_step_would_have_to_say(hand: Hand) -> None:
    with pytest.raises(NotSent, match="readonly") as caught:
        hand.read("delete from threads")
    assert "effect: change" in caught.value.help


@pytest.mark.parametrize("changes", [False, True])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, changes: bool) -> None:
    hand = Hand("sqlite:misspelt.db", tmp_path)
    with pytest.raises(NotSent, match=r"there is no database `misspelt\.db`"):
        hand.statement("create table t (id)", changes=changes).run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite:", "sqlite:///app.db", "mysql://app.db", "app.db", "sqlite:."])
def test_what_names_no_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(NotSent) as caught:
        Hand(url, tmp_path).read("select 1")
    assert caught.value.help


def test_what_is_no_database_is_refused_with_advice(file: Path) -> None:
    (file.parent / "text.db").write_text("this is not a database, however long the text may be" * 50)
    with pytest.raises(NotSent, match="not a database") as caught:
        Hand("sqlite:text.db", file.parent).read("select * from threads")
    assert caught.value.help == "look at the path"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("insert into threads (title) select 'new' union all select 'one'", "UNIQUE constraint failed: threads.title"),
        ("update threads set id = id + 0 / (id - id)", "no such column|UNIQUE|datatype mismatch"),
        ("insert into posts values (99)", "FOREIGN KEY constraint failed"),
        ("selec 1", 'near "selec": syntax error'),
        ("insert into nowhere values (1)", "no such table: nowhere"),
        ("vacuum", "cannot VACUUM from within a transaction"),
        ("select ?", "number of bindings"),
        (
            "insert into threads values (3, 'x') returning id as a, title as a",
            "two columns of the answer are called `a`",
        ),
    ],
)
def test_a_change_that_fails_leaves_nothing_behind(hand: Hand, statement: str, said: str) -> None:
    with pytest.raises(NotSent, match=said) as caught:
        hand.change(statement)
    assert caught.value.help
    assert titles(hand) == ["one", "two"]
    assert hand.value("select count(*) as n from posts") == 1


def test_a_statement_that_takes_too_long_is_stopped(hand: Hand) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match="not done within 1 s"):
        hand.statement(FOR_EVER, limit=1_000).run()
    with pytest.raises(NotSent, match="not done within 1 s, and the database has rolled it back"):
        hand.statement(f"insert into threads (title) {FOR_EVER}", limit=1_000, changes=True).run()
    assert time.monotonic() - began < 6
    assert titles(hand) == ["one", "two"]


def test_a_person_stops_it(hand: Hand) -> None:
    began = time.monotonic()
    read = hand.statement(FOR_EVER)
    cancelled_after(read, 0.5)
    with pytest.raises(Cancelled, match="stopped by a person"):
        read.run()
    change = hand.statement(f"insert into threads (title) {FOR_EVER}", changes=True)
    cancelled_after(change, 0.5)
    with pytest.raises(NotSent, match="stopped by a person, and the database has rolled it back"):
        change.run()
    assert time.monotonic() - began < 6
    assert titles(hand) == ["one", "two"]


def test_a_file_that_somebody_else_writes_to_is_waited_for_and_then_refused(hand: Hand, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(NotSent, match="locked") as caught:
            hand.statement("update threads set title = 'x'", changes=True, limit=400).run()
        assert "another process holds the lock" in caught.value.help
        other.execute("rollback")
    assert hand.change("update threads set title = title").row_count == 2


def test_a_file_in_the_mode_of_a_write_ahead_log_can_be_read(hand: Hand, file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("insert into threads values (3, 'three')")
        assert titles(hand) == ["one", "two", "three"]
        with pytest.raises(NotSent, match="readonly"):
            hand.read("delete from threads")


def test_a_big_answer_is_counted_whole_and_kept_in_part(hand: Hand) -> None:
    many = hand.read("with recursive n(x) as (select 1 union all select x + 1 from n where x < 50000) select x from n")
    assert (many.row_count, len(many.rows)) == (50_000, ROWS)
    wide = hand.read(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 100)"
        " select hex(zeroblob(50000)) as h from n"
    )
    assert wide.row_count == 100
    assert KEPT < sum(len(str(row["h"])) for row in wide.rows) < 2 * KEPT
    assert len(str(hand.value("select hex(zeroblob(5000000)) as h"))) == KEPT
