"""Performing what was announced: by a machine, by a person, or by waiting; and telling the walk what was seen."""

import dataclasses
from collections.abc import Mapping

from runbook.audit.masking import Masker
from runbook.audit.observation import observe
from runbook.drivers.attempts import Attempts
from runbook.drivers.fitting import LONGEST, look_at_length
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.judging import Judge, Judged, Seen
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, as_json
from runbook.drivers.preparing import Prepared, PreparedLoop, Renderer, Secrets
from runbook.kinds.registry import fields_of
from runbook.kinds.wait import Wait
from runbook.model.canonical import Json, JsonObject, canonical, size
from runbook.model.clock import Clock
from runbook.model.diagnostics import Refused
from runbook.model.durations import milliseconds
from runbook.model.evaluator import ExpressionError
from runbook.model.inputs import accepted
from runbook.model.io import Cancelled, NotSent, WorldError
from runbook.model.kind import is_asked, is_automated
from runbook.model.question import AskForm, AskYes, Question
from runbook.model.runbook import Effect, Nested, Outcome, Step
from runbook.model.secrets import Resolved
from runbook.walk import events as e
from runbook.walk import looping, undoing
from runbook.walk.results import Visit
from runbook.walk.scope import Scope
from runbook.walk.tables import Phase
from runbook.world.scripted import Told


class Performer:
    """Performs the actions of one session."""

    def __init__(
        self,
        *,
        journal: Journal,
        operator: Operator,
        renderer: Renderer,
        attempts: Attempts,
        secrets: Secrets,
        masker: Masker,
        clock: Clock,
        interrupts: Interrupts,
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer
        self._judge = Judge(renderer)
        self._attempts = attempts
        self._secrets = secrets
        self._masker = masker
        self._clock = clock
        self._interrupts = interrupts
        self._seen: Seen | None = None
        self._stopped = False
        self._items: dict[str, Json] = {}
        self._items_of: tuple[str, int, int] | None = None

    def perform(self, visit: Visit, prepared: Prepared | PreparedLoop, place: Place) -> Hand | None:
        """Perform the attempt that was announced; an act of the operator in place of an answer is returned."""
        if isinstance(prepared, PreparedLoop):
            self._end_loop(visit)
            return None
        step, kind = visit.step, prepared.kind
        if step.kind == "undo":
            self._conclude(visit, prepared, undoing.observation(self._walk, visit))
            return None
        if step.kind == "wait":
            self._wait(visit, prepared)
            return None
        if step.nested:
            self._check_items(visit, prepared)
        question = kind.question() if is_asked(kind) else None
        if question is not None:
            return self._ask(visit, prepared, place, self._demanding(visit.step, question))
        if is_automated(kind):
            self._machine(visit, prepared)
        else:
            answer: JsonObject = {"items": dict(self._items)} if step.nested else {}
            observation = kind.observe(answer, by=self._walk.operator) if is_asked(kind) else {}
            self._conclude(visit, prepared, observation)
        return None

    # A person's answer

    def _ask(self, visit: Visit, prepared: Prepared, place: Place, question: Question) -> Hand | None:
        if not visit.open_question:
            asked = canonical(as_json(question))
            if size(asked) > LONGEST:
                # The action says what is asked, without what was filled in.
                asked = canonical({"ask": type(question).__name__})
            self._tell(e.QuestionAsked, visit, question=asked)
            self._journal.sync()
        reply = self._operator.answer(place, question)
        if isinstance(reply, Act | Note):
            return reply
        kind = prepared.kind
        if not is_asked(kind):  # pragma: no cover - only such a kind has a question
            raise TypeError(kind.NAME)
        answer = dict(reply)
        try:
            self._keep_secrets(question, answer)
            if isinstance(question, AskYes):
                _look_at_yes(question, answer)
            if visit.step.nested:
                given = answer.get("items")
                answer["items"] = {**(given if isinstance(given, dict) else {}), **self._items}
            look_at_length(answer)
            observation = kind.observe(answer, by=self._walk.operator)
        except (ValueError, Refused) as problem:
            self._operator.correct(place, str(problem))
            return None
        self._tell(
            e.AnswerGiven,
            visit,
            answer=canonical(answer),
            by=self._walk.operator,
            source=self._operator.source,
        )
        self._conclude(visit, prepared, observation)
        return None

    def _demanding(self, step: Step, question: Question) -> Question:
        """The question with what the step's ``confirm`` demands: a gate's own question is its confirmation."""
        if not isinstance(question, AskYes) or step.confirm is None:
            return question
        phrase = step.confirm.phrase
        typed = None if phrase is None else self._renderer.text(phrase, Scope(self._walk))
        return dataclasses.replace(question, phrase=typed, reason_required=step.confirm.reason)

    def _keep_secrets(self, question: Question, answer: JsonObject) -> None:
        """Take the values of secret fields out of an answer, before anything is written down."""
        fields = answer.get("fields")
        if not isinstance(question, AskForm) or not isinstance(fields, dict):
            return
        kept = dict(fields)
        for field in question.fields:
            if not field.secret:
                continue
            given = kept.pop(field.name, None)
            value = accepted(field, given)
            if value is not None:
                # A text stays as it was typed: 007 is no 7.
                self._secrets.keep(field.name, given if isinstance(given, str) and given else str(value))
        answer["fields"] = kept

    # A checklist's items that a machine checks

    def _check_items(self, visit: Visit, prepared: Prepared) -> None:
        here = (visit.step.id, visit.number, visit.attempt)
        if self._items_of == here:
            return
        self._items_of, self._items = here, {}
        for name, inner in prepared.nested.items():
            judged = self._nested(visit, name, visit.step.nested[name], inner)
            passed = judged.outcome is Outcome.PASSED
            self._items[name] = "yes" if passed else "not_verified" if self._stopped else "no"

    # A wait

    def _wait(self, visit: Visit, prepared: Prepared) -> None:
        step = visit.step
        if visit.waited:
            kind = prepared.kind
            if not isinstance(kind, Wait):  # pragma: no cover - the walk lets no other kind wait
                raise TypeError(kind.NAME)
            waited = self._journal.mono() - visit.waiting_since
            met = visit.checked or visit.every is None
            observation = kind.ended(waited_ms=waited, checks=visit.checks, met=met, last=visit.looked)
            self._conclude(visit, prepared, observation)
            return
        fields = fields_of(prepared.kind)
        plain, every = fields.get("for"), fields.get("every")
        self._tell(
            e.WaitStarted,
            visit,
            for_ms=_duration(plain),
            every_ms=_duration(every) if plain is None else None,
            timeout_ms=step.timeout if plain is None else None,
        )
        self._journal.sync()

    def check(self, visit: Visit, prepared: Prepared | None, *, timed_out: bool) -> None:
        """A wait has come to the time of its next look, or to its end."""
        waited = self._journal.mono() - visit.waiting_since
        stopped = self._walk.intent is not None and self._walk.intent.do == "stop_waiting"
        why = "operator" if stopped else "elapsed" if visit.every is None else None
        if why is None and prepared is not None and not (timed_out and visit.checks):
            judged = self._nested(visit, "until", visit.step.nested["until"], prepared.nested["until"])
            passed = judged.outcome is Outcome.PASSED
            self._tell(e.WaitChecked, visit, check=visit.checks + 1, passed=passed)
            why = "passed" if passed else "timeout" if timed_out else None
        elif why is None:
            why = "timeout"
        if why is not None:
            self._tell(e.WaitEnded, visit, why=why, waited_ms=waited, checks=visit.checks)

    # A machine

    def _machine(self, visit: Visit, prepared: Prepared) -> None:
        step = visit.step
        changes, hold = step.effect.changes, bool(step.save_secret)
        try:
            raw = self._attempts.run(step.id, visit, visit.attempt, prepared, step.timeout, changes=changes, hold=hold)
        except WorldError as error:
            self._attempts.record_outputs(step.id, visit, visit.attempt, drop=hold)
            self._unseen(visit, error)
            return
        problem = self._keep_made_secrets(visit, step, raw)
        if self._attempts.overflowed:
            problem = "`save_secret`: more was printed than can be held back until the secret is known; print less"
        self._attempts.record_outputs(step.id, visit, visit.attempt, drop=problem is not None)
        if problem is not None:
            self.failed(visit, problem, changed="maybe" if step.effect.changes else "no")
            self._journal.sync()
            return
        self._conclude(visit, prepared, raw)

    def _unseen(self, visit: Visit, error: WorldError) -> None:
        """There is nothing to observe: failed when it surely did not happen, else unknown for a change."""
        reason = f"{error.reason}; {error.help}" if error.help else error.reason
        if isinstance(error, Cancelled):
            reason = f"{self._interrupts.why or 'a person stopped it'}; {reason}"
        if isinstance(error, NotSent):
            self.failed(visit, reason, changed="no")
        elif visit.step.effect.changes:
            self._tell(e.StepUnknown, visit, reason=reason)
        elif isinstance(error, Cancelled):
            self._tell(e.StepCancelled, visit, reason=reason)
        else:
            self.failed(visit, reason, changed="no")
        self._journal.sync()

    def failed(self, visit: Visit, reason: str, *, changed: str) -> None:
        """Tell that an attempt failed without an observation."""
        self._tell(e.StepFinished, visit, outcome=Outcome.FAILED.value, reason=reason, changed=changed)

    def _keep_made_secrets(self, visit: Visit, step: Step, raw: JsonObject) -> str | None:
        """Know the secrets that an observation holds before any of it is shown or kept; what was wrong, if anything.

        What cannot be known cannot be masked: then nothing of the observation is kept.
        """
        scope = self._renderer.scope(self._walk, visit).beside(raw)
        for name, source in step.save_secret.items():
            try:
                value = self._renderer.value(source, scope, "string", step)
                self._secrets.keep(name, str(value))
            except (ExpressionError, Refused) as error:
                return f"`save_secret`: {error}"
        return None

    # A step inside a step

    def probe(self, visit: Visit, prepared: Prepared) -> None:
        """Find out by the step's probe what became of it; leave it unknown where the probe cannot tell."""
        step = visit.step
        nested = step.probe
        if nested is None:  # pragma: no cover - the walk asks for no probe that is not there
            raise AssertionError(step.id)
        judged = self._nested(visit, "probe", nested, prepared)
        outcome: Outcome | None = Outcome.PASSED if judged.outcome is Outcome.PASSED else None
        if outcome is None and nested.failed_when is not None and self._did_not_happen(nested, nested.failed_when):
            outcome = Outcome.FAILED
        if outcome is not None:
            self._journal.tell(
                e.StepSettled,
                step=step.id,
                visit=visit.number,
                outcome=outcome.value,
                by="probe",
                evidence=judged.reason or None,
            )

    def _did_not_happen(self, probe: Nested, failed_when: str) -> bool:
        if self._seen is None:
            return False
        try:
            scope = self._seen.scope(self._walk)
            return self._renderer.value(failed_when, scope, "bool", probe) is True
        except ExpressionError:
            return False

    def _nested(self, visit: Visit, part: str, nested: Nested, prepared: Prepared) -> Judged:
        """Perform a nested read, with its retries, and tell how each attempt ended."""
        address = f"{visit.step.id}.{part}"
        attempts = nested.retry.attempts if nested.retry else 1
        judged = Judged(outcome=Outcome.FAILED, reason="", changed="no")
        for failures in range(attempts):
            if failures and nested.retry:
                self._journal.sync()
                self._clock.wait(nested.retry.pause_after(failures))
            judged = self._nested_attempt(visit, address, nested, prepared)
            if judged.outcome is Outcome.PASSED or self._stopped:
                break
        return judged

    def _nested_attempt(self, visit: Visit, address: str, nested: Nested, prepared: Prepared) -> Judged:
        attempt = visit.nested.get(address, 0) + 1
        place: dict[str, object] = {"step": address, "visit": visit.number, "attempt": attempt}
        self._seen, self._stopped = None, False
        try:
            self._secrets.resolve(prepared.secrets)
        except Refused as refused:
            refusal = str(refused)
        else:
            refusal = ""
        self._journal.tell(e.StepStarted, **place, effect=Effect.NONE.value, action=prepared.digest, what=prepared.what)
        self._journal.sync()
        try:
            if refusal:
                raise NotSent(refusal)
            raw = self._attempts.run(address, visit, attempt, prepared, nested.timeout)
        except WorldError as error:
            # What a person stopped has said nothing.
            self._stopped = isinstance(error, Cancelled)
            judged = Judged(outcome=Outcome.FAILED, reason=error.reason, changed="no")
        else:
            self._seen = self._observed(raw)
            judged = self._judge.judge(nested, prepared.kind, self._seen, self._seen.scope(self._walk), Effect.NONE)
        finally:
            if not refusal:
                self._attempts.record_outputs(address, visit, attempt)
        if self._stopped and visit.phase is Phase.RUNNING:
            self._journal.tell(e.StepCancelled, **place, reason=judged.reason)  # an item that stays open
        else:
            self._finish(place, judged, self._seen)
        return judged

    # A loop

    def _end_loop(self, visit: Visit) -> None:
        """Nothing of a loop is left to be done: tell how it ended."""
        outcome = looping.outcome_due(self._walk, visit)
        seen = self._observed(looping.observation(self._walk, visit))
        judged = Judged(
            outcome=Outcome(outcome),
            reason=looping.reason(self._walk, visit),
            changed=looping.changed(visit),
        )
        self._finish({"step": visit.step.id, "visit": visit.number, "attempt": visit.attempt}, judged, seen)

    # What was seen

    def _conclude(self, visit: Visit, prepared: Prepared, raw: JsonObject) -> None:
        """Make an observation what the log will hold, judge that, and tell it."""
        seen = self._observed(raw)
        scope = seen.scope(self._walk).beside(looping.own_of(self._walk, visit))
        judged = self._judge.judge(visit.step, prepared.kind, seen, scope, visit.step.effect)
        place: dict[str, object] = {"step": visit.step.id, "visit": visit.number, "attempt": visit.attempt}
        self._finish(place, judged, seen)

    def _observed(self, raw: JsonObject) -> Seen:
        observed = observe(raw, self._masker)
        # What a scenario did not tell stays untold.
        value = Told(raw.address, observed.value) if isinstance(raw, Told) else observed.value
        return Seen(text=observed.text, value=value, masked=observed.masked, truncated=observed.truncated)

    def _finish(self, place: Mapping[str, object], judged: Judged, seen: Seen | None) -> None:
        saved: JsonObject = dict(judged.saved)
        self._journal.tell(
            e.StepFinished,
            **place,
            outcome=judged.outcome.value,
            reason=judged.reason,
            changed=judged.changed,
            obs=seen.text if seen else None,
            masked=seen.masked if seen else (),
            truncated=seen.truncated if seen else (),
            saved=canonical(saved) if saved else None,
        )

    def _tell(self, cls: type[e.AttemptEvent], visit: Visit, **fields: object) -> None:
        self._journal.tell(cls, step=visit.step.id, visit=visit.number, attempt=visit.attempt, **fields)


def _look_at_yes(question: AskYes, answer: JsonObject) -> None:
    """Turn the phrase into the yes that it is; anything but the exact phrase is none.

    :raises ValueError: with one line for the person.
    """
    confirm = answer.get("confirm")
    if question.phrase is not None and confirm != "no":
        if confirm != question.phrase:
            raise ValueError("type the phrase exactly, or `no`")
        answer["confirm"] = "yes"
    if question.reason_required and not str(answer.get("reason") or "").strip():
        raise ValueError("a reason is required")


def _duration(value: Resolved) -> int | None:
    return milliseconds(value) if isinstance(value, str) else None
