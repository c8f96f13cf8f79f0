"""A hand for tests of the walk: small runbooks made in code, and the events that a pending action asks for."""

from collections.abc import Mapping

from runbook.kinds.registry import KINDS
from runbook.model.canonical import Json, canonical, sha256
from runbook.model.diagnostics import Span
from runbook.model.runbook import Effect, Runbook, Step
from runbook.walk import actions as a
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk

SPAN = Span(1, 1, 1, 1)
OPERATOR = "ana@example.com"
DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    "http": {"url": "https://app.example.com"},
    "command": {"argv": ["true"]},
    "manual": {"instructions": "do it"},
    "gate": {"question": "sure?"},
    "wait": {"for": "1s"},
    "assert": {"that": "true"},
    "finish": {"outcome": "resolved"},
    "checklist": {"items": []},
    "choice": {"options": [{"id": "one", "label": "one"}, {"id": "two", "label": "two"}]},
}


def step(step_id: str, kind: str = "http", **fields: object) -> Step:
    """A step with the fields that its kind cannot do without."""
    given: dict[str, object] = {
        "id": step_id,
        "kind": kind,
        "title": step_id,
        "span": SPAN,
        "effect": Effect.NONE,
        "fields": DEFAULTS[kind],
    }
    return Step(**{**given, **fields})  # type: ignore[arg-type]  # the class says what fits


def changing(step_id: str, **fields: object) -> Step:
    """A command that changes something."""
    given: dict[str, object] = {"effect": Effect.CHANGE, "no_undo": True, "because": "a test"}
    return step(step_id, "command", **{**given, **fields})


def runbook(*steps: Step, **fields: object) -> Runbook:
    """A runbook of these steps."""
    given: dict[str, object] = {"id": "tested", "title": "tested", "steps": steps}
    return Runbook(**{**given, **fields})  # type: ignore[arg-type]  # the class says what fits


def action_of(kind: str) -> tuple[str, str]:
    """An action's text and its digest."""
    what = canonical({"kind": kind, "version": "test", "fields": {}})
    return what, sha256(what)


class Hand:
    """Tells a walk what happens, and keeps what it told."""

    def __init__(self, book: Runbook) -> None:
        self.walk = Walk(book, KINDS)
        self.told: list[Event] = []
        self.mono = 0

    def tell(self, cls: type[Event], **fields: object) -> None:
        """Tell one event, a millisecond after the last."""
        self.mono += 1
        event = cls(ts="2026-11-21T09:00:00.000Z", mono=self.mono, **fields)
        self.walk.tell(event)
        self.told.append(event)

    def begin(self, environment: str | None = None) -> "Hand":
        """Start the run."""
        book = self.walk.runbook
        self.tell(
            r.RunStarted,
            format="1.0",
            run="r1",
            mode="live",
            environment=environment,
            runbook=book.id,
            files={"tested.yaml": "0" * 64},
            graph=self.walk.graph,
            inputs="{}",
            operator=OPERATOR,
            host="here",
            store="here",
            guards_see="your own runs on this machine",
            tool="test",
            kinds={},
        )
        return self

    def where(self) -> dict[str, object]:
        """The step and visit that the walk is in."""
        visit = self.walk.visit
        assert visit is not None
        return {"step": visit.step.id, "visit": visit.number}

    def attempt(self) -> dict[str, object]:
        """The same with the attempt."""
        visit = self.walk.visit
        assert visit is not None
        return {**self.where(), "attempt": visit.attempt}

    def act(self, do: str, **fields: object) -> None:
        """The operator acts."""
        self.tell(r.OperatorActed, **{**self.where(), "do": do, "by": OPERATOR, "source": "terminal", **fields})

    def finish(self, outcome: str = "passed", changed: str = "no", **fields: object) -> None:
        """The attempt ends as seen."""
        given: dict[str, object] = {"outcome": outcome, "reason": "", "changed": changed, "obs": "{}"}
        self.tell(e.StepFinished, **{**self.attempt(), **given, **fields})

    def start(self, kind: str | None = None) -> None:
        """The step is announced."""
        visit = self.walk.visit
        assert visit is not None
        what, digest = action_of(kind or visit.step.kind)
        self.tell(
            e.StepStarted,
            **self.where(),
            attempt=visit.attempt + 1,
            effect=visit.step.effect.value,
            action=digest,
            what=what,
        )

    def answer(self, answer: str = "{}") -> None:
        """The step asks, and is answered."""
        self.tell(e.QuestionAsked, **self.attempt(), question="{}")
        self.tell(e.AnswerGiven, **self.attempt(), answer=answer, by=OPERATOR, source="terminal")

    def request(self, *, phrase: str | None = None, reason_required: bool = False, **fields: object) -> None:
        """A confirmation is asked for."""
        visit = self.walk.visit
        assert visit is not None
        what, digest = action_of(visit.step.kind)
        given: dict[str, object] = {
            "action": digest,
            "what": what,
            "phrase": phrase,
            "reason_required": reason_required,
        }
        self.tell(e.ConfirmationRequested, **{**self.where(), **given, **fields})

    def confirm(self, **fields: object) -> None:
        """The action is confirmed."""
        visit = self.walk.visit
        assert visit is not None
        given: dict[str, object] = {"action": visit.requested, "by": OPERATOR, "source": "terminal"}
        self.tell(e.ConfirmationGiven, **{**self.where(), **given, **fields})

    def follow(self) -> a.Action | None:
        """Do what needs no decision (enter, announce, deviate, skip, end) and return what does."""
        while pending := self.walk.pending():
            match pending[0]:
                case a.Enter(step=target, visit=visit, via=via, source=source):
                    self.tell(e.StepEntered, step=target, visit=visit, via=via, from_=source)
                case a.Deviate(step=at, visit=visit, deviation=deviation, to=to, reason=reason):
                    self.tell(
                        r.DeviationRecorded,
                        step=at,
                        visit=visit,
                        deviation=deviation,
                        to=to,
                        reason=reason,
                        by=OPERATOR,
                    )
                case a.Skip(step=at, visit=visit, reason=reason):
                    self.tell(e.StepSkipped, step=at, visit=visit, by="operator", reason=reason)
                case a.Announce(step=at, visit=visit, attempt=attempt, delay_ms=delay):
                    self.tell(e.StepRetrying, step=at, visit=visit, attempt=attempt, delay_ms=delay)
                case a.Pause(due=due):
                    self.mono = max(self.mono, due)
                    return pending[0]
                case a.End(finish=finish):
                    self.tell(r.RunFinished, finish=finish.value)
                case action:
                    return action
        return None

    def path(self) -> list[str]:
        """The steps that were entered."""
        return [entered for entered, _ in self.walk.path]
