"""The runbook as data: what a file says, bound to frozen dataclasses, with every default filled in.

Durations are milliseconds. Fields of a kind stand as they were written, ``${{ }}`` and all; they are rendered when
their step is about to start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from runbook.model.canonical import Json
from runbook.model.diagnostics import Span

NOTHING: Mapping[str, Json] = MappingProxyType({})


class Effect(Enum):
    """What a step does to the world."""

    NONE = "none"
    CHANGE = "change"
    IRREVERSIBLE = "irreversible"

    @property
    def changes(self) -> bool:
        """Whether the world may be another one afterwards."""
        return self is not Effect.NONE


class Outcome(Enum):
    """How a visit ended. Unknown means that nobody saw the result of a change."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Finish(Enum):
    """How a run ended."""

    RESOLVED = "resolved"
    MITIGATED = "mitigated"
    COMPLETED = "completed"
    ESCALATED = "escalated"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def good(self) -> bool:
        """Whether the command ends with status 0."""
        return self in {Finish.RESOLVED, Finish.MITIGATED, Finish.COMPLETED}


class Fidelity(Enum):
    """What an outcome in a dry run is worth: it was performed; it would change something and was only shown.

    ``unverifiable``: it was performed after something had only been shown, and says nothing. ``assumed``: it could not
    even be performed, for want of a value that something shown would have set.
    """

    RAN = "ran"
    SHOWN = "shown"
    UNVERIFIABLE = "unverifiable"
    ASSUMED = "assumed"


def tally(counts: Mapping[str, int]) -> str:
    """How many outcomes of a dry run have which label, in a line; empty where none has one."""
    return ", ".join(f"{counts[label.value]} {label.value}" for label in Fidelity if counts.get(label.value))


class Mode(Enum):
    """What a run is: for real, dry, or a drill."""

    LIVE = "live"
    DRY = "dry"
    DRILL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page worth opening."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody to call, how, and when."""

    name: str
    reach: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value that the operator gives: at the start of a run, or in a field of an ``ask`` step.

    ``type`` is one of ``string integer number boolean url duration timestamp list``. ``enum`` may be an expression
    in an ``ask`` step only. ``secret`` too.
    """

    name: str
    type: str = "string"
    prompt: str = ""
    description: str = ""
    pattern: str | None = None
    enum: tuple[Json, ...] | str | None = None
    default: Json = None
    required: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret comes from: ``kind`` is ``env``, ``file``, ``command`` or ``prompt``; ``value`` says which."""

    name: str
    kind: str
    value: str | tuple[str, ...]
    strip_newline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Something said to the operator once after a time, or again and again. One of the two times is set."""

    say: str
    every: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A step that must have passed in this run, and how long ago at most (milliseconds)."""

    step: str
    within: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """How many persons other than the operator must approve, and in which roles."""

    count: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """What is asked before a step starts. Without a phrase it is a yes or a no. ``phrase`` is a template."""

    phrase: str | None = None
    reason: bool = False
    approvals: Approvals | None = None
    expires: int | None = None
    each: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a failed attempt is repeated within one visit. ``attempts`` counts the first. Delays in milliseconds."""

    attempts: int
    delay: int = 1_000
    backoff: float = 1.0
    max_delay: int | None = None

    def pause_after(self, failures: int) -> int:
        """The milliseconds between the failure of that number (from 1) and the next attempt."""
        longest = self.max_delay if self.max_delay is not None else 86_400_000
        try:
            return int(min(self.delay * self.backoff ** (failures - 1), longest))
        except OverflowError:
            return longest


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A rule that may refuse a step: ``kind`` is ``cooldown`` or ``requires_run``; ``rule`` holds what was written."""

    kind: str
    rule: Mapping[str, Json]
    when: str | None = None
    override: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach:
    """Repetition over a list: ``source`` is an expression."""

    source: str
    at_once: int = 1
    max_failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A step inside a step: an undo, a probe, the check of a wait or of a checklist's item."""

    kind: str
    fields: Mapping[str, Json]
    span: Span
    title: str = ""
    expect: str | None = None
    timeout: int | None = None
    retry: Retry | None = None
    save: Mapping[str, str] = field(default_factory=dict)
    confirm: Confirm | None = None
    probe: "Nested | None" = None
    failed_when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node of the graph.

    ``fields`` are the kind's own, with the file's ``defaults`` filled in. ``nested`` holds the steps inside those
    fields by the last part of their address: ``until``, an item's id, or an inner step's id.
    ``on_fail`` is what this step names itself; the file's own is in :class:`Runbook`.
    """

    id: str
    kind: str
    title: str
    span: Span
    effect: Effect
    fields: Mapping[str, Json]
    nested: Mapping[str, Nested] = field(default_factory=dict)
    description: str = ""
    section: str = ""
    when: str | None = None
    needs: tuple[Need, ...] = ()
    because: str = ""
    idempotent: bool = False
    confirm: Confirm | None = None
    guards: tuple[Guard, ...] = ()
    expect: str | None = None
    save: Mapping[str, str] = field(default_factory=dict)
    save_secret: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None
    retry: Retry | None = None
    for_each: ForEach | None = None
    max_visits: int | None = None
    undo: Nested | None = None
    no_undo: bool = False
    probe: Nested | None = None
    next: str | None = None
    on_fail: str | None = None
    on_unknown: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A checked runbook."""

    id: str
    title: str
    steps: tuple[Step, ...]
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    contacts: tuple[Contact, ...] = ()
    environments: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lock: str | None = None
    on_fail: str | None = None
    reminders: tuple[Reminder, ...] = ()
    symptoms: tuple[str, ...] = ()
    last_reviewed: str = ""
    """A calendar date as it is written, ``2026-11-21``; empty where nobody has said so."""
    review_every: int | None = None
    """How long after a review the next one is due (milliseconds); None where nobody has said when the last one was."""
    included: Mapping[str, "Runbook"] = field(default_factory=dict)
    """The runbooks that steps of this one walk, by the id of the step."""

    def step(self, step_id: str) -> Step:
        """The step of that id.

        :raises KeyError: if there is none.
        """
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def at(self, address: str) -> "Step | None":
        """The step that an address is part of, in this runbook or in one that it walks; None if there is none."""
        try:
            book, rest = self.within(address)
            return book.step(rest.partition("[")[0].partition(".")[0])
        except KeyError:
            return None

    def within(self, address: str) -> tuple["Runbook", str]:
        """The runbook that an address leads into, and what is left of the address there.

        :raises KeyError: if a step on the way walks no runbook.
        """
        book, rest = self, address
        while "/" in rest:
            head, _, rest = rest.partition("/")
            book = book.included[head.partition("[")[0]]
        return book, rest
