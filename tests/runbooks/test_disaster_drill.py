"""The drill of the quarter restores a real backup into a scratch database, compares, and leaves nothing behind."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, answers
from tests.runbooks.copied import copied
from tests.world.postgres import PASSWORD, Postgres

SCRATCH = "scratch_drill"
DRILL = "lettersanddigits9"
PLANS = "step: plans, items: {plan: yes, elsewhere: yes, escalation: yes, capacity: yes, ends: yes, practised: yes}"
RESTORED = ("step: create, confirm: yes", "step: restore, confirm: yes")
AWAY = ("step: put_away, confirm: yes", "step: restore.undo, confirm: yes", "step: create.undo, confirm: yes", PLANS)
OPENED = "step: opened, items: {application: yes, newest_row: yes, empty: yes}"
FOUND = "step: drill_finding, outcome: done, evidence: data on-call paged"


@pytest.fixture
def desk(tmp_path: Path, postgres: Postgres) -> Iterator[Desk]:
    postgres.do("drop schema public cascade; create schema public")
    postgres.do("create table users (id int); insert into users select generate_series(1, 30)")
    postgres.do('create table "Orders of 2026" (id int); insert into "Orders of 2026" select generate_series(1, 50)')
    if not postgres.do("select 1 from pg_roles where rolname = 'drill'"):
        postgres.do(f"create role drill login createdb password '{DRILL}'")
    at = Desk(tmp_path)
    at.env |= {"LIVE_DATABASE_URL": postgres.url, "SCRATCH_PASSWORD": DRILL}
    at.env["PATH"] = f"{postgres.binaries}{os.pathsep}{at.env['PATH']}"
    yield at
    at.settled()
    postgres.do(f"drop database if exists {SCRATCH}")


def back_up(desk: Desk, postgres: Postgres, *options: str) -> Path:
    """Make a backup, and say that it is the newest."""
    file = desk.root / "app.dump"
    command: list[str | Path] = [postgres.binaries / "pg_dump", "-Fc", "--file", file, *options]
    subprocess.run([*command, postgres.url], check=True)
    told = {"file": str(file), "finished_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    desk.write("backup.json", json.dumps(told))
    return file


def walk(desk: Desk, postgres: Postgres, *given: str) -> tuple[int, list[str]]:
    """How the drill ended, and the steps it went through."""
    changes = {
        "ops/newest-backup, staging": "cat, backup.json",
        "scratch-db.example.com": "127.0.0.1",
        '"5432"': f'"{postgres.port}"',
        "sslmode: verify-full": "sslmode: disable",
    }
    book = copied(desk, "maintenance_quarterly.yaml", changes)
    desk.write("answers.yaml", answers(*given))
    done = desk.do("run", book.name, "-e", "staging", "--run-id", "r1", "--answers", "answers.yaml")
    assert desk.verify() == 0, done.text
    kept = desk.every_byte() + done.text.encode()
    assert PASSWORD.encode() not in kept
    assert DRILL.encode() not in kept
    return done.status, [str(told["step"]) for told in desk.told("step.entered")]


def compared(desk: Desk) -> dict[str, object]:
    """What the comparison said."""
    (seen,) = [json.loads(told["obs"]) for told in desk.told("step.finished") if told["step"] == "compare"]
    row: dict[str, object] = seen["rows"][0]
    return row


def databases(postgres: Postgres) -> set[str]:
    return {name for (name,) in postgres.do("select datname from pg_database")}


def test_a_backup_that_is_whole_is_restored_compared_and_thrown_away(desk: Desk, postgres: Postgres) -> None:
    back_up(desk, postgres)
    status, path = walk(desk, postgres, *RESTORED, OPENED, *AWAY)
    assert (status, path[-1]) == (0, "well")
    assert compared(desk) == {"missing": [], "thin": [], "empty": [], "tables": 2}
    assert "| Changed | nothing |" in desk.do("report", "r1").out
    assert desk.intents().count("create") == desk.intents().count("restore") == 1
    assert SCRATCH not in databases(postgres)
    assert postgres.do("select count(*) from users") == [(30,)]


def test_a_table_that_was_left_out_and_one_that_was_emptied_are_named(desk: Desk, postgres: Postgres) -> None:
    back_up(desk, postgres, "--exclude-table", '"Orders of 2026"', "--exclude-table-data", "users")
    status, path = walk(desk, postgres, *RESTORED, FOUND, *AWAY)
    assert (status, path[-1]) == (1, "led_on")
    missing = ['public."Orders of 2026"']
    assert compared(desk) == {"missing": missing, "thin": ["public.users"], "empty": [], "tables": 2}
    assert SCRATCH not in databases(postgres)


def test_tables_of_other_schemas_are_compared_and_those_that_are_empty_live_are_asked_for(
    desk: Desk, postgres: Postgres
) -> None:
    postgres.do("create schema billing; create table billing.invoices (id int); create table public.drafts (id int)")
    back_up(desk, postgres, "--exclude-schema", "billing")
    status, path = walk(desk, postgres, *RESTORED, FOUND, *AWAY)
    assert (status, path[-1]) == (1, "led_on")
    assert compared(desk) == {
        "missing": ["billing.invoices"],
        "thin": [],
        "empty": ["billing.invoices", "public.drafts"],
        "tables": 4,
    }
    postgres.do("drop schema billing cascade")


def test_a_scratch_database_that_somebody_keeps_is_left_to_data_on_call(desk: Desk, postgres: Postgres) -> None:
    back_up(desk, postgres)
    kept = "step: put_away, confirm: no, do: skip, reason: to look at it tomorrow"
    status, path = walk(desk, postgres, *RESTORED, OPENED, kept, PLANS)
    assert (status, path[-1]) == (1, "left")
    assert SCRATCH in databases(postgres)
    assert "| Changed | Make the scratch database" in desk.do("report", "r1").out
    assert f"the scratch database {SCRATCH} on 127.0.0.1" in desk.do("report", "r1").out.replace("`", "")


def test_a_backup_that_is_cut_short_is_found_out(desk: Desk, postgres: Postgres) -> None:
    file = back_up(desk, postgres)
    file.write_bytes(file.read_bytes()[:-200])
    status, path = walk(desk, postgres, *RESTORED, FOUND, AWAY[0], "step: restore.undo, do: retry", *AWAY[1:])
    assert (status, path[3:5], path[-1]) == (1, ["restore", "drill_finding"], "led_on")
    assert SCRATCH not in databases(postgres)


def test_a_database_that_was_there_before_is_neither_filled_nor_dropped(desk: Desk, postgres: Postgres) -> None:
    postgres.do(f"create database {SCRATCH}")
    back_up(desk, postgres)
    status, path = walk(desk, postgres, FOUND, PLANS)
    later = ["drill_finding", "put_away", "plans", "plans_finding", "not_looked_at", "verdict", "led_on"]
    assert (status, path) == (1, ["newest", "is_free", *later])
    assert SCRATCH in databases(postgres)
