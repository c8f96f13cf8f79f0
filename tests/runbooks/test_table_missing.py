"""The runbook for a table that is missing, walked against a real database and an API that needs the table."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import Desk, answers
from tests.world.postgres import PASSWORD, Postgres

RUNBOOK = Path(__file__).resolve().parents[2] / "runbooks" / "table_missing.yaml"
WELL = (
    "step: tell_engineering, outcome: done",
    "step: tell_users, outcome: done",
    "step: create_table, confirm: demo",
    "step: journeys, items: {list: yes, create: yes, console: yes, errors: yes}",
    "step: tell_product, outcome: done",
    "step: prevent, outcome: done",
)


@pytest.fixture
def api(postgres: Postgres) -> Iterator[str]:
    """The URL of a service whose lists come out of the database."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Read the table, and say 500 where that is not possible."""
            try:
                postgres.do("select id, owner, title, created_at, updated_at from threads")
            except psycopg.Error:
                self.send_response(500)
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def desk(tmp_path: Path, postgres: Postgres, api: str) -> Desk:
    postgres.do("drop schema public cascade; create schema public; create table users (id int)")
    desk = Desk(tmp_path)
    desk.env["DATABASE_URL"] = postgres.url
    desk.write(
        "book.yaml", RUNBOOK.read_text().replace("http://127.0.0.1:8080", api).replace("delay: 2s", "delay: 1ms")
    )
    desk.write("answers.yaml", answers(*WELL))
    return desk


def walk(desk: Desk, run: str = "r1") -> tuple[int, list[str]]:
    """How a walk ended, and the steps it went through."""
    done = desk.do("run", "book.yaml", "-e", "demo", "--run-id", run, "--answers", "answers.yaml")
    assert PASSWORD.encode() not in desk.every_byte() + done.text.encode()
    assert desk.verify(run) == 0, done.text
    return done.status, [str(fields["step"]) for fields in desk.told("step.entered", run)]


def test_the_table_is_found_missing_and_created_and_found_again(desk: Desk, postgres: Postgres) -> None:
    status, path = walk(desk)
    assert status == 0
    assert path == [
        *("check_api", "connect", "right_database", "compare", "which_way", "tell_engineering", "tell_users"),
        *("create_table", "verify_table", "wait_for_api", "journeys", "tell_product", "prevent", "done"),
    ]
    assert desk.intents().count("create_table") == 1
    columns = "select count(*) from information_schema.columns where table_name = 'threads'"
    assert postgres.do(columns) == [(5,)]
    assert walk(desk, "again")[1] == ["check_api", "journeys", "tell_product", "prevent", "done"]


def test_what_an_old_backup_lacks_is_not_created_from_here(desk: Desk, postgres: Postgres) -> None:
    postgres.do("drop table users")
    desk.write("answers.yaml", answers("step: tell_restored, outcome: done"))
    status, path = walk(desk)
    assert (status, path[-3:]) == (1, ["which_way", "tell_restored", "escalate"])
    (sent,) = [fields["what"] for fields in desk.told("step.started") if fields["step"] == "tell_restored"]
    assert "threads, users" in sent
    assert postgres.do("select count(*) from pg_tables where schemaname = 'public'") == [(0,)]
