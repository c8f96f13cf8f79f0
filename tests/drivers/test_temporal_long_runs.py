"""A run that is longer than one history of the engine goes on in the next, and its log does not tell."""

from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import count, wait_for
from tests.drivers.engine import Crew
from tests.drivers.test_temporal_runs import ENTRIES, WHOLE, alike, side_by_side

SHORT = ("--history-events", "20")
BEN = "ben@example.com"
OFTEN = "reminders: [{every: 200ms, say: Go}]\n"
WHICH = "id: which\ntitle: Which way?\nkind: choice\noptions:\n  - {id: on, label: Go on, next: one}\n"
CHECKED = """id: checked
title: Wait for it
kind: wait
every: 200ms
timeout: 1m
until: {kind: command, argv: [test, -e, go]}
next: done
on_fail: bad
"""


def histories(crew: Crew, least: int) -> None:
    """Wait until the run is in so many histories."""
    wait_for(lambda: crew.executions("runbook:r1") >= least, "it stays in its history")


def test_the_log_of_a_run_in_many_histories_is_that_of_a_run_in_one(crew: Crew) -> None:
    crew.worker()
    for run, options in (("one", ()), ("many", SHORT)):
        crew.effects_file.unlink(missing_ok=True)
        assert crew.submit(WHOLE, *options, run=run).status == 0
        assert crew.answer(*ENTRIES, run=run).status == 0
        assert crew.verify(run) == 0
        assert crew.effects() == ["one"]
    assert crew.executions("runbook:one") == 1
    assert crew.executions("runbook:many") > 2
    assert side_by_side(alike(crew.records("many"))) == side_by_side(alike(crew.records("one")))


def test_a_long_loop_goes_through_many_histories(crew: Crew) -> None:
    crew.worker()
    rest = "id: rest\ntitle: Rest\nkind: wait\nfor: 1ms\nnext: look\n"
    look = read("look", "sh", "-c", "exit 1", then="done", fail="rest", more="max_visits: 30\n")
    crew.submit(book(look, rest, end=GOOD), "--history-events", "60")
    assert crew.answer("step: look, do: abort, reason: enough").status == 1
    visits = [told["visit"] for told in crew.told("step.entered") if told["step"] == "look"]
    assert visits == [*range(1, len(visits) + 1)]
    assert len(visits) > 30
    assert crew.executions("runbook:r1") > 5
    assert {"run.resumed", "run.paused"} & set(crew.types()) == set()
    assert crew.verify() == 0


def test_what_is_asked_stays_asked_in_the_next_history_and_is_answered_there(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(WHICH, change("one", then="checked"), CHECKED, head=OFTEN), *SHORT)
    crew.walked("question.asked")
    histories(crew, 3)
    assert crew.answer("step: which, choose: 'on'").status == 3
    histories(crew, crew.executions("runbook:r1") + 2)
    assert crew.effects() == []
    answering = crew.start(*crew.answering("step: one, confirm: yes"))
    crew.walked("wait.started")
    histories(crew, crew.executions("runbook:r1") + 2)
    assert crew.do("note", "r1", "it takes long", "--operator", BEN).status == 0
    crew.walked("note.added")
    (crew.root / "go").touch()
    assert answering.ended().status == 0
    assert crew.effects() == ["one"]
    kinds = count(crew.types())
    assert [kinds[name] for name in ("question.asked", "confirmation.given", "wait.started", "note.added")] == [1] * 4
    stale = [str(told.get("stale")) for told in crew.told("confirmation.requested")]
    assert stale[0] == "None"
    assert set(stale[1:]) == {"it was asked for in an earlier sitting"}
    assert crew.verify() == 0


def test_a_paused_run_rests_in_the_next_history(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="done")), *SHORT)
    crew.walked("confirmation.requested")
    crew.do("handover", "r1", "--to", BEN, "--operator", "ana@example.com")
    crew.walked("run.handed_over")
    for number in range(4):
        crew.do("note", "r1", f"note {number}", "--operator", BEN)
        crew.walked("note.added", count=number + 1)
    histories(crew, 2)
    assert crew.answer("step: one, confirm: yes", operator=BEN).status == 0
    assert [told["text"] for told in crew.told("note.added")] == [f"note {number}" for number in range(4)]
    assert crew.effects() == ["one"]
    assert crew.verify() == 0
