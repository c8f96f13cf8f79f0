"""A run's log as a scenario: what each attempt saw, what was answered and done, and how it ended.

Everything comes from the log, so what is masked or cut there is masked or cut here. What a scenario cannot tell is said
in a comment: somebody who skips a step in the middle of a question, stops a wait, or begins elsewhere.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime

from runbook.audit.record import END, Record
from runbook.drivers.retelling import event_of
from runbook.drivers.scoring import path_of
from runbook.kinds.registry import KINDS
from runbook.language.drafting import Draft
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.durations import spoken
from runbook.model.kind import Automated
from runbook.model.runbook import Mode, Nested, Runbook, Step
from runbook.walk import events as e
from runbook.walk import including
from runbook.walk import run_events as r
from runbook.walk.run_events import Event
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

NOT_CAPTURED = Code(
    number="RB359",
    title="run that is no scenario",
    why="A scenario tells what a run saw, from its log. A log that is not a legal walk of its runbook tells nothing "
    "that can be trusted, and a dry run has not seen what its changes would have done.",
)
_ELSEWHERE = re.compile(r"was started .*? ago \((?P<ts>[0-9T:.Z-]+)\) by .*?, `(?P<step>[^`]+)` of run (?P<run>[^ ;]+)")
_LATE = re.compile(r"^no answer|did not end within")
_BY_OTHERS = frozenset({"probe", "file"})
_ONLY_NOTED = frozenset({"pause", "interrupt", "check_now"})


def capture(records: Sequence[Record], runbook: Runbook, path: str) -> Draft:
    """The scenario that a run was.

    :param records: all of its log, a legal walk of the runbook.
    :param path: the runbook's file, as the scenario shall name it.
    :raises Refused: if it is a dry run.
    """
    walk = Walk(runbook, KINDS)
    captured = _Capture(walk)
    for record in records:
        if (event := event_of(record)) is not None:
            captured.follow(event)
    started = walk.started
    if started is None or walk.mode is Mode.DRY:
        message = "a dry run has not seen what it only showed"
        raise Refused(Diagnostic(code=NOT_CAPTURED, message=message, help="capture a live run, or a drill"))
    return Draft(
        runbook=path,
        title=f"What happened in {started.run}",
        briefing=f"{runbook.title}{f', {started.incident}' if started.incident else ''}.",
        environment=walk.environment,
        inputs=walk.inputs,
        past=captured.past,
        world=captured.world,
        answers=[entry for entries in captured.answers.values() for entry in entries if len(entry) > 1],
        expect={
            **({"finish": walk.finish.value} if walk.finish else {}),
            "path": [each.step for each in path_of(records)],
        },
        comments=[
            f"Captured from run {started.run} of {started.ts[:10]}: read it, and write the briefing.",
            *([] if records[-1].type == END else ["The run is not over: what it ended with is not expected."]),
            *captured.comments,
        ],
    )


class _Capture:
    """What was found in the records so far."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.world: dict[str, list[JsonObject]] = {}
        self.answers: dict[tuple[str, int], list[JsonObject]] = {}
        self.past: list[JsonObject] = []
        self.comments: list[str] = []
        self._began: dict[str, int] = {}
        self._phrases: dict[str, str] = {}
        self._runs: set[str] = set()

    def follow(self, event: Event) -> None:
        """Take one event, and then let the walk know it."""
        match event:
            case e.StepStarted():
                self._began[event.step] = event.mono
            case e.StepFinished() if event.attempt:
                self._finished(event)
            case e.StepUnknown():
                if self._performed(event.step):
                    trouble = "timeout" if _LATE.search(event.reason) else "lost"
                    self._saw(event.step, {trouble: event.reason}, event.mono)
            case e.ConfirmationRequested():
                self._phrases[event.step] = event.phrase or "yes"
            case e.QuestionAsked():
                self._phrases[event.step] = json.loads(event.question).get("phrase") or "yes"
            case e.ConfirmationGiven():
                self._said(event, confirm=self._phrases.get(event.step, "yes"), reason=event.reason)
            case e.ConfirmationRefused():
                self._said(event, confirm="no", reason=event.reason)
            case e.AnswerGiven():
                self._answered(event)
            case e.ApprovalGiven():
                entry = self._entry(event.step, event.visit)
                approvals = entry.setdefault("approvals", [])
                if isinstance(approvals, list) and event.approver not in approvals:
                    approvals.append(event.approver)
            case e.StepSettled() if event.by not in _BY_OTHERS:
                self._said(event, settle=event.outcome, evidence=event.evidence)
            case e.GuardChecked():
                self._guarded(event)
            case r.OperatorActed():
                self._acted(event)
            case r.DeviationRecorded(deviation="start_at"):
                self.comments.append(f"The run began at `{event.to}`; a scenario begins at the first step.")
            case _:
                pass
        self._walk.tell(event)

    # What a machine saw

    def _finished(self, event: e.StepFinished) -> None:
        if not self._performed(event.step):
            return
        if event.obs is None:
            self._saw(event.step, {"error": event.reason}, event.mono)
            return
        seen = json.loads(event.obs)
        self._saw(event.step, seen if isinstance(seen, dict) else {}, event.mono)
        number = len(self.world[event.step])
        for what, paths in (("masked", event.masked), ("cut", event.truncated)):
            if paths:
                named = ", ".join(path or "some of its fields" for path in paths)
                self.comments.append(f"Of `{event.step}`, entry {number}, the log holds {what}: {named}")

    def _saw(self, address: str, entry: JsonObject, mono: int) -> None:
        took = mono - self._began.get(address, mono)
        late = {"delay": f"{took // 1_000}s"} if took >= 1_000 and "timeout" not in entry else {}
        self.world.setdefault(address, []).append({**entry, **late})

    def _performed(self, address: str) -> bool:
        """Whether a machine did something at an address, and not somebody, or only its parts."""
        found = _at(address, self._walk.runbook)
        if found is None:
            return False
        kind = KINDS[found.kind]
        loop = isinstance(found, Step) and found.for_each is not None and "[" not in address
        return Automated in kind.__mro__ and not kind.asks(found.fields) and not loop

    # What somebody said

    def _entry(self, step: str, visit: int) -> JsonObject:
        return self.answers.setdefault((step, visit), [{"step": step}])[-1]

    def _said(self, event: e.StepEvent, **said: str | None) -> None:
        self._entry(event.step, event.visit).update({key: text for key, text in said.items() if text is not None})

    def _answered(self, event: e.AnswerGiven) -> None:
        answer = json.loads(event.answer)
        found = _at(event.step, self._walk.runbook)
        nested = found.nested if isinstance(found, Step) else {}
        given: JsonObject = {}
        if answer.get("confirm") == "yes":
            answer["confirm"] = self._phrases.get(event.step, "yes")
        for key, value in answer.items():
            listed = key in {"items", "notes"} and isinstance(value, dict)
            said = {item: of for item, of in value.items() if item not in nested} if listed else value
            if said not in (None, {}):
                given[key] = said
        if "outcome" in given and given["outcome"] == "failed" and "evidence" in given:
            given.setdefault("reason", given["evidence"])
        self._entry(event.step, event.visit).update(given)

    def _acted(self, event: r.OperatorActed) -> None:
        if event.do in _ONLY_NOTED:
            return
        inmost = including.chain(self._walk)[-1]
        address = event.step or ""
        inside = inmost.visit_of(address.removeprefix(inmost.prefix))
        phase = inside.phase if inside is not None else None
        if event.step is None or event.visit is None or event.source == "inbox":
            self.comments.append(f"At {spoken(event.mono)} somebody did `{event.do}` from elsewhere; write it by hand.")
            return
        entry = self._entry(event.step, event.visit)
        if phase is Phase.CONFIRMING:
            entry["confirm"] = "no"
        elif phase not in {Phase.REFUSED, Phase.STUCK, Phase.UNKNOWN}:
            self.comments.append(
                f"`{event.step}` (visit {event.visit}) was left by `{event.do}` before it asked what to do; a scenario "
                "says that only where the walk cannot go on by itself, so it has to be walked another way."
            )
            return
        if "do" in entry:
            self.comments.append(f"In visit {event.visit} of `{event.step}` more was done than one entry can say.")
        acted: JsonObject = {"do": event.do}
        acted |= {"to": event.to} if event.to else {}
        acted |= {"reason": event.reason} if event.reason else {}
        entry.update(acted)
        if event.do == "undo":
            self.answers[event.step, event.visit].append({"step": event.step})

    # What guards saw of other runs

    def _guarded(self, event: e.GuardChecked) -> None:
        step = _at(event.step, self._walk.runbook)
        started = self._walk.started
        if started is None or not isinstance(step, Step):
            return
        told = _ELSEWHERE.search(event.reason) if not event.held else None
        if told is not None and told["run"] != started.run and told["run"] not in self._runs:
            self._runs.add(told["run"])
            began = datetime.fromisoformat(started.ts) - datetime.fromisoformat(told["ts"])
            ago = max(int(began.total_seconds()), 0)
            own: list[Json] = [{"step": told["step"], "key": event.key}]
            self.past.append({"run": told["run"], "ago": f"{ago}s", "started": own, **self._place()})
        rule = step.guards[event.guard].rule.get("requires_run")
        wanted = f"needed-by-{event.step}-{event.guard}".replace("_", "-").replace("/", "-")
        if event.held and isinstance(rule, dict) and wanted not in self._runs:
            self._runs.add(wanted)
            passed: list[Json] = [rule.get("step") or event.step]
            book = {"runbook": rule["runbook"]} if "runbook" in rule else {}
            environment = rule.get("environment") or self._walk.environment
            place = {"environment": environment} if environment else {}
            run = {"run": wanted, "ago": "1s", "finish": rule.get("finish") or "resolved", "passed": passed}
            self.past.append({**run, **book, **place})

    def _place(self) -> JsonObject:
        return {"environment": self._walk.environment} if self._walk.environment else {}


def _at(address: str, runbook: Runbook) -> Step | Nested | None:
    """The step at an address, or the one nested in it."""
    step, part = runbook.at(address), address.rpartition("/")[2].partition(".")[2]
    if step is None or not part:
        return step
    nested: dict[str, Nested | None] = {"undo": step.undo, "probe": step.probe, **step.nested}
    return nested.get(part)
