"""S5: the migration never ran, health lies, and what a stranger finds there is refused or told, never passed over."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import wait_for
from tests.examples import serving
from tests.runbooks.incident import GUEST, Incident, incident
from tests.world.postgres import PASSWORD, Postgres

BOOK = "migration_never_ran"
TOLD = (
    "step: tell_engineering, outcome: done",
    "step: tell_users, outcome: done",
    "step: tell_product, outcome: done",
    "step: migrate, confirm: demo",
    "step: tell_hand_over/tell_team, outcome: done",
    "step: tell_hand_over/tell_users, outcome: done",
)
AFTER = (
    "step: journeys, items: {list: yes, create: yes, console: yes, errors: yes}",
    "step: tell_product_again/tell_team, outcome: done",
    "step: tell_product_again/tell_users, outcome: done",
    "step: prevent, items: {health: no, deployment: yes, before: not_verified}",
)


@pytest.fixture
def outage(tmp_path: Path, postgres: Postgres) -> Iterator[Incident]:
    with incident(tmp_path, postgres) as found:
        postgres.do("create table users (id uuid primary key)")
        yield found


def test_s5_health_says_ok_the_database_is_asked_the_migration_runs_and_a_thread_can_be_created(
    outage: Incident,
) -> None:
    assert serving.answer(outage.port, "/api/health")[0] == 200
    status, said = serving.answer(outage.port, "/api/threads")
    assert (status, 'relation \\"threads\\" does not exist' in said) == (500, True)

    done, path = outage.walk(BOOK, *TOLD, *AFTER)

    assert done.status == 0, done.text
    assert path == [
        *("ask_health", "check_api", "connect", "right_database", "compare", "which_way", "tell_engineering"),
        *("tell_users", "tell_product", "migrate", "verify_table", "rights", "wait_for_api", "journeys"),
        *("what_was_done", "tell_product_again", "prevent", "done"),
    ]
    assert outage.desk.intents().count("migrate") == 1
    assert outage.columns("threads")[:3] == ["id uuid", "owner uuid", "title text"]
    assert serving.answer(outage.port, "/api/threads", "hello")[0] == 201
    assert serving.threads(outage.port) == ["hello"]
    told = {f["step"]: str(f["what"]) for f in outage.desk.told("step.started") if "tell_" in str(f["step"])}
    assert "do not believe it" in told["tell_engineering"]
    assert "Deployments and announcements may go on" in told["tell_product_again/tell_team"]
    assert "can be saved again" in told["tell_product_again/tell_users"]
    report = outage.report()
    assert "resolved" in report
    assert "nobody has looked" in report
    assert PASSWORD not in report

    again = ["ask_health", "check_api", "journeys", "what_was_done", "works_already"]
    assert outage.walk(BOOK, AFTER[0], run="again")[1] == again
    assert outage.desk.intents("again") == []


def test_s5_a_table_that_belongs_to_its_maker_is_granted_to_the_application(tmp_path: Path, postgres: Postgres) -> None:
    """The login that migrates is one, that of the application is another, which owns nothing."""
    postgres.do("drop schema public cascade; create schema public; grant usage on schema public to public")
    postgres.do(f"drop role if exists web; create role web login password '{GUEST}'")
    postgres.do("create table users (id uuid primary key); grant select, insert, update, delete on users to web")
    with serving.service(tmp_path, postgres.variables | {"PGUSER": "web", "PGPASSWORD": GUEST}) as port:
        serving.fault(tmp_path, port, "lying")
        outage = Incident(tmp_path, postgres, port)
        book = tmp_path / f"{BOOK}.yaml"
        book.write_text(book.read_text().replace('application: ""', "application: web"))
        done, path = outage.walk(BOOK, *TOLD, "step: grant, confirm: yes", *AFTER)
        assert (done.status, path[-8:-4]) == (0, ["rights", "grant", "wait_for_api", "journeys"]), done.text
        assert outage.observed("rights")["rows"] == [{"lacking": ["SELECT", "INSERT", "UPDATE", "DELETE"]}]
        assert serving.answer(port, "/api/threads", "hello")[0] == 201
        postgres.do("revoke update on threads from web; revoke select on threads from web")
        done, path = outage.walk(BOOK, "step: grant, confirm: yes", *AFTER, run="again")
        assert (done.status, path[5:7]) == (0, ["which_way", "grant"]), done.text
        assert serving.threads(port) == ["hello"]
    postgres.do("drop owned by web; drop role web")


@pytest.mark.parametrize(
    "word", ["Demo", pytest.param("staging", marks=pytest.mark.full), pytest.param("demo ", marks=pytest.mark.full)]
)
def test_s5_without_the_exact_phrase_nothing_is_run(outage: Incident, word: str) -> None:
    done, _ = outage.walk(BOOK, *TOLD[:3], f'step: migrate, confirm: "{word}"')
    assert done.status != 0
    assert outage.tables() == ["users"]


def test_s5_a_migration_that_fails_in_the_middle_leaves_nothing(outage: Incident) -> None:
    outage.postgres.do(
        "create function no_index() returns event_trigger language plpgsql as $$ begin raise 'no index today'; end $$;"
        "create event trigger no_index on ddl_command_start when tag in ('CREATE INDEX') execute function no_index()"
    )
    more = ("step: why_refused, choose: other", "step: try_locally, outcome: done, evidence: ticket 7")
    done, path = outage.walk(BOOK, *TOLD, *more)
    outage.postgres.do("drop event trigger no_index")
    assert (done.status, path[-5:]) == (1, ["migrate", "why_refused", "try_locally", "tell_hand_over", "escalate"])
    assert outage.tables() == ["users"]
    assert "no index today" in outage.report()


def test_s5_a_login_without_permission_changes_nothing_and_is_told_whom_to_ask(outage: Incident) -> None:
    outage.as_guest()
    more = ("step: why_refused, choose: permission", "step: another_login, outcome: done, evidence: asked")
    done, path = outage.walk(BOOK, *TOLD, *more)
    assert (done.status, path[-4:]) == (1, ["why_refused", "another_login", "tell_hand_over", "escalate"])
    assert "permission denied for schema public" in outage.report()
    assert outage.tables() == ["users"]


def test_s5_a_database_that_is_down_leads_to_its_provider(outage: Incident) -> None:
    outage.desk.env["PGPORT"] = "1"
    more = ("step: why_no_connection, choose: provider", "step: tell_outage, outcome: done")
    done, path = outage.walk(BOOK, *more)
    assert (done.status, path[2:]) == (1, ["connect", "why_no_connection", "tell_outage", "tell_hand_over", "escalate"])
    assert "refused the connection" in outage.report()


@pytest.mark.full
def test_s5_a_wrong_password_leads_to_the_url_and_not_to_a_reset(outage: Incident) -> None:
    outage.desk.env["PGPASSWORD"] = "not-this-one"
    more = ("step: why_no_connection, choose: url", "step: check_url, outcome: done, evidence: rotated yesterday")
    done, path = outage.walk(BOOK, *more)
    assert (done.status, path[2:]) == (1, ["connect", "why_no_connection", "check_url", "tell_hand_over", "escalate"])


def test_s5_a_table_with_other_columns_is_left_as_it_is(outage: Incident) -> None:
    outage.postgres.do("create table threads (id int, subject text); insert into threads values (1, 'kept')")
    done, path = outage.walk(BOOK, "step: other_columns, outcome: done, evidence: made by the prototype")
    assert (done.status, path[-4:]) == (1, ["which_way", "other_columns", "tell_hand_over", "escalate"])
    assert outage.desk.intents() == []
    assert outage.postgres.do("select * from threads") == [(1, "kept")]


@pytest.mark.full
def test_s5_a_table_in_another_schema_is_not_created_twice(outage: Incident) -> None:
    outage.postgres.do("create schema if not exists old; create table if not exists old.threads (id int)")
    done, path = outage.walk(BOOK, "step: network, outcome: done, evidence: the search_path lacks old")
    outage.postgres.do("drop schema old cascade")
    assert (done.status, path[-4:]) == (1, ["which_way", "network", "tell_hand_over", "escalate"])
    assert outage.tables() == ["users"]


def test_s5_more_than_one_missing_table_is_another_incident(outage: Incident) -> None:
    outage.postgres.do("drop table users")
    done, path = outage.walk(BOOK, "step: tell_restored, outcome: done")
    assert (done.status, path[-4:]) == (1, ["which_way", "tell_restored", "tell_hand_over", "escalate"])
    (sent,) = [fields["what"] for fields in outage.desk.told("step.started") if fields["step"] == "tell_restored"]
    assert "threads, users" in sent
    assert outage.tables() == []


def test_s5_who_holds_the_lock_is_named_and_the_migration_runs_when_it_is_gone(outage: Incident) -> None:
    url = outage.postgres.url
    with psycopg.connect(url, application_name="nightly-import") as holder:
        holder.execute("create table threads (id uuid primary key)")
        more = ("step: why_refused, choose: lock", "step: lock_gone, choose: no")
        done, path = outage.walk(BOOK, *TOLD, *more)
        holder.rollback()
    assert (done.status, path[-5:]) == (1, ["why_refused", "who_holds_it", "lock_gone", "tell_hand_over", "escalate"])
    assert [row["application"] for row in outage.observed("who_holds_it")["rows"]] == ["nightly-import"]
    assert outage.tables() == ["users"]
    assert outage.walk(BOOK, *TOLD, *AFTER, run="again")[0].status == 0


def test_s5_a_connection_that_is_cut_leaves_it_unknown_and_the_world_is_looked_at_again(outage: Incident) -> None:
    with psycopg.connect(outage.postgres.url) as holder:
        holder.execute("create table threads (id uuid primary key)")
        book = outage.desk.root / f"{BOOK}.yaml"
        book.write_text(book.read_text().replace("timeout: 1s\n    probe", "timeout: 30s\n    probe"))
        outage.desk.write("answers.yaml", "answers:\n" + "".join(f"  - {{{each}}}\n" for each in TOLD))
        given = ("-e", "demo", "-i", f"port=:{outage.port}", "--answers", "answers.yaml", "--run-id", "r1")
        walking = outage.desk.start("run", f"{BOOK}.yaml", *given)
        wait_for(lambda: outage.postgres.running("threads_by_owner"), "the migration does not begin")
        for pid in outage.postgres.running("threads_by_owner"):
            with contextlib.suppress(psycopg.Error):
                outage.postgres.do("select pg_terminate_backend(%s)", pid)
        done = walking.ended()
        holder.rollback()
    assert done.status == 3, done.text  # it stands at the confirmation of the next attempt, and nobody has answered
    assert [fields["step"] for fields in outage.desk.told("step.unknown")] == ["migrate"]
    entered = [str(fields["step"]) for fields in outage.desk.told("step.entered")]
    assert entered[-9:][:2] == ["check_api", "connect"]
    assert outage.tables() == ["users"]


def test_s5_a_dry_run_shows_the_migration_and_runs_nothing(outage: Incident) -> None:
    done, path = outage.walk(BOOK, *TOLD, *AFTER, more=("--dry-run",))
    assert (done.status, path[-1]) == (0, "done"), done.text
    assert outage.tables() == ["users"]


def test_s5_a_table_that_was_renamed_is_not_replaced_by_an_empty_one(outage: Incident) -> None:
    outage.postgres.do(outage.schema.read_text())
    outage.postgres.do("alter table threads rename to threads_of_2025")
    before = outage.tables()
    done, path = outage.walk(BOOK, "step: renamed, choose: yes")
    assert (done.status, path[-3:]) == (1, ["renamed", "tell_hand_over", "escalate"]), done.text
    assert outage.observed("compare")["rows"][0]["alike"] == ["public.threads_of_2025"]
    assert outage.tables() == before


def test_s5_tables_that_the_login_does_not_see_are_not_said_to_be_missing(outage: Incident) -> None:
    outage.postgres.do(outage.schema.read_text())
    outage.postgres.do("create schema empty; alter role app set search_path = empty")
    try:
        done, path = outage.walk(BOOK, "step: network, outcome: done, evidence: the search_path leads elsewhere")
    finally:
        outage.postgres.do("alter role app reset search_path; drop schema empty cascade")
    assert (done.status, path[-3:]) == (1, ["network", "tell_hand_over", "escalate"]), done.text
    assert outage.desk.intents() == []


def test_s5_a_database_that_is_set_to_read_only_is_said_to_be_so_before_anybody_is_told(outage: Incident) -> None:
    outage.desk.env |= {"PGOPTIONS": "-c default_transaction_read_only=on"}
    done, path = outage.walk(BOOK, "step: why_no_connection, choose: other")
    assert (done.status, path[-4:]) == (1, ["right_database", "why_no_connection", "tell_hand_over", "escalate"]), (
        done.text
    )
    assert "it is set to read only" in outage.report()
