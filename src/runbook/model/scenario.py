"""A scenario as data: the scripted world of a drill, and what a good walk through it looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from runbook.model.answers import Answer
from runbook.model.canonical import Json
from runbook.model.diagnostics import Span
from runbook.model.runbook import Finish


class Trouble(Enum):
    """What may go wrong with an attempt instead of an observation."""

    LOST = "lost"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What one attempt at an address meets: an observation, or a trouble with its reason; ``delay`` milliseconds late.

    A field that ``observation`` does not have is unset, and reading it is refused.
    """

    observation: Mapping[str, Json] = field(default_factory=dict)
    trouble: Trouble | None = None
    reason: str = ""
    delay: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedStep:
    """What happens at an address, one entry an attempt; the last repeats. ``span`` is the address in the file."""

    address: str
    span: Span
    attempts: tuple[Scripted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedEvent:
    """Something that is said to the operator so many milliseconds after the start."""

    after: int
    say: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a walk through the scenario must look like; what is None or empty is not looked at.

    ``within`` is in milliseconds; ``path`` the addresses of the steps in the order in which they are entered.
    """

    finish: Finish | None = None
    path: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    within: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRun:
    """Another live run, as the guards of a scenario see it: so many milliseconds ago.

    ``started`` are the steps that it started, each with the key that a cooldown counts it under (None: the default
    one). ``finish`` None says that it is not over; ``passed`` are the steps that passed. ``runbook`` None is the
    scenario's own, ``operator`` None the scenario's. ``span`` is its place in the file.
    """

    run: str
    ago: int
    span: Span
    runbook: str | None = None
    environment: str | None = None
    operator: str | None = None
    started: tuple[tuple[str, str | None], ...] = ()
    finish: Finish | None = None
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario file.

    ``runbook`` is the path as written, relative to ``file``. ``inputs`` are as written, to be bound to the runbook's.
    ``simulated`` says that waits pass at once. ``starts`` is when it is as it begins, RFC 3339 in UTC; None where that
    does not matter. ``source`` are the bytes of the file.
    """

    file: str
    runbook: str
    source: bytes = b""
    title: str = ""
    briefing: str = ""
    environment: str | None = None
    inputs: Mapping[str, Json] = field(default_factory=dict)
    operator: str = "trainee"
    simulated: bool = True
    starts: str | None = None
    past: tuple[ToldRun, ...] = ()
    world: Mapping[str, ScriptedStep] = field(default_factory=dict)
    events: tuple[ScriptedEvent, ...] = ()
    answers: tuple[Answer, ...] = ()
    expect: Expected = field(default_factory=Expected)
