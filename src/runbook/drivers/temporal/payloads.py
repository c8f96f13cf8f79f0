"""What goes through the engine's history: plain data, by whose types both sides read it; nothing secret is in it.

What may be any JSON goes as its text, because a type that is many things cannot be read back for certain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from runbook.audit.outputs import Output

HOME = "home"
"""The site that a step is performed at which names none; its workers walk the runs too."""


SEALED = "sealed:"
"""How the text of a secret begins that only one worker can read."""


def queue_of(site: str | None) -> str:
    """The task queue of a site."""
    return f"runbook/{site or HOME}"


def is_sealed(value: object) -> bool:
    """Whether a value is a secret that only one worker can read, so that it may go through the engine."""
    return isinstance(value, str) and value.startswith(SEALED) and value.removeprefix(SEALED).isascii()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A worker that knows secrets of a run: its own queue, and the public key that they are sealed for."""

    queue: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was typed or made in a run, by name, sealed for the worker of each queue; and who holds it at each site."""

    sealed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    holders: Mapping[str, Holder] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What goes on from one history of a run to the next; all else is in its log.

    ``count`` and ``head`` are the number of its records and the hash of the last, ``asked`` the number of its last
    question, ``arrived`` that of what came last into its inbox, ``source`` where the last answer came from,
    ``signs`` whether who gave it has a key, ``kept`` the secrets that no log holds.
    """

    count: int
    head: str
    asked: int
    arrived: int
    source: str
    signs: bool = False
    kept: Kept = field(default_factory=Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A run to be walked. ``files`` are the texts of its runbook and of those that it walks, by name.

    ``names`` has the names in their order, its own first, because what reads JSON back may know none in a map.
    ``inputs`` are bound, as canonical JSON; ``payloads`` says whether what goes here is encrypted, as ``run.started``
    has it; ``lost_after_s`` is how many seconds a worker may be silent, ``history_events`` after how many events of the
    engine's history another one is begun, 0 when the engine suggests it; ``carried`` is how it stood then. ``mode`` is
    ``live`` or ``dry``, ``start_at`` a step to begin at, for ``start_reason``; ``break_lock`` is why the lock may be
    taken from a run that nobody walks.
    """

    run: str
    files: Mapping[str, str]
    environment: str | None
    inputs: str
    operator: str
    incident: str | None
    host: str
    store: str
    guards_see: str
    payloads: str = "plain"
    lost_after_s: float = 10.0
    history_events: int = 0
    mode: str = "live"
    start_at: str | None = None
    start_reason: str | None = None
    break_lock: str | None = None
    carried: Carried | None = None
    names: Sequence[str] = ()

    @property
    def sources(self) -> dict[str, str]:
        """``files``, its own first."""
        return {name: self.files[name] for name in self.names or self.files}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Records of a run's log, by their exact lines without the LF; ``seq`` is the number of the first."""

    run: str
    seq: int
    lines: Sequence[str]

    @property
    def next(self) -> int:
        """The number behind the last."""
        return self.seq + len(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The first records of a run, its files by their SHA-256, and the key of its lock.

    ``break_lock`` is why that may be taken from a run that nobody walks.
    """

    records: Records
    files: Mapping[str, str]
    lock: str | None
    operator: str
    host: str
    break_lock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What came of it: a message and a help where it was ``refused``; the run whose lock was ``broken``, else empty."""

    refused: Sequence[str] = ()
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a secret comes from, as :class:`runbook.model.runbook.SecretSource` has it."""

    name: str
    kind: str
    value: str | Sequence[str]
    strip_newline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An attempt to be performed, after its records are stored.

    ``name`` is its address with visit and attempt, by which it is claimed; ``fields`` are JSON in the file's order,
    secrets as references; ``committed`` are the commitments to the secrets that it needs, as they were when it was
    announced. ``sealed`` are secrets that were typed or made in the run, ``making`` how it makes some itself, as JSON.
    """

    records: Records
    address: str
    visit: int
    attempt: int
    name: str
    kind: str
    fields: str
    timeout: int | None
    changes: bool
    secrets: Sequence[Source]
    committed: Mapping[str, str]
    sealed: Mapping[str, str] = field(default_factory=dict)
    making: Mapping[str, str] = field(default_factory=dict)


class End(StrEnum):
    """How an attempt ended: with an observation, or as the errors of :mod:`runbook.model.io` have it.

    ``NOT_STORED``: its records could not be stored, so nothing was begun, and it may be tried again. ``GONE``: what was
    sealed for its worker, that one cannot open any more, so nothing was begun, and another may try it.
    """

    SEEN = "seen"
    NOT_SENT = "not_sent"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    CANCELLED = "cancelled"
    NOT_STORED = "not_stored"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How an attempt ended. ``text`` is the canonical JSON of what it observed, masked and capped.

    ``made`` are the secrets that it made, sealed for the ``holder``; ``problem`` is what was wrong with them.
    """

    end: End
    text: str = ""
    masked: Sequence[str] = ()
    truncated: Sequence[str] = ()
    reason: str = ""
    help: str = ""
    printed: Sequence[Output] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    holder: Holder | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An attempt of which it is to be settled whether it may have begun."""

    run: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Secrets to be looked at where a step will be performed; those that were typed or made are ``sealed``."""

    run: str
    secrets: Sequence[Source]
    names: Sequence[str]
    sealed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Commitments to secrets, and what a person should know; ``problems`` are a message and a help each.

    ``lost`` are the names of those that were sealed for something else than the ``holder``, who looked.
    """

    commitments: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    problems: Sequence[tuple[str, str]] = ()
    lost: Sequence[str] = ()
    holder: Holder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Secrets that were sealed for a worker, to be sealed for another one's key."""

    run: str
    secrets: Sequence[Source]
    sealed: Mapping[str, str]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a person typed for a field of a form that is a secret, sealed; ``field`` is a list of it, as JSON."""

    run: str
    secrets: Sequence[Source]
    field: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A secret that was typed and fits, sealed; None where none must be given. Else ``problem`` is why it does not."""

    sealed: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something in the inbox of a run: its number, its bytes as Latin-1, and the role that put it there, if another."""

    number: int
    text: str
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What is in the inbox of a run behind a number, in order, or ``more`` of it, where that would be too much."""

    found: Sequence[Delivery]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The name under which a key is listed, or a signature counts; where it is under none, why, and what helps."""

    name: str = ""
    why: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A text that a person signed. ``at`` is when the key must have been valid, ``others`` are those who walk."""

    text: str
    signature: str
    person: str
    at: str
    others: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The fingerprint of the key that made a signature which counts; else why it does not.

    ``unusable`` says that this is because the allowed signers cannot be used.
    """

    key: str = ""
    why: str = ""
    unusable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Approvals that are waited for, as :class:`runbook.drivers.operator.Sought` has it."""

    preview: str
    request: str
    count: int
    given: tuple[str, ...]
    members: tuple[str, ...]
    not_after: str
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a run that is open. ``id`` counts its questions; ``seq`` is how many records stand before it.

    ``body`` is what is asked, as JSON, by the word ``ask``; ``problem`` says why the last answer does not fit.
    """

    run: str
    id: int
    seq: int
    ask: str
    step: str
    visit: int
    title: str
    description: str
    prefix: str
    body: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to the question of that id of a run. ``says`` is the word for what it is, ``body`` the rest, as JSON.

    ``by`` is who answers, ``source`` the kind of driver, as records have it; ``signs`` says that they have a key.
    """

    run: str
    id: int
    says: str
    body: str
    by: str
    source: str
    signs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLog:
    """A signature of a log, as ``text`` says it, by whoever answers for that operator, at a UTC time."""

    text: str
    signature: str
    operator: str
    at: str
