"""The operator of an answers file or a scenario: says what was written down beforehand, and nothing else.

Entries are used in order for each address; one entry serves one visit with all its questions. An item of a checklist
may have entries of its own. A question without an answer pauses the run; nothing is ever answered yes by default. A
reason and an evidence stand on record beside the answer, also where nothing demands them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from runbook.drivers.operator import Act, Hand, No, Place, Request, Settle, Shown, Sought, Yes
from runbook.drivers.unattended import Unattended
from runbook.model.answers import Answer
from runbook.model.canonical import Json, JsonObject
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Severity
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Item, Question
from runbook.model.runbook import Outcome
from runbook.walk.actions import AskOperator, Choice

RB302 = Code(
    number="RB302",
    title="answer was never used",
    why="The walk is over and did not come to a question that this entry would have answered. The walk took another "
    "way than the file's author thought; read the path.",
    severity=Severity.WARNING,
)


class AnswersOperator(Unattended):
    """Says what an answers file says.

    :param clock: lets time pass while the walk waits.
    :param source: ``answers``, or ``scenario``.
    """

    def __init__(self, entries: Iterable[Answer], clock: Clock, source: str = "answers") -> None:
        super().__init__(clock)
        self._entries: dict[str, deque[Answer]] = {}
        for entry in entries:
            self._entries.setdefault(entry.step, deque()).append(entry)
        self._source = source
        self._taken: dict[tuple[str, int], Answer | None] = {}
        self._acted: set[tuple[str, int]] = set()
        self._approved: Counter[tuple[str, int]] = Counter()
        self._problems: dict[tuple[str, int], str] = {}

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return self._source

    def unused(self) -> list[Answer]:
        """The entries that answered nothing, in file order."""
        left = [entry for entries in self._entries.values() for entry in entries]
        return sorted(left, key=lambda entry: entry.span)

    def arrive(self, place: Place) -> None:
        """A visit begins: its entry is taken when something is asked, and kept while runbooks inside are walked."""
        del place

    def take(self, place: Place, shown: Shown) -> Outcome | Hand:
        """Take what is only shown as the file says; as passed where it says nothing."""
        del shown
        entry = self._entry(place)
        if entry is None:
            return Outcome.PASSED
        if entry.settle is not None:
            return Outcome(entry.settle)
        return Outcome.FAILED if entry.outcome == "failed" or entry.confirm == "no" else Outcome.PASSED

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Confirm with exactly what the file gives."""
        entry = self._entry(place)
        given = None if entry is None else entry.confirm
        if entry is None or given is None or self._problem(place):
            return self._pause(place, f"the confirmation of `{place.address}`")
        if given != "no" and request.reason_required and not (entry.reason or "").strip():
            return self._pause(place, f"the reason for `{place.address}`")
        if given == (request.phrase or "yes") and given != "no":
            return Yes(reason=entry.reason)
        said = "answered no" if given == "no" else "another phrase was given"
        return No(reason=entry.reason or said)

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Nobody waits here: what has not arrived by now is waited for without us.

        Where a scenario says what is done when too few approve, the request is left to expire.
        """
        if (act := self._idle()) is not None or sought.over():
            return act
        entry = self._entry(place)
        acts = entry is not None and entry.do is not None and (place.address, place.visit) not in self._acted
        if acts and self._source == "scenario":
            self._clock.wait(ms)
            return None
        how = f": runbook approve {sought.file}" if sought.file else ""
        missing = sought.count - len(sought.given)
        return Act(do="pause", reason=f"`{place.address}` waits for {missing} more to approve{how}")

    def declined(self, place: Place) -> Mapping[str, str]:
        """Whom a scenario names who refuses to approve in a visit, and why."""
        entry = self._entry(place)
        return entry.refusals if entry is not None else {}

    def next(self, place: Place, sought: Sought) -> str | None:
        """Whom a scenario names who approves next in a visit; None if nobody does."""
        del sought
        entry = self._entry(place)
        names = entry.approvals if entry is not None else ()
        visit = (place.address, place.visit)
        if self._approved[visit] >= len(names):
            return None
        self._approved[visit] += 1
        return names[self._approved[visit] - 1]

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Answer what the step asks, if the file does."""
        if isinstance(question, AskItems):
            return self._ticked(place, question.items)
        entry = self._entry(place)
        given = None if entry is None or self._problem(place) else _given(entry, question)
        if entry is None or given is None:
            return self._pause(place, f"the question of `{place.address}`")
        return given | _remarks(entry)

    def _ticked(self, place: Place, items: Sequence[Item]) -> JsonObject | Hand:
        """The answers to the items of a checklist: those of its entry, and of the entries of single items."""
        whole = self._entry(place)
        given: dict[str, Json] = dict(whole.items) if whole else {}
        notes: dict[str, Json] = dict(whole.notes) if whole else {}
        for item in items:
            if item.id in given or item.checked:
                continue
            own = self._entry(place, f".{item.id}")
            if own is not None:
                given[item.id] = own.confirm
                notes |= {item.id: own.reason} if own.reason else {}
        missing = [f"`{item.id}`" for item in items if item.id not in given and not item.checked]
        if missing or self._problem(place):
            which = f" {', '.join(missing)} in" if missing and given else ""
            return self._pause(place, f"the question of{which} `{place.address}`")
        return {"items": given, "notes": notes} | (_remarks(whole) if whole else {})

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Do what the file says where the walk cannot go on by itself."""
        entry = self._entry(place)
        visit = (place.address, place.visit)
        if entry is not None and visit not in self._acted and not self._problem(place):
            if Choice.SETTLE in asked.choices and entry.settle is not None:
                return Settle(outcome=Outcome(entry.settle), evidence=entry.evidence or entry.reason or "")
            if entry.do is not None and entry.do in {choice.value for choice in asked.choices}:
                if entry.do == "undo":
                    del self._taken[visit]  # afterwards the visit is asked about anew
                else:
                    self._acted.add(visit)
                return Act(do=entry.do, to=entry.to, reason=entry.reason)
        return self._pause(place, f"what to do at `{place.address}` ({asked.because})")

    def correct(self, place: Place, problem: str) -> None:
        """What was given does not fit; there is no other answer."""
        self._problems[place.address, place.visit] = problem

    def _entry(self, place: Place, part: str = "") -> Answer | None:
        """The entry of the present visit, or of an item in it; taken when it is first needed."""
        address = place.address + part
        if (address, place.visit) not in self._taken:
            waiting = self._entries.get(address)
            self._taken[address, place.visit] = waiting.popleft() if waiting else None
        return self._taken[address, place.visit]

    def _problem(self, place: Place) -> str:
        """Why what was given in a visit does not fit; empty if it does."""
        return self._problems.get((place.address, place.visit), "")

    def _pause(self, place: Place, what: str) -> Act:
        given = self._problem(place)
        problem = f"; the one that there is does not fit: {given}" if given else ""
        return Act(do="pause", reason=f"no answer to {what}{problem}")


def _given(entry: Answer, question: AskDone | AskSent | AskYes | AskChoice | AskForm) -> JsonObject | None:
    """The part of an entry that answers a question; None if none does."""
    match question:
        case AskDone() | AskSent():
            shown = entry.evidence or (entry.reason if entry.outcome == "failed" else None)
            said = {"evidence": shown} if shown else {}
            return None if entry.outcome is None else {"outcome": entry.outcome, **said}
        case AskYes():
            return None if entry.confirm is None else {"confirm": entry.confirm}
        case AskChoice():
            return None if entry.choose is None else {"choose": entry.choose}
        case AskForm():
            return None if entry.fields is None else {"fields": dict(entry.fields)}


def _remarks(entry: Answer) -> JsonObject:
    """What an entry says beside its answer."""
    said = {"evidence": entry.evidence, "reason": entry.reason}
    return {key: text for key, text in said.items() if text is not None}
