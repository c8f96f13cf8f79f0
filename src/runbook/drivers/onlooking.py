"""What happens in a run, for somebody who looks on: what the operator is told, and what the operator does."""

import json
from dataclasses import replace

from runbook.drivers.telling import Mark, Teller, Told, announced, answered, parsed
from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.model.runbook import Finish
from runbook.walk import events as e
from runbook.walk import run_events as r

_ACTS = {
    "skip": "skips it",
    "go_to": "goes to {to} instead",
    "retry": "tries again",
    "override": "overrides what refuses it",
    "undo": "takes back what was changed",
    "check_now": "looks now",
    "stop_waiting": "stops waiting",
    "interrupt": "stops what runs",
    "abort": "ends the run",
}
_SAID_BY_THE_ACT = frozenset({"skip", "jump", "retry", "override"})
_LONGEST = 300


class Onlooker:
    """Puts the events of one run into words."""

    def __init__(self) -> None:
        self._teller = Teller()

    def progress(self, event: r.Event) -> Told | None:
        """What becomes of the steps: the lines of a walk that nobody attends."""
        told = self._teller.tell(event)
        match event:
            case e.StepEntered():
                visit = f", visit {event.visit}" if event.visit > 1 else ""
                return Told(mark=Mark.GOING, text=f"entered{visit}", step=event.step)
            case e.StepStarted() if told is not None and (action := announced(event.what)) is not None:
                return replace(told, text=f"{told.text}: {action.preview.line.removesuffix(':')}")
            case e.StepFinished() if told is not None and (words := answered(event)):
                return replace(told, text=f"{told.text} · {words}")
            case _:
                return told

    def tell(self, event: r.Event) -> Told | None:
        """The line for an event; None where there is nothing to say."""
        told = self.progress(event)
        match event:
            case e.ConfirmationRequested():
                action = announced(event.what)
                line = f": {action.preview.line.removesuffix(':')}" if action else ""
                again = f" again, because {event.stale}" if event.stale else ""
                return _going(event, f"the operator is asked to confirm it{again}{line}")
            case e.ConfirmationGiven():
                return _going(event, _because(f"confirmed by {event.by}", event.reason))
            case e.QuestionAsked():
                return _going(event, f"the operator is asked{_question(event.question)}")
            case e.AnswerGiven():
                return _going(event, f"answered by {event.by}: {_answer(event.answer)}")
            case e.WaitStarted():
                return _going(event, _wait(event))
            case e.GuardOverridden():
                return _going(event, _because(f"a guard is overridden by {event.by}", event.reason))
            case r.DeviationRecorded() if event.deviation in _SAID_BY_THE_ACT:
                return None
            case r.OperatorActed():
                act = _ACTS.get(event.do)
                text = _because(f"{event.by} {act.replace('{to}', event.to or '')}", event.reason) if act else ""
                return Told(mark=Mark.GOING, text=text, step=event.step) if text else None
            case _:
                return told or _of_the_run(event)


def _of_the_run(event: r.Event) -> Told | None:
    match event:
        case r.RunStarted():
            where = f" in {event.environment}" if event.environment else ""
            return Told(mark=Mark.NOTE, text=f"the run begins{where}, walked by {event.operator} on {event.host}")
        case r.RunResumed():
            text = f"the run goes on, walked by {event.operator} on {event.host}"
            torn = "a crash had left half a record, which was kept aside" if event.torn else ""
            return Told(mark=Mark.NOTE, text=" · ".join(filter(None, [text, torn, event.differs])))
        case r.RunPaused():
            return Told(mark=Mark.REFUSED, text=_because(f"the run is paused by {event.by}", event.reason))
        case r.RunFinished():
            good = Finish(event.finish).good
            text = f"the run is over: {event.finish}, after {spoken(event.mono)}"
            return Told(mark=Mark.PASSED if good else Mark.FAILED, text=text)
        case r.CheckpointSigned():
            return Told(mark=Mark.GOING, text=f"signed up to here by {event.signer}")
        case _:
            return None


def _going(event: e.StepEvent, text: str) -> Told:
    return Told(mark=Mark.GOING, text=text, step=event.step)


def _because(text: str, reason: str | None) -> str:
    return f"{text} · {reason}" if reason else text


def _wait(event: e.WaitStarted) -> str:
    if event.for_ms is not None:
        return f"waits {spoken(event.for_ms)}"
    every = f", looking every {spoken(event.every_ms)}" if event.every_ms else ""
    most = f", at most {spoken(event.timeout_ms)}" if event.timeout_ms else ""
    return f"waits until it passes{every}{most}"


def _question(text: str) -> str:
    """What is asked, in short."""
    asked = parsed(text)
    for name in ("question", "instructions", "text"):
        if isinstance(words := asked.get(name), str) and words.strip():
            return f": {_short(words)}"
    for name, field in (("options", "label"), ("fields", "name"), ("items", "title")):
        if isinstance(listed := asked.get(name), list):
            return f": {_short(', '.join(str(one.get(field)) for one in listed if isinstance(one, dict)))}"
    return ""


def _answer(text: str) -> str:
    """What was answered, in short."""
    parts = []
    for value in parsed(text).values():
        if isinstance(value, dict):
            parts += [f"{key} {_plain(one)}" for key, one in value.items()]
        elif value not in (None, ""):
            parts.append(_plain(value))
    return _short(", ".join(parts))


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
