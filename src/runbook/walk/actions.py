"""What a walk may ask for: one frozen class for each thing that can be pending.

An action never says how. A driver performs it, and tells the walk what came of it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from runbook.model.runbook import Finish


class Choice(Enum):
    """What an operator may do where the walk cannot go on by itself."""

    RETRY = "retry"
    SKIP = "skip"
    GO_TO = "go_to"
    OVERRIDE = "override"
    UNDO = "undo"
    SETTLE = "settle"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Begin:
    """Tell that the run has started."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Enter a step: tell ``step.entered`` with this edge or command."""

    step: str
    visit: int
    via: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Decide:
    """Look at ``when``, render the action, and ask for what must be confirmed; or start where nothing must be."""

    step: str
    visit: int


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The step's visits are used up: tell that it failed."""

    step: str
    visit: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask a person to confirm the action of that digest."""

    step: str
    visit: int
    action: str


@dataclass(frozen=True, slots=True)
class RequestApproval:
    """Have the operator sign a request for approvals, and tell it. ``override``: of a refusing guard's override."""

    step: str
    visit: int
    override: bool


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """Wait for approvals of that request; tell each, and what does not count and why."""

    step: str
    visit: int
    request: str


@dataclass(frozen=True, slots=True)
class Override:
    """Tell that a guard is overridden, by whom, and why."""

    step: str
    visit: int
    guard: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Start:
    """Render again, compare, look at needs and guards, and tell ``step.started``."""

    step: str
    visit: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Perform:
    """Perform the action that was announced, and tell how it ended."""

    step: str
    visit: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An attempt was in flight when the walk was interrupted: tell that it is cancelled, or unknown."""

    step: str
    visit: int
    attempt: int
    changing: bool


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell that a failed attempt will be repeated after this delay."""

    step: str
    visit: int
    attempt: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait until the walk's clock shows ``due``, then start the attempt."""

    step: str
    visit: int
    attempt: int
    due: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on waiting: check at ``due``, give up at ``deadline``; both by the walk's clock, None where there is none."""

    step: str
    visit: int
    attempt: int
    due: int
    deadline: int | None


@dataclass(frozen=True, slots=True)
class Probe:
    """Find out with the step's probe what became of it."""

    step: str
    visit: int


@dataclass(frozen=True, slots=True)
class LeaveUnknown:
    """The file says where an unknown outcome leads: tell that it stays unknown."""

    step: str
    visit: int


@dataclass(frozen=True, slots=True)
class AskOperator:
    """Ask the operator what to do; ``because`` says why the walk cannot go on by itself."""

    step: str
    visit: int
    because: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Deviate:
    """Tell the deviation that the operator's act is."""

    step: str
    visit: int | None
    deviation: str
    to: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Tell that the step is skipped, as the operator wants it."""

    step: str
    visit: int
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """Tell that the run is over."""

    finish: Finish


@dataclass(frozen=True, slots=True)
class Resume:
    """The run is paused: tell that it goes on, when it does."""


Action: TypeAlias = (
    Begin
    | Enter
    | Decide
    | Exhausted
    | Confirm
    | RequestApproval
    | AwaitApproval
    | Override
    | Start
    | Perform
    | Interrupted
    | Announce
    | Pause
    | Wait
    | Probe
    | LeaveUnknown
    | AskOperator
    | Deviate
    | Skip
    | End
    | Resume
)
