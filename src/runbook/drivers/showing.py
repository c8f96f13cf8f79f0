"""What a dry run does in place of performing: it shows a change, and takes it as the operator says."""

from collections.abc import Iterator

from runbook.drivers.fitting import covered_preview
from runbook.drivers.journal import Journal
from runbook.drivers.judging import Judged
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, Shown
from runbook.drivers.preparing import Prepared, Renderer, Sketch
from runbook.drivers.recording import Recorder, place_of
from runbook.model.runbook import Effect, Fidelity, Outcome
from runbook.walk import events as e
from runbook.walk.approving import approvals_of
from runbook.walk.results import Visit
from runbook.walk.rules import requirement


class Showing:
    """Shows the changes of one session."""

    def __init__(self, *, journal: Journal, operator: Operator, renderer: Renderer, recorder: Recorder) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer
        self._recorder = recorder

    def show(self, visit: Visit, action: Prepared | Sketch, place: Place) -> Hand | None:
        """Show what would be done, and tell as what it is taken; of an element of a loop the whole list was shown."""
        self._journal.sync()
        loop = self._walk.visit
        if loop is not None and visit.step.id in loop.elements:
            taken: Outcome | Hand = Outcome.PASSED
        else:
            irreversible = visit.step.effect is Effect.IRREVERSIBLE
            demands = tuple(self._demands(visit))
            shown = Shown(
                preview=covered_preview(action.preview(), self._journal.covered),
                undo=covered_preview(action.undo, self._journal.covered) if action.undo else None,
                irreversible=irreversible,
                demands=demands,
            )
            taken = self._operator.take(place, shown)
        if isinstance(taken, Act | Note):
            return taken
        reason = f"shown, not done; taken as {taken.value}"
        if taken is Outcome.UNKNOWN:
            self._journal.tell(e.StepUnknown, **place_of(visit), reason=reason)
        else:
            judged = Judged(outcome=taken, reason=reason, changed="no", fidelity=Fidelity.SHOWN)
            self._recorder.finish(place_of(visit), judged, None)
        return None

    def assume(self, visit: Visit) -> None:
        """Take as passed what cannot be performed, because a value is missing that something shown would have set."""
        reason = "not performed: a value is missing that only a real run sets"
        judged = Judged(outcome=Outcome.PASSED, reason=reason, changed="no", fidelity=Fidelity.ASSUMED)
        self._recorder.finish(place_of(visit), judged, None)

    def _demands(self, visit: Visit) -> Iterator[str]:
        """What a live run would ask for before it started."""
        asked = requirement(visit.step, self._walk.runbook)
        if asked is not None:
            scope = self._renderer.scope(self._walk, visit)
            yield f"the typed phrase `{self._renderer.text(asked.phrase, scope)}`" if asked.phrase else "a yes"
            if asked.reason:
                yield "a reason"
        approvals = approvals_of(visit.step)
        if approvals is not None:
            people = dict.fromkeys(name for role in approvals.roles for name in self._walk.runbook.roles.get(role, ()))
            yield f"{approvals.count} to approve, of {', '.join(people)}"
