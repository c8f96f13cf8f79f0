"""What happened, in a line for a person: the same words on a terminal and in the progress of an unattended walk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from runbook.kinds.registry import make
from runbook.model.canonical import Json, JsonObject
from runbook.model.durations import spoken
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Preview, preview_as_written, preview_of_each
from runbook.model.repeated import elements
from runbook.model.runbook import Outcome
from runbook.model.secrets import dereferenced
from runbook.walk import events as e
from runbook.walk import run_events as r

_LONGEST_ANSWER = 160


class Mark(Enum):
    """What a line is about."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    STARTED = "started"
    GOING = "going"
    NOTE = "note"
    REMINDER = "reminder"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line: what it is about, the address of the step if it is about one, and the words."""

    mark: Mark
    text: str
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An action as ``step.started`` and ``confirmation.requested`` announce it, as a person reads it."""

    preview: Preview
    nested: tuple[tuple[str, Preview], ...]


def answered(event: e.StepFinished) -> str:
    """What a server answered with a failure, shortened; empty where nothing did."""
    if event.outcome == Outcome.PASSED.value:
        return ""
    observed = parsed(event.obs or "")
    # A message that could not be sent has a text too, which is our own: only an answer has a status.
    text = observed.get("text") if "status" in observed else None
    words = " ".join(text.split()) if isinstance(text, str) else ""
    return f"it answered {words[:_LONGEST_ANSWER]}{'…' * (len(words) > _LONGEST_ANSWER)}" if words else ""


class Teller:
    """Puts the events of one sitting into words; it remembers when attempts began, and what could be chosen."""

    def __init__(self) -> None:
        self._began: dict[str, int] = {}
        self._by_hand: set[str] = set()
        self._labels: dict[str, Mapping[str, str]] = {}

    def tell(self, event: r.Event) -> Told | None:
        """The line for an event; None where there is nothing to say."""
        match event:
            case e.StepStarted():
                self._began[event.step] = event.mono
                self._by_hand.discard(event.step)
                self._labels[event.step] = _labels(event.what)
                again = f", attempt {event.attempt}" if event.attempt > 1 else ""
                return Told(mark=Mark.STARTED, text=f"started{again}", step=event.step)
            case e.QuestionAsked():
                self._by_hand.add(event.step)
                # A question that is asked again in another sitting is not started again there.
                self._labels[event.step] = _labels(event.question)
                return None
            case e.StepFinished():
                text = event.outcome + self._took(event) + (f" · {event.reason}" if event.reason else "")
                if labels := self._labels.get(event.step):
                    chosen = str(parsed(event.obs or "").get("chosen"))
                    text += f" · chosen {chosen}: {labels[chosen]}" if chosen in labels else ""
                if event.outcome == Outcome.FAILED.value and event.changed == "maybe":
                    text += " · something may have been changed"
                return Told(mark=Mark(event.outcome), text=text, step=event.step)
            case e.StepUnknown():
                text = f"unknown{self._took(event)} · nobody saw the result: {event.reason}"
                return Told(mark=Mark.UNKNOWN, text=text, step=event.step)
            case e.StepCancelled():
                return Told(mark=Mark.GOING, text=f"stopped{self._took(event)} · {event.reason}", step=event.step)
            case e.StepSkipped():
                return Told(mark=Mark.SKIPPED, text=f"skipped · {event.reason}", step=event.step)
            case e.StepRefused():
                return Told(mark=Mark.REFUSED, text=f"not started · {event.reason}", step=event.step)
            case e.ApprovalRequested():
                names = f"{event.count} with the role {' or '.join(event.roles)}"
                text = f"approval asked for by {event.by}: {names}, until {event.not_after}"
                return Told(mark=Mark.GOING, text=text, step=event.step)
            case e.ApprovalGiven():
                return Told(mark=Mark.PASSED, text=f"approved by {event.approver}", step=event.step)
            case e.ApprovalRefused():
                by = f" by {event.approver}" if event.approver else ""
                text = f"an approval{by} does not count · {event.reason}"
                return Told(mark=Mark.REFUSED, text=text, step=event.step)
            case e.ConfirmationRefused():
                return Told(mark=Mark.REFUSED, text=f"not confirmed, not started · {event.reason}", step=event.step)
            case e.StepRetrying():
                text = f"attempt {event.attempt} in {spoken(event.delay_ms)}"
                return Told(mark=Mark.GOING, text=text, step=event.step)
            case e.StepSettled():
                evidence = f" · {event.evidence}" if event.evidence else ""
                text = f"settled as {event.outcome} by {_settler(event.by)}{evidence}"
                return Told(mark=Mark(event.outcome), text=text, step=event.step)
            case e.WaitChecked():
                return Told(mark=Mark.GOING, text=f"look {event.check}: {_yet(event.passed)}", step=event.step)
            case e.WaitEnded(why="operator"):
                return Told(mark=Mark.GOING, text="the wait was stopped by the operator", step=event.step)
            case e.StepOutput() if event.dropped:
                text = f"{event.stream} is cut: {event.dropped} bytes are not kept"
                return Told(mark=Mark.WARNING, text=text, step=event.step)
            case _:
                return _of_the_run(event)

    def _took(self, event: e.AttemptEvent) -> str:
        """How long the attempt took; nothing where that is nothing to speak of, or a person's time."""
        took = event.mono - self._began.get(event.step, event.mono)
        return f" · {_short(took)}" if took >= 100 and event.step not in self._by_hand else ""


def _of_the_run(event: r.Event) -> Told | None:
    match event:
        case r.NoteAdded():
            return Told(mark=Mark.NOTE, text=f"{event.kind} by {event.by}: {event.text}", step=event.step)
        case r.ReminderDue():
            return Told(mark=Mark.REMINDER, text=event.say)
        case r.Warned():
            return Told(mark=Mark.WARNING, text=event.text)
        case r.RunHandedOver():
            taken = event.by == event.to
            text = f"taken over by {event.to}" if taken else f"handed over by {event.by} to {event.to}"
            return Told(mark=Mark.NOTE, text=text)
        case r.DeviationRecorded():
            to = f" to {event.to}" if event.to else ""
            text = f"deviation recorded: {event.deviation}{to} · {event.reason}"
            return Told(mark=Mark.GOING, text=text, step=event.step)
        case _:
            return None


def parsed(text: str) -> JsonObject:
    """The object that a text of JSON is; an empty one where it is none."""
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def announced(what: str) -> Announced | None:
    """An action as a person reads it; None where it cannot be read."""
    try:
        action: JsonObject = json.loads(what)
        nested = action.get("nested")
        inside = nested if isinstance(nested, dict) else {}
        return Announced(
            preview=_preview(action), nested=tuple((name, _preview(inner)) for name, inner in inside.items())
        )
    except (ValueError, KeyError, TypeError, ExpressionError):
        return None


def _preview(action: Json) -> Preview:
    if isinstance(action, dict) and (each := elements(action)) is not None:
        return preview_of_each([element["item"] for element in each], [_preview(element) for element in each])
    if not isinstance(action, dict) or not isinstance(action["fields"], dict):
        raise TypeError("no action")
    fields = {name: dereferenced(value) for name, value in action["fields"].items()}
    try:
        return make(str(action["kind"]), fields).preview()
    except ValueError:
        return preview_as_written(str(action["kind"]), action["fields"])


def _labels(text: str) -> Mapping[str, str]:
    """What the options mean among which a step, or its question, lets choose, by their ids."""
    asked = parsed(text)
    fields = asked.get("fields")
    options = (fields if isinstance(fields, dict) else asked).get("options")
    return {
        str(option.get("id")): " ".join(str(option.get("label") or "").split())
        for option in (options if isinstance(options, list) else ())
        if isinstance(option, dict)
    }


def _short(ms: int) -> str:
    """A duration as a result has it: tenths of seconds where they matter."""
    return f"{ms / 1000:.1f} s" if ms < 10_000 else spoken(ms)


def _settler(by: str) -> str:
    return {"probe": "its probe", "file": "the file"}.get(by, by)


def _yet(passed: bool) -> str:
    return "it passes" if passed else "not yet"
