"""Each rule of the walk refuses what breaks it, by its name, and nothing has changed by it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from tests.walk.hand import OPERATOR, SPAN, Hand, action_of, changing, runbook, step

from runbook.model.runbook import Confirm, Nested, Outcome, Reminder, Retry
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.rules import IllegalEvent

END = step("done", "finish")
LOOK = Nested(kind="command", fields={"argv": ["true"]}, span=SPAN)
OTHER = "0" * 64
Act = Callable[[Hand], None]


def at(*steps: object, **fields: object) -> Hand:
    """A hand at the first step of a runbook."""
    hand = Hand(runbook(*steps, **fields)).begin()  # type: ignore[arg-type]  # steps are steps
    hand.follow()
    return hand


def read() -> Hand:
    """A read that was started."""
    hand = at(step("look"), END)
    hand.start()
    return hand


def asked() -> Hand:
    """A change whose confirmation is asked for."""
    hand = at(changing("one", confirm=Confirm(expires=50)), END)
    hand.request(expires_ms=50)
    return hand


def confirmed() -> Hand:
    """A change that is confirmed."""
    hand = asked()
    hand.confirm()
    return hand


def questioned() -> Hand:
    """A gate that was started."""
    hand = at(step("sure", "gate"), END)
    hand.start()
    return hand


def unknown() -> Hand:
    """A change with a probe whose result nobody saw."""
    hand = at(changing("one", probe=LOOK), END)
    hand.request()
    hand.confirm()
    hand.start()
    hand.tell(e.StepUnknown, **hand.attempt(), reason="lost")
    return hand


def waiting() -> Hand:
    """A wait that looks."""
    hand = at(
        step("calm", "wait", fields={"until": {"kind": "command", "argv": ["true"]}}, nested={"until": LOOK}), END
    )
    hand.start()
    hand.tell(e.WaitStarted, **hand.attempt(), every_ms=10)
    return hand


def repeating() -> Hand:
    """A read whose failed attempt is to be repeated."""
    hand = at(step("look", retry=Retry(attempts=2, delay=100)), END)
    hand.start()
    hand.finish("failed")
    return hand


def stuck() -> Hand:
    """A step that failed and leads nowhere."""
    hand = read()
    hand.finish("failed")
    return hand


def inside(hand: Hand, part: str, attempt: int = 1) -> dict[str, object]:
    """The place of a step inside the present one."""
    where = hand.where()
    return {"step": f"{where['step']}.{part}", "visit": where["visit"], "attempt": attempt}


def looks(part: str, attempt: int = 1, **fields: object) -> Act:
    """A step inside the present one starts."""
    what, digest = action_of("command")
    given: dict[str, object] = {"effect": "none", "action": digest, "what": what, **fields}
    return lambda hand: hand.tell(e.StepStarted, **inside(hand, part, attempt), **given)


def looked(part: str, outcome: str = "passed", **fields: object) -> Act:
    """A step inside the present one starts and ends."""

    def tell(hand: Hand) -> None:
        if "obs" not in fields:
            looks(part)(hand)
        hand.tell(e.StepFinished, **inside(hand, part), **{"outcome": outcome, "reason": "", "changed": "no", **fields})

    return tell


def starts(**fields: object) -> Act:
    """The step starts, with something that does not fit."""
    what, digest = action_of("command")
    given: dict[str, object] = {"attempt": 1, "effect": "change", "action": digest, "what": what, **fields}
    return lambda hand: hand.tell(e.StepStarted, **hand.where(), **given)


def late(hand: Hand) -> None:
    """The step starts when its confirmation has expired."""
    hand.mono += 60
    hand.start()


def answered(**fields: object) -> Act:
    """An answer is given."""
    given: dict[str, object] = {"answer": "{}", "by": OPERATOR, "source": "terminal", **fields}
    return lambda hand: hand.tell(e.AnswerGiven, **hand.attempt(), **given)


def answered_by_another(hand: Hand) -> None:
    """A question is answered by somebody who does not walk."""
    if not (hand.walk.visit and hand.walk.visit.open_question):
        hand.tell(e.QuestionAsked, **hand.attempt(), question="{}")
    answered(by="eve@example.com")(hand)


def deviates(deviation: str, **fields: object) -> Act:
    """A deviation is recorded."""
    where: dict[str, object] = {"to": None, "reason": "x", "by": OPERATOR, **fields}
    return lambda hand: hand.tell(r.DeviationRecorded, **{**hand.where(), "deviation": deviation, **where})


def again(hand: Hand) -> None:
    """The run begins once more."""
    hand.begin()


WRONG: Mapping[str, tuple[Callable[[], Hand], Act, str]] = {
    "an event of another visit": (read, lambda hand: hand.finish(visit=2), "order"),
    "an event of another step": (read, lambda hand: hand.finish(step="done"), "order"),
    "an end of another attempt": (read, lambda hand: hand.finish(attempt=2), "attempts"),
    "a pass without an observation": (read, lambda hand: hand.finish(obs=None), "observation"),
    "an observation that is none": (read, lambda hand: hand.finish(obs="[1]"), "observation"),
    "an observation that is not canonical": (read, lambda hand: hand.finish(obs='{"b":1,"a":1}'), "observation"),
    "a value that the file does not save": (read, lambda hand: hand.finish(saved='{"x":1}'), "save"),
    "a read that changed something": (read, lambda hand: hand.finish(changed="maybe"), "effect"),
    "an outcome that there is not": (read, lambda hand: hand.finish("skipped"), "outcome"),
    "a question of a kind that has none": (
        read,
        lambda hand: hand.tell(e.QuestionAsked, **hand.attempt(), question="{}"),
        "order",
    ),
    "an answer to nothing": (questioned, answered(), "order"),
    "an answer of somebody else": (questioned, answered_by_another, "operator"),
    "a pass that nobody answered": (questioned, lambda hand: hand.finish(), "outcome"),
    "a confirmation of another action": (asked, lambda hand: hand.confirm(action=OTHER), "confirmation"),
    "a confirmation by somebody else": (asked, lambda hand: hand.confirm(by="eve@example.com"), "operator"),
    "a refusal of another action": (
        asked,
        lambda hand: hand.tell(
            e.ConfirmationRefused, **hand.where(), action=OTHER, by=OPERATOR, reason="x", source="terminal"
        ),
        "confirmation",
    ),
    "a second request without a reason": (asked, lambda hand: hand.request(expires_ms=50), "confirmation"),
    "a start after the confirmation expired": (confirmed, late, "confirmation"),
    "a start of another attempt": (confirmed, starts(attempt=2), "attempts"),
    "a start with another effect": (confirmed, starts(effect="none"), "effect"),
    "a start of another action": (confirmed, starts(action=OTHER), "confirmation"),
    "an action that is not the one of its digest": (
        lambda: at(step("look", "command"), END),
        starts(effect="none", action=OTHER),
        "action",
    ),
    "an action of another kind": (lambda: at(step("look"), END), starts(effect="none"), "action"),
    "a repetition after another pause": (
        repeating,
        lambda hand: hand.tell(e.StepRetrying, **hand.where(), attempt=2, delay_ms=1),
        "attempts",
    ),
    "a repetition of another number": (
        repeating,
        lambda hand: hand.tell(e.StepRetrying, **hand.where(), attempt=3, delay_ms=100),
        "attempts",
    ),
    "a probe that changes something": (unknown, looks("probe", effect="change"), "effect"),
    "a probe of another attempt": (unknown, looks("probe", attempt=2), "attempts"),
    "a probe of another action": (unknown, looks("probe", action=OTHER), "action"),
    "a probe that ends before it starts": (unknown, looked("probe", obs="{}"), "order"),
    "a look at what is not there": (unknown, looks("until"), "order"),
    "a settling before the probe": (
        unknown,
        lambda hand: hand.tell(e.StepSettled, **hand.where(), outcome="passed", by=OPERATOR),
        "settle",
    ),
    "a settling to an outcome that there is not": (
        unknown,
        lambda hand: hand.tell(e.StepSettled, **hand.where(), outcome="skipped", by=OPERATOR),
        "outcome",
    ),
    "a check that counts wrong": (
        waiting,
        lambda hand: hand.tell(e.WaitChecked, **hand.attempt(), check=2, passed=False),
        "order",
    ),
    "a check that nobody made": (
        waiting,
        lambda hand: hand.tell(e.WaitChecked, **hand.attempt(), check=1, passed=True),
        "outcome",
    ),
    "a reminder that the file does not have": (
        lambda: at(step("look"), END, reminders=(Reminder(say="x", after=1),)),
        lambda hand: hand.tell(r.ReminderDue, reminder=1, say="x"),
        "reminder",
    ),
    "an act at another step": (stuck, lambda hand: hand.act("skip", step="done", reason="x"), "act"),
    "an act that there is not": (stuck, lambda hand: hand.act("dance"), "act"),
    "an act of somebody else": (stuck, lambda hand: hand.act("skip", by="eve@example.com", reason="x"), "operator"),
    "a skip without a reason": (stuck, lambda hand: hand.act("skip", reason=" "), "reason"),
    "a jump to nowhere": (stuck, lambda hand: hand.act("go_to", to="nowhere", reason="x"), "gate"),
    "a deviation that nobody wanted": (stuck, deviates("skip"), "deviation"),
    "a start elsewhere in the middle": (stuck, deviates("start_at", to="done"), "deviation"),
    "a second beginning": (stuck, again, "order"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_breaks_a_rule_is_refused_by_its_name_and_changes_nothing(name: str) -> None:
    make, wrong, rule = WRONG[name]
    hand = make()
    before = hand.walk.pending(), len(hand.told), hand.walk.path[:], dict(hand.walk.results)
    with pytest.raises(IllegalEvent) as refused:
        wrong(hand)
    assert refused.value.rule == rule, refused.value.message
    assert refused.value.message
    if hand.told[before[1] :] == []:
        assert (hand.walk.pending(), len(hand.told), hand.walk.path, hand.walk.results) == before


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("format", "2.0", "format"),
        ("runbook", "another", "runbook"),
        ("graph", OTHER, "runbook"),
        ("mode", "rehearsed", "mode"),
        ("environment", "staging", "environment"),
        ("inputs", "[]", "inputs"),
        ("inputs", "{", "inputs"),
    ],
)
def test_a_run_begins_as_the_runbook_it_is_of(field: str, value: str, rule: str) -> None:
    right = Hand(runbook(step("look"), END)).begin().told[0]
    hand = Hand(runbook(step("look"), END))
    with pytest.raises(IllegalEvent) as refused:
        hand.walk.tell(replace(right, **{field: value}))  # type: ignore[arg-type]  # the table says what fits
    assert refused.value.rule == rule
    assert hand.walk.started is None


def test_a_probe_that_cannot_tell_leaves_the_settling_to_the_operator() -> None:
    hand = unknown()
    looked("probe", "failed")(hand)
    hand.tell(e.StepSettled, **hand.where(), outcome="passed", by=OPERATOR, evidence="looked")
    assert hand.walk.results["one"].outcome is Outcome.PASSED


def test_a_check_of_an_item_that_was_stopped_has_said_nothing() -> None:
    items = {"items": [{"id": "there", "title": "There", "check": {"kind": "command", "argv": ["true"]}}]}
    hand = at(step("list", "checklist", fields=items, nested={"there": LOOK}), END)
    hand.start()
    looked("there", "failed")(hand)
    looks("there", attempt=2)(hand)
    hand.tell(e.StepCancelled, **inside(hand, "there", 2), reason="stopped")
    visit = hand.walk.visit
    assert visit is not None
    assert (visit.nested_running, visit.nested_passed, visit.nested) == (set(), {}, {"list.there": 2})
    hand.finish()
    assert hand.walk.results["list"].outcome is Outcome.PASSED
