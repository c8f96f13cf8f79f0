"""runbook: runbooks as code, walked by people, with a log that can be judged by anyone.

What other programs may use is in ``__all__``, and is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from runbook.version import VERSION

if TYPE_CHECKING:
    from runbook.api import (
        KINDS,
        Diagnostic,
        Finish,
        Loaded,
        Mode,
        Outcome,
        Refused,
        Rehearsed,
        Report,
        Runbook,
        Status,
        Step,
        Verdict,
        Walk,
        load,
        read_report,
        rehearse,
        verify,
    )

__all__ = [
    "KINDS",
    "VERSION",
    "Diagnostic",
    "Finish",
    "Loaded",
    "Mode",
    "Outcome",
    "Refused",
    "Rehearsed",
    "Report",
    "Runbook",
    "Status",
    "Step",
    "Verdict",
    "Walk",
    "load",
    "read_report",
    "rehearse",
    "verify",
]


def __getattr__(name: str) -> object:
    """What is imported only when it is asked for: the command line must start in no time."""
    if name not in __all__:
        message = f"module 'runbook' has no attribute {name!r}"
        raise AttributeError(message)
    from runbook import api

    return getattr(api, name)
