"""Computing again what the records of a log say: actions, confirmations, answers, verdicts.

Values are taken from the records, never from the world. What was rendered is rendered again from the log's own
observations, what was answered is observed again, what was observed is judged again; secrets may be covered in what the
log holds. What another version of the program wrote is not judged where that version could have said otherwise.
"""

import json
from collections.abc import Mapping

from runbook.audit.masking import Masker
from runbook.audit.observation import observe
from runbook.drivers.agreeing import Agreement, same_text
from runbook.drivers.fitting import LONGEST, fit
from runbook.drivers.guarding import applies, key_of
from runbook.drivers.guessing import DryRenderer
from runbook.drivers.judging import Judge, Judged, Seen, worth
from runbook.drivers.operator import as_json
from runbook.drivers.preparing import MASK, AnAction, Prepared
from runbook.drivers.reminding import is_said
from runbook.kinds.registry import fields_of
from runbook.kinds.wait import Wait
from runbook.language.expressions import Cel
from runbook.language.scope import types_of
from runbook.model.canonical import JsonObject, canonical, fits
from runbook.model.durations import milliseconds
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Kind, Registry, is_asked, is_automated
from runbook.model.runbook import Effect, Mode, Nested, Outcome, Runbook, Step
from runbook.version import VERSION
from runbook.walk import approving, including, looping, rehearsing, undoing
from runbook.walk import events as e
from runbook.walk.including import inside, inward
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import Event, ReminderDue
from runbook.walk.walk import Walk


class Differs(Exception):  # noqa: N818 - said of a record
    """Computed again it comes out otherwise."""


class Rejudging:
    """Computes the records of one log again, each before the walk is told it. ``unjudged`` names what it could not."""

    def __init__(self, runbook: Runbook, registry: Registry) -> None:
        self._registry = registry
        self._renderer = DryRenderer(registry, Cel(types_of(runbook, registry)), included=runbook.included)
        self._judge = Judge(self._renderer)
        self._kinds: dict[str, Kind] = {}
        self._prepared: Prepared | None = None
        self._answer: e.AnswerGiven | None = None
        self._looked: dict[str, Seen] = {}
        self._secrets: dict[tuple[str, int], set[str]] = {}
        self._inside: tuple[Walk, Rejudging] | None = None
        self.unjudged: set[str] = set()

    def look(self, walk: Walk, event: Event) -> None:
        """Look at an event; one that is not about the present visit the walk will refuse.

        :raises Differs: if it comes out otherwise.
        """
        within = inside(walk, event)
        if within is not None and within.inner is not None:
            self._look_inside(within, within.inner, event)
            return
        visit = walk.visit_of(event.step) if isinstance(event, e.StepEvent) else None
        if visit is None:
            if isinstance(event, ReminderDue) and not is_said(walk.runbook, event):
                raise Differs(f"reminder {event.reminder} says something else than the file does")
            return
        match event:
            case e.GuardChecked():
                self._guard(walk, visit, event)
            case e.SecretResolved():
                self._secrets.setdefault((event.step, event.visit), set()).add(event.secret)
            case e.StepStarted():
                self._started(walk, visit, event)
            case e.StepFinished(obs=str()):
                self._finished(walk, visit, event)
            case e.StepSkipped(by="when"):
                self._when(walk, visit, holds=False)
            case e.ConfirmationRequested():
                self._secrets.pop((event.step, event.visit), None)  # of an action that may be another one now
                self._confirmation(walk, visit, event)
            case e.WaitStarted():
                self._wait(visit.step, event)
            case e.QuestionAsked():
                self._asked(walk, visit, event)
            case e.AnswerGiven():
                self._answer = event
            case e.WaitEnded():
                if event.checks != visit.checks or not 0 <= event.waited_ms <= event.mono - visit.waiting_since:
                    raise Differs(f"`{event.step}` waited for another time than the log shows")
            case e.StepSettled(by="probe", outcome=Outcome.FAILED.value):
                self._settled(walk, visit)
            case _:
                pass

    def _look_inside(self, visit: Visit, inner: Walk, event: Event) -> None:
        """Look at an event of a walk inside this one."""
        if self._inside is None or self._inside[0] is not inner:
            self._inside = (inner, Rejudging(inner.runbook, self._registry))
        again = self._inside[1]
        again.look(inner, inward(visit, event))
        self.unjudged |= {f"{visit.step.id}/{address}" for address in again.unjudged}

    # What was to be done

    def _when(self, walk: Walk, visit: Visit, *, holds: bool) -> None:
        step = visit.step
        if step.when is None:
            return
        try:
            held = self._renderer.value(step.when, self._renderer.scope(walk, visit), "bool") is True
        except ExpressionError as error:
            raise Differs(f"the `when` of `{step.id}` has no value: {error.message}") from None
        if held is not holds:
            raise Differs(f"`{step.id}` goes on as if its `when` {'held' if holds else 'did not hold'}")

    def _guard(self, walk: Walk, visit: Visit, event: e.GuardChecked) -> None:
        """A guard counts where its ``when`` holds, and a cooldown under its key."""
        if not 0 <= event.guard < len(visit.step.guards):
            return  # which the walk says
        guard, scope = visit.step.guards[event.guard], self._renderer.scope(walk, visit)
        try:
            counts = applies(guard, self._renderer, scope)
            keyed = counts and guard.kind == "cooldown"
            key = key_of(guard, walk, visit, self._renderer, scope) if keyed else None
        except ExpressionError as error:
            raise Differs(f"guard {event.guard} of `{event.step}` has no value: {error.message}") from None
        if not counts and not event.held:
            raise Differs(f"guard {event.guard} of `{event.step}` refuses, and its `when` does not hold")
        if (key is None) is not (event.key is None) or not same_text(event.key or "", key or ""):
            raise Differs(f"guard {event.guard} of `{event.step}` counts under another key than the file says")

    def _confirmation(self, walk: Walk, visit: Visit, event: e.ConfirmationRequested) -> None:
        step = visit.step
        self._action(walk, visit, event.step, event.what)
        try:
            asked = self._renderer.confirmation(visit.required, self._renderer.scope(walk, visit))
        except ExpressionError as error:
            raise Differs(f"the phrase of `{step.id}` has no value: {error.message}") from None
        if asked is not None and asked[1] is not None and not same_text(event.phrase or "", fit("phrase", asked[1])):
            raise Differs(f"`{step.id}` is confirmed with another phrase than the file demands")
        if MASK in (event.phrase or ""):
            self.unjudged.add(f"{event.step} (phrase)")

    def _started(self, walk: Walk, visit: Visit, event: e.StepStarted) -> None:
        if event.step == visit.step.id:
            if visit.attempt == 0:
                self._when(walk, visit, holds=True)
            self._answer = None
        again = self._action(walk, visit, event.step, event.what)
        read = self._secrets.pop((event.step, event.visit), set()) if self._secrets else set()
        if event.step == visit.step.id and read != again.secrets:
            raise Differs(f"the secrets that were read for `{event.step}` are not those that its action needs")

    def _action(self, walk: Walk, visit: Visit, address: str, what: str) -> AnAction:
        """The action of a step, or of one inside it, made anew."""
        again = self._again(walk, visit, _part_of(visit, address))
        if again is None or not (what == again.what or self._agrees(walk, address, what, again.what)):
            raise Differs(f"the action of `{address}` does not follow from the runbook and what was seen before")
        if isinstance(again, Prepared):
            self._kinds[address] = again.kind
        return again

    def _agrees(self, walk: Walk, address: str, what: str, again: str) -> bool:
        """Whether an action that is written otherwise is the same all the same; what nobody can say is said."""
        agreement = Agreement()
        agrees = agreement.actions(
            _object(what, f"the action of `{address}`"),
            json.loads(again),
            version=VERSION,
            version_of=lambda kind: _about(walk, kind, "version"),
            class_of=lambda kind: self._registry[kind],
        )
        self.unjudged |= {f"{address} ({path})" for path in agreement.unknown}
        return agrees

    def _again(self, walk: Walk, visit: Visit, part: str) -> AnAction | None:
        """What would be announced now; None where nothing could be."""
        try:
            if part == "probe":
                scope = self._renderer.scope(walk, visit)
                return self._renderer.probe(visit.step, scope) if visit.step.probe else None
            if part:
                return self._prepared.nested.get(part) if self._prepared else None
            again = self._renderer.of(walk, visit)
        except ExpressionError:
            return None
        self._prepared = again if isinstance(again, Prepared) else None
        return again

    def _wait(self, step: Step, event: e.WaitStarted) -> None:
        kind = self._kinds.get(step.id)
        if not isinstance(kind, Wait):
            return
        fields = fields_of(kind)
        plain = _duration(fields.get("for"))
        wanted = (plain, None, None) if plain is not None else (None, _duration(fields.get("every")), step.timeout)
        if (event.for_ms, event.every_ms, event.timeout_ms) != wanted:
            raise Differs(f"`{step.id}` waits for another time than the file says")

    def _asked(self, walk: Walk, visit: Visit, event: e.QuestionAsked) -> None:
        kind = self._kinds.get(event.step)
        question = kind.question() if kind is not None and is_asked(kind) else None
        if question is None:
            return  # the walk says that nothing is asked there
        again = as_json(self._renderer.demanding(visit.step, question, self._renderer.scope(walk, visit)))
        whole = canonical(again)
        if self._is(event.step, event.question, whole if fits(whole, LONGEST) else canonical({"ask": again["ask"]})):
            return
        if _about(walk, visit.step.kind, "version") == VERSION:
            raise Differs(f"`{event.step}` asks something else in the log than the file does")
        self.unjudged.add(f"{event.step} (question)")

    # What came of it

    def _finished(self, walk: Walk, visit: Visit, event: e.StepFinished) -> None:
        if visit.step.for_each is not None:
            self._loop(walk, visit, event)
            return
        step, kind = _part(visit, event.step), self._kinds.get(event.step)
        if step is None or kind is None:
            return  # it was never started, which the walk says
        seen = Seen(
            text=event.obs or "",
            value=_object(event.obs or "", f"what `{event.step}` observed"),
            masked=event.masked,
            truncated=event.truncated,
        )
        if event.masked and not event.truncated and MASK not in seen.text:
            raise Differs(f"what `{event.step}` observed is said to be masked, and nothing in it is")
        if not isinstance(step, Step):
            self._looked[event.step] = seen
        if _about(walk, kind.NAME, "judge") != kind.JUDGE:
            self.unjudged.add(event.step)
            return
        if isinstance(step, Step):
            self._observed(walk, visit, kind, event)
        judged = self._judged(walk, visit, event, seen)
        if judged is None:
            return
        if (judged.outcome.value, judged.changed) != (event.outcome, event.changed):
            raise Differs(
                f"`{event.step}` is {event.outcome}, changed {event.changed}, in the log, and {judged.outcome.value}, "
                f"changed {judged.changed}, judged again"
            )
        if not self._is(event.step, event.saved or "{}", canonical(dict(judged.saved))):
            raise Differs(f"`{event.step}` saves other values in the log than judged again")
        if not same_text(event.reason, fit("reason", judged.reason)):
            if _about(walk, kind.NAME, "version") == VERSION:
                raise Differs(f"`{event.step}` has another reason in the log than judged again: {judged.reason}")
            self.unjudged.add(f"{event.step} (reason)")

    def _loop(self, walk: Walk, visit: Visit, event: e.StepFinished) -> None:
        """A loop, which ends as its elements did."""
        if self._is(event.step, event.obs or "", observe(looping.observation(walk, visit), Masker()).text):
            said = (looping.reason(walk, visit), "no" if rehearsing.is_dry(walk) else looping.changed(visit))
            if said != (event.reason, event.changed):
                raise Differs(f"`{event.step}` has another reason in the log than judged again: {said[0]}")
        elif not event.truncated:
            raise Differs(f"what `{event.step}` observed is not what its elements came to")
        else:
            self.unjudged.add(event.step)

    def _judged(self, walk: Walk, visit: Visit, event: e.StepFinished, seen: Seen) -> Judged | None:
        """The verdict on an observation; None where a part of it is missing that may be."""
        kind = self._kinds[event.step]
        step = _part(visit, event.step) or visit.step
        effect = visit.step.effect if step is visit.step else Effect.NONE
        scope = seen.scope(walk).beside(looping.own_of(walk, visit))
        inside = rehearsing.fidelity_inside(walk)
        fidelity = rehearsing.fidelity(walk, visit) if step is visit.step else inside
        try:
            return worth(self._judge.judge(step, kind, seen, scope, effect), fidelity)
        except KeyError as missing:
            if walk.mode is Mode.DRILL or "" in event.truncated:  # whole fields are cut where it has too many values
                self.unjudged.add(event.step)
                return None
            raise Differs(f"what `{event.step}` observed lacks {missing}") from None
        except (TypeError, ValueError, AttributeError, RecursionError):
            raise Differs(f"what `{event.step}` observed is nothing that its kind observes") from None

    def _observed(self, walk: Walk, visit: Visit, kind: Kind, event: e.StepFinished) -> None:
        """What a person answered, or a wait came to, observed again."""
        if isinstance(kind, Wait):
            again: JsonObject = self._waited(visit, kind, event)
        elif is_asked(kind) and (kind.question() is not None or not is_automated(kind)):
            again = self._answered(walk, visit, kind, event)
        elif kind.NAME == "undo":
            again = undoing.observation(walk, visit)
        elif kind.NAME == "runbook":
            again = including.observation(visit)
        elif kind.NAME == "parallel":
            passed = [part for part in visit.step.nested if visit.nested_passed.get(f"{visit.step.id}.{part}")]
            looked = {part: self._looked.get(f"{visit.step.id}.{part}") for part in passed}
            again = {"steps": {part: seen.value for part, seen in looked.items() if seen is not None}}
        else:
            return
        text = observe(again, Masker()).text
        if self._is(event.step, event.obs or "", text):
            return
        if not event.truncated:
            raise Differs(f"what `{event.step}` observed does not follow from what was answered or waited for")
        self.unjudged.add(event.step)

    def _is(self, address: str, written: str, again: str) -> bool:
        """Whether an object of the log is this one, given as canonical JSON."""
        if written == again:
            return True
        agreement = Agreement()
        agrees = agreement.values(_object(written, f"what `{address}` came to"), json.loads(again))
        if agrees:
            self.unjudged |= {f"{address} ({path})" for path in agreement.unknown}
        return agrees

    def _answered(self, walk: Walk, visit: Visit, kind: Kind, event: e.StepFinished) -> JsonObject:
        step = visit.step
        machine: JsonObject = {name: _looked(visit, f"{step.id}.{name}") for name in step.nested}
        answer: JsonObject = {"items": machine} if step.nested else {}
        by = walk.operator
        if is_asked(kind) and kind.question() is not None:
            if self._answer is None:
                raise Differs(f"`{event.step}` observed an answer that nobody gave")
            answer, by = _object(self._answer.answer, f"the answer to `{event.step}`"), self._answer.by
            items = answer.get("items")
            looked = not machine or (isinstance(items, dict) and machine.items() <= items.items())
            if not looked or answer.get("approvals") != approving.names(visit):
                than = "than what the machine looked at, or who approved"
                raise Differs(f"the answer to `{event.step}` says otherwise {than}")
        try:
            return kind.observe(answer, by=by) if is_asked(kind) else {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Differs(f"the answer to `{event.step}` is none: {error}") from None

    def _waited(self, visit: Visit, kind: Wait, event: e.StepFinished) -> JsonObject:
        waited = _object(event.obs or "", "").get("waited_s")
        longest = (event.mono - visit.waiting_since) // 1_000
        if not isinstance(waited, int) or isinstance(waited, bool) or not 0 <= waited <= longest:
            raise Differs(f"`{event.step}` waited for another time than the log shows")
        met = visit.checked or visit.every is None
        return kind.ended(waited_ms=waited * 1_000, checks=visit.checks, met=met, last=visit.looked)

    def _settled(self, walk: Walk, visit: Visit) -> None:
        """A probe said that it surely did not happen."""
        step, looked = visit.step, self._looked.get(f"{visit.step.id}.probe")
        failed_when = step.probe.failed_when if step.probe else None
        if failed_when is None or looked is None:
            raise Differs(f"`{step.id}` is settled as failed, and its probe never says so")
        try:
            said = self._renderer.value(failed_when, looked.scope(walk), "bool") is True
        except ExpressionError:
            said = False
        if not said:
            raise Differs(f"`{step.id}` is settled as failed, and its probe does not say so")


def _about(walk: Walk, kind: object, what: str) -> object:
    """What ``run.started`` says of a kind: its version, or the number of its judge."""
    known = walk.started.kinds.get(str(kind)) if walk.started else None
    return known.get(what) if isinstance(known, Mapping) else None


def _object(text: str, what: str) -> JsonObject:
    try:
        value = parsed(text, what)
    except IllegalEvent:
        value = None
    if value is None:
        raise Differs(f"{what} is no JSON object in its canonical form")
    return value


def _part_of(visit: Visit, address: str) -> str:
    """The last part of an address inside a visit's step: ``probe``, an item's id; empty for the step itself."""
    return address.removeprefix(visit.step.id).removeprefix(".")


def _part(visit: Visit, address: str) -> Step | Nested | None:
    """The step of an address: the visit's own, its probe, or another one inside it."""
    part, step = _part_of(visit, address), visit.step
    return step if not part else step.probe if part == "probe" else step.nested.get(part)


def _looked(visit: Visit, address: str) -> str:
    """What a machine's look says of an item; one that was stopped has said nothing."""
    passed = visit.nested_passed.get(address)
    if passed is None and visit.nested.get(address):
        return "not_verified"
    return "yes" if passed else "no"


def _duration(value: object) -> int | None:
    return milliseconds(value) if isinstance(value, str) else None
