"""Walks whose steps are SQL, on a real PostgreSQL: what the log holds, and what is left when they are interrupted."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from tests.drivers.books import book, ways
from tests.drivers.desk import Desk, answers, wait_for
from tests.world.postgres import ENCODED, PASSWORD, Postgres

TOKEN = "tok-4f9a17c2b8'e\\x"
HEAD = "secrets:\n  database_url: {env: DATABASE_URL}\n  token: {env: TOKEN}\n"
WITH = ("--answers", "answers.yaml")
PROBE = """\
probe:
  kind: sql
  database: ${{ secrets.database_url }}
  statement: select count(*) as n from threads where id = 3
  expect: rows[0].n == 1
  failed_when: rows[0].n == 0
"""
SLOW = "insert into threads select 3, pg_sleep(60)::text"


def sql(
    step: str, statement: str, *, changes: bool = False, then: str = "done", fail: str = "bad", more: str = ""
) -> str:
    """A step that carries out a statement."""
    effect = "effect: change\nundo: none\nbecause: a test\n" if changes else "effect: none\n"
    return (
        f"id: {step}\nkind: sql\ndatabase: ${{{{ secrets.database_url }}}}\n{effect}"
        f"statement: {json.dumps(statement)}\n{ways(then, fail)}{more}"
    )


@pytest.fixture
def desk(tmp_path: Path, postgres: Postgres) -> Desk:
    postgres.do(
        "drop schema public cascade; create schema public; create table threads (id int primary key, title text);"
        "insert into threads values (1, 'one'), (2, 'two')"
    )
    desk = Desk(tmp_path)
    desk.env |= {"DATABASE_URL": postgres.url, "TOKEN": TOKEN}
    desk.write("answers.yaml", answers("step: change, confirm: 'yes'"))
    return desk


def ids(postgres: Postgres) -> list[int]:
    return [number for (number,) in postgres.do("select id from threads order by id")]


def finished(desk: Desk, step: str = "change") -> tuple[str, str, str]:
    """How the last attempt of a step ended: the outcome, the reason, and whether it changed something."""
    last = [fields for fields in desk.told("step.finished") if fields["step"] == step][-1]
    return last["outcome"], last.get("reason") or "", last["changed"]


def test_a_walk_looks_changes_and_looks_again(desk: Desk, postgres: Postgres) -> None:
    done = desk.walk(
        book(
            sql(
                "look",
                "select count(*) as n, now() as at from threads",
                then="change",
                more="expect: rows[0].n == 2 && timestamp(rows[0].at) > run.now - duration('1h')\n",
            ),
            sql(
                "change",
                "insert into threads values (3, :title) returning id",
                changes=True,
                then="again",
                more='params: {title: "${{ secrets.token }}"}\nexpect: row_count == 1\n',
            ),
            sql(
                "again",
                "select title = :title as same from threads where id = any(:ids)",
                more='params: {title: "${{ secrets.token }}", ids: "${{ [steps.change.rows[0].id] }}"}\n'
                "expect: rows[0].same && row_count == 1\n",
            ),
            head=HEAD,
        ),
        *WITH,
    )
    assert (done.status, desk.verify()) == (0, 0), done.text
    assert postgres.do("select title from threads where id = 3") == [(TOKEN,)]
    actions = [json.loads(fields["what"])["fields"] for fields in desk.told("step.started")]
    assert actions[1]["params"] == {"title": {"$secret": "token"}}
    assert actions[1]["database"] == {"$secret": "database_url"}
    assert actions[2]["params"]["ids"] == [3]
    seen = json.loads(desk.told("step.finished")[2]["obs"])
    assert (seen["columns"], seen["rows"], seen["row_count"]) == (["same"], [{"same": True}], 1)
    assert_no_secret(desk, done.text)


def assert_no_secret(desk: Desk, shown: str) -> None:
    """Neither the state directory nor the terminal has the token or the password, as they are or as JSON has them."""
    everything = desk.every_byte() + shown.encode()
    for secret in (TOKEN, json.dumps(TOKEN)[1:-1], json.dumps(json.dumps(TOKEN))[1:-1], PASSWORD, ENCODED):
        assert secret.encode() not in everything


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("statement", "ok"),
    [
        ("select cast(:t as int)", False),
        ("select * from threads where title = :t || 1 / (id - id)", False),
        ("do $$ begin raise exception 'the token is %', current_setting('x.y', true); end $$", False),
        ("select :t as t, :t || '!' as u", True),
        ("select json_build_object(cast(:t as text), 1) as j, array[cast(:t as text)] as a", True),
        ("select json_build_object('k', cast(:t as text))::text as j", True),
        ("select cast(:t as text) as t from generate_series(1, 3000)", True),
    ],
)
def test_d1_a_secret_in_a_row_or_an_error_of_the_database_is_masked(desk: Desk, statement: str, ok: bool) -> None:
    params = 'params: {t: "${{ secrets.token }}"}\n' if ":t" in statement else ""
    done = desk.walk(book(sql("look", statement, more=params), head=HEAD))
    assert (done.status, desk.verify()) == (0 if ok else 1, 0), done.text
    assert_no_secret(desk, done.text)


@pytest.mark.reliability
@pytest.mark.parametrize("url", ["postgresql://app:{}x@127.0.0.1:{}/app", "postgresql://app:{}@127.0.0.1:1/{}"])
def test_d1_the_url_of_a_database_that_is_not_reached_is_not_shown(desk: Desk, postgres: Postgres, url: str) -> None:
    desk.env["DATABASE_URL"] = url.format(ENCODED, postgres.port)
    done = desk.walk(book(sql("change", "delete from threads", changes=True), head=HEAD), *WITH)
    assert (done.status, desk.verify()) == (1, 0)
    assert finished(desk)[::2] == ("failed", "no")
    assert "127.0.0.1" in finished(desk)[1]
    assert_no_secret(desk, done.text)


@pytest.mark.reliability
def test_d14_a_secret_that_a_step_made_is_masked_from_then_on(desk: Desk) -> None:
    text = book(
        sql(
            "make",
            "select 'pw-' || md5('x') as made",
            then="look",
            more='save_secret: {made: "rows[0].made"}\n',
        ),
        sql("look", "select 'pw-' || md5('x') as again"),
        head=HEAD,
    )
    done = desk.walk(text)
    assert done.status == 0
    assert b"9dd4e461268c8034f5c8564e155c67a6" not in desk.every_byte() + done.text.encode()


def test_a_read_that_writes_is_refused_by_the_database(desk: Desk, postgres: Postgres) -> None:
    done = desk.walk(book(sql("look", "delete from threads"), head=HEAD))
    assert (done.status, ids(postgres)) == (1, [1, 2])
    assert "read-only transaction" in finished(desk, "look")[1]
    assert "effect: none" in finished(desk, "look")[1]


def test_a_nested_read_is_one_too(desk: Desk, postgres: Postgres) -> None:
    check = "check: {kind: sql, database: '${{ secrets.database_url }}', statement: delete from threads}"
    text = f"id: list\nkind: checklist\nitems:\n  - id: gone\n    title: Gone\n    {check}\n{ways('done', 'bad')}"
    assert desk.walk(book(text, head=HEAD)).status == 1
    assert ids(postgres) == [1, 2]


def test_a_change_that_fails_has_changed_nothing_and_may_be_retried(desk: Desk, postgres: Postgres) -> None:
    more = "idempotent: true\nretry: {attempts: 2, delay: 1ms}\n"
    desk.walk(book(sql("change", "update threads set id = 1", changes=True, more=more), head=HEAD), *WITH)
    assert desk.intents() == ["change", "change"]
    assert finished(desk)[::2] == ("failed", "no")
    assert ids(postgres) == [1, 2]
    assert desk.verify() == 0


@pytest.mark.reliability
def test_c2_a_connection_that_is_lost_in_a_change_leaves_it_unknown(desk: Desk, postgres: Postgres) -> None:
    desk.write("book.yaml", book(sql("change", SLOW, changes=True), head=HEAD))
    walk = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for(lambda: postgres.running("pg_sleep"), "the statement does not begin")
    (backend,) = postgres.running("pg_sleep")
    os.kill(backend, signal.SIGKILL)
    assert walk.ended().status == 3
    postgres.ready()
    (told,) = desk.told("step.unknown")
    assert "the connection to the database was lost" in told["reason"]
    assert desk.verify() == 3
    desk.write("more.yaml", answers("step: change, settle: failed, evidence: looked"))
    assert desk.do("resume", "r1", "--answers", "more.yaml").status == 1
    assert desk.intents() == ["change"]
    assert desk.verify() == 0


@pytest.mark.reliability
def test_c2_a_walk_that_is_killed_in_a_change_goes_on_with_its_probe(desk: Desk, postgres: Postgres) -> None:
    desk.write("book.yaml", book(sql("change", SLOW, changes=True, more=PROBE), head=HEAD))
    walk = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for(lambda: postgres.running("pg_sleep"), "the statement does not begin")
    walk.signal(signal.SIGKILL)
    assert walk.ended().status == -9
    wait_for(lambda: not postgres.running("pg_sleep"), "the server goes on for a dead client", 10)
    resumed = desk.do("resume", "r1", *WITH)
    assert resumed.status == 1, resumed.text
    assert [fields["outcome"] for fields in desk.told("step.settled")] == ["failed"]
    assert desk.intents() == ["change"]
    assert desk.verify() == 0
    assert ids(postgres) == [1, 2]


@pytest.mark.reliability
def test_g5_an_interrupt_stops_a_read_on_the_server_and_it_is_run_again_later(desk: Desk, postgres: Postgres) -> None:
    text = book(sql("look", "select pg_sleep(case when count(*) = 2 then 60 else 0 end) from threads"), head=HEAD)
    desk.write("book.yaml", text)
    walk = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: postgres.running("pg_sleep"), "the statement does not begin")
    began = time.monotonic()
    walk.signal(signal.SIGINT)
    assert walk.ended().status == 3
    assert time.monotonic() - began < 5
    assert postgres.running("pg_sleep") == []
    assert desk.types().count("step.cancelled") == 1
    postgres.do("delete from threads where id = 2")
    assert desk.do("resume", "r1").status == 0
    assert desk.verify() == 0


@pytest.mark.reliability
def test_g5_an_interrupted_change_is_known_to_be_rolled_back(desk: Desk, postgres: Postgres) -> None:
    desk.write("book.yaml", book(sql("change", SLOW, changes=True), head=HEAD))
    walk = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for(lambda: postgres.running("pg_sleep"), "the statement does not begin")
    walk.signal(signal.SIGINT)
    done = walk.ended()
    assert finished(desk) == (
        "failed",
        "the statement was stopped by a person, and the database has rolled it back",
        "no",
    )
    assert done.status == 3, done.text
    assert desk.types()[-1] == "run.paused"
    assert ids(postgres) == [1, 2]
    assert desk.verify() == 3


def test_a_step_takes_as_long_as_its_timeout_says(desk: Desk, postgres: Postgres) -> None:
    began = time.monotonic()
    desk.walk(book(sql("change", SLOW, changes=True, more="timeout: 1s\n"), head=HEAD), *WITH)
    assert time.monotonic() - began < 10
    outcome, reason, changed = finished(desk)
    assert (outcome, changed) == ("failed", "no")
    assert re.match(r"the statement was not done within (1 s|\d+ ms), and the database has rolled it back", reason)
    assert ids(postgres) == [1, 2]


def test_a_file_of_sqlite_is_seen_from_the_directory_of_the_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("app.db", "")
    desk.write("answers.yaml", answers("step: change, confirm: 'yes'"))
    make = sql("change", "create table threads (id)", changes=True, then="look")
    look = sql(
        "look", "select count(*) as n from sqlite_master where name = 'threads'", more="expect: rows[0].n == 1\n"
    )
    text = book(make, look).replace("${{ secrets.database_url }}", "sqlite:app.db")
    done = desk.walk(text, *WITH)
    assert (done.status, desk.verify()) == (0, 0), done.text


def test_an_undo_may_write_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("app.db", "")
    desk.write(
        "answers.yaml", answers(*(f"step: {step}, confirm: 'yes'" for step in ("change", "back", "change.undo")))
    )
    make = sql("change", "create table threads (id)", changes=True, then="back").replace(
        "undo: none\nbecause: a test\n", "undo: {kind: sql, database: 'sqlite:app.db', statement: drop table threads}\n"
    )
    back = f"id: back\nkind: undo\n{ways('look', 'bad')}"
    look = sql("look", "select count(*) as n from sqlite_master", more="expect: rows[0].n == 0\n")
    done = desk.walk(book(make, back, look).replace("${{ secrets.database_url }}", "sqlite:app.db"), *WITH)
    assert (done.status, desk.verify()) == (0, 0), done.text
    assert desk.intents() == ["change", "back", "change.undo"]
