"""What an event about the present visit does to a walk: it is confirmed, started, repeated, settled, done."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from runbook.model.canonical import sha256
from runbook.model.graph import FAILED, PASSED, SKIPPED, UNKNOWN
from runbook.model.runbook import Outcome, Step
from runbook.walk import approving, guarding, including, looping, nested, rehearsing, undoing, waiting
from runbook.walk import events as e
from runbook.walk.results import Change, Result, Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.tables import VISIT, Phase, RunPhase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


_BEGIN = (e.StepStarted, e.StepRetrying)
_REFUSE = frozenset({"needs", "gate", "unset", "expression", "secret", "guard", "approval"})
"""What an attempt begins with."""


def asks_a_person(walk: "Walk", step: Step) -> bool:
    """Whether a person does the step, so that nothing of it is in flight while the walk waits."""
    return walk.registry[step.kind].asks(step.fields)


def tell(walk: "Walk", event: e.StepEvent) -> None:
    """Look at an event about a step, and let the walk know it.

    :raises IllegalEvent: if it may not happen now.
    """
    if walk.phase is not RunPhase.GOING or walk.visit is None:
        raise IllegalEvent("order", f"`{event.TYPE}` while the run is {walk.phase.value}")
    visit = walk.visit_of(event.step)
    if visit is None or event.visit != visit.number:
        here = f"the walk is in `{walk.visit.step.id}` visit {walk.visit.number}"
        raise IllegalEvent("order", f"`{event.TYPE}` of `{event.step}` visit {event.visit}, and {here}")
    if event.step != visit.step.id:
        nested.tell(walk, visit, event)
        return
    allowed = VISIT[visit.phase].get(type(event))
    if allowed is None:
        raise IllegalEvent("order", f"`{event.TYPE}` while `{visit.step.id}` is {visit.phase.value}")
    if visit.nested_running:
        raise IllegalEvent("order", f"`{event.TYPE}` while `{min(visit.nested_running)}` runs")
    if isinstance(event, e.AttemptEvent) and not isinstance(event, _BEGIN):
        current = 0 if walk.exhausted(visit) else visit.attempt
        if event.attempt != current:
            raise IllegalEvent("attempts", f"`{event.TYPE}` of attempt {event.attempt}, and attempt {current} is on")
    used_up = walk.exhausted(visit) and visit.phase is Phase.ENTERED
    if used_up and not isinstance(event, e.StepFinished | e.StepSkipped):
        raise IllegalEvent("visits", f"`{visit.step.id}` is visited more than {visit.step.max_visits} times")
    following = _RULES[type(event)](walk, visit, event)
    if following not in allowed:  # pragma: no cover - the table and the rules are tested to agree
        raise AssertionError(f"{event.TYPE} leads from {visit.phase} to {following}")
    visit.phase = following
    if following is Phase.DONE and visit.undoes is not None:
        undoing.ended(walk, visit)


def _end(walk: "Walk", visit: Visit, result: Result) -> Phase:
    """Remember how a visit ended and find the edge that leads on; without one the operator is asked."""
    via = {
        Outcome.PASSED: PASSED,
        Outcome.FAILED: FAILED,
        Outcome.SKIPPED: SKIPPED,
        Outcome.UNKNOWN: UNKNOWN,
    }[result.outcome]
    if result.outcome is Outcome.PASSED and visit.step.kind == "choice":
        via = f"option:{(result.observation or {}).get('chosen')}"
        if walk.target(visit.step.id, via) is None:
            raise IllegalEvent("edge", f"`{visit.step.id}` has no {via.replace(':', ' ')}")
    walk.results[visit.step.id] = result
    walk.outcomes[visit.step.id, visit.number] = result.outcome
    visit.because = result.reason
    if is_part(walk, visit):
        return Phase.DONE if visit.undoes is None or via in {PASSED, SKIPPED} else Phase.STUCK
    ends = walk.registry[visit.step.kind].TRAITS.ends and result.outcome is Outcome.PASSED
    # Round and round through steps that are used up there is no way out: the second time a person is asked.
    round_again = via == FAILED and walk.exhausted(visit) and visit.number > (visit.step.max_visits or 0) + 1
    if ends or (walk.target(visit.step.id, via) is not None and not round_again):
        visit.onward = None if ends else via
        return Phase.DONE
    return Phase.STUCK


def is_part(walk: "Walk", visit: Visit) -> bool:
    """Whether a visit is of a step that stands in no file: an undo, an element of a loop. No edge leads on from it."""
    return visit.step.id not in walk.steps


def _changed(walk: "Walk", visit: Visit, changed: str) -> None:
    """Keep the list of what is changed: at most one entry a visit, the gravest of its attempts, none for a no.

    Each element of a loop is a change of its own; to take something back is none.
    """
    if visit.undoes is not None or visit.elements or visit.step.kind == "undo":
        return
    visit.changed[visit.attempt] = changed
    gravest = max(visit.changed.values(), key=("no", "maybe", "yes").index)
    walk.changes[:] = [c for c in walk.changes if (c.step, c.visit) != (visit.step.id, visit.number)]
    if gravest != "no":
        change = Change(step=visit.step.id, visit=visit.number, changed=gravest, undo=visit.undo)
        walk.changes.append(change)


def _skipped(walk: "Walk", visit: Visit, event: e.StepSkipped) -> Phase:
    by_hand = event.by == "operator"
    if by_hand:
        if walk.intent is None or walk.intent.do != "skip" or not walk.deviated:
            raise IllegalEvent("deviation", f"`{event.step}` is skipped by hand, and no deviation says so")
        if event.reason != walk.intent.reason:
            raise IllegalEvent("reason", f"`{event.step}` is skipped for another reason than its deviation gives")
    elif event.by != "when" or visit.step.when is None or visit.phase is not Phase.ENTERED:
        raise IllegalEvent("order", f"`{event.step}` is skipped by `{event.by}`")
    result = Result(visit=visit.number, outcome=Outcome.SKIPPED, reason=event.reason, mono=event.mono, by_hand=by_hand)
    walk.intent, walk.deviated = None, False
    return _end(walk, visit, result)


def _refused(walk: "Walk", visit: Visit, event: e.StepRefused) -> Phase:
    if event.by not in _REFUSE:
        raise IllegalEvent("order", f"`{event.step}` is refused by `{event.by}`, which cannot refuse a step")
    if event.by in {"needs", "gate"} and event.by not in {by for by, _ in walk.unmet(visit.step, event.mono)}:
        raise IllegalEvent("needs", f"`{event.step}` is refused by its {event.by}, and they are met")
    if event.by == "guard" and not visit.refusing:
        raise IllegalEvent("guard", f"`{event.step}` is refused by a guard, and none refuses")
    if visit.phase is Phase.REFUSED:
        approving.give_up(walk, visit, event)
    visit.because = event.reason
    visit.refused_by = event.by
    return Phase.REFUSED


def _requested(walk: "Walk", visit: Visit, event: e.ConfirmationRequested) -> Phase:
    del walk
    required = visit.required
    if required is None:
        raise IllegalEvent("confirmation", f"`{event.step}` asks for a confirmation that the file does not")
    if (event.phrase is None) != (required.phrase is None) or event.phrase == "":
        raise IllegalEvent("confirmation", f"`{event.step}` is not asked for the phrase that the file demands")
    if event.reason_required != required.reason or event.expires_ms != required.expires:
        raise IllegalEvent("confirmation", f"`{event.step}` is confirmed in another way than the file demands")
    if visit.phase is not Phase.ENTERED and event.stale is None:
        raise IllegalEvent("confirmation", f"`{event.step}` is asked again, and nothing made its confirmation stale")
    guarding.look(visit, "is to be confirmed")
    _action_of(visit, event.action, event.what)
    visit.requested, visit.confirmed, visit.approved = event.action, None, None
    visit.reason_required, visit.expires = event.reason_required, event.expires_ms
    return Phase.CONFIRMING


def _action_of(visit: Visit, digest: str, what: str) -> None:
    """Look at an action: its digest, its kind, and for an undo that it is the one announced; then keep it."""
    action = parsed(what, "action") or {}
    if visit.undoes is not None and visit.undoes.undo != action:
        raise IllegalEvent("action", f"`{visit.step.id}` does something else than was announced with the change")
    if action.get("kind") != visit.step.kind:
        raise IllegalEvent("action", f"the action of `{visit.step.id}` is none of kind `{visit.step.kind}`")
    if sha256(what) != digest:
        raise IllegalEvent("action", f"the action of `{visit.step.id}` is not the one of its digest")
    visit.what = what


def _confirmed(walk: "Walk", visit: Visit, event: e.ConfirmationGiven) -> Phase:
    if event.action != visit.requested:
        raise IllegalEvent("confirmation", f"`{event.step}` is confirmed for another action")
    if event.by != walk.operator:
        raise IllegalEvent("operator", f"`{event.by}` confirms, and `{walk.operator}` walks")
    if visit.reason_required and not (event.reason or "").strip():
        raise IllegalEvent("confirmation", f"`{event.step}` is confirmed without a reason")
    visit.confirmed, visit.confirmed_at = event.action, event.mono
    visit.held.clear()  # they are asked again before it starts
    return approving.confirmed(visit, event.ts)


def _unconfirmed(walk: "Walk", visit: Visit, event: e.ConfirmationRefused) -> Phase:
    del walk
    if event.action != visit.requested:
        raise IllegalEvent("confirmation", f"`{event.step}` is refused for another action")
    visit.because = event.reason
    visit.refused_by = "confirmation"
    return Phase.REFUSED


def _started(walk: "Walk", visit: Visit, event: e.StepStarted) -> Phase:
    step = visit.step
    if walk.intent is not None:
        raise IllegalEvent("act", f"`{event.step}` starts, and the operator wants to {walk.intent.do}")
    if event.attempt != visit.attempt + 1:
        raise IllegalEvent("attempts", f"attempt {event.attempt} of `{step.id}` after attempt {visit.attempt}")
    if event.effect != step.effect.value:
        raise IllegalEvent("effect", f"`{step.id}` is started as `{event.effect}`, and the file says otherwise")
    if visit.phase is Phase.RETRYING and event.mono < visit.due:
        raise IllegalEvent("attempts", f"`{step.id}` is repeated before its delay is over")
    if visit.required is not None:
        if visit.confirmed is None or visit.confirmed != event.action:
            raise IllegalEvent("confirmation", f"`{step.id}` starts an action that nobody confirmed")
        if visit.expires is not None and event.mono - visit.confirmed_at > visit.expires and visit.attempt == 0:
            raise IllegalEvent("confirmation", f"`{step.id}` starts after its confirmation expired")
    if visit.attempt == 0:
        if not rehearsing.is_dry(walk):
            guarding.look(visit, "starts")
            approving.look(visit, event)
        for by, why in walk.unmet(step, event.mono):
            raise IllegalEvent(by, f"`{step.id}` starts, and {why}")
    _action_of(visit, event.action, event.what)
    _start_parts(walk, visit, event)
    visit.attempt = event.attempt
    visit.waited = visit.interrupted = visit.open_question = visit.answered = False
    visit.looked = {}
    visit.nested_passed.clear()
    return Phase.RUNNING


def _start_parts(walk: "Walk", visit: Visit, event: e.StepStarted) -> None:
    """What starts with a step: the elements of a loop, the undos of earlier changes; and how it is taken back."""
    if visit.step.for_each is not None:
        looping.begin(walk, visit, event.what)
        return
    if walk.visit is not None and event.step in walk.visit.elements:
        looping.started(walk.visit, event)
    if visit.step.kind == "runbook":
        including.begin(walk, visit, walk.walk_of(visit.step), event.what, event.mono)
    if visit.step.kind == "undo":
        undoing.begin(walk, visit, undoing.wanted_by(walk, visit))
    undo = (parsed(event.what, "action") or {}).get("undo")
    visit.undo = undo if isinstance(undo, dict) else None


def _asked(walk: "Walk", visit: Visit, event: e.QuestionAsked) -> Phase:
    if not asks_a_person(walk, visit.step):
        raise IllegalEvent("order", f"`{event.step}` asks a question, and its kind has none")
    visit.open_question = True
    return Phase.RUNNING


def _answered(walk: "Walk", visit: Visit, event: e.AnswerGiven) -> Phase:
    if not visit.open_question:
        raise IllegalEvent("order", f"`{event.step}` is answered, and nothing was asked")
    if event.by != walk.operator:
        raise IllegalEvent("operator", f"`{event.by}` answers, and `{walk.operator}` walks")
    visit.open_question, visit.answered = False, True
    return Phase.RUNNING


def _look_at_pass(walk: "Walk", visit: Visit, event: e.StepFinished) -> None:
    """What must have come before a step passes."""
    step = visit.step
    if walk.exhausted(visit):
        raise IllegalEvent("visits", f"`{step.id}` passes, and it may not run")
    if rehearsing.needs_no_observation(event):
        return
    if asks_a_person(walk, step) and not visit.answered:
        raise IllegalEvent("outcome", f"`{step.id}` passes, and nobody answered")
    if event.obs is None:
        raise IllegalEvent("observation", f"`{step.id}` passes, and nothing was observed")
    if visit.inner is not None and including.ending(visit) is None:
        raise IllegalEvent("order", f"`{step.id}` passes before the runbook that it walks is over")
    if step.kind == "wait" and not visit.waited:
        raise IllegalEvent("order", f"`{step.id}` passes before its wait is over")


def _finished(walk: "Walk", visit: Visit, event: e.StepFinished) -> Phase:
    step = visit.step
    if step.for_each is not None and visit.attempt:
        looping.finished(walk, visit, event.outcome)
    elif event.outcome not in {Outcome.PASSED.value, Outcome.FAILED.value}:
        raise IllegalEvent("outcome", f"`{step.id}` finishes `{event.outcome}`")
    outcome = Outcome(event.outcome)
    if event.changed not in ({"yes", "no", "maybe"} if step.effect.changes else {"no"}):
        raise IllegalEvent("effect", f"`{step.id}` finishes changed `{event.changed}`")
    rehearsing.look(walk, visit, event)
    exhausted = walk.exhausted(visit)
    if visit.phase is Phase.ENTERED and not exhausted:
        raise IllegalEvent("order", f"`{step.id}` finishes, and it was not started")
    if outcome is Outcome.PASSED:
        _look_at_pass(walk, visit, event)
    result = Result(
        visit=visit.number,
        outcome=outcome,
        reason=event.reason,
        mono=event.mono,
        observation=parsed(event.obs, "observation"),
        masked=event.masked,
        truncated=event.truncated,
    )
    saved = parsed(event.saved, "save") or {}
    if not saved.keys() <= step.save.keys():
        raise IllegalEvent("save", f"`{step.id}` saves what the file does not name")
    attempts = step.retry.attempts if step.retry and step.for_each is None else 1
    if outcome is Outcome.FAILED and visit.failures + 1 < attempts and not exhausted:
        phase = Phase.REPEATING
        walk.results[step.id] = result
        visit.because = event.reason
    else:
        phase = _end(walk, visit, result)
    visit.failures += outcome is Outcome.FAILED
    visit.interrupted = False
    walk.saved.update(saved)
    _changed(walk, visit, rehearsing.would_change(event))
    rehearsing.finished(walk, event)
    return phase


def _unknown(walk: "Walk", visit: Visit, event: e.StepUnknown) -> Phase:
    if not visit.step.effect.changes:
        raise IllegalEvent("effect", f"`{event.step}` changes nothing and is never unknown")
    walk.results[visit.step.id] = Result(
        visit=visit.number, outcome=Outcome.UNKNOWN, reason=event.reason, mono=event.mono
    )
    walk.outcomes[visit.step.id, visit.number] = Outcome.UNKNOWN
    visit.because = event.reason
    visit.interrupted = False
    _changed(walk, visit, "maybe")
    return Phase.UNKNOWN


def _settled(walk: "Walk", visit: Visit, event: e.StepSettled) -> Phase:
    step = visit.step
    if event.outcome not in {Outcome.PASSED.value, Outcome.FAILED.value, Outcome.UNKNOWN.value}:
        raise IllegalEvent("outcome", f"`{step.id}` is settled `{event.outcome}`")
    outcome = Outcome(event.outcome)
    passed = visit.nested_passed.get(f"{step.id}.probe", False)
    # What a probe has found out nobody else settles.
    left_open = (visit.probed and not passed) or step.probe is None
    match event.by:
        case "probe":
            failed = step.probe is not None and step.probe.failed_when is not None and not passed
            legal = visit.probed and (passed if outcome is Outcome.PASSED else failed and outcome is Outcome.FAILED)
        case "file":
            legal = left_open and outcome is Outcome.UNKNOWN and step.on_unknown is not None
        case _:
            legal = left_open and event.by == walk.operator and step.on_unknown is None
    if not legal:
        raise IllegalEvent("settle", f"`{step.id}` is settled `{event.outcome}` by `{event.by}`")
    result = Result(visit=visit.number, outcome=outcome, reason=event.evidence or visit.because, mono=event.mono)
    phase = _end(walk, visit, result)
    _changed(walk, visit, {Outcome.PASSED: "yes", Outcome.FAILED: "no"}.get(outcome, "maybe"))
    return phase


def _cancelled(walk: "Walk", visit: Visit, event: e.StepCancelled) -> Phase:
    if visit.step.effect.changes or asks_a_person(walk, visit.step):
        raise IllegalEvent("effect", f"`{event.step}` cannot be cancelled: nobody would know what it did")
    visit.because = event.reason
    visit.interrupted = False
    return Phase.INTERRUPTED


def _retrying(walk: "Walk", visit: Visit, event: e.StepRetrying) -> Phase:
    del walk
    retry = visit.step.retry
    if retry is None or event.attempt != visit.attempt + 1 or event.delay_ms != retry.pause_after(visit.failures):
        raise IllegalEvent("attempts", f"`{event.step}` is repeated in another way than the file says")
    visit.due = event.mono + event.delay_ms
    return Phase.RETRYING


def _noted(walk: "Walk", visit: Visit, event: e.StepEvent) -> Phase:
    """Something that is told for the record and decides nothing."""
    del walk, event
    return visit.phase


_RULES: Mapping[type[e.StepEvent], Callable[..., Phase]] = {
    e.StepSkipped: _skipped,
    e.StepRefused: _refused,
    e.GuardChecked: guarding.checked,
    e.GuardOverridden: guarding.overridden,
    e.ApprovalRequested: approving.requested,
    e.ApprovalGiven: approving.given,
    e.ApprovalRefused: approving.refused,
    e.SecretResolved: _noted,
    e.ConfirmationRequested: _requested,
    e.ConfirmationGiven: _confirmed,
    e.ConfirmationRefused: _unconfirmed,
    e.StepStarted: _started,
    e.QuestionAsked: _asked,
    e.AnswerGiven: _answered,
    e.StepOutput: _noted,
    e.StepFinished: _finished,
    e.StepUnknown: _unknown,
    e.StepSettled: _settled,
    e.StepCancelled: _cancelled,
    e.StepRetrying: _retrying,
    e.WaitStarted: waiting.started,
    e.WaitChecked: waiting.checked,
    e.WaitEnded: waiting.ended,
}
