"""The runbook for data that is lost, walked against a real database: rows are gone, and a dump from before is there."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import Desk, answers
from tests.runbooks.copied import copied
from tests.runbooks.site import site
from tests.world.postgres import PASSWORD, Postgres

BACKUP = "2026-11-20.dump"
YOUNGER = "2026-11-21.dump"
STOP = (
    "step: stop_writes, confirm: demo",
    "step: end_sessions, confirm: yes",
    "step: nothing_writes, confirm: yes",
    "step: tell_team/tell_team, outcome: done",
    "step: tell_team/tell_users, outcome: done",
    'step: what_is_lost, fields: {lost: threads of one user, still_there: "2026-11-20T22:00:00Z"}',
    "step: keep_state, confirm: yes",
    "step: cause, choose: over",
)
BESIDE = ("step: make_beside, confirm: yes", "step: restore, confirm: yes")
HANDED = "step: hand_over, outcome: done"
FOUND = (*STOP, f"step: which_backup, fields: {{backup: {BACKUP}}}", *BESIDE)
BROUGHT_BACK = (
    "step: which_tables, fields: {tables: [threads, posts]}",
    "step: bring_back, confirm: demo, reason: deleted by mistake",
    "step: look, items: {reporter: yes, sample: yes, newer: yes}",
    "step: allow_writes, confirm: yes",
    "step: stop_writes.undo, confirm: yes",
    "step: renew_sessions, confirm: yes",
    "step: verify/journeys, items: {what: yes, journeys: yes}",
    "step: verify/rates, items: {errors: yes, latency: yes}",
    "step: verify/users, items: {reporter: yes, support: not_verified}",
    "step: rest, choose: nothing",
    "step: tell_back/tell_team, outcome: done",
    "step: tell_back/tell_users, outcome: done",
    "step: prevent, items: {rights: yes, review: yes, soft: not_verified, often: not_verified, restored: no}",
)


class Incident:
    """A database that has lost rows since its backup, and what walks the runbook."""

    def __init__(self, desk: Desk, postgres: Postgres) -> None:
        self.desk = desk
        self.postgres = postgres

    def dump(self, name: str) -> None:
        """Take a backup."""
        at = self.desk.root / "backups" / name
        environment = {**self.desk.env, "PGPASSWORD": PASSWORD}
        where = ["--host=127.0.0.1", f"--port={self.postgres.port}", "--username=app", "--dbname=app"]
        subprocess.run(["pg_dump", "--format=custom", f"--file={at}", *where], env=environment, check=True)

    def walk(self, *entries: str, run: str = "r1") -> tuple[int, list[str]]:
        """How a walk ended, and the steps of the runbook that it went through."""
        self.desk.write("answers.yaml", answers(*entries))
        done = self.desk.do("run", "data_loss.yaml", "-e", "demo", "--run-id", run, "--answers", "answers.yaml")
        assert PASSWORD.encode() not in self.desk.every_byte() + done.text.encode()
        assert self.desk.verify(run) == 0, done.text
        entered = [str(fields["step"]) for fields in self.desk.told("step.entered", run)]
        return done.status, [step for step in entered if "/" not in step]

    def databases(self) -> set[str]:
        """The databases of the server."""
        return {name for (name,) in self.postgres.do("select datname from pg_database where not datistemplate")}


@pytest.fixture
def incident(tmp_path: Path, postgres: Postgres) -> Iterator[Incident]:
    """Threads and their posts are backed up; then some are written, one is changed, and others are deleted."""
    postgres.do(
        "drop schema public cascade; create schema public;"
        "create table threads (id int generated always as identity primary key, owner text, title text,"
        " words int generated always as (length(title)) stored);"
        'create table posts (thread int references threads on delete cascade, "No" int, text text,'
        ' primary key (thread, "No"));'
        "create table visits (at timestamptz default now());"
        "insert into threads (owner, title) select 'user ' || n % 3, 'thread ' || n from generate_series(1, 30) n;"
        "insert into posts select id, no, E'tab\\there' from threads, generate_series(1, 2) no;"
        "insert into visits values (now())"
    )
    desk = Desk(tmp_path)
    desk.env["PGPASSWORD"] = PASSWORD
    (tmp_path / "backups").mkdir()
    with site() as running:
        changes = {"http://127.0.0.1:8080": running.url, "port: 5432": f"port: {postgres.port}"}
        copied(desk, "data_loss.yaml", {**changes, "build/demo/backups": "backups", "build/demo": "."})
        yield from _lost(Incident(desk, postgres))


def _lost(found: Incident) -> Iterator[Incident]:
    before = found.databases()
    found.dump(BACKUP)
    found.postgres.do(
        "insert into threads (owner, title) values ('user 1', 'written after the backup');"
        "update threads set title = 'changed after the backup' where id = 2;"
        "delete from threads where owner = 'user 0'"
    )
    yield found
    with psycopg.connect(found.postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute("alter database app reset default_transaction_read_only")
        connection.execute("drop role if exists importer")
        for name in found.databases() - before:
            connection.execute(f'drop database "{name}"'.encode())


def test_what_was_lost_is_back_and_nothing_newer_is_overwritten(incident: Incident) -> None:
    deleted = {number: f"thread {number}" for number in range(3, 31, 3)}
    newer = dict(incident.postgres.do("select id, title from threads"))
    visits = incident.postgres.do("table visits")
    with psycopg.connect(incident.postgres.url, autocommit=True) as left_open:
        status, path = incident.walk(*FOUND, *BROUGHT_BACK)
        assert (status, path[0], path[-2:]) == (0, "stop_writes", ["all_of_it", "done"])
        with pytest.raises(psycopg.errors.AdminShutdown):
            left_open.execute("delete from threads")
    assert dict(incident.postgres.do("select id, title from threads")) == newer | deleted
    posts = incident.postgres.do("select * from posts order by 1, 2")
    assert posts == [(thread, no, "tab\there") for thread in range(1, 31) for no in (1, 2)]
    assert incident.postgres.do("table visits") == visits
    assert incident.postgres.do("insert into threads (owner) values ('user 1') returning id") == [(32,)]
    assert {name for name in incident.databases() if name.startswith("beside")} == {"beside-r1"}
    assert (incident.desk.root / "r1.dump").exists()
    report = incident.desk.do("report", "r1").out
    assert "The rows that were missing are back (20 in posts, 10 in threads)" in report
    assert "tab\there" not in report


def test_until_somebody_lets_them_nobody_can_write(incident: Incident) -> None:
    before = incident.postgres.do("select * from threads order by 1")
    status, path = incident.walk(*STOP[:-1], "step: cause, choose: attack", HANDED)
    assert (status, path[-2:]) == (1, ["hand_over", "escalate"])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        incident.postgres.do("delete from threads")
    assert incident.postgres.do("select * from threads order by 1") == before
    report = incident.desk.do("report", "r1").out.replace("`", "")
    assert "walk security_incident before anything is restored" in report
    assert "Asked last, the database refused writes" in report
    assert "No database beside the broken one was seen" in report
    first, second = (
        "set default_transaction_read_only = off;",
        "alter database app reset default_transaction_read_only;",
    )
    assert first in report
    assert second in report
    with psycopg.connect(incident.postgres.url, autocommit=True) as connection:
        connection.execute(first.encode())
        connection.execute(second.encode())
    incident.postgres.do("delete from threads")


@pytest.mark.parametrize("off", ["off", pytest.param("false", marks=pytest.mark.full), "0"])
def test_who_may_write_all_the_same_is_found_and_has_to_be_stopped_by_hand(incident: Incident, off: str) -> None:
    incident.postgres.do(f"create role importer; alter role importer set default_transaction_read_only = '{off}'")
    status, path = incident.walk(
        *STOP[:2], "step: stop_by_hand, confirm: yes, outcome: failed, evidence: nobody answers", HANDED
    )
    assert (status, path[-5:-2]) == (1, ["can_anybody_write", "stop_by_hand", "how_it_stands"])
    (asked,) = [fields["what"] for fields in incident.desk.told("step.started") if fields["step"] == "stop_by_hand"]
    assert "roles for which it does not hold: importer" in asked


def test_a_backup_that_is_younger_than_the_loss_is_found_out_and_an_older_one_taken(incident: Incident) -> None:
    incident.dump(YOUNGER)
    status, path = incident.walk(
        *STOP,
        f"step: which_backup, fields: {{backup: {YOUNGER}}}",
        *BESIDE,
        "step: drop_beside, confirm: yes",
        "step: make_beside.undo, confirm: yes",
        "step: another_backup, choose: another",
        *FOUND[len(STOP) :],
        *BROUGHT_BACK,
    )
    assert (status, path[-1], path.count("restore")) == (0, "done", 2)
    assert incident.postgres.do("select count(*) from threads") == [(31,)]


def test_a_torn_backup_is_found_out_before_anything_is_restored_from_it(incident: Incident) -> None:
    incident.postgres.do("insert into threads (owner, title) select 'x', md5(n::text) from generate_series(1, 20000) n")
    incident.dump(YOUNGER)
    whole = incident.desk.root / "backups" / YOUNGER
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    listed = subprocess.run(["pg_restore", "--list", whole], capture_output=True, text=True, check=True).stdout
    assert "TABLE DATA public threads" in listed  # what it holds is told at its beginning
    status, path = incident.walk(
        *STOP,
        f"step: which_backup, fields: {{backup: {YOUNGER}}}",
        "step: another_backup, choose: none",
        HANDED,
    )
    assert (status, path[-5:-3]) == (1, ["look_into_backup", "another_backup"])
    (told,) = [
        json.loads(fields["obs"]) for fields in incident.desk.told("step.finished") if fields["step"] == "list_backups"
    ]
    shown = [line.split("\t") for line in told["lines"]]
    assert [name for _, _, name in shown] == [YOUNGER, BACKUP]
    assert all(re.fullmatch(r"20[0-9-]{8}T[0-9:]{8}Z", time) and size for time, size, _ in shown)


def test_what_was_stopped_by_hand_is_started_again_only_when_the_database_takes_writes(incident: Incident) -> None:
    incident.postgres.do("create role importer; alter role importer set default_transaction_read_only = 'off'")
    status, path = incident.walk(
        *STOP[:2],
        "step: stop_by_hand, confirm: yes, outcome: done, evidence: the importer",
        *STOP[2:],
        *FOUND[len(STOP) :],
        *BROUGHT_BACK[:6],
        "step: start_again, confirm: yes",
        "step: stop_by_hand.undo, confirm: yes, outcome: done",
        *BROUGHT_BACK[6:],
    )
    assert (status, path[-1]) == (0, "done")
    started = incident.desk.intents()
    opened = [started.index(step) for step in ("stop_writes.undo", "renew_sessions", "stop_by_hand.undo")]
    assert opened == sorted(opened)


def test_rows_that_refer_to_missing_ones_are_refused_as_a_whole(incident: Incident) -> None:
    before = incident.postgres.do("select * from posts order by 1, 2")
    status, path = incident.walk(
        *FOUND,
        "step: which_tables, fields: {tables: [posts]}",
        BROUGHT_BACK[1],
        "step: not_brought_back, choose: other",
        HANDED,
    )
    assert (status, path[-5:-2]) == (1, ["bring_back", "not_brought_back", "how_it_stands"])
    assert "The backup lies in the database beside-r1" in incident.desk.do("report", "r1").out.replace("`", "")
    assert incident.postgres.do("select * from posts order by 1, 2") == before


def test_a_row_that_cannot_come_back_ends_the_walk_before_anybody_may_write(incident: Incident) -> None:
    incident.postgres.do("create unique index on threads (title); update threads set title = 'thread 3' where id = 1")
    status, path = incident.walk(*FOUND, "step: which_tables, fields: {tables: [threads]}", BROUGHT_BACK[1], HANDED)
    assert (status, path[-4:-2]) == (1, ["what_came_back", "how_it_stands"])
    assert incident.postgres.do("select id from threads where title = 'thread 3'") == [(1,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        incident.postgres.do("delete from threads")


def test_what_nobody_saw_come_back_and_has_not_can_be_tried_again(incident: Incident) -> None:
    incident.postgres.do(
        "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(3); return null; end';"
        "create trigger slow before insert on threads execute function slow()"
    )
    book = incident.desk.root / "data_loss.yaml"
    patient = "timeout: 2h\n    next: compare_again"
    assert patient in book.read_text()
    book.write_text(book.read_text().replace(patient, "timeout: 1s\n    next: compare_again"))
    status, path = incident.walk(
        *FOUND,
        *BROUGHT_BACK[:2],
        "step: which_tables, fields: {tables: [visits]}",
        "step: name_tables, choose: escalate",
        HANDED,
    )
    assert status == 1
    assert path[-8:-4] == ["compare_again", "exactly_those", "what_came_back", "which_tables"]
    assert path[-4:-2] == ["name_tables", "how_it_stands"]
