"""Who walks, as a session sees it: somebody who can be shown things, asked, and who may take the walk in hand.

A terminal is one, an answers file another. Every method that asks may return an :class:`Act` in place of an answer; an
operator who has no answer pauses the run. Nothing is ever answered yes by default.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Preview
from runbook.model.question import Question
from runbook.model.runbook import Outcome, Step
from runbook.walk.actions import AskOperator
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that an operator does to the walk: one of ``HANDS`` in ``walk/tables.py``, with its reason.

    ``by`` and ``inbox`` are set where another process asked for it; only such a one may ``hand_over``.
    """

    do: str
    reason: str | None = None
    to: str | None = None
    by: str | None = None
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to write down: ``kind`` is ``note``, ``decision``, ``hypothesis`` or ``communication``."""

    kind: str
    text: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """What an operator found out about an unknown outcome: ``passed``, ``failed`` or still ``unknown``."""

    outcome: Outcome
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Yes:
    """The action is confirmed."""

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """The action is not confirmed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the walk is, as a person reads it: the step, its visit, and its texts with their values in them.

    ``prefix`` is what stands before the addresses of the walk, where it is inside another: ``outer/``.
    """

    step: Step
    visit: int
    title: str
    description: str = ""
    prefix: str = ""

    @property
    def address(self) -> str:
        """The address of the step in the run."""
        return self.prefix + self.step.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be confirmed: what would be done, how it would be taken back, and what must be typed.

    ``phrase`` None asks for yes or no. ``stale`` says why an earlier confirmation does not count any more.
    """

    preview: Preview
    undo: Preview | None
    irreversible: bool
    phrase: str | None
    reason_required: bool
    stale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a dry run shows in place of doing it. ``demands`` is what a live run would ask for before it started."""

    preview: Preview
    undo: Preview | None
    irreversible: bool
    demands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Approvals that are waited for.

    :param file: holds the request, to be given to others; ``text`` is what it holds, empty where nobody can be sent it.
    :param given: who has approved so far, of ``count`` that it takes; ``members`` are those who may.
    :param due: when the request expires, by the walk's clock; ``not_after`` is the same as a UTC time.
    :param over: whether nothing is waited for any more.
    """

    preview: str
    file: str
    text: str
    request: str
    count: int
    given: tuple[str, ...]
    members: tuple[str, ...]
    not_after: str
    due: int
    over: Callable[[], bool]


Hand: TypeAlias = Act | Note
"""What may come in place of an answer."""
Idle: TypeAlias = Callable[[], Act | None]
"""To be called at least every half second while an operator is waited for; what it returns is to be returned."""


class Operator(Protocol):
    """Somebody who walks."""

    @property
    def source(self) -> str:
        """Where the answers come from: ``terminal``, ``answers`` or ``scenario``."""

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Meet the walk (to read, never to tell) before its first step."""

    def show(self, event: Event) -> None:
        """Show what has happened; it is on record already."""

    def arrive(self, place: Place) -> None:
        """Show the step that was entered."""

    def ready(self, place: Place, preview: Preview) -> Hand | None:
        """May it start? Asked before an attempt that needs no confirmation; None lets it start."""

    def take(self, place: Place, shown: Shown) -> Outcome | Hand:
        """As what something is taken that a dry run shows and does not do: passed, failed or unknown."""

    def go_on(self, place: Place, left: Sequence[str]) -> Hand | None:
        """May a loop that was stopped in the middle go on with the elements that are left? None lets it."""

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Ask for a confirmation. Whatever is not exactly what was asked for is no."""

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Wait up to so many milliseconds for others to approve; None where nothing came in here.

        A text is what somebody handed over: an approval, or the name of a file that holds one.
        """

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Ask what the step wants to know."""

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Ask what to do where the walk cannot go on by itself."""

    def correct(self, place: Place, problem: str) -> None:
        """Say that the last answer does not fit; it is asked again, or the run is paused."""

    def notice(self, text: str) -> None:
        """Say something that is not on record, and wants no answer."""

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let up to so many milliseconds pass; ``due`` is when the wait is over, by the walk's clock."""

    def output(self, stream: str, chunk: bytes) -> None:
        """Show output of what is being performed, masked already."""

    def working(self, elapsed_ms: int) -> None:
        """Called every quarter of a second while something is being performed."""


def as_json(question: Question) -> JsonObject:
    """A question as the log holds it: its type, and its fields."""
    found: JsonObject = {"ask": type(question).__name__}
    for field in dataclasses.fields(question):
        found[field.name] = _plain(getattr(question, field.name))
    return found


def _plain(value: object) -> Json:
    match value:
        case tuple() | list():
            return [_plain(item) for item in value]
        case bool() | int() | float() | str() | None:
            return value
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return str(value)
