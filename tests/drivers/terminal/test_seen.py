"""What a read found is on the screen: the first rows of a statement, and which revision serves, in any width."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import Walking

DONE = "  - {id: done, kind: finish, outcome: resolved}\n"


def statement(path: Path, text: str, more: str = "") -> str:
    return (
        f"  - {{id: look, title: Look, kind: sql, effect: none, database: 'sqlite:{path}', "
        f'statement: "{text}", next: done, on_fail: done{more}}}\n'
    )


@pytest.fixture
def threads(tmp_path: Path) -> Path:
    path = tmp_path / "threads.db"
    with sqlite3.connect(path) as made:
        made.execute("create table threads (id integer, title text, owner text, state text, made text)")
        made.executemany(
            "insert into threads values (?, ?, ?, ?, ?)",
            [(n, f"thread {n} 漢字 " + "x" * 60 + "\x1b[31m\nend", "ana", None, "2026-11-21") for n in range(12)],
        )
    made.close()
    return path


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_the_first_rows_of_a_statement_are_a_table_that_fits(walking: Walking, threads: Path, columns: int) -> None:
    terminal = walking.start(statement(threads, "select * from threads") + DONE, columns=columns)
    terminal.expect("run it")
    terminal.answer("")
    shown = terminal.expect("passed · row_count 12", "id title", "thread 0", "… 7 more rows", "RESOLVED")
    assert "thread 5" not in shown
    assert ("not shown: " in shown) is (columns == 20)
    table = terminal.text.splitlines()
    assert all(len(line) <= columns for line in table)


def test_of_no_rows_there_is_the_count_and_a_cell_is_inert(walking: Walking, threads: Path) -> None:
    steps = statement(threads, "select id from threads where id > 99").replace("next: done", "next: again")
    steps += statement(threads, "select char(27) || '[31mred' as red").replace("id: look", "id: again")
    terminal = walking.start(steps + DONE)
    terminal.expect("run it")
    terminal.answer("")
    shown = terminal.expect("passed · row_count 0", "run it")
    assert "columns" not in shown
    terminal.answer("")
    terminal.expect("passed · row_count 1", "red", "␛[31mred", "RESOLVED")


def test_what_did_not_come_as_expected_is_shown_too(walking: Walking, threads: Path) -> None:
    expect = ", expect: 'rows[0].n == 13'"
    terminal = walking.start(statement(threads, "select count(*) as n from threads", expect) + DONE)
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("failed · expected rows[0].n == 13, but rows[0].n is 12", "n", "12", "RESOLVED")


def test_which_revision_serves_and_which_did_before_is_shown_with_when_each_was_made(
    walking: Walking, tmp_path: Path
) -> None:
    listed = tmp_path / "listed.json"
    made = [
        {"name": "api-42", "at": "2026-11-21T09:00:00Z", "live": True},
        {"name": "api-41", "at": "2026-11-19T09:00:00Z", "live": False},
    ]
    listed.write_text(json.dumps({"items": made}))
    steps = (
        "  - {id: look, title: Look, kind: revisions, provider: custom, service: api, "
        f"list: {{argv: [cat, {listed}], items: items, id: name, created: at, serving: live}}}}\n" + DONE
    )
    terminal = walking.start(steps)
    terminal.expect("run it")
    terminal.answer("")
    shown = terminal.expect("passed", "serves", "api-42", "2026-11-21T09:00:00Z", "served before", "api-41", "RESOLVED")
    assert "current" not in shown
