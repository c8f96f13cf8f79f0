"""What can happen to a step, one frozen class a record type of the audit log; see :mod:`runbook.walk.run_events`."""

from dataclasses import dataclass

from runbook.walk.run_events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent(Event):
    """An event about one visit of one step; ``step`` is its address."""

    step: str
    visit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(StepEvent):
    """An event about one start of a step's action."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntered(StepEvent):
    """A step is entered, coming from another.

    ``via`` is the edge (``passed skipped failed unknown option:ID``) or the command (``start start_at go_to retry``)
    that led there, ``from_`` the step it led from.
    """

    TYPE = "step.entered"
    via: str
    from_: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped(StepEvent):
    """A step is passed over. ``by`` is ``when`` or ``operator``."""

    TYPE = "step.skipped"
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRefused(StepEvent):
    """A step may not start now.

    ``by`` is ``needs``, ``gate``, ``unset``, ``expression``, ``secret``, ``guard`` or ``approval``. It is no outcome
    and takes no edge: the operator is asked.
    """

    TYPE = "step.refused"
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardChecked(StepEvent):
    """A guard was asked. ``guard`` is its place in the step's list (from 0); ``held`` says that it let the step go.

    ``key`` is what a cooldown counts; one that let go just before ``step.started`` counts that start.
    ``reason`` says why, and for a refusal since when, until when and because of which run.
    """

    TYPE = "guard.checked"
    guard: int
    kind: str
    held: bool
    key: str | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked(AttemptEvent):
    """A person is asked something that the step wants to know. ``question`` is canonical JSON."""

    TYPE = "question.asked"
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGiven(AttemptEvent):
    """The answer. ``answer`` is canonical JSON; ``source`` is ``terminal``, ``answers`` or ``scenario``."""

    TYPE = "answer.given"
    answer: str
    by: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRequested(StepEvent):
    """A person is shown an action and asked to confirm it.

    ``action`` is the SHA-256 of ``what``, the action's canonical JSON. ``phrase`` is the text to be typed, None for a
    yes or a no. ``stale`` says why an earlier confirmation of this visit does not count any more.
    """

    TYPE = "confirmation.requested"
    action: str
    what: str
    phrase: str | None = None
    reason_required: bool
    expires_ms: int | None = None
    stale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationGiven(StepEvent):
    """The action of that digest is confirmed."""

    TYPE = "confirmation.given"
    action: str
    by: str
    reason: str | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRefused(StepEvent):
    """The action is not confirmed: somebody said no, or nobody could."""

    TYPE = "confirmation.refused"
    action: str
    by: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(StepEvent):
    """Other persons are asked to approve an action. ``request`` is a 128-bit nonce in hexadecimal digits.

    ``override`` says that it is a refusing guard's override that is to be approved. ``by`` is the operator as the
    signers' file lists the key ``key`` (its fingerprint) that signed ``text``; neither can approve.
    """

    TYPE = "approval.requested"
    request: str
    action: str
    count: int
    roles: tuple[str, ...]
    not_after: str
    override: bool = False
    by: str
    key: str
    text: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven(StepEvent):
    """Somebody approved; ``text`` is what was signed, ``key`` the fingerprint of the key.

    ``inbox`` is the delivery that it came by.
    """

    TYPE = "approval.given"
    request: str
    approver: str
    key: str
    text: str
    signature: str
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRefused(StepEvent):
    """An approval does not count, and why; ``inbox`` is the delivery that it came by."""

    TYPE = "approval.refused"
    request: str
    approver: str | None = None
    reason: str
    inbox: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretResolved(StepEvent):
    """A secret was read for a step; its name only."""

    TYPE = "secret.resolved"
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(AttemptEvent):
    """The action is about to be performed: this record is on disk before anything happens."""

    TYPE = "step.started"
    effect: str
    action: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput(AttemptEvent):
    """An output was kept in full, masked, in ``file`` below the run's directory.

    ``size`` in bytes and ``sha256`` are those of the file. ``dropped`` counts bytes behind its end, which
    ``stream_sha256`` covers too; ``masked`` names the secrets in it; ``problem`` says why the disk took no more.
    """

    TYPE = "step.output"
    stream: str
    file: str | None = None
    size: int
    sha256: str
    dropped: int = 0
    stream_sha256: str | None = None
    masked: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetrying(AttemptEvent):
    """A failed attempt will be repeated; ``attempt`` is the next one, ``delay_ms`` the pause before it."""

    TYPE = "step.retrying"
    delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(AttemptEvent):
    """An attempt ended and its result was seen.

    ``obs`` is the observation's canonical JSON, ``masked`` and ``truncated`` the paths in it that do not hold what was
    there; ``saved`` is the canonical JSON of what ``save`` kept; ``fidelity`` is what the outcome is worth, in a dry
    run and nowhere else. Attempt 0: the step was not started because its ``max_visits`` were used up.
    """

    TYPE = "step.finished"
    outcome: str
    reason: str
    changed: str
    obs: str | None = None
    masked: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    saved: str | None = None
    fidelity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUnknown(AttemptEvent):
    """A change was started and nobody saw its result."""

    TYPE = "step.unknown"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSettled(StepEvent):
    """An unknown outcome was settled. ``by`` is ``probe`` or the operator; ``outcome`` may still be ``unknown``."""

    TYPE = "step.settled"
    outcome: str
    by: str
    evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCancelled(AttemptEvent):
    """An attempt of a read was stopped before its result was seen."""

    TYPE = "step.cancelled"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStarted(AttemptEvent):
    """A wait begins. ``for_ms``: a plain one. ``every_ms`` and ``timeout_ms``: one that checks until it passes."""

    TYPE = "wait.started"
    for_ms: int | None = None
    every_ms: int | None = None
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitChecked(AttemptEvent):
    """A wait looked whether it is over; ``check`` counts from 1."""

    TYPE = "wait.checked"
    check: int
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEnded(AttemptEvent):
    """A wait is over. ``why`` is ``elapsed``, ``passed``, ``timeout`` or ``operator``."""

    TYPE = "wait.ended"
    why: str
    waited_ms: int
    checks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOverridden(StepEvent):
    """A guard that refused was overridden."""

    TYPE = "guard.overridden"
    guard: int
    by: str
    reason: str
