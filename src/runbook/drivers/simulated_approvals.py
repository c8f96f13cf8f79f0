"""Approvals in a rehearsal: nobody signs, a scenario names who approves or refuses, and the walk's rules hold.

The records say so: the key of each person is ``simulated:`` and the name, and the signature is empty.
"""

from collections.abc import Iterable, Mapping

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.approving import over, sought_of, tell_requested, validity
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Hand, Operator, Place, Sought
from runbook.drivers.preparing import AnAction
from runbook.model.answers import Answer
from runbook.model.approval import REQUEST
from runbook.walk import events as e
from runbook.walk.approving import objection, text_of, wanted
from runbook.walk.results import Approval, Visit
from runbook.world.clock import later

SIMULATED = "simulated:"
"""How the key of a simulated approval begins."""
TURN = 500
"""Milliseconds after which whoever waits looks whether the request is still open."""


class Approvers:
    """Those whom a scenario names: they approve, or refuse to, when they are asked; nobody else answers.

    The entry of a visit is the one of its number among those of the step, or the last of them.
    """

    def __init__(self, entries: Iterable[Answer]) -> None:
        self._entries: dict[str, list[Answer]] = {}
        for entry in entries:
            self._entries.setdefault(entry.step, []).append(entry)
        self._asked: set[tuple[str, str]] = set()

    def declined(self, place: Place) -> Mapping[str, str]:
        """Who refuses to approve in a visit, and why."""
        entry = self._entry(place)
        return entry.refusals if entry is not None else {}

    def next(self, place: Place, sought: Sought) -> str | None:
        """Who approves next; None if nobody does."""
        entry = self._entry(place)
        for name in entry.approvals if entry is not None else ():
            if (sought.request, name) not in self._asked and name not in sought.given:
                self._asked.add((sought.request, name))
                return name
        return None

    def _entry(self, place: Place) -> Answer | None:
        entries = self._entries.get(place.address, [])
        return entries[min(place.visit, len(entries)) - 1] if entries else None


NOBODY = Approvers(())


class SimulatedApprovals:
    """Asks for the approvals of one rehearsal.

    :param approvers: those whom a scenario names; None: the operator answers for them.
    :param requests: how many were made in earlier sittings.
    """

    def __init__(
        self,
        journal: Journal,
        operator: Operator,
        approvers: "Approvers | AnswersOperator | None" = None,
        requests: int = 0,
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        if approvers is None:
            approvers = operator if isinstance(operator, AnswersOperator) else NOBODY
        self._approvers = approvers
        self._requests = requests

    def request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        """Tell a request that nobody signed."""
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
        told = {"step": visit.step.id, "visit": visit.number, "request": approval.request}
        for person, reason in self._approvers.declined(place).items():
            self._journal.tell(e.ApprovalRefused, **told, approver=person, reason=f"they refuse: {reason}")
        return None

    def await_(self, visit: Visit, place: Place) -> Hand | None:
        """Have the next person approve whom the scenario names."""
        approval, now = visit.approval, self._journal.now()
        if approval is None:  # pragma: no cover - only an open request is waited for
            return None
        if (why := over(approval, now)) is not None:
            self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by="approval", reason=why)
            return None
        sought = sought_of(self._journal, visit, approval)
        person = self._approvers.next(place, sought) or self._operator.approval(place, sought, TURN)
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
