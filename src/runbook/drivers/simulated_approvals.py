"""Approvals in a rehearsal: nobody signs, a scenario names who approves, and the walk's rules hold all the same.

The records say so: the key of each person is ``simulated:`` and the name, and the signature is empty.
"""

from runbook.drivers.approving import later, over, sought_of, tell_requested, validity
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Hand, Operator, Place
from runbook.drivers.preparing import AnAction
from runbook.model.approval import REQUEST
from runbook.walk import events as e
from runbook.walk.approving import objection, text_of, wanted
from runbook.walk.results import Approval, Visit

SIMULATED = "simulated:"
"""How the key of a simulated approval begins."""


class SimulatedApprovals:
    """Asks for the approvals of one rehearsal."""

    def __init__(self, journal: Journal, operator: Operator) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._requests = 0

    def request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        """Tell a request that nobody signed."""
        del place
        count, roles, digest, override = wanted(self._walk, visit)
        by = self._walk.operator
        self._requests += 1
        approval = Approval(
            request=f"{self._requests:032x}",
            action=action.digest if action is not None else str(digest),
            count=count,
            roles=roles,
            not_after=later(self._journal.now(), validity(visit)),
            override=override,
            by=by,
            key=SIMULATED + by,
        )
        text = text_of(self._walk, visit, approval, by, REQUEST)
        tell_requested(self._journal, visit, approval, text, signature="")
        return None

    def await_(self, visit: Visit, place: Place) -> Hand | None:
        """Have the next person approve whom the scenario names."""
        approval, now = visit.approval, self._journal.now()
        if approval is None:  # pragma: no cover - only an open request is waited for
            return None
        if (why := over(approval, now)) is not None:
            self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by="approval", reason=why)
            return None
        person = self._operator.approval(place, sought_of(self._journal, visit, approval), 0)
        if not isinstance(person, str):
            return person
        key = SIMULATED + person
        why = objection(self._walk, visit, person, key, now)
        told = {"step": visit.step.id, "visit": visit.number, "request": approval.request, "approver": person}
        if why is not None:
            self._journal.tell(e.ApprovalRefused, **told, reason=why)
        else:
            text = text_of(self._walk, visit, approval, person)
            self._journal.tell(e.ApprovalGiven, **told, key=key, text=text, signature="")
        return None
