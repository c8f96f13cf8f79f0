"""Performing what was announced: by a machine, by a person, or by waiting; and telling the walk what was seen."""

from collections.abc import Sequence

from runbook.drivers.asking import Asker
from runbook.drivers.attempts import Attempts
from runbook.drivers.holding import OVERFLOWED
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal
from runbook.drivers.judging import Judged, worth
from runbook.drivers.looking import Looker
from runbook.drivers.operator import Hand, Place
from runbook.drivers.preparing import Prepared, Renderer, Secrets, Sketch
from runbook.drivers.recipes import recipes_of
from runbook.drivers.recording import Recorder, place_of
from runbook.drivers.showing import Showing
from runbook.kinds.registry import fields_of
from runbook.kinds.wait import Wait
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.durations import milliseconds
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Cancelled, NotSent, WorldError
from runbook.model.kind import is_asked, is_automated
from runbook.model.runbook import Outcome, Step
from runbook.model.secrets import Resolved
from runbook.walk import events as e
from runbook.walk import including, looping, rehearsing, undoing
from runbook.walk.results import Visit


class Performer:
    """Performs the actions of one session."""

    def __init__(
        self,
        *,
        journal: Journal,
        renderer: Renderer,
        attempts: Attempts,
        secrets: Secrets,
        recorder: Recorder,
        looker: Looker,
        asker: Asker,
        showing: Showing,
        interrupts: Interrupts,
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._renderer = renderer
        self._attempts = attempts
        self._secrets = secrets
        self._recorder = recorder
        self._looker = looker
        self._asker = asker
        self._showing = showing
        self._interrupts = interrupts

    def perform(self, visit: Visit, prepared: Prepared | Sketch, place: Place) -> Hand | None:
        """Perform the attempt that was announced; an act of the operator in place of an answer is returned.

        In a dry run what would change something is shown, and what nobody knows enough of is taken as passed.
        """
        if rehearsing.is_shown(self._walk, visit.step):
            return self._showing.show(visit, prepared, place)
        if isinstance(prepared, Sketch):
            self._showing.assume(visit)
            return None
        step, kind = visit.step, prepared.kind
        match step.kind:
            case "undo":
                self._recorder.conclude(visit, prepared, undoing.observation(self._walk, visit))
                return None
            case "runbook":
                self._recorder.conclude(visit, prepared, including.observation(visit))
                return None
            case "wait":
                self._wait(visit, prepared)
                return None
            case "parallel":
                self._parallel(visit, prepared)
                return None
            case _:
                pass
        checked = self._looker.items(visit, prepared) if step.nested else {}
        question = kind.question() if is_asked(kind) else None
        if question is not None:
            return self._asker.ask(visit, prepared, place, question, checked)
        if is_automated(kind):
            self._begin(visit, prepared)
            self._attempts.stay(lambda: step.id in self._attempts.over())
            self._end(visit, prepared)
        else:
            answer: JsonObject = {"items": dict(checked)} if step.nested else {}
            observation = kind.observe(answer, by=self._walk.operator) if is_asked(kind) else {}
            self._recorder.conclude(visit, prepared, observation)
        return None

    def probe(self, visit: Visit, prepared: Prepared) -> None:
        """Find out by the step's probe what became of it."""
        self._looker.probe(visit, prepared)

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
            self._recorder.conclude(visit, prepared, observation)
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
            passed = self._looker.look(visit, "until", visit.step.nested["until"], prepared.nested["until"]).passed
            self._tell(e.WaitChecked, visit, check=visit.checks + 1, passed=passed)
            why = "passed" if passed else "timeout" if timed_out else None
        elif why is None:
            why = "timeout"
        if why is not None:
            self._tell(e.WaitEnded, visit, why=why, waited_ms=waited, checks=visit.checks)

    # A machine

    def _begin(self, visit: Visit, prepared: Prepared) -> None:
        step = visit.step
        scope = self._renderer.scope(self._walk, visit)
        making = (lambda: recipes_of(self._walk, step, scope)) if step.save_secret else None
        changes = step.effect.changes
        self._attempts.begin(step.id, visit, visit.attempt, prepared, step.timeout, changes=changes, making=making)

    def _end(self, visit: Visit, prepared: Prepared) -> None:
        """Tell what came of an attempt that is over."""
        step = visit.step
        try:
            raw = self._attempts.result(step.id)
        except WorldError as error:
            self._attempts.record_outputs(step.id, drop=bool(step.save_secret))
            self._unseen(visit, error)
            return
        problem = self._attempts.made(step.id, lambda: self._keep_made_secrets(visit, step, raw))
        if self._attempts.overflowed(step.id):
            problem = OVERFLOWED
        self._attempts.record_outputs(step.id, drop=problem is not None)
        if problem is not None:
            self.failed(visit, problem, changed="maybe" if step.effect.changes else "no")
            self._journal.sync()
            return
        self._recorder.conclude(visit, prepared, raw)

    def side_by_side(self, parts: Sequence[tuple[Visit, Prepared]], until: int | None) -> None:
        """Perform elements of a loop side by side, until one of them is over, or the walk's clock shows ``until``.

        Those that are not over go on; the next call says so again.
        """
        for visit, prepared in parts:
            if not self._attempts.runs(visit.step.id):
                self._begin(visit, prepared)
        self._attempts.stay(
            lambda: bool(self._attempts.over()) or (until is not None and self._journal.mono() >= until)
        )
        over = set(self._attempts.over())
        for visit, prepared in parts:
            if visit.step.id in over:
                self._end(visit, prepared)

    # Reads side by side

    def _parallel(self, visit: Visit, prepared: Prepared) -> None:
        looks = self._looker.all(visit, prepared)
        if any(look.stopped for look in looks.values()):
            why = self._interrupts.why or "a person stopped it"
            self._tell(e.StepCancelled, visit, reason=why)
            self._journal.sync()
            return
        seen = {part: look.raw for part, look in looks.items() if look.passed and look.raw is not None}
        self._recorder.conclude(visit, prepared, {"steps": dict(seen)})

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
        judged = Judged(outcome=Outcome.FAILED, reason=reason, changed=changed)
        self._recorder.finish(place_of(visit), worth(judged, rehearsing.fidelity(self._walk, visit)), None)

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

    # A loop

    def end_loop(self, visit: Visit) -> None:
        """Nothing of a loop is left to be done: tell how it ended."""
        outcome = looping.outcome_due(self._walk, visit)
        seen = self._recorder.observed(looping.observation(self._walk, visit))
        judged = Judged(
            outcome=Outcome(outcome),
            reason=looping.reason(self._walk, visit),
            changed=looping.changed(visit),
        )
        self._recorder.finish(place_of(visit), worth(judged, rehearsing.fidelity(self._walk, visit)), seen)

    def _tell(self, cls: type[e.AttemptEvent], visit: Visit, **fields: object) -> None:
        self._journal.tell(cls, **place_of(visit), **fields)


def _duration(value: Resolved) -> int | None:
    return milliseconds(value) if isinstance(value, str) else None
