"""The transition tables: what may follow what. Nothing else decides it.

Everything that affects where a visit or a run stands is in this file, and the diagram in the documentation is drawn
from it. A run is a row of visits, one at a time; each visit is in one phase::

    entered ─▶ confirming ─▶ confirmed ─▶ running ─▶ done          the usual way of a change
    confirming ─▶ confirmed ─▶ approving ─▶ confirmed ─▶ running     one that others must approve
    entered ──────────────────────────────▶ running ─▶ done          the usual way of a read
    running ─▶ repeating ─▶ retrying ─▶ running                      a failed attempt, repeated
    running ─▶ unknown ─▶ done | stuck                               nobody saw the result of a change
    running ─▶ interrupted ─▶ running                                a read that was stopped
    … ─▶ refused, stuck                                              the operator is asked

How to read it: an event that has no entry for the present phase is illegal. An entry names every phase that the event
may lead to; which of them it is depends on the step (its effect, its edges, its retries) and is decided in
``walk.py``, which looks its decision up here before it acts on it.
"""

from collections.abc import Mapping
from enum import Enum

from runbook.walk import events as e
from runbook.walk import run_events as r


class RunPhase(Enum):
    """Where a run stands."""

    NEW = "new"
    GOING = "going"
    PAUSED = "paused"
    OVER = "over"


class Phase(Enum):
    """Where a visit stands."""

    ENTERED = "entered"
    REFUSED = "refused"
    CONFIRMING = "confirming"
    APPROVING = "approving"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    WAITING = "waiting"
    REPEATING = "repeating"
    RETRYING = "retrying"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    STUCK = "stuck"
    DONE = "done"


RUN: Mapping[RunPhase, Mapping[type[r.Event], RunPhase]] = {
    RunPhase.NEW: {r.RunStarted: RunPhase.GOING},
    RunPhase.GOING: {
        r.NoteAdded: RunPhase.GOING,
        r.ReminderDue: RunPhase.GOING,
        r.Warned: RunPhase.GOING,
        r.CheckpointSigned: RunPhase.GOING,
        r.OperatorActed: RunPhase.GOING,
        r.DeviationRecorded: RunPhase.GOING,
        r.RunHandedOver: RunPhase.GOING,
        r.RunPaused: RunPhase.PAUSED,
        # Without a pause before it: the walk was killed.
        r.RunResumed: RunPhase.GOING,
        r.RunFinished: RunPhase.OVER,
    },
    RunPhase.PAUSED: {
        r.NoteAdded: RunPhase.PAUSED,
        r.Warned: RunPhase.PAUSED,
        r.CheckpointSigned: RunPhase.PAUSED,
        r.OperatorActed: RunPhase.PAUSED,
        # Its lock was broken.
        r.DeviationRecorded: RunPhase.PAUSED,
        r.RunHandedOver: RunPhase.PAUSED,
        r.RunResumed: RunPhase.GOING,
        r.RunFinished: RunPhase.OVER,
    },
    RunPhase.OVER: {},
}

_P = Phase
_STARTS = {_P.RUNNING}
_ENDS = {_P.DONE, _P.STUCK}

VISIT: Mapping[Phase, Mapping[type[e.StepEvent], set[Phase]]] = {
    _P.ENTERED: {
        e.StepSkipped: {_P.DONE},
        e.StepRefused: {_P.REFUSED},
        e.GuardChecked: {_P.ENTERED},
        e.SecretResolved: {_P.ENTERED},
        e.ConfirmationRequested: {_P.CONFIRMING},
        # A gate: its own question is its confirmation.
        e.ApprovalRequested: {_P.APPROVING},
        # For what was requested before the walk was interrupted.
        e.ApprovalGiven: {_P.ENTERED},
        e.ApprovalRefused: {_P.ENTERED},
        e.StepStarted: _STARTS,
        # Its visits are used up.
        e.StepFinished: _ENDS,
    },
    _P.REFUSED: {
        e.StepSkipped: {_P.DONE},
        e.GuardOverridden: {_P.REFUSED, _P.ENTERED},
        # To override a guard may want an approval; nobody can be asked, or the request has expired.
        e.ApprovalRequested: {_P.REFUSED},
        e.StepRefused: {_P.REFUSED},
        e.ApprovalGiven: {_P.REFUSED},
        e.ApprovalRefused: {_P.REFUSED},
    },
    _P.CONFIRMING: {
        # Asked again after a resume, or because the action is another one now.
        e.ConfirmationRequested: {_P.CONFIRMING},
        e.ConfirmationGiven: {_P.CONFIRMED, _P.APPROVING},
        e.ApprovalGiven: {_P.CONFIRMING},
        e.ApprovalRefused: {_P.CONFIRMING},
        e.ConfirmationRefused: {_P.REFUSED},
        e.StepRefused: {_P.REFUSED},
        e.StepSkipped: {_P.DONE},
    },
    _P.APPROVING: {
        e.ApprovalGiven: {_P.APPROVING, _P.CONFIRMED},
        e.ApprovalRefused: {_P.APPROVING},
        # The request has expired.
        e.StepRefused: {_P.REFUSED},
        e.StepSkipped: {_P.DONE},
    },
    _P.CONFIRMED: {
        e.ConfirmationRequested: {_P.CONFIRMING},
        e.ApprovalRequested: {_P.APPROVING},
        e.GuardChecked: {_P.CONFIRMED},
        e.SecretResolved: {_P.CONFIRMED},
        e.StepRefused: {_P.REFUSED},
        e.StepStarted: _STARTS,
        e.StepSkipped: {_P.DONE},
    },
    _P.RUNNING: {
        # A read that a person does may be passed over; whatever changes something is answered first.
        e.StepSkipped: {_P.DONE},
        e.QuestionAsked: {_P.RUNNING},
        e.AnswerGiven: {_P.RUNNING},
        e.StepOutput: {_P.RUNNING},
        e.WaitStarted: {_P.WAITING},
        e.StepFinished: _ENDS | {_P.REPEATING},
        e.StepUnknown: {_P.UNKNOWN},
        e.StepCancelled: {_P.INTERRUPTED},
    },
    _P.WAITING: {
        e.StepSkipped: {_P.DONE},
        e.StepOutput: {_P.WAITING},
        e.WaitChecked: {_P.WAITING},
        e.WaitEnded: {_P.RUNNING},
    },
    _P.REPEATING: {e.StepRetrying: {_P.RETRYING}, e.StepSkipped: {_P.DONE}},
    _P.RETRYING: {
        # The action is another one now, or a secret is: what was confirmed is not what would be repeated.
        e.ConfirmationRequested: {_P.CONFIRMING},
        e.SecretResolved: {_P.RETRYING},
        e.StepRefused: {_P.REFUSED},
        e.StepStarted: _STARTS,
        e.StepSkipped: {_P.DONE},
    },
    _P.INTERRUPTED: {
        e.SecretResolved: {_P.INTERRUPTED},
        e.StepRefused: {_P.REFUSED},
        e.StepStarted: _STARTS,
        e.StepSkipped: {_P.DONE},
    },
    _P.UNKNOWN: {e.StepSettled: _ENDS},
    _P.STUCK: {e.StepSkipped: {_P.DONE}},
    _P.DONE: {},
}

_AWAY = set(_P) - {_P.UNKNOWN, _P.DONE}

HANDS: Mapping[str, set[Phase]] = {
    # What an operator may do, and in which phases; abort and pause in every one, a change in flight is awaited first.
    "skip": _AWAY,
    "go_to": _AWAY,
    "retry": {_P.REFUSED, _P.STUCK},
    "override": {_P.REFUSED},
    "undo": {_P.ENTERED, _P.REFUSED, _P.CONFIRMING, _P.STUCK},
    "check_now": {_P.WAITING, _P.RETRYING},
    "stop_waiting": {_P.WAITING},
    "interrupt": {_P.RUNNING, _P.WAITING, _P.UNKNOWN},
    "pause": set(_P),
    "abort": set(_P),
}
