"""Locks: two live runs of one runbook in one environment exclude each other, from start to finish."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.forgery import Forgery, judged

PLACES = "environments:\n  staging: {}\n  production: {}\n"
ARGV = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    at = Desk(tmp_path)
    at.write("answers.yaml", "answers: []\n")
    at.write("yes.yaml", answers("step: one, confirm: yes"))
    yield at
    at.settled()


def paused(desk: Desk, run: str = "first", *argv: str, head: str = "") -> None:
    """A run that waits for a confirmation and is paused."""
    assert desk.walk(book(change("one", then="done"), head=head), *argv, run=run).status == 3


@pytest.mark.parametrize("lock", ["", "lock: the one database\n"])
def test_a_paused_run_keeps_its_lock_and_is_named(desk: Desk, lock: str) -> None:
    desk.write("book.yaml", book(change("one", then="done"), head=lock))
    assert desk.do(*ARGV, "first", "--operator", "ana@example.com").status == 3
    done = desk.do(*ARGV, "second")
    assert done.status == 2
    for part in ("RB527", "first", "ana@example.com", "nobody walks it now", "--break-lock"):
        assert part in " ".join(done.err.split()), part
    assert not desk.run("second").path.exists()
    assert desk.do("abort", "first", "--reason", "enough").status == 0
    assert desk.do(*ARGV, "second").status == 3


def test_environments_and_lock_texts_do_not_exclude_each_other(desk: Desk) -> None:
    desk.write("book.yaml", book(change("one", then="done"), head=PLACES))
    assert desk.do(*ARGV, "first", "-e", "staging").status == 3
    assert desk.do(*ARGV, "second", "-e", "production").status == 3
    assert desk.do(*ARGV, "third", "-e", "production").status == 2
    desk.write("book.yaml", book(change("one", then="done"), head=f"{PLACES}lock: shared\n"))
    assert desk.do(*ARGV, "fourth", "-e", "staging").status == 3
    assert desk.do(*ARGV, "fifth", "-e", "production").status == 2


def test_a_run_that_is_over_has_no_lock(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", then="done")))
    assert [desk.do(*ARGV, f"r{number}").status for number in range(3)] == [0, 0, 0]


def test_a_run_that_is_walked_now_is_respected(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", "sleep", "10", then="done")))
    walking = desk.start(*ARGV, "first")
    wait_for(lambda: desk.run("first").log.exists() and "step.started" in desk.types("first"), "it does not start")
    done = desk.do(*ARGV, "second", "--break-lock", "I want it")
    assert done.status == 2
    assert "is walked now" in done.err
    walking.signal(9)
    walking.ended()
    desk.cleared()
    assert desk.do(*ARGV, "second").status == 2
    desk.write("book.yaml", book(read("look", then="done")))
    assert desk.do(*ARGV, "second", "--break-lock", "it was killed").status == 0


def test_a_broken_lock_is_told_in_both_logs_and_the_other_run_waits(desk: Desk) -> None:
    desk.write("book.yaml", book(change("one", then="done")))
    assert desk.do(*ARGV, "first", "--operator", "ana@example.com").status == 3
    argv = ("--operator", "ben@example.com", "--break-lock", "ana has gone home")
    assert desk.do(*ARGV, "second", *argv).status == 3
    (ours,), (theirs,) = (desk.told("deviation.recorded", run) for run in ("second", "first"))
    assert ours == {"deviation": "break_lock", "to": "first", "reason": "ana has gone home", "by": "ben@example.com"}
    assert theirs == {"deviation": "lock_lost", "to": "second", "reason": "ana has gone home", "by": "ben@example.com"}
    assert [desk.verify(run) for run in ("first", "second")] == [3, 3]
    assert "lock lost to second" in desk.do("runs").out
    assert "taken by run second" in desk.do("status", "first").out
    done = desk.do("resume", "first", "--answers", "yes.yaml")
    assert done.status == 2
    assert "second" in done.err
    assert desk.do("resume", "second", "--answers", "yes.yaml").status == 0
    assert desk.do("resume", "first", "--answers", "yes.yaml").status == 0
    assert [desk.verify(run) for run in ("first", "second")] == [0, 0]
    assert len(desk.told("deviation.recorded", "first")) == 1
    for run, said in (("first", "lost the lock to run"), ("second", "broke the lock of run")):
        assert said in desk.do("report", run).out


def test_a_killed_run_whose_lock_was_broken_can_be_gone_on_with_later(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", "sleep", "10", then="done")))
    walking = desk.start(*ARGV, "first")
    wait_for(lambda: desk.run("first").log.exists() and "step.started" in desk.types("first"), "it does not start")
    walking.signal(9)
    walking.ended()
    desk.cleared()
    desk.write("book.yaml", book(read("look", then="done")))
    assert desk.do(*ARGV, "second", "--break-lock", "it was killed").status == 0
    assert desk.verify("first") == 3
    assert desk.do("abort", "first", "--reason", "not needed").status == 0
    assert desk.verify("first") == 0


@pytest.mark.reliability
def test_of_two_that_begin_at_the_same_instant_exactly_one_does(desk: Desk) -> None:
    desk.write("book.yaml", book(change("one", then="done")))
    for race in range(5):
        both = [desk.start(*ARGV, f"r{race}-{each}") for each in "ab"]
        ended = [process.ended().status for process in both]
        assert sorted(ended) == [2, 3], race
        assert desk.do("abort", f"r{race}-{'ab'[ended.index(3)]}", "--reason", "next").status == 0


@pytest.mark.parametrize("written", [b"", b'{"v":1,"seq":0,"prev"'], ids=["nothing", "torn"])
def test_a_run_that_was_killed_before_it_began_has_no_lock(written: bytes, desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", then="done")))
    assert desk.do(*ARGV, "first").status == 0
    (lock,) = (desk.state / "locks").glob("*.json")
    told = json.loads(lock.read_text())
    lock.write_text(json.dumps({**told, "run": "never"}))
    desk.run("never").path.mkdir()
    desk.run("never").log.write_bytes(written)
    assert desk.do(*ARGV, "second").status == 0


def test_a_damaged_lock_is_refused_with_what_to_do(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", then="done")))
    assert desk.do(*ARGV, "first").status == 0
    (lock,) = (desk.state / "locks").glob("*.json")
    for text in ("", "{}", "[]", '{"untold": [{"run": 1}]}', "[" * 10_000):
        lock.write_text(text)
        done = desk.do(*ARGV, "second")
        assert done.status == 2
        assert "RB528" in done.err
    lock.unlink()
    assert desk.do(*ARGV, "second").status == 0


def test_a_run_whose_directory_is_gone_has_no_lock(desk: Desk) -> None:
    paused(desk, "first", "--answers", "answers.yaml")
    shutil.rmtree(desk.run("first").path)
    assert desk.do(*ARGV, "second").status == 3


def test_a_lock_without_a_text_begins_nothing(desk: Desk) -> None:
    head = 'inputs:\n  name: {type: string, default: " "}\nlock: "${{ inputs.name }}"\n'
    desk.write("book.yaml", book(read("look", then="done"), head=head))
    done = desk.do(*ARGV, "first")
    assert done.status == 2
    assert "RB323" in done.err
    assert not desk.run("first").path.exists()
    assert desk.do(*ARGV, "first", "-i", "name=one").status == 0
    assert desk.told("run.started", "first")[0]["lock"] == "tested/one"


def test_the_lock_in_a_log_is_computed_again(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", then="done")))
    assert desk.do(*ARGV, "first").status == 0
    assert desk.verify("first") == 0
    forged = Forgery.of(desk.run("first").log).edit(0, lock="other")
    assert judged(desk, forged, of="first")[0] == 6
