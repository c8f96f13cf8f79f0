"""Watching a run whose store is in PostgreSQL: what runs is shown as it prints, and nothing else of outputs is read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import wait_for
from tests.drivers.stored import StoredDesk, stored_desk
from tests.drivers.terminal.pseudo import Terminal
from tests.world.postgres import Postgres

from runbook.audit.outputs import name_of
from runbook.audit.postgres.printed import MOST

MUCH = 40 * MOST
HOLD = "while [ ! -e go ]; do sleep 0.02; done"
WATCH = [sys.executable, "-c", "from runbook.cli.main import main; main()", "watch", "r1"]
PUT = "insert into runbook.output (run, name, start, data) values ('r1', %s, 0, %s)"


@pytest.fixture
def desk(postgres: Postgres, tmp_path: Path) -> Iterator[StoredDesk]:
    with stored_desk(tmp_path, postgres) as at:
        yield at


def sparse(path: Path) -> bool:
    """Whether it is as long as what was printed, and no more than its end stands in it."""
    found = path.stat()
    return found.st_size > MUCH and found.st_blocks * 512 <= 2 * MOST


def test_of_what_runs_the_end_is_read_and_of_what_is_over_nothing(desk: StoredDesk) -> None:
    much = f"head -c {MUCH} /dev/zero | tr '\\0' x; echo"
    desk.write(
        "book.yaml",
        book(
            read("look", "echo", "seen", then="hold"),
            read("hold", "sh", "-c", f"{much}; echo printed-last; {HOLD}; echo at-the-end", then="done"),
        ),
    )
    desk.start("run", "book.yaml", "--run-id", "r1")
    ends = "select 1 from runbook.output where position('printed-last'::bytea in data) > 0"
    wait_for(lambda: bool(desk.owner(ends)), "it does not print")
    with Terminal(WATCH, env={**desk.env, "TERM": "xterm"}) as terminal:
        terminal.expect("bytes of stdout are not shown here", "│ printed-last")
        (hold,) = [path for path in desk.root.rglob("output/*") if "hold" in path.name and sparse(path)]
        assert {path.name for path in hold.parent.iterdir()} == {hold.name}
        (desk.root / "go").touch()
        terminal.expect("│ at-the-end", "hold passed", "over: resolved")
        terminal.end()
        assert terminal.text.count("│ printed-last") == 1
    assert desk.verify() == 0


def test_what_is_committed_later_than_what_was_numbered_after_it_is_shown(desk: StoredDesk) -> None:
    desk.write("book.yaml", book(read("hold", "sh", "-c", HOLD, then="done")))
    desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: bool(desk.owner("select 1 from runbook.record where type = 'step.started'")), "it does not begin")
    first, second = (name_of("hold", 1, 1, stream) for stream in ("stdout", "stderr"))
    with (
        Terminal(WATCH, env={**desk.env, "TERM": "xterm"}) as terminal,
        psycopg.connect(desk.server.url_of(desk.database)) as slow,
    ):
        terminal.expect("hold: runs")
        slow.execute(PUT, [first, b"numbered first\n"])
        desk.owner(PUT, second, b"numbered second\n")
        terminal.expect("╎ numbered second")
        slow.commit()
        terminal.expect("│ numbered first")
    found = desk.run()
    (desk.root / "go").touch()
    assert (found.output / first).read_bytes() == b"numbered first\n"


def test_a_copy_gets_what_was_committed_late(desk: StoredDesk) -> None:
    assert desk.walk(book(read("look", "echo", "seen", then="done"))).status == 0
    run = desk.run()
    with psycopg.connect(desk.server.url_of(desk.database)) as slow:
        slow.execute(PUT, ["late", b"numbered first"])
        desk.owner(PUT, "soon", b"numbered second")
        run.fetch()
        assert not (run.output / "late").exists()
        slow.commit()
        run.fetch()
    assert (run.output / "late").read_bytes() == b"numbered first"
    assert (run.output / "soon").read_bytes() == b"numbered second"
