"""The operator of an answers file or a scenario: says what was written down beforehand, and nothing else.

Entries are used in order for each address; one entry serves one visit with all its questions. A question without an
answer pauses the run; nothing is ever answered yes by default.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from runbook.drivers.operator import Act, Hand, Idle, No, Place, Request, Settle, Yes
from runbook.language.near import nearest
from runbook.model.address import owner_of
from runbook.model.answers import Answer, Answers
from runbook.model.canonical import Json, JsonObject
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Span
from runbook.model.kind import Preview
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Question
from runbook.model.runbook import Outcome, Runbook, Step
from runbook.walk.actions import AskOperator, Choice
from runbook.walk.rules import requirement
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk

RB300 = Code(
    number="RB300",
    title="answer for an unknown address",
    why="An answer names a step that is not in the runbook. It could never be used, and a run that counts on it would "
    "stop in the middle; so the walk does not begin. An address is a step's id, or `ID.ITEM` for an item of a "
    "checklist.",
)
RB301 = Code(
    number="RB301",
    title="answer does not fit its step",
    why="An answer can never be the answer to what its step asks: a `yes` where a phrase must be typed, an option or "
    "an item that the step does not have. Confirmations fail closed, so the walk does not begin with it.",
)
RB302 = Code(
    number="RB302",
    title="answer was never used",
    why="The walk is over and did not come to a question that this entry would have answered. The walk took another "
    "way than the file's author thought; read the path.",
)


class AnswersOperator:
    """Says what an answers file says.

    :param clock: lets time pass while the walk waits.
    :param source: ``answers``, or ``scenario``.
    """

    def __init__(self, entries: Iterable[Answer], clock: Clock, source: str = "answers") -> None:
        self._entries: dict[str, deque[Answer]] = {}
        for entry in entries:
            self._entries.setdefault(entry.step, deque()).append(entry)
        self._clock = clock
        self._source = source
        self._visit: tuple[str, int] | None = None
        self._current: Answer | None = None
        self._acted = False
        self._problem = ""
        self._idle: Idle = lambda: None

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return self._source

    def unused(self) -> list[Answer]:
        """The entries that answered nothing, in file order."""
        left = [entry for entries in self._entries.values() for entry in entries]
        return sorted(left, key=lambda entry: entry.span)

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Nothing is to be known of the walk."""
        del walk
        self._idle = idle

    def show(self, event: Event) -> None:
        """Nobody looks."""

    def arrive(self, place: Place) -> None:
        """Begin a visit: its entry is taken when something is asked."""
        self._visit, self._current, self._acted, self._problem = (place.step.id, place.visit), None, False, ""

    def ready(self, place: Place, preview: Preview) -> Hand | None:
        """What needs no confirmation starts."""
        del place, preview
        return None

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Confirm with exactly what the file gives."""
        entry = self._entry(place)
        given = None if entry is None else entry.confirm
        if entry is None or given is None or self._problem:
            return self._pause(f"the confirmation of `{place.step.id}`")
        if request.reason_required and not (entry.reason or "").strip():
            return self._pause(f"the reason for `{place.step.id}`")
        if given == (request.phrase or "yes"):
            return Yes(reason=entry.reason)
        said = "answered no" if given == "no" else "another phrase was given"
        return No(reason=entry.reason or said)

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Answer what the step asks, if the file does."""
        entry = self._entry(place)
        given = None if entry is None or self._problem else self._given(place.step, entry, question)
        return self._pause(f"the question of `{place.step.id}`") if given is None else given

    def _given(self, step: Step, entry: Answer, question: Question) -> JsonObject | None:
        match question:
            case AskDone() | AskSent():
                return (entry.outcome and {"outcome": entry.outcome, "evidence": entry.evidence}) or None
            case AskYes():
                return (entry.confirm and {"confirm": entry.confirm, "reason": entry.reason}) or None
            case AskChoice():
                return (entry.choose and {"choose": entry.choose}) or None
            case AskForm():
                return {"fields": dict(entry.fields)} if entry.fields else None
            case AskItems(items=items):
                given: dict[str, Json] = dict(entry.items)
                for item in items:
                    own = self._entries.get(f"{step.id}.{item.id}")
                    if own and item.id not in given and own[0].confirm is not None:
                        given[item.id] = own.popleft().confirm
                missing = [item.id for item in items if item.id not in given and not item.checked]
                return None if missing else {"items": given, "notes": dict(entry.notes)}

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Do what the file says where the walk cannot go on by itself."""
        entry = self._entry(place)
        if entry is not None and not self._acted and not self._problem:
            if Choice.SETTLE in asked.choices and entry.settle is not None:
                return Settle(outcome=Outcome(entry.settle), evidence=entry.evidence or entry.reason or "")
            if entry.do is not None and entry.do in {choice.value for choice in asked.choices}:
                self._acted = True
                return Act(do=entry.do, to=entry.to, reason=entry.reason)
        return self._pause(f"what to do at `{place.step.id}` ({asked.because})")

    def correct(self, place: Place, problem: str) -> None:
        """What was given does not fit; there is no other answer."""
        del place
        self._problem = problem

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let the time pass."""
        del place, due
        self._clock.wait(ms)
        return self._idle()

    def output(self, stream: str, chunk: bytes) -> None:
        """Nobody looks."""

    def working(self, elapsed_ms: int) -> None:
        """Nobody looks."""

    def _entry(self, place: Place) -> Answer | None:
        """The entry of the present visit; taken when it is first needed."""
        here = (place.step.id, place.visit)
        if self._visit != here:
            self.arrive(place)
        if self._current is None:
            waiting = self._entries.get(place.step.id)
            self._current = waiting.popleft() if waiting else None
        return self._current

    def _pause(self, what: str) -> Act:
        problem = f"; the one that there is does not fit: {self._problem}" if self._problem else ""
        return Act(do="pause", reason=f"no answer to {what}{problem}")


def look_over(answers: Answers, runbook: Runbook) -> list[Diagnostic]:
    """What is wrong with an answers file before the walk begins."""
    steps: Mapping[str, Step] = {step.id: step for step in runbook.steps}
    found = []
    for entry in answers.entries:
        step = steps.get(owner_of(entry.step))
        part = entry.step.partition(".")[2]
        if step is None or (part and part not in {*_items(step), "probe", "until", "undo"}):
            near = nearest(entry.step, list(steps))
            found.append(
                _diagnostic(
                    RB300,
                    f"there is no step `{entry.step}` in `{runbook.id}`",
                    answers.file,
                    entry.span,
                    f"did you mean `{near}`?" if near else "name a step of the runbook",
                )
            )
            continue
        problem = _misfit(entry, step, runbook)
        if problem is not None:
            found.append(_diagnostic(RB301, problem[0], answers.file, entry.span, problem[1]))
    return found


def _diagnostic(code: Code, message: str, file: str, span: Span, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, file=file, span=span, help=help_)


def _items(step: Step) -> list[str]:
    items = step.fields.get("items")
    return [str(item["id"]) for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _misfit(entry: Answer, step: Step, runbook: Runbook) -> tuple[str, str] | None:
    """Why an answer can never be right for its step, and what to write."""
    asked = step.confirm if step.kind == "gate" else requirement(step, runbook)
    if entry.confirm == "yes" and asked is not None and asked.phrase is not None and "." not in entry.step:
        return f"`{step.id}` wants its phrase typed, and `yes` is given", f"write the phrase: {asked.phrase}"
    options = step.fields.get("options")
    if entry.choose is not None and isinstance(options, list):
        ids = [str(option["id"]) for option in options if isinstance(option, dict)]
        if entry.choose not in ids:
            return f"`{step.id}` has no option `{entry.choose}`", f"choose one of {', '.join(ids)}"
    for item in entry.items:
        if item not in _items(step):
            return f"`{step.id}` has no item `{item}`", f"its items are {', '.join(_items(step)) or 'none'}"
    if entry.do == "undo":
        return "`do: undo` is not walked by this version yet", "abort, and take the changes back by hand"
    if entry.do == "go_to" and entry.to not in {other.id for other in runbook.steps}:
        return f"`do: go_to` names no step: `{entry.to}`", "write `to:` with the id of a step"
    return None
