"""The incident report as data: everything that a log says, in the order in which a reader asks for it.

Texts are plain: as the log holds them, masked there, and made safe for their place by whoever renders them. Nothing is
in here that is not in the log or in the runbook beside it, so the same log gives the same report.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.canonical import JsonObject
from runbook.model.score import Score
from runbook.report.approvals import Approval
from runbook.report.graph import Graph
from runbook.report.spans import Span
from runbook.report.times import At

VERSION = "1.0"
"""The version of this form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that ``runbook verify`` finds in the log; ``record`` is the line (from 1) that it is about.

    ``grave`` says that it is why the log does not pass.
    """

    code: str
    message: str
    help: str
    record: int | None
    grave: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the log is worth: ``status`` and ``verdict`` as ``runbook verify`` has them.

    ``anchor`` is its head (``N:HASH``), None where it has no record; ``verify`` the command that holds it to that head.
    """

    status: int
    verdict: str
    records: int
    anchor: str | None
    verify: str | None
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the run began with. ``mode`` is ``live``, ``dry`` or ``drill``; ``files`` maps each file to its SHA-256.

    ``title``, ``owner`` and ``description`` are the runbook's, empty where its file is not there. ``store`` is where
    the log was written, ``guards_see`` what guards and locks of the run could see, ``tool`` the version that walked.
    ``clock`` is ``simulated`` where waits passed at once and no time is one of the real world; else empty.
    """

    id: str
    mode: str
    runbook: str
    title: str
    description: str
    owner: str
    environment: str | None
    incident: str | None
    inputs: JsonObject
    files: Mapping[str, str]
    host: str
    store: str
    guards_see: str
    tool: str
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Somebody was the operator from this time on; ``by`` whom, and ``reason`` why it was handed over.

    ``brief`` is what the log told by then: of each sort, such as ``done`` or ``open``, the newest lines.
    """

    operator: str
    since: At
    by: str
    reason: str
    brief: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What would be done, as the operator saw it: a line, and below it the rest; secrets stand as ``‹secret NAME›``."""

    line: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """An action: ``what`` is its canonical JSON, exactly, ``digest`` the SHA-256 of that; ``undo`` takes it back."""

    kind: str
    shown: Shown
    undo: Shown | None
    digest: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output that is kept in full beside the log, masked: ``size`` in bytes, ``dropped`` bytes that are not kept."""

    stream: str
    file: str | None
    size: int
    sha256: str
    dropped: int
    masked: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One start of an action. ``step`` is the step's address, or that of a step inside it (``roll_back.probe``).

    ``outcome`` is ``passed``, ``failed``, ``unknown``, ``cancelled``, or None where no result is on record.
    ``fidelity`` is what the outcome is worth, in a dry run (``ran shown unverifiable assumed``); elsewhere empty.
    ``observation`` is what was seen; ``masked`` and ``truncated`` are the paths in it that do not hold it.
    """

    step: str
    attempt: int
    began: At
    took_ms: int | None
    effect: str
    deed: Deed
    outcome: str | None
    fidelity: str
    reason: str
    changed: str
    observation: JsonObject | None
    masked: tuple[str, ...]
    truncated: tuple[str, ...]
    saved: JsonObject
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """An action was confirmed, or was not. ``phrase`` was to be typed; ``stale``: why it was asked for again."""

    at: At
    given: bool
    by: str
    phrase: str | None
    reason: str
    stale: str | None
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said to the question of a step."""

    at: At
    by: str
    source: str
    answer: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A wait: its limits in milliseconds, and why it was over: ``elapsed passed timeout operator``; None: it is not."""

    for_ms: int | None
    every_ms: int | None
    timeout_ms: int | None
    why: str | None
    waited_ms: int
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An unknown outcome was settled by the probe, the file or a person; it may still be unknown."""

    at: At
    outcome: str
    by: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element of a step that is repeated: ``item`` as a person reads it; ``outcome`` as a visit has it."""

    step: str
    item: str
    outcome: str
    reason: str
    changed: str
    took_ms: int | None
    settled: tuple[Settled, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One entry of a step: ``via`` is the edge or the command that led there, ``source`` the step it led from.

    ``outcome`` is ``passed failed skipped unknown``; ``refused``: it might not start; ``left``: the operator went
    elsewhere; ``open``: no result is on record. ``changed`` is ``no``, ``maybe`` or ``yes`` over all its attempts.
    ``took_ms`` runs from its entry to its outcome, questions included. ``undoes`` is the change that it takes back
    (``one#1``), ``elements`` are those of a step that is repeated.
    """

    step: str
    visit: int
    title: str
    section: str
    kind: str
    via: str
    source: str | None
    entered: At
    took_ms: int | None
    outcome: str
    reason: str
    changed: str
    refusals: tuple[str, ...]
    confirmations: tuple[Confirmation, ...]
    answers: tuple[Answer, ...]
    waits: tuple[Waited, ...]
    settled: tuple[Settled, ...]
    attempts: tuple[Attempt, ...]
    undoes: str | None
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the timeline: what happened, in a sentence.

    ``bad`` says that something failed, is unknown, or might not start.
    """

    at: At
    step: str | None
    visit: int | None
    title: str
    text: str
    bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Somebody decided something: about ``what``, how, by whom, and why, where a reason was given."""

    at: At
    step: str | None
    what: str
    decided: str
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """The walk left the file's path: ``skip jump start_at override retry``."""

    at: At
    deviation: str
    step: str
    title: str
    to: str | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Communication:
    """Something was said to somebody: by a step (``sent`` tells whether), or noted as said (``sent`` is None)."""

    at: At
    step: str | None
    audience: str
    text: str
    by: str
    sent: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Somebody wrote something down: ``kind`` is ``note`` or ``hypothesis``."""

    at: At
    step: str | None
    kind: str
    text: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of a checklist: ``answer`` is ``yes``, ``no`` or ``not_verified``, ``words`` how the file words that."""

    id: str
    title: str
    answer: str
    words: str
    checked: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """A checklist as it was answered in one visit; ``last`` says that no later visit answered it again."""

    step: str
    visit: int
    title: str
    at: At
    items: tuple[Item, ...]
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A visit that changed the world, or may have: ``changed`` is ``yes``, ``maybe`` or ``unknown``.

    Nothing in the log takes it back. How that could be done is in ``deed``; where it cannot, ``because`` says why.
    """

    step: str
    visit: int
    title: str
    at: At
    changed: str
    reason: str
    deed: Deed
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A change that an undo took back: ``step`` and ``visit`` are the change's, ``at`` is when it was taken back."""

    step: str
    visit: int
    title: str
    at: At
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A secret, by its name, and the steps that it was read for."""

    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of one run.

    ``state`` is ``finished``, ``paused`` or ``unfinished``; ``finish`` how it ended, None where it has not; ``paused``
    why it is. ``summary`` is that of the step that ended it. ``worth`` says of a dry run how many of its outcomes have
    which label; empty for every other run. ``open`` are sentences: what nobody verified, settled or took back.
    ``spans`` say what the time went into, ``graphs`` what could be walked and what was.
    ``score`` is that of a drill which is over and whose scenario is there.
    """

    report: str
    log: Log
    run: Run
    state: str
    finish: str | None
    paused: str
    summary: str
    worth: str
    began: At
    ended: At
    operators: tuple[Watch, ...]
    open: tuple[str, ...]
    changes: tuple[Change, ...]
    taken_back: tuple[TakenBack, ...]
    timeline: tuple[Line, ...]
    decisions: tuple[Decision, ...]
    deviations: tuple[Deviation, ...]
    communications: tuple[Communication, ...]
    notes: tuple[Note, ...]
    checklists: tuple[Checklist, ...]
    warnings: tuple[str, ...]
    visits: tuple[Visit, ...]
    secrets: tuple[SecretUse, ...]
    approvals: tuple[Approval, ...]
    spans: tuple[Span, ...]
    graphs: tuple[Graph, ...]
    score: Score | None
