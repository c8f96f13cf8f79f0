"""What a walk allows, asks for and refuses, told by hand."""

import pytest
from tests.walk.hand import OPERATOR, SPAN, Hand, action_of, changing, runbook, step

from runbook.model.runbook import Confirm, Effect, Finish, Need, Nested, Outcome, Retry
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.rules import IllegalEvent
from runbook.walk.tables import Phase

END = step("done", "finish")


def at(*steps: object, **fields: object) -> Hand:
    """A hand at the first step of a runbook."""
    hand = Hand(runbook(*steps, **fields)).begin()  # type: ignore[arg-type]  # steps are steps
    hand.follow()
    return hand


def illegal(hand: Hand, rule: str, call: str, *args: object, **fields: object) -> None:
    """The walk refuses, and says by which rule."""
    with pytest.raises(IllegalEvent) as refused:
        getattr(hand, call)(*args, **fields)
    assert refused.value.rule == rule


def test_a_read_that_passes_leads_to_the_step_below_and_the_finish_ends_the_run() -> None:
    hand = at(step("check"), END)
    assert hand.follow() == a.Decide("check", 1)
    hand.start()
    assert hand.follow() == a.Perform("check", 1, 1)
    hand.finish()
    assert hand.follow() == a.Decide("done", 1)
    hand.start()
    hand.finish()
    assert hand.follow() is None
    assert hand.walk.finish is Finish.RESOLVED
    assert hand.path() == ["check", "done"]


def test_a_failed_step_takes_its_own_edge_and_else_the_one_of_the_file() -> None:
    hand = at(step("a", on_fail="fix", next="done"), step("fix"), END, step("out", "finish"), on_fail="out")
    hand.start()
    hand.finish("failed")
    assert hand.follow() == a.Decide("fix", 1)
    hand.start()
    hand.finish("failed")
    assert hand.follow() == a.Decide("out", 1)


def test_a_failed_step_without_an_edge_asks_the_operator_and_a_retry_is_a_new_visit_with_a_reason() -> None:
    hand = at(step("a"), END)
    hand.start()
    hand.finish("failed", reason="503")
    asked = hand.follow()
    assert isinstance(asked, a.AskOperator)
    assert asked.because == "503"
    illegal(hand, "reason", "act", "retry")
    hand.act("retry", reason="it was restarted")
    assert hand.follow() == a.Decide("a", 2)
    assert [type(event) for event in hand.told if isinstance(event, r.DeviationRecorded)]


def test_a_change_cannot_start_without_a_confirmation_of_that_very_action() -> None:
    hand = at(changing("change"), END)
    illegal(hand, "confirmation", "start")
    hand.request()
    illegal(hand, "order", "start")
    illegal(hand, "confirmation", "confirm", action="0" * 64)
    illegal(hand, "operator", "confirm", by="eve@example.com")
    hand.confirm()
    what, digest = action_of("manual")
    with pytest.raises(IllegalEvent):
        hand.tell(e.StepStarted, **hand.where(), attempt=1, effect="change", action=digest, what=what)
    hand.start()
    assert hand.follow() == a.Perform("change", 1, 1)


def test_an_irreversible_step_is_asked_for_a_phrase_and_a_reason_whatever_the_file_says() -> None:
    hand = at(changing("drop", effect=Effect.IRREVERSIBLE, confirm=Confirm()), END)
    illegal(hand, "confirmation", "request")
    illegal(hand, "confirmation", "request", phrase="drop")
    hand.request(phrase="drop", reason_required=True)
    illegal(hand, "confirmation", "confirm", reason="  ")
    hand.confirm(reason="INC-7")


def test_a_refused_confirmation_is_no_outcome_and_asks_the_operator() -> None:
    hand = at(changing("change"), END)
    hand.request()
    hand.tell(
        e.ConfirmationRefused, **hand.where(), action=action_of("command")[1], by=OPERATOR, reason="no", source="x"
    )
    asked = hand.follow()
    assert isinstance(asked, a.AskOperator)
    assert hand.walk.results == {}
    hand.act("retry")
    assert hand.follow() == a.Decide("change", 2)


def test_a_failed_attempt_is_repeated_after_its_delay_and_not_once_more_than_the_file_says() -> None:
    hand = at(step("a", retry=Retry(attempts=2, delay=50)), END)
    hand.start()
    hand.finish("failed")
    assert isinstance(hand.follow(), a.Pause)
    hand.mono -= 10
    illegal(hand, "attempts", "start")
    hand.follow()
    hand.start()
    hand.finish("failed")
    assert isinstance(hand.follow(), a.AskOperator)


def test_a_change_that_nobody_saw_is_unknown_and_nothing_repeats_it() -> None:
    hand = at(changing("change", retry=Retry(attempts=3), idempotent=True), END)
    hand.request()
    hand.confirm()
    hand.start()
    hand.tell(e.StepUnknown, **hand.attempt(), reason="the connection was lost")
    asked = hand.follow()
    assert isinstance(asked, a.AskOperator)
    assert asked.choices == (a.Choice.SETTLE, a.Choice.ABORT)
    illegal(hand, "order", "start")
    assert [change.changed for change in hand.walk.changes] == ["maybe"]
    hand.tell(e.StepSettled, **hand.where(), outcome="passed", by=OPERATOR, evidence="saw it")
    assert hand.follow() == a.Decide("done", 1)
    assert [change.changed for change in hand.walk.changes] == ["yes"]


def test_a_read_is_never_unknown() -> None:
    hand = at(step("a"), END)
    hand.start()
    with pytest.raises(IllegalEvent):
        hand.tell(e.StepUnknown, **hand.attempt(), reason="lost")


def test_a_probe_settles_and_where_it_cannot_the_file_or_the_operator_does() -> None:
    probe = Nested(kind="http", fields={}, span=SPAN)
    hand = at(changing("change", probe=probe, on_unknown="out", next="done"), END, step("out", "finish"))
    hand.request()
    hand.confirm()
    hand.start()
    hand.tell(e.StepUnknown, **hand.attempt(), reason="lost")
    assert hand.follow() == a.Probe("change", 1)
    what, digest = action_of("http")
    sub = {"step": "change.probe", "visit": 1, "attempt": 1}
    hand.tell(e.StepStarted, **sub, effect="none", action=digest, what=what)
    hand.tell(e.StepFinished, **sub, outcome="failed", reason="", changed="no", obs="{}")
    assert hand.follow() == a.LeaveUnknown("change", 1)
    hand.tell(e.StepSettled, **hand.where(), outcome="unknown", by="file")
    assert hand.follow() == a.Decide("out", 1)


def test_needs_are_judged_when_the_step_starts_by_its_last_visit_and_its_age() -> None:
    hand = at(step("a"), step("b", needs=(Need(step="a", within=100),)), END)
    hand.start()
    hand.finish()
    hand.follow()
    hand.mono += 101
    illegal(hand, "needs", "start")
    hand.tell(e.StepRefused, **hand.where(), by="needs", reason="too old")
    assert isinstance(hand.follow(), a.AskOperator)
    hand.act("go_to", to="a", reason="again")
    hand.follow()
    hand.start()
    hand.finish()
    hand.follow()
    hand.start()


@pytest.mark.reliability
def test_k1_a_gate_cannot_be_skipped_and_a_jump_past_it_reaches_no_change() -> None:
    hand = at(step("first"), step("gate", "gate"), changing("change"), END)
    illegal(hand, "gate", "act", "go_to", to="change", reason="hurry")
    hand.start()
    hand.finish()
    hand.follow()
    illegal(hand, "gate", "act", "skip", reason="hurry")
    hand.act("go_to", to="done", reason="hurry")
    hand.follow()
    illegal(hand, "gate", "act", "go_to", to="change", reason="hurry")


@pytest.mark.reliability
def test_k1_a_start_past_a_gate_is_refused() -> None:
    hand = Hand(runbook(step("first"), step("gate", "gate"), changing("change"), END)).begin()
    with pytest.raises(IllegalEvent):
        hand.tell(r.DeviationRecorded, step="change", deviation="start_at", to="change", reason="x", by=OPERATOR)
    hand.tell(r.DeviationRecorded, step="done", deviation="start_at", to="done", reason="x", by=OPERATOR)
    assert hand.follow() == a.Decide("done", 1)


def test_a_change_behind_a_step_that_was_jumped_to_is_refused_while_its_gate_is_not_passed() -> None:
    hand = at(step("first"), step("gate", "gate"), step("middle"), changing("change"), END)
    hand.act("go_to", to="middle", reason="hurry")
    hand.follow()
    hand.start()
    hand.finish()
    hand.follow()
    hand.request()
    hand.confirm()
    illegal(hand, "gate", "start")


def test_a_step_skipped_by_hand_is_a_deviation_and_meets_no_need() -> None:
    hand = at(step("a"), step("b", needs=(Need(step="a"),)), END)
    hand.act("skip", reason="known to be fine")
    with pytest.raises(IllegalEvent):
        hand.tell(e.StepSkipped, **hand.where(), by="operator", reason="known to be fine")
    hand.follow()
    assert hand.walk.results["a"].outcome is Outcome.SKIPPED
    assert hand.walk.unmet(hand.walk.steps["b"], hand.mono)


def test_a_visit_beyond_max_visits_fails_without_a_start() -> None:
    hand = at(step("a", max_visits=1, on_fail="out", next="a"), step("out", "finish"))
    hand.start()
    hand.finish()
    assert hand.follow() == a.Exhausted("a", 2)
    illegal(hand, "visits", "start")
    hand.tell(e.StepFinished, step="a", visit=2, attempt=0, outcome="failed", reason="used up", changed="no")
    assert hand.follow() == a.Decide("out", 1)


def test_two_steps_that_are_used_up_do_not_lead_to_each_other_for_ever() -> None:
    hand = at(step("a", max_visits=1, on_fail="b"), step("b", max_visits=1, on_fail="a"), step("out", "finish"))
    for _ in range(2):
        hand.start()
        hand.finish("failed")
        hand.follow()
    for name in ("a", "b"):
        assert hand.follow() == a.Exhausted(name, 2)
        hand.tell(e.StepFinished, step=name, visit=2, attempt=0, outcome="failed", reason="used up", changed="no")
    assert hand.follow() == a.Exhausted("a", 3)
    hand.tell(e.StepFinished, step="a", visit=3, attempt=0, outcome="failed", reason="used up", changed="no")
    asked = hand.follow()
    assert isinstance(asked, a.AskOperator)
    assert asked.because == "used up"
    hand.act("go_to", to="out", reason="it is in vain")
    assert hand.follow() == a.Decide("out", 1)


def test_a_resume_voids_a_confirmation_that_was_not_used() -> None:
    hand = at(changing("change"), END)
    hand.request()
    hand.confirm()
    hand.tell(r.RunPaused, reason="lunch", by=OPERATOR)
    assert hand.follow() == a.Resume()
    hand.tell(r.RunResumed, operator=OPERATOR, host="here")
    illegal(hand, "confirmation", "start")
    assert hand.follow() == a.Decide("change", 1)


@pytest.mark.parametrize(("effect", "changing"), [(Effect.NONE, False), (Effect.CHANGE, True)])
def test_what_was_in_flight_when_the_walk_was_killed_runs_again_if_it_is_a_read_and_is_unknown_if_not(
    effect: Effect, changing: bool
) -> None:
    hand = at(step("a", "command", effect=effect), END)
    if changing:
        hand.request()
        hand.confirm()
    hand.start()
    illegal(hand, "order", "tell", r.RunPaused, reason="now", by=OPERATOR)
    hand.tell(r.RunResumed, operator=OPERATOR, host="here")
    assert hand.follow() == a.Interrupted("a", 1, 1, changing=changing)
    hand.tell(e.StepUnknown if changing else e.StepCancelled, **hand.attempt(), reason="killed")
    assert hand.follow() == (
        a.AskOperator("a", 1, "killed", (a.Choice.SETTLE, a.Choice.ABORT)) if changing else a.Start("a", 1, 2)
    )


def test_another_operator_resumes_only_after_a_hand_over() -> None:
    hand = at(step("a"), END)
    hand.tell(r.RunPaused, reason="night", by=OPERATOR)
    illegal(hand, "operator", "tell", r.RunResumed, operator="ben@example.com", host="here")
    hand.tell(r.RunHandedOver, to="ben@example.com", by=OPERATOR)
    hand.tell(r.RunResumed, operator="ben@example.com", host="here")
    illegal(hand, "operator", "act", "skip", reason="x")


def test_an_abort_ends_the_run_and_nothing_follows() -> None:
    hand = at(step("a"), END)
    illegal(hand, "reason", "act", "abort")
    hand.act("abort", reason="false alarm")
    assert hand.follow() is None
    assert hand.walk.finish is Finish.ABORTED
    illegal(hand, "order", "tell", r.NoteAdded, kind="note", text="x", by=OPERATOR)


def test_a_choice_leads_where_its_option_says_and_to_no_other_place() -> None:
    options = [{"id": "one", "label": "1", "next": "done"}, {"id": "two", "label": "2", "next": "out"}]
    hand = at(step("which", "choice", fields={"options": options}), END, step("out", "finish"))
    hand.start()
    illegal(hand, "outcome", "finish", obs='{"chosen":"two"}')
    hand.answer()
    illegal(hand, "edge", "finish", obs='{"chosen":"three"}')
    hand.finish(obs='{"chosen":"two"}')
    assert hand.follow() == a.Decide("out", 1)


def test_a_wait_passes_only_after_its_time_and_is_cut_short_only_with_a_reason() -> None:
    hand = at(step("w", "wait"), END)
    hand.start()
    hand.tell(e.WaitStarted, **hand.attempt(), for_ms=1_000)
    illegal(hand, "order", "finish")
    illegal(hand, "order", "tell", e.WaitEnded, **hand.attempt(), why="elapsed", waited_ms=1, checks=0)
    illegal(hand, "reason", "act", "stop_waiting")
    hand.act("stop_waiting", reason="it is up")
    hand.follow()
    hand.tell(e.WaitEnded, **hand.attempt(), why="operator", waited_ms=3, checks=0)
    hand.finish()
    assert hand.follow() == a.Decide("done", 1)


def test_the_walks_clock_never_goes_back() -> None:
    hand = at(step("a"), END)
    hand.mono -= 5
    illegal(hand, "clock", "start")


def test_a_log_of_another_version_of_the_runbook_is_refused() -> None:
    with pytest.raises(IllegalEvent):
        Hand(runbook(step("b"), END)).walk.tell(Hand(runbook(step("a"), END)).begin().told[0])


def test_the_phase_of_a_new_visit_is_entered() -> None:
    hand = at(step("a"), END)
    assert hand.walk.visit is not None
    assert hand.walk.visit.phase is Phase.ENTERED


def test_what_an_earlier_attempt_may_have_changed_is_not_forgotten() -> None:
    hand = at(changing("change", retry=Retry(attempts=2, delay=0), idempotent=True), END)
    hand.request()
    hand.confirm()
    hand.start()
    hand.finish("failed", "maybe")
    hand.follow()
    hand.start()
    hand.finish("failed", "no")
    assert [(change.step, change.changed) for change in hand.walk.changes] == [("change", "maybe")]
