"""A run is submitted as it is begun at hand: dry, at another step, or with the lock of a run that nobody walks."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers, in_words
from tests.drivers.engine import Crew
from tests.drivers.test_temporal_runs import ENTRIES, WHOLE, alike, side_by_side

ONE = book(change("one", then="done"))
YES = "step: one, confirm: yes"
TWO = book(read("look", then="one"), change("one", then="done"))
LATER = ("--start-at", "one", "--reason", "looked already")
BREAK = ("--break-lock", "nobody is there")


@pytest.fixture
def hand(tmp_path: Path) -> Desk:
    (tmp_path / "hand").mkdir()
    return Desk(tmp_path / "hand")


def at_hand(hand: Desk, text: str, entries: tuple[str, ...], *options: str) -> None:
    hand.write("answers.yaml", answers(*entries))
    walked = hand.walk(text, "--answers", "answers.yaml", "--operator", "ana@example.com", *options)
    assert walked.status == 0, walked.err


def test_a_dry_run_is_that_of_a_walk_at_hand_and_changes_nothing(crew: Crew, hand: Desk) -> None:
    crew.worker()
    assert crew.submit(WHOLE, "--dry-run").status == 0
    answered = crew.answer(*ENTRIES)
    assert answered.status == 0, answered.err
    assert "dry run" in answered.err
    at_hand(hand, WHOLE, ENTRIES, "--dry-run")
    assert side_by_side(alike(crew.records())) == side_by_side(alike(hand.records()))
    assert crew.told("run.started")[0]["mode"] == "dry"
    assert crew.effects() == hand.effects() == []
    assert crew.verify() == 0


def test_a_dry_run_takes_no_lock_and_is_of_no_alert(crew: Crew) -> None:
    crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    assert crew.submit(ONE, "--dry-run", run="dry").status == 0
    crew.walked("step.started", "dry")
    refused = crew.do("submit", "book.yaml", "--dry-run", "--fingerprint", "a")
    assert refused.status == 2
    assert "of no alert" in in_words(refused.err)
    assert crew.submit(ONE, "--dry-run", *BREAK, run="r3").status == 2


def test_a_run_begins_at_another_step_with_a_reason(crew: Crew, hand: Desk) -> None:
    crew.worker()
    assert "RB313" in crew.submit(TWO, "--start-at", "on", "--reason", "a typo").err
    assert crew.submit(TWO, "--start-at", "one").status == 2
    assert crew.submit(TWO, *LATER).status == 0
    assert crew.answer(YES).status == 0
    at_hand(hand, TWO, (YES,), *LATER)
    assert alike(crew.records()) == alike(hand.records())
    assert crew.verify() == 0
    gate = "id: sure\ntitle: Sure?\nkind: gate\nquestion: Sure?\nnext: one\n"
    before = crew.submit(book(gate, change("one", then="done")), *LATER, run="r2")
    assert before.status == 2
    assert "the walk cannot begin at `one`" in in_words(before.err)
    assert crew.owner("select 1 from runbook.record where run = 'r2'") == []


def test_the_lock_of_a_run_that_nobody_walks_is_taken_and_both_logs_tell(crew: Crew) -> None:
    crew.write("answers.yaml", "answers: []\n")
    assert crew.walk(ONE, "--answers", "answers.yaml", run="left").status == 3
    crew.worker()
    refused = crew.submit(ONE)
    assert refused.status == 2
    assert "--break-lock" in in_words(refused.err)
    assert crew.submit(ONE, *BREAK, run="r2").status == 0
    assert crew.answer(YES, run="r2").status == 0
    told = [(each["deviation"], each["to"], each["reason"]) for each in crew.told("deviation.recorded", "r2")]
    assert told == [("break_lock", "left", "nobody is there")]
    lost = [(each["deviation"], each["to"]) for each in crew.told("deviation.recorded", "left")]
    assert lost == [("lock_lost", "r2")]
    assert (crew.verify("r2"), crew.verify("left")) == (0, 3)


def test_the_lock_of_a_run_that_an_engine_walks_is_not_broken(crew: Crew) -> None:
    crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    refused = crew.submit(ONE, *BREAK, run="r2")
    assert refused.status == 2
    assert "is walked by an engine" in in_words(refused.err)
    assert crew.walk(ONE, *BREAK, run="r3").status == 2
    assert crew.told("deviation.recorded") == []


def test_the_runbook_that_was_submitted_is_walked_whatever_those_inside_are_named(crew: Crew) -> None:
    crew.worker()
    crew.write("aside.yaml", book(read("look", then="done")).replace("id: tested", "id: aside"))
    inside = "id: sub\ntitle: Walk another\nkind: runbook\npath: aside.yaml\nnext: done\non_fail: bad\n"
    assert crew.submit(book(inside, head="environments: {here: {}}\n"), "-e", "here").status == 0
    crew.walked("run.finished")
    assert list(crew.told("run.started")[0]["files"]) == ["book.yaml", "aside.yaml"]
    assert crew.verify() == 0
