"""A fresh walk told the events of a log: whether it is a legal walk of that runbook, and we would judge the same.

Values are taken from the records, never from the world. What can be computed again is: each action from the log's own
observations, each verdict from the observation that was recorded, with the same judge.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook.audit.record import Record
from runbook.audit.verdict import Finding, Status
from runbook.drivers.judging import Judge, Seen
from runbook.drivers.preparing import Prepared, Renderer
from runbook.kinds.registry import make
from runbook.language.expressions import Cel
from runbook.language.loading import load
from runbook.language.scope import types_of
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Kind, Registry
from runbook.model.runbook import Effect, Nested, Runbook, Step
from runbook.model.secrets import dereferenced
from runbook.walk import events as e
from runbook.walk.records import MalformedEvent, from_record
from runbook.walk.run_events import Event, RunStarted
from runbook.walk.scope import Scope
from runbook.walk.walk import IllegalEvent, Walk

NOT_A_WALK = Code(
    number="RB546",
    title="not a legal walk",
    why="A fresh walk of the same runbook was told the log's records in order, and refused this one: a step out of "
    "order, an edge that the graph does not have, a change that nobody confirmed, an attempt too many. Either the log "
    "was not written by this program, or it was changed and its hashes were made anew.",
)
OTHER_RUNBOOK = Code(
    number="RB547",
    title="runbook is not the one of the log",
    why="The log names its runbook by the SHA-256 of the file. The file beside the log is missing, or another one, so "
    "nobody can say whether the log is a walk of it.",
)
OTHER_VERDICT = Code(
    number="RB548",
    title="verdict does not follow",
    why="The verdict, or the action, of a step does not follow from what the log says before it: judged again from the "
    "recorded observation it comes out otherwise. The observation or the verdict was changed.",
)
NOT_JUDGED = Code(
    number="RB549",
    title="not judged again",
    why="Some verdicts were taken as they stand: the kind's judge has another number in this version, or the "
    "observation is masked or cut where it matters. The order of the walk was judged all the same.",
    severity=Severity.WARNING,
)

Snapshots = Callable[[str], Path]
"""Where the runbook file of a SHA-256 is kept."""


def runbook_of(started: RunStarted, snapshots: Snapshots, registry: Registry) -> Runbook:
    """The runbook that a log is a walk of, from the file kept beside it.

    :raises Refused: if it is missing, another one, or cannot be read by this version.
    """
    digest = str(next(iter(started.files.values()), ""))
    path = snapshots(digest)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(_other(path, f"the runbook's file is not there: {error.strerror}")) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise Refused(_other(path, "the runbook's file is not the one that the log names"))
    loaded = load(str(path), registry)
    if loaded.runbook is None:
        raise Refused(_other(path, "the runbook's file cannot be read by this version"), *loaded.diagnostics)
    return loaded.runbook


def _other(path: Path, message: str) -> Diagnostic:
    return Diagnostic(code=OTHER_RUNBOOK, message=message, file=str(path), help="put the file of that run there")


class Replay:
    """Judges the records of one log, one after the other."""

    def __init__(self, file: str, snapshots: Snapshots, registry: Registry) -> None:
        self._file = file
        self._snapshots = snapshots
        self._registry = registry
        self.walk: Walk | None = None
        self.findings: list[Finding] = []
        self._renderer: Renderer | None = None
        self._kinds: dict[str, Kind] = {}
        self._unjudged: set[str] = set()
        self._prepared: Prepared | None = None

    def tell(self, line: int, record: Record) -> None:
        """Tell the walk the record of a line (from 1); after the first finding nothing more is looked at."""
        if self.findings or record.type.startswith("x-"):
            return
        try:
            event = from_record(record.type, record.ts, record.mono, record.fields)
            walk = self.walk = self.walk or self._begin(event)
            self._look(walk, event)
            walk.tell(event)
        except IllegalEvent as illegal:
            self._found(NOT_A_WALK, line, f"{illegal.message} (rule: {illegal.rule})")
        except MalformedEvent as malformed:
            self._found(NOT_A_WALK, line, f"{malformed} (rule: record)")
        except _Differs as differs:
            self._found(OTHER_VERDICT, line, str(differs))
        except Refused as refused:
            self.findings += [
                Finding(status=Status.NOT_A_WALK, line=line, diagnostic=diagnostic)
                for diagnostic in refused.diagnostics[:1]
            ]

    def end(self) -> None:
        """There are no more records: say what was not judged."""
        if self._unjudged:
            names = ", ".join(sorted(self._unjudged))
            self.findings.append(
                Finding(
                    status=Status.VALID,
                    strict=Status.NOT_A_WALK,
                    diagnostic=Diagnostic(
                        code=NOT_JUDGED,
                        message=f"not judged again: {names}",
                        file=self._file,
                        help="judge it with the version that wrote it",
                    ),
                )
            )

    def _found(self, code: Code, line: int, message: str) -> None:
        diagnostic = Diagnostic(code=code, message=message, file=self._file, help="trust nothing from this line on")
        self.findings.append(Finding(status=Status.NOT_A_WALK, line=line, diagnostic=diagnostic))

    def _begin(self, event: Event) -> Walk:
        if not isinstance(event, RunStarted):
            raise IllegalEvent("order", "the log does not begin with `run.started`")
        runbook = runbook_of(event, self._snapshots, self._registry)
        self._renderer = Renderer(runbook, self._registry, Cel(types_of(runbook, self._registry)))
        return Walk(runbook, self._registry)

    def _look(self, walk: Walk, event: Event) -> None:
        """Compute again what the event says, where that can be done.

        :raises _Differs: if it comes out otherwise.
        """
        match event:
            case e.StepStarted():
                self._look_at_action(walk, event)
            case e.StepFinished(obs=str()):
                self._look_at_verdict(walk, event)
            case _:
                pass

    def _look_at_action(self, walk: Walk, event: e.StepStarted) -> None:
        visit = walk.visit
        step_id, _, part = event.step.partition(".")
        if visit is None or visit.step.id != step_id:
            return
        again = self._again(walk, visit.step, part)
        if again is not None and again.digest == event.action:
            self._kinds[event.step] = again.kind
            return
        action = json.loads(event.what)
        try:
            fields = {name: dereferenced(value) for name, value in dict(action["fields"]).items()}
            self._kinds[event.step] = make(str(action["kind"]), fields)
        except (KeyError, TypeError, ExpressionError) as error:
            raise _Differs(f"the action of `{event.step}` is none: {error}") from None
        if again is None or "[MASKED:" in event.what or not self._same_version(walk, action):
            self._unjudged.add(event.step)
        else:
            raise _Differs(f"the action of `{event.step}` does not follow from the runbook and what was seen before")

    def _again(self, walk: Walk, step: Step, part: str) -> Prepared | None:
        """The action of a step, or of one inside it, made anew; None where that cannot be done."""
        renderer = self._renderer
        try:
            if renderer is None:
                return None
            if part == "probe":
                return renderer.probe(step, Scope(walk)) if step.probe else None
            if part:
                return self._prepared.nested.get(part) if self._prepared else None
            self._prepared = renderer.prepare(step, Scope(walk))
        except ExpressionError:
            return None
        return self._prepared

    def _look_at_verdict(self, walk: Walk, event: e.StepFinished) -> None:
        renderer, visit, kind = self._renderer, walk.visit, self._kinds.get(event.step)
        if renderer is None or visit is None or kind is None or event.obs is None:
            return
        step = _part(visit.step, event.step)
        if step is None or not self._same_judge(walk, kind):
            self._unjudged.add(event.step)
            return
        value = json.loads(event.obs)
        if not isinstance(value, dict):
            return
        seen = Seen(value=value, masked=event.masked, truncated=event.truncated)
        effect = visit.step.effect if isinstance(step, Step) else Effect.NONE
        try:
            judged = Judge(renderer).judge(step, kind, seen, seen.scope(walk), effect)
        except KeyError:
            self._unjudged.add(event.step)
            return
        if (judged.outcome.value, judged.changed) != (event.outcome, event.changed) and not event.reason.startswith(
            "`save_secret`"
        ):
            raise _Differs(f"`{event.step}` is {event.outcome} in the log, and {judged.outcome.value} judged again")
        saved = json.loads(event.saved) if event.saved else {}
        if saved != judged.saved:
            raise _Differs(f"`{event.step}` saves other values in the log than judged again")

    def _same_judge(self, walk: Walk, kind: Kind) -> bool:
        known = walk.started.kinds.get(kind.NAME) if walk.started else None
        return isinstance(known, Mapping) and known.get("judge") == kind.JUDGE

    def _same_version(self, walk: Walk, action: Mapping[str, object]) -> bool:
        known = walk.started.kinds.get(str(action.get("kind"))) if walk.started else None
        return isinstance(known, Mapping) and known.get("version") == action.get("version")


class _Differs(Exception):  # noqa: N818 - said of a verdict
    """Computed again it comes out otherwise."""


def _part(step: Step, address: str) -> Step | Nested | None:
    """The step of an address: the step itself, its probe, or another one inside it."""
    part = address.partition(".")[2]
    return step if not part else step.probe if part == "probe" else step.nested.get(part)
