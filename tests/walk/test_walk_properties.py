"""What holds of every walk, whatever is told it: over random graphs and random events."""

import copy
import random
from collections.abc import Callable

import pytest
from tests.walk.hand import OPERATOR, SPAN, Hand, runbook, step

from runbook.model.runbook import Confirm, Effect, Need, Nested, Retry, Runbook, Step
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.rules import IllegalEvent, requirement
from runbook.walk.walk import Walk

WALKS = 250
FULL_WALKS = 20_000


def some_runbook(rng: random.Random) -> Runbook:
    """A small random runbook; it need not be one that the checker would let pass."""
    ids = [f"s{number}" for number in range(rng.randint(2, 6))]
    steps: list[Step] = []
    for name in ids:
        kind = rng.choice(["http", "command", "manual", "gate", "wait", "choice", "assert"])
        effect = rng.choice([Effect.NONE, Effect.CHANGE, Effect.IRREVERSIBLE]) if kind == "command" else Effect.NONE
        fields: dict[str, object] = {"effect": effect}
        if rng.random() < 0.3:
            fields["on_fail"] = rng.choice([*ids, "done"])
        if rng.random() < 0.3:
            fields["next"] = rng.choice([*ids, "done"])
        if rng.random() < 0.2:
            fields["needs"] = (Need(step=rng.choice(ids), within=rng.choice([None, 5])),)
        if rng.random() < 0.2:
            fields["max_visits"] = rng.randint(1, 2)
        if rng.random() < 0.3:
            fields["retry"] = Retry(attempts=rng.randint(1, 3), delay=rng.randint(0, 3))
        if rng.random() < 0.2:
            fields["when"] = "true"
        if effect.changes:
            fields["probe"] = Nested(kind="http", fields={}, span=SPAN) if rng.random() < 0.5 else None
            fields["on_unknown"] = rng.choice([None, *ids])
            fields["confirm"] = rng.choice([None, Confirm(phrase="sure", reason=True), Confirm(expires=3)])
        steps.append(step(name, kind, **fields))
    on_fail = rng.choice([None, *ids])
    return runbook(*steps, step("done", "finish"), on_fail=on_fail)


def some_event(hand: Hand, rng: random.Random) -> Callable[[], None]:
    """Something that may or may not be legal now."""
    walk = hand.walk
    visit = walk.visit
    if visit is None:
        return lambda: hand.tell(r.NoteAdded, kind="note", text="x", by=OPERATOR)
    ids = list(walk.steps)
    phrase = rng.choice([None, "sure"])
    outcome = rng.choice(["passed", "failed", "skipped", "unknown"])
    changed = rng.choice(["yes", "no", "maybe"])
    settler = rng.choice([OPERATOR, "file", "probe"])
    nested = {"step": f"{visit.step.id}.probe", "visit": visit.number, "attempt": rng.randint(1, 2)}
    return rng.choice(
        [
            hand.start,
            hand.confirm,
            lambda: hand.request(phrase=phrase, reason_required=rng.random() < 0.5),
            lambda: hand.finish(outcome, changed, obs='{"chosen":"one"}'),
            lambda: hand.tell(e.StepUnknown, **hand.attempt(), reason="lost"),
            lambda: hand.tell(e.StepCancelled, **hand.attempt(), reason="stop"),
            lambda: hand.tell(e.StepSettled, **hand.where(), outcome=outcome, by=settler),
            lambda: hand.tell(e.StepSkipped, **hand.where(), by=rng.choice(["when", "operator"]), reason="x"),
            lambda: hand.tell(e.StepRefused, **hand.where(), by=rng.choice(["needs", "expression"]), reason="x"),
            lambda: hand.tell(e.StepEntered, step=rng.choice(ids), visit=rng.randint(1, 3), via="passed", from_="s0"),
            lambda: hand.tell(e.WaitStarted, **hand.attempt(), for_ms=rng.randint(0, 3)),
            lambda: hand.tell(e.WaitEnded, **hand.attempt(), why="elapsed", waited_ms=1, checks=0),
            lambda: hand.tell(e.StepFinished, **nested, outcome="passed", reason="", changed="no"),
            lambda: hand.tell(r.RunPaused, reason="x", by=OPERATOR),
            lambda: hand.tell(r.RunResumed, operator=OPERATOR, host="here"),
            lambda: hand.tell(r.RunFinished, finish=rng.choice(["resolved", "aborted"])),
            lambda: hand.act(
                rng.choice(["skip", "go_to", "retry", "pause", "abort", "check_now", "stop_waiting", "dance"]),
                to=rng.choice([None, *ids]),
                reason=rng.choice([None, "x"]),
            ),
        ]
    )


def helpful(hand: Hand, rng: random.Random) -> Callable[[], None]:
    """What the walk waits for, more or less."""
    walk = hand.walk
    action = walk.pending()[0]
    visit = walk.visit
    if visit is None:
        return lambda: None
    asked = requirement(visit.step, walk.runbook)
    match action:
        case a.Decide() if asked is not None:
            return lambda: hand.request(
                phrase="sure" if asked.phrase else None, reason_required=asked.reason, expires_ms=asked.expires
            )
        case a.Confirm():
            return lambda: hand.confirm(reason="because")
        case a.Decide() | a.Start() | a.Pause():
            return hand.start
        case a.Perform() if visit.step.effect.changes and rng.random() < 0.5:
            return lambda: hand.tell(e.StepUnknown, **hand.attempt(), reason="lost")
        case a.Perform() if visit.step.kind == "wait" and not visit.waited:
            return lambda: hand.tell(e.WaitStarted, **hand.attempt(), for_ms=1)
        case a.Wait():
            return lambda: hand.tell(e.WaitEnded, **hand.attempt(), why="elapsed", waited_ms=1, checks=0)
        case a.Perform():
            return lambda: hand.finish(rng.choice(["passed", "failed"]), obs='{"chosen":"one"}')
        case a.AskOperator() if a.Choice.SETTLE in action.choices:
            return lambda: hand.tell(e.StepSettled, **hand.where(), outcome="passed", by=OPERATOR)
        case _:
            return some_event(hand, rng)


def state_of(walk: Walk) -> str:
    """Everything that a walk remembers."""
    return repr({name: value for name, value in vars(walk).items() if name not in {"runbook", "registry", "steps"}})


def wander(seed: int) -> Hand:
    """A random walk, looked at after each event."""
    rng = random.Random(seed)
    hand = Hand(some_runbook(rng)).begin()
    for _ in range(60):
        if rng.random() < 0.7:
            action = hand.follow()
            if action is None:
                break
        before = state_of(hand.walk)
        pending = hand.walk.pending()
        if not pending:
            break
        assert hand.walk.pending() == pending, "asked twice, it says the same"
        assert state_of(hand.walk) == before, "asking changes nothing"
        mono = hand.mono
        refused = None
        try:
            (helpful(hand, rng) if rng.random() < 0.6 else some_event(hand, rng))()
        except IllegalEvent as illegal:
            refused, hand.mono = illegal, mono
        assert refused is None or state_of(hand.walk) == before, f"a refused event changes nothing: {refused}"
    return hand


def look(seeds: range) -> None:
    for seed in seeds:
        hand = wander(seed)
        again = Walk(hand.walk.runbook, hand.walk.registry)
        for event in copy.deepcopy(hand.told):
            again.tell(event)
        assert state_of(again) == state_of(hand.walk), f"seed {seed}: a replay gives the same walk"
        assert bool(again.pending()) == (again.finish is None), f"seed {seed}: something is pending until the end"


def started_changes_were_confirmed(hand: Hand) -> None:
    confirmed: set[tuple[str, int]] = set()
    for event in hand.told:
        match event:
            case e.ConfirmationGiven(step=at, visit=visit):
                confirmed.add((at, visit))
            case e.StepStarted(step=at, visit=visit, effect=effect) if effect != "none":
                assert (at, visit) in confirmed
            case _:
                pass


def test_a_refused_event_changes_nothing_asking_is_pure_and_a_replay_gives_the_same_walk() -> None:
    look(range(WALKS))


def test_no_change_ever_starts_unconfirmed_and_no_gate_is_ever_skipped() -> None:
    for seed in range(WALKS):
        hand = wander(seed)
        started_changes_were_confirmed(hand)
        skipped = {event.step for event in hand.told if isinstance(event, e.StepSkipped) and event.by == "operator"}
        assert not {name for name in skipped if hand.walk.steps[name].kind in {"gate", "assert"}}


@pytest.mark.full
def test_the_same_of_many_more_walks() -> None:
    look(range(WALKS, FULL_WALKS))


def test_the_walks_wander_far_enough_to_mean_something() -> None:
    types = {type(event) for seed in range(WALKS) for event in wander(seed).told}
    ends = {wander(seed).walk.finish for seed in range(WALKS)}
    assert {e.StepUnknown, e.StepSettled, e.StepRetrying, r.DeviationRecorded, e.WaitEnded, r.RunFinished} <= types
    assert len(ends) > 1
