"""What a walk remembers: of the visit it is in, and of the last visit of each step."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook.model.canonical import Json, JsonObject
from runbook.model.runbook import Confirm, Outcome, Step
from runbook.walk.tables import Phase

if TYPE_CHECKING:
    from runbook.walk.walk import Walk


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
    """A visit after which the world may be another one; ``changed`` is ``yes`` or ``maybe``.

    ``step`` is an address: an element of a loop is a change of its own. ``undo`` is the action that takes it back, as
    it was announced with the change; None where there is none.
    """

    step: str
    visit: int
    changed: str
    undo: JsonObject | None = None


@dataclass(slots=True, kw_only=True)
class Approval:
    """A request for approvals, and who has approved: the fingerprint of each person's key.

    ``action`` is the digest that is approved, ``override`` says that it is one of a refusing guard's override.
    ``by`` and ``key`` are the operator's, who cannot approve.
    """

    request: str
    action: str
    count: int
    roles: tuple[str, ...]
    not_after: str
    override: bool
    by: str
    key: str
    given: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether enough persons have approved."""
        return len(self.given) >= self.count


@dataclass(slots=True, kw_only=True)
class Visit:
    """The visit that the walk is in. ``step`` may be one that stands in no file: the undo of a change, an element.

    ``required`` is what must be confirmed before it starts, ``undoes`` the change that it takes back.
    ``attempt`` is the last one started, ``failures`` counts those that failed, ``requested`` and ``confirmed`` are
    digests of the action, ``what`` is the one that was last asked about or started (canonical JSON), ``due`` and
    ``deadline`` are times of the walk's clock. ``held`` are the guards that let it go,
    ``refusing`` those that do not, ``overridden`` those that need not, by their places in the step's list. ``approval``
    is the last request for approvals, ``approved`` the digest that enough persons have approved.
    """

    step: Step
    number: int
    entered: str
    required: Confirm | None = None
    undoes: Change | None = None
    undo: JsonObject | None = None
    """The action that takes back what was started."""
    phase: Phase = Phase.ENTERED
    attempt: int = 0
    failures: int = 0
    requested: str | None = None
    what: str = ""
    reason_required: bool = False
    expires: int | None = None
    confirmed: str | None = None
    confirmed_at: int = 0
    held: set[int] = field(default_factory=set)
    refusing: set[int] = field(default_factory=set)
    overridden: set[int] = field(default_factory=set)
    approval: Approval | None = None
    approved: str | None = None
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
    nested_running: set[str] = field(default_factory=set)
    nested_passed: dict[str, bool] = field(default_factory=dict)
    """How the last look of each nested step ended; a look of a wait counts for one check."""
    looked: JsonObject = field(default_factory=dict)
    """What the last nested step observed."""
    probed: bool = False
    probe_anew: bool = False
    """Whether the walk was interrupted since the probe looked: nobody may have told what it found out."""
    taken: list[Change] = field(default_factory=list)
    """The changes that are taken back from here."""
    undone: list[str] = field(default_factory=list)
    """Those of them that have been."""
    items: list[Json] = field(default_factory=list)
    """The elements of a loop."""
    elements: dict[str, "Visit"] = field(default_factory=dict)
    """The visit of each, by its address."""
    actions: list[str] = field(default_factory=list)
    """The action of each, as it was announced with the loop."""
    inner: "Walk | None" = None
    """The walk of the runbook that the step walks."""
    before: list[Change] = field(default_factory=list)
    """What was changed before that began."""
    onward: str | None = None
    """The edge to take when the phase is done."""
