"""A walk that is led along a way: an operator, a world and a past that answer so that each step goes as it should."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from runbook.audit.starts import Start
from runbook.drivers.guarding import Wanted
from runbook.drivers.imagining import Imagination
from runbook.drivers.operator import Act, Hand, Idle, No, Place, Request, Settle, Shown, Sought, Yes
from runbook.drivers.past import described, forbidden
from runbook.drivers.unattended import Unattended
from runbook.model.canonical import Json, JsonObject
from runbook.model.clock import Clock
from runbook.model.graph import FAILED, PASSED, REFUSED, UNDO, UNKNOWN, Edge, options_of
from runbook.model.io import Lost, NotSent, Performs
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Question
from runbook.model.runbook import Input, Nested, Outcome, Step
from runbook.walk import including
from runbook.walk.actions import AskOperator, Choice
from runbook.walk.walk import Walk
from runbook.world.clock import later

_LONGEST = 80
_MINUTE = 60_000


class Astray(Exception):  # noqa: N818 - named for what happened
    """The walk went another way than it was led, or comes to something that nobody can answer here."""


class Guide(Unattended):
    """The operator who leads.

    :param way: the edges to be walked; ``edge`` is the one that it is about.
    :param guess: a value that a field of a form takes; None where none is known.
    """

    def __init__(self, way: Sequence[Edge], edge: Edge, clock: Clock, guess: Callable[[Input], Json]) -> None:
        super().__init__(clock)
        self._way = way
        self._edge = edge
        self._guess = guess
        self._walk: Walk | None = None
        self._undone = False
        self._tried: set[tuple[str, int, str]] = set()

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return "scenario"

    def via(self) -> str:
        """By which edge the step is to be left that the run is in."""
        walk = self._walk
        if walk is None or not walk.path:
            return PASSED
        place, (at, _) = len(walk.path) - 1, walk.path[-1]
        if place > _LONGEST:
            raise Astray("the walk goes round in a circle")
        if place < len(self._way):
            if self._way[place].source != at:
                raise Astray(f"the walk came to `{at}` in place of `{self._way[place].source}`")
            return self._way[place].via
        return PASSED

    def later(self) -> Sequence[tuple[str, bool]]:
        """The conditions of the steps to come on the way, and whether they should hold."""
        walk = self._walk
        return [] if walk is None else [*_conditions(self._way[len(walk.path) :], walk)]

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Meet the walk."""
        super().attach(walk, idle)
        self._walk = walk

    def arrive(self, place: Place) -> None:
        """See whether this is the way."""
        del place
        self.via()

    def take(self, place: Place, shown: Shown) -> Outcome | Hand:
        """It has passed."""
        del place, shown
        return Outcome.PASSED

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Yes; but where a change before is to be taken back, no."""
        if self._takes_back() and not place.step.id.endswith(".undo"):
            return No(reason="first what was done before is taken back")
        return Yes(reason="as the runbook says" if request.reason_required else None)

    def _takes_back(self) -> bool:
        walk = self._walk
        changed = walk is not None and any(change.step == self._edge.source for change in walk.changes)
        return self._edge.via == UNDO and not self._undone and changed

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Whoever may approve does."""
        del ms
        if sought.over():
            return None
        for name in sought.members:
            if name not in sought.given and (sought.request, 0, name) not in self._tried:
                self._tried.add((sought.request, 0, name))
                return name
        raise Astray(f"nobody is left who may approve `{place.address}`")

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """What leads on."""
        fails = self.via() == FAILED
        match question:
            case AskDone() | AskSent():
                said = {"evidence": "seen"} if isinstance(question, AskDone) and question.evidence == "required" else {}
                return {"outcome": "failed" if fails else "done", **said}
            case AskYes():
                yes: JsonObject = {"confirm": "no" if fails else question.phrase or "yes"}
                return {**yes, "reason": "as the runbook says"} if question.reason_required else yes
            case AskChoice():
                wanted = self.via().removeprefix("option:")
                if wanted not in {option.id for option in question.options}:
                    wanted = question.options[0].id if question.options and self._inside(place) else wanted
                return {"choose": wanted}
            case AskForm():
                filled = {each.name: self._guess(each) for each in question.fields}
                return {"fields": {name: value for name, value in filled.items() if value is not None}}
            case AskItems():
                items = [item.id for item in question.items if not item.checked]
                ticked: dict[str, Json] = dict.fromkeys(items, "yes")
                if fails and items:
                    ticked[items[0]] = "no"
                return {"items": ticked}

    @staticmethod
    def _inside(place: Place) -> bool:
        return bool(place.prefix)

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Take back what is to be taken back, or leave."""
        if Choice.SETTLE in asked.choices:
            wanted = {FAILED: Outcome.FAILED, UNKNOWN: Outcome.UNKNOWN}.get(self.via(), Outcome.PASSED)
            return Settle(outcome=wanted, evidence="looked at by hand")
        if self._takes_back() and Choice.UNDO in asked.choices:
            self._undone = True
            return Act(do="undo")
        if self._undone or self._edge.via == REFUSED:
            return Act(do="abort", reason="that was what there is to see")
        raise Astray(f"`{place.address}` does not go on: {asked.because}")

    def correct(self, place: Place, problem: str) -> None:
        """What is made up does not fit.

        :raises Astray: always.
        """
        raise Astray(f"nobody knows what to answer at `{place.address}`: {problem}")


class GuidedWorld:
    """A world that shows what leads on."""

    def __init__(self, walk: Walk, guide: Guide, imagination: Imagination, clock: Clock) -> None:
        self._walk = walk
        self._guide = guide
        self._imagination = imagination
        self._clock = clock

    def perform(self, address: str, kind: Performs, timeout: int | None, *, changes: bool = False) -> JsonObject:
        """See something with which the step goes the way that it should.

        :raises WorldError: where it goes that way because nothing is seen.
        """
        del changes, timeout
        inmost = including.chain(self._walk)[-1]
        visit, rest = inmost.visit, address.rpartition("/")[2]
        part = rest.partition(".")[2]
        if visit is None:  # pragma: no cover - what is performed is visited
            raise AssertionError(address)
        step: Step | Nested | None = visit.step
        if part:
            step = {"probe": visit.step.probe, "undo": visit.step.undo, **visit.step.nested}.get(part)
        if visit.undoes is not None or step is None:
            step = visit.step
        wanted = Outcome.PASSED
        via = self._guide.via()
        if via == UNKNOWN and not part and visit.undoes is None:
            raise Lost("the connection was lost before the answer was there")
        if via in {FAILED, UNKNOWN} and part != "undo" and visit.undoes is None:
            wanted = Outcome.FAILED
        element = inmost.visit_of(rest.partition(".")[0]) or visit
        seen = self._imagination.observation(inmost, element, step, kind, wanted=wanted, later=self._guide.later())
        if seen is not None:
            return seen
        if wanted is Outcome.FAILED:
            raise NotSent("it could not be done at all")
        raise Astray(f"nobody knows what `{address}` sees when it passes")

    def cancel(self, level: int) -> None:
        """Nothing runs."""


class GuidedPast:
    """A past in which no guard refuses anything but what it should."""

    def __init__(self, edge: Edge, runbook: str) -> None:
        self._refuses = edge.source if edge.via == REFUSED else None
        self._runbook = runbook

    def forbids(self, key: str, window: int, now: str) -> str | None:
        """Why a step of that key may not start."""
        if self._refuses is None:
            return None
        ts = later(now, -_MINUTE)
        start = Start(key=key, run="a-minute-ago", runbook=self._runbook, step=self._refuses, operator="ben", ts=ts)
        return forbidden(start, window, now)

    def reserve(self, wanted: Mapping[str, int | None], start: Start) -> Mapping[str, str]:
        """Count nothing."""
        said = {key: self.forbids(key, window, start.ts) for key, window in wanted.items() if window is not None}
        return {key: why for key, why in said.items() if why is not None and start.step == self._refuses}

    def lacks(self, wanted: Wanted, now: str) -> str | None:
        """Why no run is there that is wanted."""
        del now
        if self._refuses is None:
            return None
        return f"there is no {described(wanted).removeprefix('a ')}"


def _conditions(way: Sequence[Edge], walk: Walk) -> Iterator[tuple[str, bool]]:
    """What should hold, and what should not, so that these edges are walked."""
    for edge in way:
        step = walk.steps[edge.source]
        if step.when is not None:
            yield step.when, True
        that = step.fields.get("that")
        if step.kind == "assert" and isinstance(that, str):
            yield that, edge.via == PASSED
        chosen = edge.via.removeprefix("option:")
        for option in options_of(step):
            when = option.get("when")
            if isinstance(when, str):
                yield when, option["id"] == chosen
            if option["id"] == chosen:
                break
