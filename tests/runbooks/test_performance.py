"""The runbook for a slow application, walked against a real database without an index and a site that needs it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import Desk, answers, wait_for
from tests.runbooks.copied import copied
from tests.runbooks.site import Site, site
from tests.world.postgres import PASSWORD, Postgres

SLOW = "select (select count(*) from threads where owner = users.id) from users"
"""What a list needs: 300 looks at 30,000 rows, half a second without an index, and next to nothing with it."""
MEND = (
    "step: tell_team/tell_team, outcome: done",
    "step: which_column, fields: {candidate: public.threads.owner}",
    "step: create_index, confirm: demo",
)
HANDED_OVER = "step: hand_over/tell_team, outcome: done"
VERIFIED = (
    "step: verify/journeys, items: {what: yes, journeys: yes}",
    "step: verify/rates, items: {errors: yes, latency: yes}",
    "step: verify/users, items: {reporter: yes, support: yes}",
    "step: tell_back/tell_team, outcome: done",
    "step: afterwards, items: {migration: no, alert: yes, budget: not_verified, paused: yes, vitals: not_verified}",
)


class Slow:
    """A site whose lists come out of a table, and what walks the runbook."""

    def __init__(self, desk: Desk, postgres: Postgres, site: Site) -> None:
        self.desk = desk
        self.postgres = postgres
        self.site = site

    def walk(self, *entries: str) -> tuple[int, list[str]]:
        """How a walk ended, and the steps of the runbook that it went through."""
        self.desk.write("answers.yaml", answers(*entries))
        done = self.desk.do("run", "performance.yaml", "-e", "demo", "--run-id", "r1", "--answers", "answers.yaml")
        assert PASSWORD.encode() not in self.desk.every_byte() + done.text.encode()
        assert self.desk.verify() == 0, done.text
        entered = [str(fields["step"]) for fields in self.desk.told("step.entered")]
        return done.status, [step for step in entered if "/" not in step]

    def indexes(self) -> list[tuple[object, ...]]:
        """The indexes of the table, and whether they are whole."""
        return self.postgres.do(
            "select indexrelid::regclass::text, indisvalid from pg_index"
            " where indrelid = 'threads'::regclass order by 1"
        )


@pytest.fixture
def slow(tmp_path: Path, postgres: Postgres) -> Iterator[Slow]:
    postgres.do(
        "drop schema public cascade; create schema public;"
        "create table users (id int primary key);"
        "create table threads (id int primary key, owner int references users, title text);"
        "insert into users select generate_series(1, 300);"
        "insert into threads select n, 1 + n % 300, 'thread ' || n from generate_series(1, 30000) n;"
        "analyze"
    )
    desk = Desk(tmp_path)
    desk.env["PGPASSWORD"] = PASSWORD

    def threads() -> bytes:
        return str(postgres.do(SLOW)).encode()

    with site() as running:
        running.pages["/api/threads"] = threads
        changes = {"http://127.0.0.1:8080": running.url, "port: 5432": f"port: {postgres.port}"}
        limits = {"slow_ms: 500": "slow_ms: 120", "health_ms: 200": "health_ms: 2000"}
        copied(desk, "performance.yaml", {**changes, **limits})
        yield Slow(desk, postgres, running)


def test_the_index_that_is_missing_is_found_and_created_and_is_what_makes_it_quick(slow: Slow) -> None:
    status, path = slow.walk(*MEND, *VERIFIED)
    assert status == 0
    assert path == [
        *("measure_health", "measure_api", "where", "tell_team", "which_way", "running", "locked", "statistics"),
        *("slow_statements", "candidates", "any_candidate", "which_column", "known", "create_index", "quick_again"),
        *("index_used", "verify", "tell_back", "afterwards", "for_now"),
    ]
    assert slow.indexes() == [('"slow-r1"', True), ("threads_pkey", True)]
    assert "create it under a name of its own in a migration" in slow.desk.do("report", "r1").out


def test_an_index_that_does_not_help_is_taken_back_before_anything_else_is_tried(slow: Slow) -> None:
    book = slow.desk.root / "performance.yaml"
    book.write_text(book.read_text().replace("timeout: 5m\n    next: index_used", "timeout: 1s\n    next: index_used"))
    status, path = slow.walk(
        *(entry.replace("threads.owner", "threads.title") for entry in MEND),
        "step: take_back, confirm: yes",
        "step: create_index.undo, confirm: yes",
        "step: resources, choose: unclear",
        HANDED_OVER,
    )
    assert (status, path[-5:]) == (1, ["take_back", "create_index.undo", "resources", "hand_over", "escalate"])
    assert slow.indexes() == [("threads_pkey", True)]


def test_a_lock_that_somebody_waits_for_is_named_with_who_holds_it(slow: Slow) -> None:
    waits = "select 'a secret', 4711 from visits"
    slow.postgres.do("create table visits (at timestamptz)")
    with ThreadPoolExecutor() as beside, psycopg.connect(slow.postgres.url, application_name="import") as holds:
        holds.execute("lock table visits")
        waiting = beside.submit(slow.postgres.do, waits)
        wait_for(
            lambda: slow.postgres.do(
                "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query_start < now() - interval '1 s'"
            ),
            "nobody waits for the lock",
        )
        status, path = slow.walk(
            MEND[0], "step: end_it, confirm: yes, outcome: failed, evidence: nobody knows it", HANDED_OVER
        )
        holds.rollback()
        assert waiting.result() == []
    assert (status, path[-5:]) == (1, ["locked", "who_holds_it", "end_it", "hand_over", "escalate"])
    seen = {f["step"]: json.loads(f["obs"]) for f in slow.desk.told("step.finished") if f["step"] in path[-6:-3]}
    assert [row["statement"] for row in seen["running"]["rows"]] == ["select ?, ? from visits"]
    assert [row["application"] for row in seen["who_holds_it"]["rows"]] == ["import"]
