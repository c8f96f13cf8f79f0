"""Steps inside a step, which only look: probes, the checks of a wait or a checklist, reads side by side."""

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.drivers.attempts import Attempts
from runbook.drivers.journal import Journal
from runbook.drivers.judging import Judged, Seen, worth
from runbook.drivers.preparing import Prepared, Renderer, Secrets
from runbook.drivers.recording import Recorder
from runbook.model.canonical import Json, JsonObject
from runbook.model.clock import Clock
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Cancelled, NotSent, WorldError
from runbook.model.runbook import Effect, Nested, Outcome
from runbook.walk import events as e
from runbook.walk import rehearsing
from runbook.walk.results import Visit
from runbook.walk.tables import Phase

NOT_LOOKED = Judged(outcome=Outcome.FAILED, reason="", changed="no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of a look. ``raw`` is what was observed, None if nothing was; ``stopped``: by a person."""

    judged: Judged
    raw: JsonObject | None = None
    seen: Seen | None = None
    stopped: bool = False

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.judged.outcome is Outcome.PASSED


class Looker:
    """Performs the steps inside the steps of one session."""

    def __init__(
        self,
        *,
        journal: Journal,
        renderer: Renderer,
        attempts: Attempts,
        secrets: Secrets,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._renderer = renderer
        self._attempts = attempts
        self._secrets = secrets
        self._recorder = recorder
        self._clock = clock
        self._items: dict[str, Json] = {}
        self._items_of: tuple[str, int, int] | None = None

    def items(self, visit: Visit, prepared: Prepared) -> Mapping[str, Json]:
        """What the checks say of a checklist's items: looked at once an attempt, however often it is asked."""
        here = (visit.step.id, visit.number, visit.attempt)
        if self._items_of != here:
            self._items_of, self._items = here, {}
            for name, inner in prepared.nested.items():
                look = self.look(visit, name, visit.step.nested[name], inner)
                self._items[name] = "yes" if look.passed else "not_verified" if look.stopped else "no"
        return self._items

    def probe(self, visit: Visit, prepared: Prepared) -> None:
        """Find out by the step's probe what became of it; leave it unknown where the probe cannot tell."""
        step = visit.step
        nested = step.probe
        if nested is None:  # pragma: no cover - the walk asks for no probe that is not there
            raise AssertionError(step.id)
        look = self.look(visit, "probe", nested, prepared)
        outcome: Outcome | None = Outcome.PASSED if look.passed else None
        if outcome is None and nested.failed_when is not None and self._did_not_happen(nested, look.seen):
            outcome = Outcome.FAILED
        if outcome is not None:
            self._journal.tell(
                e.StepSettled,
                step=step.id,
                visit=visit.number,
                outcome=outcome.value,
                by="probe",
                evidence=look.judged.reason or None,
            )

    def _did_not_happen(self, probe: Nested, seen: Seen | None) -> bool:
        if seen is None:
            return False
        try:
            return self._renderer.value(probe.failed_when or "", seen.scope(self._walk), "bool", probe) is True
        except ExpressionError:
            return False

    def look(self, visit: Visit, part: str, nested: Nested, prepared: Prepared) -> Look:
        """Perform a read, with its repetitions, and tell how each attempt ended."""
        look = Look(judged=NOT_LOOKED)
        for failures in range(nested.retry.attempts if nested.retry else 1):
            if failures and nested.retry:
                self._journal.sync()
                self._clock.wait(nested.retry.pause_after(failures))
            refusal = self._begin(visit, part, nested, prepared)
            if refusal is None:
                address = f"{visit.step.id}.{part}"
                self._attempts.stay(lambda address=address: address in self._attempts.over())  # type: ignore[misc]  # it is bound
            look = self._end(visit, part, nested, prepared, refusal)
            if look.passed or look.stopped:
                break
        return look

    def all(self, visit: Visit, prepared: Prepared) -> Mapping[str, Look]:
        """Perform every read inside a step side by side, each with its repetitions."""
        looks: dict[str, Look] = {}
        failures = dict.fromkeys(prepared.nested, 0)
        due = dict.fromkeys(prepared.nested, self._clock.mono())
        going: set[str] = set()
        while due or going:
            for part in [part for part, when in due.items() if when <= self._clock.mono()]:
                del due[part]
                refusal = self._begin(visit, part, visit.step.nested[part], prepared.nested[part])
                if refusal is None:
                    going.add(part)
                else:
                    looks[part] = self._end(visit, part, visit.step.nested[part], prepared.nested[part], refusal)
            if going:
                self._attempts.stay(lambda: self._some_over(visit, going) or self._some_due(due))
            elif due:
                self._journal.sync()
                self._clock.wait(max(0, min(due.values()) - self._clock.mono()))
            for part in [part for part in going if f"{visit.step.id}.{part}" in self._attempts.over()]:
                going.discard(part)
                nested = visit.step.nested[part]
                look = looks[part] = self._end(visit, part, nested, prepared.nested[part], None)
                failures[part] += 1
                again = nested.retry is not None and failures[part] < nested.retry.attempts
                if nested.retry and again and not look.passed and not look.stopped:
                    due[part] = self._clock.mono() + nested.retry.pause_after(failures[part])
            if any(look.stopped for look in looks.values()):
                due.clear()
        return looks

    def _some_over(self, visit: Visit, going: set[str]) -> bool:
        over = self._attempts.over()
        return any(f"{visit.step.id}.{part}" in over for part in going)

    def _some_due(self, due: Mapping[str, int]) -> bool:
        return bool(due) and min(due.values()) <= self._clock.mono()

    def _begin(self, visit: Visit, part: str, nested: Nested, prepared: Prepared) -> str | None:
        """Announce an attempt of a read and begin it; why it cannot be begun, None if it was."""
        address = f"{visit.step.id}.{part}"
        attempt = visit.nested.get(address, 0) + 1
        refusal: str | None = None
        try:
            self._secrets.resolve(prepared.secrets)
        except Refused as refused:
            refusal = str(refused)
        self._journal.tell(
            e.StepStarted,
            step=address,
            visit=visit.number,
            attempt=attempt,
            effect=Effect.NONE.value,
            action=prepared.digest,
            what=prepared.what,
        )
        self._journal.sync()
        if refusal is None:
            self._attempts.begin(address, visit, attempt, prepared, nested.timeout)
        return refusal

    def _end(self, visit: Visit, part: str, nested: Nested, prepared: Prepared, refusal: str | None) -> Look:
        """Tell how an attempt of a read ended."""
        address = f"{visit.step.id}.{part}"
        place: dict[str, object] = {"step": address, "visit": visit.number, "attempt": visit.nested[address]}
        try:
            if refusal is not None:
                raise NotSent(refusal)
            raw = self._attempts.result(address)
        except WorldError as error:
            # What a person stopped has said nothing.
            stopped = isinstance(error, Cancelled)
            failed = Judged(outcome=Outcome.FAILED, reason=error.reason, changed="no")
            look = Look(judged=worth(failed, rehearsing.fidelity_inside(self._walk)), stopped=stopped)
        else:
            seen = self._recorder.observed(raw)
            look = Look(judged=self._recorder.look(nested, prepared, seen), raw=raw, seen=seen)
        finally:
            if refusal is None:
                self._attempts.record_outputs(address)
        if look.stopped and visit.phase is Phase.RUNNING:
            self._journal.tell(e.StepCancelled, **place, reason=look.judged.reason)  # it stays open
        else:
            self._recorder.finish(place, look.judged, look.seen)
        return look
