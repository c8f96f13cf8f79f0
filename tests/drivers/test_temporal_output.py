"""What a worker's step prints is on the screen of whoever answers while it runs, inert and said to be whose."""

from contextlib import ExitStack
from pathlib import Path

from tests.cli.test_approve import Elsewhere
from tests.drivers.books import book, read
from tests.drivers.engine import Crew
from tests.drivers.persons import ANA, Persons

from runbook.audit.postgres.printed import MOST, Piece, printed

HOSTILE = r"printf 'first \033]0;owned\007 line\n'"


def until(file: str, before: str, after: str) -> str:
    """Print, wait for a file, and print again."""
    return f"{before}; while [ ! -e {file} ]; do sleep 0.05; done; {after}"


def test_what_a_worker_prints_is_shown_while_its_step_runs(crew: Crew, tmp_path: Path) -> None:
    persons = Persons(tmp_path / "keys").list(ANA)
    crew.worker()
    crew.submit(book(read("look", "sh", "-c", until("go", HOSTILE, "echo second line"), then="done")))
    with ExitStack() as stack:
        operator = Elsewhere(crew, persons, stack).terminal("ana", "answer", "r1", "--operator", ANA)
        operator.expect("first ", " line")
        assert "step.finished" not in crew.types()
        assert "second line" not in operator.text
        (crew.root / "go").touch()
        operator.expect("second line", "run r1 is over: resolved")
        assert operator.end() == 0
        assert operator.text.count("second line") == 1
        assert "\x1b]0;owned" not in operator.raw
        assert "is not shown here" not in operator.text
    assert crew.verify() == 0


def test_of_steps_side_by_side_each_line_says_whose_it_is(crew: Crew, tmp_path: Path) -> None:
    persons = Persons(tmp_path / "keys").list(ANA)
    crew.worker()
    argv = ("sh", "-c", until("go", "printf %s begins-; echo $0", "echo ends-$0"), "${{ item }}")
    more = "for_each: {in: environment.hosts, at_once: 2}\n"
    head = "environments: {production: {hosts: [web-1, web-2]}}\n"
    crew.submit(book(read("look", *argv, then="done", more=more), head=head), "-e", "production")
    crew.walked("step.started", count=2)
    with ExitStack() as stack:
        operator = Elsewhere(crew, persons, stack).terminal("ana", "answer", "r1", "--operator", ANA)
        operator.expect(*(f"look[{each}]: begins-web-{each + 1}" for each in range(2)))
        (crew.root / "go").touch()
        operator.expect("run r1 is over: resolved")
        for each in range(2):
            assert f"look[{each}]: ends-web-{each + 1}" in operator.text


def test_of_much_that_is_new_the_end_is_read_and_nothing_twice(crew: Crew) -> None:
    put = "insert into runbook.output (run, name, start, data) values ('r1', %s, %s, %s)"
    crew.owner(put, "one", 0, b"a" * 10)
    crew.owner(put, "other", 0, b"of another step")
    link = crew.store.link
    assert [*printed(link, "r1", {"one": 0, "two": 0})] == [Piece("one", 0, b"a" * 10)]
    assert [*printed(link, "r1", {"one": 10, "two": 0})] == []
    crew.owner(put, "one", 10, b"b" * MOST)
    crew.owner(put, "two", 0, b"c")
    crew.owner(put, "one", 10 + MOST, b"d" * 20)
    assert [*printed(link, "r1", {"one": 10, "two": 0})] == [
        Piece("one", 20, b"b" * (MOST - 20)),
        Piece("two", 0, b"c"),
        Piece("one", 0, b"d" * 20),
    ]
