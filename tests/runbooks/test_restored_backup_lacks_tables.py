"""S4: an old backup is restored: what is missing in it is found and created, and nothing else is lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.examples import serving
from tests.runbooks.incident import SCHEMA, Incident, incident, without
from tests.world.postgres import PASSWORD, Postgres

BOOK = "restored_backup_lacks_tables"
OLD = """
create table users (
  id uuid primary key default gen_random_uuid(), email text not null unique, name text not null default '',
  nickname text
);
create table sessions (
  id uuid primary key default gen_random_uuid(), person uuid not null references users, expires_at timestamptz not null
);
insert into users (email, nickname) values ('ana@example.com', 'Ana'), ('ben@example.com', null);
"""
"""What the application had when the backup was taken; the nickname is gone since."""
KEPT = ["id uuid", "email text", "name text", "nickname text"]
TOLD = tuple(
    f"step: {step}/{whom}, outcome: done"
    for step in ("tell", "tell_over", "tell_hand_over")
    for whom in ("tell_team", "tell_users")
)
UNTIL_CREATED = (
    *TOLD,
    "step: back_up, confirm: yes",
    "step: preview, confirm: yes",
    "step: create_tables, confirm: demo",
)
KEEP = "step: columns, choose: keep"
ACCEPT = ("step: columns, choose: change", "step: accept_data_loss, confirm: demo, reason: nobody reads nicknames")
AFTER = (
    "step: journeys, items: {list: yes, create: yes, messages: not_verified, invite: not_verified, errors: yes}",
    "step: known, choose: yes",
    'step: note_the_backup, fields: {taken: "2026-11-20T03:00:00Z", restored: "2026-11-21T09:00:00Z"}',
    "step: after_restore, items: {staging: not_verified, procedure: yes, lost: yes}",
)
ALL_DONE = tuple(said.replace("not_verified", "yes") for said in AFTER)


@pytest.fixture
def outage(tmp_path: Path, postgres: Postgres) -> Iterator[Incident]:
    """A database that an old backup was restored into; before, everything worked."""
    with incident(tmp_path, postgres) as found:
        postgres.do(OLD)
        dump, programs = tmp_path / "old.dump", found.desk.env
        subprocess.run(["pg_dump", "--format=custom", "--file", dump], env=programs, check=True)
        postgres.do("alter table users drop column nickname")
        postgres.do(found.schema.read_text())
        assert serving.answer(found.port, "/api/threads", "before the restore")[0] == 201
        postgres.do("drop schema public cascade; create schema public")
        subprocess.run(["pg_restore", "--dbname", "app", dump], env=programs, check=True)
        yield found


def two_tables(outage: Incident) -> bool:
    """Whether the database is as it was restored, to the column and the row."""
    rows = outage.postgres.do("select email, nickname from users order by email")
    kept = rows == [("ana@example.com", "Ana"), ("ben@example.com", None)]
    return kept and outage.tables() == ["sessions", "users"] and outage.columns("users") == KEPT


def test_s4_the_missing_tables_are_found_backed_up_previewed_created_and_each_verified(outage: Incident) -> None:
    status, said = serving.answer(outage.port, "/api/threads")
    assert (status, "does not exist" in said) == (500, True)

    done, path = outage.walk(BOOK, *UNTIL_CREATED, *ACCEPT, *AFTER)

    assert done.status == 0, done.text
    assert path == [
        *("check_api", "connect", "right_database", "read_schema", "compare", "which_way", "tell", "back_up"),
        *(
            "read_backup",
            "preview",
            "create_tables",
            "columns",
            "accept_data_loss",
            "verify_tables",
            "every_table",
            "wait_for_api",
        ),
        *("healthy", "journeys", "known", "note_the_backup", "after_restore", "tell_over", "anything_open"),
        "done_but_open",
    ]
    (row,) = outage.observed("compare")["rows"]
    assert len(row["missing"]) == 12
    assert row["changes"] == ["alter table users drop column nickname;"]
    assert len(outage.tables()) == 14
    assert outage.columns("users") == KEPT[:3]
    assert outage.postgres.do("select count(*) from users") == [(2,)]
    assert serving.answer(outage.port, "/api/threads", "hello")[0] == 201
    assert serving.threads(outage.port) == ["hello"]
    (given,) = [f for f in outage.desk.told("confirmation.given") if f["step"] == "accept_data_loss"]
    assert given["reason"] == "nobody reads nicknames"
    assert (
        len({f["step"] for f in outage.desk.told("step.finished") if str(f["step"]).startswith("verify_tables[")}) == 14
    )

    report = outage.report()
    for said in (
        "mitigated",
        "nobody has verified or done yet: messages, invite, staging",
        "nobody has looked yet",
        "2026-11-20T03:00:00Z",
    ):
        assert said in report
    assert PASSWORD not in report
    told = {f["step"]: str(f["what"]) for f in outage.desk.told("step.started") if "/tell_" in str(f["step"])}
    assert "12 of 14 tables are missing, and 1 columns differ" in told["tell/tell_team"]
    assert "from 2026-11-20T03:00:00Z to 2026-11-21T09:00:00Z" in told["tell_over/tell_team"]
    assert "Deployments may go on" in told["tell_over/tell_team"]
    assert "The service works again" in told["tell_over/tell_users"]

    assert outage.walk(BOOK, *ALL_DONE, run="again")[1][5:7] == ["which_way", "verify_tables"]
    assert outage.desk.intents("again") == []
    assert outage.outcome("again") == "resolved"

    dump = outage.desk.root / "build" / "demo" / "backups" / "r1-1.dump"
    assert dump.stat().st_mode & 0o077 == 0
    outage.postgres.do("drop schema public cascade; create schema public")
    subprocess.run(["pg_restore", "--dbname", "app", dump], env=outage.desk.env, check=True)
    assert two_tables(outage)


def test_s4_a_snapshot_may_be_the_backup_and_columns_may_stay_and_then_nothing_is_irreversible(
    outage: Incident,
) -> None:
    outage.desk.env = without(outage.desk.env, "pg_dump", outage.desk.root / "path")
    told = ("step: no_backup, choose: snapshot", "step: snapshot, outcome: done, evidence: snap-1 of 09:14 UTC")
    done, path = outage.walk(BOOK, *UNTIL_CREATED, *told, KEEP, *ALL_DONE)
    assert (done.status, path[-1]) == (0, "done"), done.text
    assert "pg_dump: command not found" in outage.report()
    assert outage.columns("users") == KEPT
    assert len(outage.tables()) == 14
    assert "irreversible" not in {fields["effect"] for fields in outage.desk.told("step.started")}


@pytest.mark.parametrize(
    "given",
    [
        "confirm: demo",
        pytest.param("confirm: no", marks=pytest.mark.full),
        pytest.param('confirm: "Demo", reason: why not', marks=pytest.mark.full),
        pytest.param("confirm: yes, reason: now", marks=pytest.mark.full),
    ],
)
def test_s4_data_is_not_lost_without_the_phrase_and_a_reason(outage: Incident, given: str) -> None:
    told = (*UNTIL_CREATED, ACCEPT[0], f"step: accept_data_loss, {given}")
    outage.desk.write("answers.yaml", "answers:\n" + "".join(f"  - {{{each}}}\n" for each in told))
    given_ = ("-e", "demo", "-i", f"port=:{outage.port}", "--answers", "answers.yaml", "--run-id", "r1")
    assert outage.desk.do("run", f"{BOOK}.yaml", *given_).status in {2, 3}
    assert outage.columns("users") == KEPT


def test_s4_no_to_the_preview_leaves_everything_as_it_is(outage: Incident) -> None:
    done, path = outage.walk(BOOK, *UNTIL_CREATED[:-2], "step: preview, confirm: no")
    assert (done.status, path[-1]) == (1, "escalate")
    assert two_tables(outage)


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("create table if not exists labels (id int);", "names the same thing twice"),
        ("commit; create table late (id int);", "transaction"),
        pytest.param("create table once (id int);", "already exists", marks=pytest.mark.full),
        pytest.param("drop table if exists sessions cascade;", "do more than create", marks=pytest.mark.full),
        pytest.param("create table if not exists public.own (id int);", "name a schema", marks=pytest.mark.full),
        pytest.param("create table broken (id int,);", "syntax error", marks=pytest.mark.full),
        pytest.param("create table if not exists later (id no_such_type);", "no_such_type", marks=pytest.mark.full),
    ],
)
def test_s4_a_schema_file_that_cannot_be_right_is_refused_before_anything(
    outage: Incident, added: str, said: str
) -> None:
    outage.schema.write_text(f"{outage.schema.read_text()}\n{added}\n")
    done, path = outage.walk(BOOK, "step: schema_unread, choose: no")
    assert (done.status, path[-4:]) == (1, ["read_schema", "schema_unread", "tell_hand_over", "escalate"]), done.text
    assert said in done.text + outage.report() + outage.desk.every_byte().decode(errors="replace")
    assert two_tables(outage)


@pytest.mark.full
def test_s4_a_schema_file_that_is_not_there_is_said_and_read_again_when_it_is(outage: Incident) -> None:
    outage.schema.unlink()
    done, path = outage.walk(BOOK, "step: schema_unread, choose: no")
    assert (done.status, path[-3:]) == (1, ["schema_unread", "tell_hand_over", "escalate"])
    assert "there is no schema file examples/demo/schema.sql" in outage.report()


def test_s4_a_schema_file_that_drops_in_a_way_that_no_look_at_its_text_sees_is_rolled_back(outage: Incident) -> None:
    hidden = "do $$ begin execute 'dr' || 'op table if exists public.sessions'; end $$;"
    outage.schema.write_text(f"{outage.schema.read_text()}\n{hidden}\n")
    done, path = outage.walk(BOOK, *UNTIL_CREATED, "step: why_refused, choose: no")
    assert (done.status, path[-4:]) == (1, ["create_tables", "why_refused", "tell_hand_over", "escalate"]), done.text
    assert "takes away what is there" in outage.report()
    assert two_tables(outage)


def test_s4_creating_that_fails_in_the_middle_leaves_no_table(outage: Incident) -> None:
    outage.postgres.do("create view labels as select 1 as id")
    done, path = outage.walk(BOOK, *UNTIL_CREATED, "step: why_refused, choose: no")
    assert (done.status, path[-4:]) == (1, ["create_tables", "why_refused", "tell_hand_over", "escalate"]), done.text
    outage.postgres.do("drop view labels")
    assert two_tables(outage)


def test_s4_a_table_with_other_columns_is_no_success_until_they_are_changed(outage: Incident) -> None:
    outage.postgres.do(
        "create table labels (id bigint generated always as identity primary key, name varchar(9) unique);"
        "insert into labels (name) values ('urgent')"
    )
    back = "step: back_up, confirm: yes"
    again = (back, "step: preview, confirm: yes", ACCEPT[0], ACCEPT[1])
    done, path = outage.walk(BOOK, *UNTIL_CREATED, KEEP, "step: not_all, choose: again", *again, *AFTER)
    assert (done.status, path[-1]) == (0, "done_but_open"), done.text
    failed = [f["step"] for f in outage.desk.told("step.finished") if f["outcome"] == "failed"]
    assert failed[-2:] == ["verify_tables[4]", "every_table"]  # the fifth by its name: labels
    assert outage.postgres.do("select name from labels") == [("urgent",)]
    assert outage.columns("labels")[1] == "name text"
    # The first backup, with what was lost later, is still there.
    dumps = (outage.desk.root / "build" / "demo" / "backups").iterdir()
    assert sorted(file.name for file in dumps) == ["r1-1.dump", "r1-2.dump"]


def test_s4_a_table_that_only_its_maker_may_use_is_no_success(outage: Incident) -> None:
    outage.postgres.do("drop role if exists web; create role web; grant select, insert on users, sessions to web")
    book = outage.desk.root / f"{BOOK}.yaml"
    book.write_text(book.read_text().replace('application: ""', "application: web"))
    try:
        done, path = outage.walk(BOOK, *UNTIL_CREATED, KEEP, "step: not_all, choose: no")
    finally:
        outage.postgres.do("drop owned by web; drop role web")
    assert (done.status, path[-3:]) == (1, ["not_all", "tell_hand_over", "escalate"]), done.text
    lacking = {f["step"] for f in outage.desk.told("step.finished") if f["outcome"] == "failed"}
    assert len(lacking & {f"verify_tables[{n}]" for n in range(14)}) == 3  # the first, and the two that are borne
    assert "any right of web" in outage.desk.every_byte().decode()


@pytest.mark.full
def test_s4_partitions_and_quoted_names_are_backed_up_compared_and_left_alone(outage: Incident) -> None:
    outage.postgres.do(
        'create table "Odd Name" (id int); create table log (at date) partition by range (at);'
        "create table log_2026 partition of log for values from ('2026-01-01') to ('2027-01-01')"
    )
    outage.schema.write_text(f'{SCHEMA}create table if not exists "Other Name" ("Sub Ject" text not null);\n')
    done, path = outage.walk(BOOK, *UNTIL_CREATED, KEEP, *AFTER)
    assert (done.status, path[-1]) == (0, "done_but_open"), done.text
    assert {"Odd Name", "Other Name", "log_2026"} <= set(outage.tables())


def test_s4_without_a_password_nothing_begins_that_needs_one_and_what_to_do_is_said(outage: Incident) -> None:
    del outage.desk.env["PGPASSWORD"]
    done, _ = outage.walk(BOOK, *UNTIL_CREATED, "step: unreachable, choose: no")
    assert done.status == 1
    assert "`PGPASSWORD` of the secret `database_password` is not set" in done.text
    assert "set it in the shell with `export`" in done.text
    assert two_tables(outage)


def test_s4_a_login_without_permission_creates_nothing(outage: Incident) -> None:
    outage.as_guest()
    done, path = outage.walk(BOOK, *UNTIL_CREATED, "step: why_refused, choose: no")
    assert (done.status, path[-4:]) == (1, ["create_tables", "why_refused", "tell_hand_over", "escalate"]), done.text
    assert "permission denied" in outage.report()
    assert two_tables(outage)


def test_s4_a_database_that_is_down_is_asked_again_or_handed_over(outage: Incident) -> None:
    outage.desk.env["PGPORT"] = "1"
    done, path = outage.walk(BOOK, "step: unreachable, choose: again", "step: unreachable, choose: no")
    assert (done.status, path) == (
        1,
        ["check_api", "connect", "unreachable", "connect", "unreachable", "tell_hand_over", "escalate"],
    )
    assert "refused the connection" in outage.report()


def test_s4_a_full_disk_leaves_no_backup_and_no_change(outage: Incident) -> None:
    outage.postgres.do(
        "create table files as select sha512(cast(n as text)::bytea) as content from generate_series(1, 5000) as n"
    )
    backups = outage.desk.root / "build" / "demo" / "backups"
    backups.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", backups], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here (run as root on Linux)")
    try:
        done, path = outage.walk(BOOK, *UNTIL_CREATED[:-2], "step: no_backup, choose: neither")
        assert list(backups.iterdir()) == []
    finally:
        subprocess.run(["umount", backups], check=True)
    assert (done.status, path[-4:]) == (1, ["back_up", "no_backup", "tell_hand_over", "escalate"]), done.text
    assert "No space left on device" in outage.report()
    assert outage.tables() == ["files", "sessions", "users"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("program", "path"), [("psql", "schema_unread"), ("pg_dump", "no_backup"), ("pg_restore", "no_backup")]
)
def test_s4_a_program_that_is_missing_is_said_and_is_no_success(outage: Incident, program: str, path: str) -> None:
    outage.desk.env = without(outage.desk.env, program, outage.desk.root / "path")
    choose = {"schema_unread": "no", "no_backup": "neither"}[path]
    told = (*UNTIL_CREATED[:-2], f"step: {path}, choose: {choose}")
    done, walked = outage.walk(BOOK, *told)
    assert (done.status, walked[-3:]) == (1, [path, "tell_hand_over", "escalate"]), done.text
    assert f"{program}: command not found" in outage.report()
    assert two_tables(outage)


def test_s4_an_old_lock_stops_the_change_and_not_the_users(outage: Incident) -> None:
    with psycopg.connect(outage.postgres.url) as holder:
        holder.execute("insert into users (email) values ('import@example.com')")
        done, path = outage.walk(BOOK, *UNTIL_CREATED, "step: why_refused, choose: no")
        holder.rollback()
    assert (done.status, path[-4:]) == (1, ["create_tables", "why_refused", "tell_hand_over", "escalate"]), done.text
    assert "lock timeout" in outage.report()
    assert two_tables(outage)


@pytest.mark.full
def test_s4_an_exclusive_lock_stops_the_backup_before_anything(outage: Incident) -> None:
    with psycopg.connect(outage.postgres.url) as holder:
        holder.execute("lock table users")
        done, path = outage.walk(BOOK, *UNTIL_CREATED[:-2], "step: no_backup, choose: neither")
        holder.rollback()
    assert (done.status, path[-4:]) == (1, ["back_up", "no_backup", "tell_hand_over", "escalate"]), done.text
    assert two_tables(outage)


def test_s4_a_dry_run_creates_nothing_and_backs_nothing_up(outage: Incident) -> None:
    done, _ = outage.walk(BOOK, *UNTIL_CREATED, *ACCEPT, *AFTER, more=("--dry-run",))
    assert done.status in {0, 3}, done.text
    assert two_tables(outage)
    assert not (outage.desk.root / "build" / "demo" / "backups").exists()


@pytest.mark.parametrize(
    ("broken", "alike"),
    [
        ("alter table sessions rename to sessions_of_2025", ["public.sessions_of_2025 like sessions"]),
        (
            "create schema empty; alter role app set search_path = empty",
            ["public.sessions like sessions", "public.users like users"],
        ),
        pytest.param("drop schema public cascade; create schema public", [], marks=pytest.mark.full),
    ],
)
def test_s4_no_empty_table_is_put_in_the_place_of_one_that_is_elsewhere(
    outage: Incident, broken: str, alike: list[str]
) -> None:
    outage.postgres.do(broken)
    before = outage.tables()
    try:
        done, path = outage.walk(BOOK, "step: right_place, choose: no")
    finally:
        outage.postgres.do("alter role app reset search_path; drop schema if exists empty cascade")
    assert (done.status, path[-3:]) == (1, ["right_place", "tell_hand_over", "escalate"]), done.text
    assert outage.observed("compare")["rows"][0]["alike"] == alike
    assert outage.tables() == before


def test_s4_a_database_that_is_set_to_read_only_is_said_to_be_so(outage: Incident) -> None:
    outage.desk.env |= {"PGOPTIONS": "-c default_transaction_read_only=on"}
    done, path = outage.walk(BOOK, "step: unreachable, choose: no")
    assert (done.status, path[-4:]) == (1, ["right_database", "unreachable", "tell_hand_over", "escalate"]), done.text
    assert "it is set to read only" in outage.report()
