"""What a step must be that is repeated, and what must be read of it; one that takes changes back, with some to take."""

from collections.abc import Iterator, Sequence

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.language.tokens import read
from runbook.language.typed import mapping, text, whole
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.model.graph import edges_of
from runbook.model.kind import Automated, KindClass, Registry
from runbook.model.runbook import Runbook, Step

NOT_REPEATED = Code(
    number="RB263",
    title="for_each on a step that no machine performs",
    why="`for_each` repeats what a machine does, with a start, an outcome and records for each element. A person is "
    "not asked the same question a hundred times at three in the morning: one question can name the whole list, and "
    "a checklist can have an item for each.",
)
ONE_BY_ONE = Code(
    number="RB264",
    title="one by one, and several at once",
    why="Where each element is confirmed by itself, the next one begins when the one before is over: nothing runs "
    "behind the back of whoever reads a confirmation. So `at_once` above 1 is of no use beside `each: true`.",
    severity=Severity.WARNING,
)
ONE_AT_A_TIME = Code(
    number="RB266",
    title="several runbooks at once",
    why="A `runbook` step is repeated for one element at a time, as a rolling update is: its steps may ask, and one "
    "thing is on the screen at a time.",
)
NOTHING_TO_TAKE_BACK = Code(
    number="RB265",
    title="an undo of a step that leaves nothing to take back",
    why="A step of kind `undo` walks the undos of what this run has changed. A step that changes nothing, that has no "
    "`undo`, or that no path comes through before, can have left nothing, so the undo would do less than its "
    "author thinks.",
)
UNREAD_FAILURES = Code(
    number="RB283",
    title="failures that are borne and that nobody hears of",
    why="With `max_failures` a step passes though some of its elements failed, or nobody knows what became of them. "
    "The walk goes on as if all was well, and what is left to be mended stands in the log alone. A later step that "
    "reads `failed`, `unknown` or `items` of it can say which elements these are, or lead somewhere else.",
    severity=Severity.WARNING,
)

_COUNTS = frozenset({"items", "passed", "failed", "unknown"})
"""What tells of a step that is repeated whether all of its elements passed."""
_INSTEAD = {
    "assert": "write `that: LIST.all(x, …)`",
    "parallel": "repeat a step of its own, with `at_once`",
    "wait": "repeat a step that looks, with `retry`",
    "checklist": "give it an item for each",
    "finish": "take `for_each` out",
    "undo": "take `for_each` out: it takes back every element by itself",
}
_OTHERWISE = 'ask once about the whole list: `${{ LIST.join(", ") }}`'


def repeating(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Every rule about repetition that a file breaks, in no particular order."""
    for step in steps:
        name = text(step.raw.get("id")) or step.kind.NAME
        each = mapping(step.raw.get("confirm")).get("each") is True
        at_once = whole(mapping(step.raw.get("for_each")).get("at_once"), 1)
        if "for_each" not in step.raw:
            continue
        if not _performed(step):
            message = f"`{step.kind.NAME}` steps cannot be repeated, because no machine performs them"
            help_ = _INSTEAD.get(step.kind.NAME, _OTHERWISE)
            yield _at(document, (*step.path, "for_each"), NOT_REPEATED, message, help_, key=True)
        elif at_once > 1 and step.kind.NAME == "runbook":
            message = f"`{name}` walks another runbook, and would walk {at_once} at once"
            yield _at(document, (*step.path, "for_each", "at_once"), ONE_AT_A_TIME, message, "take `at_once` out")
        elif at_once > 1 and each:
            message = f"`{name}` is confirmed one by one, so that no {at_once} run at once"
            yield _at(document, (*step.path, "for_each", "at_once"), ONE_BY_ONE, message, "take `at_once` out")


def _performed(step: Written) -> bool:
    """Whether a machine performs a step, so that it can be repeated."""
    kind: KindClass = step.kind
    return kind.NAME == "runbook" or (Automated in kind.__mro__ and not kind.asks(step.raw))


def taking_back(runbook: Runbook, document: Document) -> Iterator[Diagnostic]:
    """Every step of kind ``undo`` that names one which leaves nothing to take back."""
    steps = {step.id: step for step in runbook.steps}
    for number, undo in enumerate(runbook.steps):
        if undo.kind != "undo":
            continue
        since, of = undo.fields.get("since"), undo.fields.get("of")
        named: list[tuple[str, Path]] = [(since, ("since",))] if isinstance(since, str) else []
        named += [(str(name), ("of", place)) for place, name in enumerate(of if isinstance(of, list) else [])]
        for name, path in named:
            if name not in steps:
                continue  # that is said elsewhere
            why = _why_nothing(steps[name], undo, runbook, since=path == ("since",))
            if why is not None:
                message = f"`{undo.id}` takes back `{name}`, which {why}"
                help_ = "name a step that changes something before and has an `undo`"
                yield _at(document, ("steps", number, *path), NOTHING_TO_TAKE_BACK, message, help_)


def bearing(runbook: Runbook, document: Document, registry: Registry) -> Iterator[Diagnostic]:
    """Every step that bears failures of which no other step reads."""
    bear = [(number, step) for number, step in enumerate(runbook.steps) if step.for_each and step.for_each.max_failures]
    if not bear:
        return
    from runbook.language.expression_places import ExpressionPlaces, Place  # few files bear any

    read_of: set[str] = set()
    for place in ExpressionPlaces(runbook, document.data, registry).find():
        if isinstance(place, Place):
            reader = place.around.step.id if place.around.step else ""
            read_of |= {name for name in _looked_at(place.source) if name != reader}
    for number, step in bear:
        if step.id not in read_of:
            message = f"`{step.id}` passes with failures in it, and no step reads which"
            help_ = f"have a later step read `steps.{step.id}.failed` or `steps.{step.id}.items`"
            yield _at(document, ("steps", number, "for_each", "max_failures"), UNREAD_FAILURES, message, help_)


def _looked_at(source: str) -> Iterator[str]:
    """The steps of which an expression reads how their elements ended."""
    for mention in read(source).mentions:
        match mention.parts:
            case ("steps", name, field, *_) if field in _COUNTS:
                yield name
            case ("last", name, *_):
                yield name
            case _:
                pass


def _why_nothing(step: Step, undo: Step, runbook: Runbook, *, since: bool) -> str | None:
    """Why a step leaves nothing to take back; None if it may."""
    walked = list(_inside(step, runbook))
    if not any(each.effect.changes for each in walked):
        return "changes nothing"
    if not since and all(each.undo is None for each in walked):
        return "has no undo"
    following: dict[str, list[str]] = {}
    for edge in edges_of(runbook):
        following.setdefault(edge.source, []).append(edge.target)
    seen: set[str] = set()
    todo = list(following.get(step.id, ()))
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += following.get(here, ())
    return None if undo.id in seen else "cannot have run by then"


def _inside(step: Step, runbook: Runbook) -> Iterator[Step]:
    """A step, and those of the runbook that it walks."""
    yield step
    inner = runbook.included.get(step.id)
    for other in inner.steps if inner is not None else ():
        yield from _inside(other, inner or runbook)


def _at(document: Document, path: Path, code: Code, message: str, help_: str, *, key: bool = False) -> Diagnostic:
    span = document.key_span(path) if key else document.span(path)
    return Diagnostic(code=code, message=message, file=document.file, span=span, help=help_)
