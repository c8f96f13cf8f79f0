"""What can happen to a run as a whole, one frozen class a record type of the audit log.

The fields of an event are the fields of its record, in this order; a field that is None is left out of the record.
What may hold a decimal number, or is not ours to shape, stands as a text of canonical JSON (``obs``, ``what``,
``inputs``, ``saved``, ``question``, ``answer``), because a record holds no floats. ``ts`` and ``mono`` are in the
header of every record: the wall clock for people, and milliseconds since the run's start, the walk's only clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have: when it happened."""

    TYPE: ClassVar[str]
    ts: str
    mono: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The run begins. ``files`` maps each runbook file, as named by the user, to its SHA-256; the first is walked.

    ``directory`` is where the user was: from there relative paths are seen, also when the run is resumed elsewhere.
    ``lock`` is the key of the lock that a live run has; ``guards_see`` says what guards and locks of this run can see;
    ``kinds`` maps each kind to ``{distribution, version, judge}``. Of a drill, ``scenario`` is the SHA-256 of its file
    and ``clock`` is ``simulated`` where waits pass at once, so that no time in the log is one of the real world.
    ``payloads`` says of a run that an engine walks whether what goes through it is ``encrypted`` or ``plain``.
    """

    TYPE = "run.started"
    format: str
    run: str
    mode: str
    environment: str | None = None
    runbook: str
    files: Mapping[str, Json]
    directory: str | None = None
    lock: str | None = None
    graph: str
    inputs: str
    operator: str
    incident: str | None = None
    host: str
    store: str
    guards_see: str
    tool: str
    kinds: Mapping[str, Json]
    scenario: str | None = None
    clock: str | None = None
    payloads: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed(Event):
    """The operator takes the walk in hand; ``do`` is one of the keys of ``HANDS`` in :mod:`runbook.walk.tables`.

    ``step`` and ``visit`` say where; ``to`` is the target of a ``go_to``. ``source`` is ``terminal``, ``answers``,
    ``scenario``, or ``inbox`` where another process asked for it, whose message has the id ``inbox``.
    """

    TYPE = "operator.acted"
    step: str | None = None
    visit: int | None = None
    do: str
    to: str | None = None
    reason: str | None = None
    by: str
    source: str
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """Somebody wrote something down. ``kind`` is ``note``, ``decision``, ``hypothesis`` or ``communication``."""

    TYPE = "note.added"
    step: str | None = None
    kind: str
    text: str
    by: str
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderDue(Event):
    """The operator was reminded; ``reminder`` is its place in the file's list (from 0)."""

    TYPE = "reminder.due"
    reminder: int
    say: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationRecorded(Event):
    """The walk leaves the file's path: ``deviation`` is ``skip``, ``jump``, ``start_at``, ``override`` or ``retry``.

    Without a step: the run took the lock of the run ``to`` (``break_lock``), or lost its own to it (``lock_lost``).
    """

    TYPE = "deviation.recorded"
    step: str | None = None
    visit: int | None = None
    deviation: str
    to: str | None = None
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSigned(Event):
    """The log up to a size was signed; ``file`` below the run's directory."""

    TYPE = "checkpoint.signed"
    size: int
    head: str
    file: str
    signer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something that a reader should know and that stops nothing."""

    TYPE = "warning"
    text: str
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused(Event):
    """The walk stops for now."""

    TYPE = "run.paused"
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """The walk goes on. ``torn`` lists what a crash left at the log's end: ``{file, size, sha256}`` each.

    ``differs`` says that the runbook's file is another one now; the walk goes on with the snapshot.
    """

    TYPE = "run.resumed"
    operator: str
    host: str
    torn: tuple[Mapping[str, Json], ...] = ()
    differs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandedOver(Event):
    """The operator is another person from now on. ``inbox`` is the id of the message where another process said so."""

    TYPE = "run.handed_over"
    to: str
    by: str
    reason: str | None = None
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run is over. Nothing follows."""

    TYPE = "run.finished"
    finish: str
