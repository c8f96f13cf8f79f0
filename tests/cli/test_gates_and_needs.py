"""What must come before a step comes before it: gates, needs and the number of visits, through the real commands."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers

WITH = ("--answers", "answers.yaml")
GATE = "id: sure\nkind: gate\nquestion: Is the backup there?\nnext: one\non_fail: bad\n"
BOOK = book(read("look", then="sure"), GATE, change("one", then="done"))
NOT_PASSED = "the gate `sure` stands on every path to it and was not passed"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of its own for each test."""
    return Desk(tmp_path)


def walk(desk: Desk, text: str, *entries: str, flags: tuple[str, ...] = ()) -> tuple[int, str]:
    """Walk with these answers; the status, and what the walk said. Nothing has changed, and the log is sound."""
    desk.write("answers.yaml", answers(*entries))
    done = desk.walk(text, *WITH, *flags)
    assert "Traceback" not in done.text
    assert desk.effects() == []
    if desk.run().log.exists():
        assert desk.intents() == []
        assert desk.verify() == (0 if "run.finished" in desk.types() else 3)
    return done.status, " ".join(done.err.split())


@pytest.mark.reliability
def test_k1_a_gate_is_not_skipped(desk: Desk) -> None:
    status, said = walk(desk, BOOK, "step: sure, do: skip, reason: no time", "step: one, confirm: 'yes'")
    assert (status, "`sure` is a gate and cannot be skipped" in said) == (2, True)


@pytest.mark.reliability
def test_k1_nobody_says_yes_and_the_walk_goes_on_where_a_failure_leads(desk: Desk) -> None:
    status, _ = walk(desk, BOOK, "step: sure, confirm: 'no', reason: it is not", "step: one, confirm: 'yes'")
    assert status == 1
    ends = {f["step"]: f for f in desk.told("step.finished")}
    assert (ends["sure"]["outcome"], [f["step"] for f in desk.told("step.entered")]) == (
        "failed",
        ["look", "sure", "bad"],
    )


@pytest.mark.reliability
def test_k1_a_gate_that_failed_without_an_edge_offers_no_skip_and_no_jump_past_it(desk: Desk) -> None:
    text = book(read("look", then="sure"), GATE.replace("on_fail: bad\n", ""), change("one", then="done"))
    jump = "step: sure, confirm: 'no', do: go_to, to: one, reason: no time"
    status, said = walk(desk, text, jump, "step: one, confirm: 'yes'")
    assert (status, NOT_PASSED in said) == (3, True)
    assert "operator.acted" not in [t for t in desk.types() if t != "run.paused"][:-1]


@pytest.mark.reliability
def test_k1_a_jump_past_a_gate_is_refused(desk: Desk) -> None:
    stuck = book(read("look", "false", then="sure", fail=""), GATE, change("one", then="done"))
    status, said = walk(desk, stuck, "step: look, do: go_to, to: one, reason: no time", "step: one, confirm: 'yes'")
    assert (status, NOT_PASSED in said) == (3, True)
    assert [f["step"] for f in desk.told("step.entered")] == ["look"]


@pytest.mark.reliability
def test_k1_a_change_behind_a_step_that_was_jumped_to_is_refused(desk: Desk) -> None:
    steps = (
        read("look", "false", then="sure", fail=""),
        GATE.replace("next: one", "next: again"),
        read("again", then="one"),
    )
    jump = "step: look, do: go_to, to: again, reason: no time"
    status, said = walk(desk, book(*steps, change("one", then="done")), jump, "step: one, confirm: 'yes'")
    assert (status, NOT_PASSED in said) == (3, True)
    assert [f["by"] for f in desk.told("step.refused")] == ["gate"]


@pytest.mark.reliability
@pytest.mark.parametrize("at", ["one", "again"])
def test_k1_a_start_past_a_gate_is_refused(at: str, desk: Desk) -> None:
    steps = read("look", then="sure"), GATE.replace("next: one", "next: again"), read("again", then="one")
    flags = ("--start-at", at, "--reason", "no time")
    text = book(*steps, change("one", then="done"))
    status, said = walk(desk, text, "step: one, confirm: 'yes'", flags=flags)
    assert (status, NOT_PASSED in said) == ({"one": 2, "again": 3}[at], True)


NEEDY = change("one", then="done", more="needs: [{step: look, within: 100ms}, calm]\n")
CALM = read("calm", then="slow")
SLOW = "id: slow\nkind: wait\nfor: 300ms\nnext: stop\n"
STOP = read("stop", "false", then="one", fail="")
JUMP = "step: stop, do: go_to, to: one, reason: no time"


@pytest.mark.reliability
def test_j11_a_jump_to_a_step_whose_needs_did_not_run_is_refused_and_says_which(desk: Desk) -> None:
    text = book(
        STOP.replace("next: one", "next: look"), read("look", then="calm"), CALM, SLOW.replace("stop", "one"), NEEDY
    )
    status, said = walk(desk, text, JUMP, "step: one, confirm: 'yes'")
    assert status == 3
    assert "`one` cannot be next: `look` has not run" in said


@pytest.mark.reliability
def test_j11_a_jump_to_a_step_whose_needs_failed_is_refused(desk: Desk) -> None:
    look = read("look", "false", then="calm", fail="calm")
    status, said = walk(desk, book(look, CALM, SLOW, STOP, NEEDY), JUMP, "step: one, confirm: 'yes'")
    assert (status, "`one` cannot be next: `look` has failed" in said) == (3, True)


@pytest.mark.reliability
def test_j11_a_jump_to_a_step_whose_needs_passed_too_long_ago_is_refused_and_says_when(desk: Desk) -> None:
    text = book(read("look", then="calm"), CALM, SLOW, STOP, NEEDY)
    status, said = walk(desk, text, JUMP, "step: one, confirm: 'yes'")
    assert status == 3
    assert "`one` cannot be next: `look` passed " in said
    assert " ago, at most 100 ms are allowed" in said


@pytest.mark.reliability
def test_j11_a_need_that_was_skipped_by_hand_is_not_met(desk: Desk) -> None:
    steps = read("look", "false", then="one", fail=""), change("one", then="done", more="needs: [look]\n")
    skip = "step: look, do: skip, reason: no time"
    status, said = walk(desk, book(*steps), skip, "step: one, confirm: 'yes'")
    assert (status, "`look` was skipped" in said) == (3, True)
    assert [f["by"] for f in desk.told("step.refused")] == ["needs"]


@pytest.mark.reliability
def test_j11_what_passed_in_another_run_meets_no_need(desk: Desk) -> None:
    steps = read("look", then="one"), change("one", then="done", more="needs: [look]\n")
    assert desk.walk(book(*steps), run="r0").status == 3
    assert [f["outcome"] for f in desk.told("step.finished", "r0")] == ["passed"]
    assert desk.do("abort", "r0", "--reason", "it holds the lock").status == 0
    flags = ("--start-at", "one", "--reason", "it passed an hour ago")
    status, said = walk(desk, book(*steps), "step: one, confirm: 'yes'", flags=flags)
    assert (status, "`look` has not run" in said) == (3, True)


def test_visits_that_are_used_up_fail_without_a_start(desk: Desk) -> None:
    look = read("look", "false", then="done", fail="again", more="max_visits: 2\n")
    text = book(look, read("again", then="look", more="max_visits: 2\n", fail="bad"))
    status, _ = walk(desk, text, "step: bad, do: retry")
    assert [f["step"] for f in desk.told("step.entered")] == ["look", "again", "look", "again", "look", "again", "bad"]
    used = [f for f in desk.told("step.finished") if f["attempt"] == 0]
    assert [(f["step"], f["visit"], f["outcome"]) for f in used] == [("look", 3, "failed"), ("again", 3, "failed")]
    assert used[0]["reason"] == "visited 2 times, which is all that the file allows"
    assert status == 1


def test_visits_that_are_used_up_ask_where_no_edge_leads_on(desk: Desk) -> None:
    look = read("look", then="way", fail="bad", more="max_visits: 1\n").replace("on_fail: bad\n", "")
    options = "[{id: a, label: A, next: look}, {id: b, label: B, next: bad}, {id: c, label: C}]"
    way = f"id: way\nkind: choice\noptions: {options}\nnext: done\n"
    status, said = walk(desk, book(look, way), "step: way, choose: a", "step: look, do: abort, reason: in vain")
    # The first entry of `look` is for its second visit: nothing was asked at the first.
    assert (status, [f["finish"] for f in desk.told("run.finished")]) == (1, ["aborted"]), said


def test_steps_that_are_used_up_and_lead_to_each_other_end_with_a_person(desk: Desk) -> None:
    look = read("look", "false", then="done", fail="again", more="max_visits: 1\n")
    text = book(look, read("again", "false", then="bad", fail="look", more="max_visits: 1\n"))
    status, said = walk(desk, text, "step: look, do: abort, reason: in vain")
    assert (status, [f["finish"] for f in desk.told("run.finished")]) == (1, ["aborted"]), said
    assert [f["visit"] for f in desk.told("step.entered") if f["step"] == "look"] == [1, 2, 3]
    assert "visited once, which is all that the file allows" in said
