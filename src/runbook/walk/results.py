"""What a walk remembers: of the visit it is in, and of the last visit of each step."""

from dataclasses import dataclass, field

from runbook.model.canonical import JsonObject
from runbook.model.runbook import Outcome, Step
from runbook.walk.tables import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the last visit of a step ended.

    ``observation`` is None where it left none. ``by_hand``: an operator skipped it. ``mono`` is when.
    """

    visit: int
    outcome: Outcome
    reason: str
    mono: int
    observation: JsonObject | None = None
    masked: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A visit after which the world may be another one; ``changed`` is ``yes`` or ``maybe``."""

    step: str
    visit: int
    changed: str


@dataclass(slots=True, kw_only=True)
class Visit:
    """The visit that the walk is in.

    ``attempt`` is the last one started, ``failures`` counts those that failed, ``requested`` and ``confirmed`` are
    digests of the action, ``what`` is the one that was last asked about or started (canonical JSON), ``due`` and
    ``deadline`` are times of the walk's clock.
    """

    step: Step
    number: int
    entered: str
    phase: Phase = Phase.ENTERED
    attempt: int = 0
    failures: int = 0
    requested: str | None = None
    what: str = ""
    reason_required: bool = False
    expires: int | None = None
    confirmed: str | None = None
    confirmed_at: int = 0
    because: str = ""
    refused_by: str = ""
    open_question: bool = False
    answered: bool = False
    interrupted: bool = False
    waiting_since: int = 0
    due: int = 0
    deadline: int | None = None
    every: int | None = None
    checks: int = 0
    checked: bool = False
    """Whether the last check of a wait passed."""
    waited: bool = False
    changed: dict[int, str] = field(default_factory=dict)
    """What each attempt changed: ``yes``, ``no`` or ``maybe``."""
    nested: dict[str, int] = field(default_factory=dict)
    nested_running: str | None = None
    nested_passed: dict[str, bool] = field(default_factory=dict)
    """How the last look of each nested step ended; a look of a wait counts for one check."""
    looked: JsonObject = field(default_factory=dict)
    """What the last nested step observed."""
    probed: bool = False
    onward: str | None = None
    """The edge to take when the phase is done."""
