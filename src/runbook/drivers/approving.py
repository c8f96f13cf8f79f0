"""Asking other persons to approve an action, and taking in what they sign."""

from runbook.drivers.journal import Journal
from runbook.drivers.operator import Hand, Place
from runbook.drivers.starting import AnAction
from runbook.walk import events as e
from runbook.walk.results import Visit


class NoApprovals:
    """Nobody can be asked: every step that must be approved is refused."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        """Refuse the step."""
        del place, action
        reason = "it must be approved by others, and nobody can be asked here"
        self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by="approval", reason=reason)
        return None

    def await_(self, visit: Visit, place: Place) -> Hand | None:
        """Nothing was asked for."""
        del visit, place
        return None
