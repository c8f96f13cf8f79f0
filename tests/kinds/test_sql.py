"""One SQL statement: what is said of it, and what it observes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runbook.kinds.registry import make
from runbook.kinds.sql import Sql
from runbook.model.io import NotSent
from runbook.model.runbook import Outcome
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.real import RealIo

TOKEN = SecretText((SecretRef("token"),))
URL = SecretText(("postgresql://app:", SecretRef("token"), "@db.example.com/app"))


def test_a_short_statement_stands_on_the_line_and_its_parameters_below() -> None:
    preview = Sql(
        database=TOKEN, statement="delete from t where a = :a\n", params={"a": [TOKEN, 1], "b": "x"}
    ).preview()
    assert preview.line == "on ‹secret token›: delete from t where a = :a"
    assert preview.detail == 'with :a = ["‹secret token›", 1]\nwith :b = "x"'


def test_a_long_statement_stands_below_exactly_as_it_is() -> None:
    statement = "delete from t\n  where a = ':a' -- and nothing else"
    preview = Sql(database="sqlite:x.db", statement=f"{statement}\n").preview()
    assert (preview.line, preview.detail) == ("on sqlite:x.db, the statement:", statement)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "postgresql://app:‹secret token›@db.example.com/app"),
        ("postgresql://app:made:up@db.example.com/app", "postgresql://app:‹password›@db.example.com/app"),
        ("postgresql://app@db.example.com/app", "postgresql://app@db.example.com/app"),
        ("sqlite:a:b@c.db", "sqlite:a:b@c.db"),
    ],
)
def test_which_database_is_said_without_a_password(url: str | SecretText, shown: str) -> None:
    assert Sql(database=url, statement="select 1").preview().line == f"on {shown}: select 1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (a)")
    return path


def test_it_observes_rows_columns_their_number_and_the_time(io: RealIo, file: Path) -> None:
    kind = make("sql", {"database": f"sqlite:{file}", "statement": "select :a as a, 2 as b", "params": {"a": TOKEN}})
    assert isinstance(kind, Sql)
    seen = kind.perform(io)
    elapsed = seen.pop("elapsed_ms")
    assert seen == {"rows": [{"a": "correct-horse-battery", "b": 2}], "columns": ["a", "b"], "row_count": 1}
    assert isinstance(elapsed, int)
    assert kind.judge(seen).outcome is Outcome.PASSED


def test_without_leave_to_change_something_it_cannot(io: RealIo, file: Path) -> None:
    with pytest.raises(NotSent, match="readonly"):
        Sql(database=f"sqlite:{file}", statement="insert into t values (1)").perform(io)
