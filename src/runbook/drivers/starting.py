"""From a step that was entered to one that is started: guarded, rendered, confirmed, looked at again, announced.

The order is that of the promises: guards, render, commit to the secrets, confirm, have it approved; then render and
compare again, look at needs, gates and guards, write ``step.started``; only then may it be performed. Whatever is
another thing by then is asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from runbook.drivers.fitting import covered_preview
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, Request, Yes
from runbook.drivers.preparing import AnAction, PreparedLoop, Renderer, Secrets, Sketch
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import is_asked, is_automated
from runbook.model.runbook import Effect
from runbook.walk import events as e
from runbook.walk import rehearsing
from runbook.walk import run_events as r
from runbook.walk.approving import approvals_of
from runbook.walk.outlook import ends_badly_with_changes
from runbook.walk.results import Visit
from runbook.walk.rules import IllegalEvent
from runbook.walk.scope import Scope
from runbook.walk.tables import Phase
from runbook.walk.visiting import is_part
from runbook.world.secrets import Resolution

_TIMED = frozenset({"confirmation", "approval", "needs"})
"""The rules of a walk that time alone can break."""


class Guards(Protocol):
    """What asks the guards of a step."""

    def look(self, visit: Visit, scope: Scope, *, starting: bool) -> str | None:
        """Ask every guard of a step and tell what each said; why the step may not start, None if it may.

        :param starting: it starts now, and counts as a start for those who ask after it.
        :raises ExpressionError: if an expression of a guard has no value.
        """

    def again(self, visit: Visit, scope: Scope) -> None:
        """Count an attempt that is repeated within its visit as a start.

        :raises ExpressionError: if an expression of a guard has no value.
        """


class Approvals(Protocol):
    """What asks others to approve."""

    def request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        """Have the operator sign a request for approvals, and tell it; where that cannot be, the step is refused.

        :param action: what is to be approved; None: that the refusing guards are overridden.
        """

    def await_(self, visit: Visit, place: Place) -> Hand | None:
        """Wait a while for approvals of the open request, and tell what has come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """An action that was prepared, the commitments to its secrets, and what its confirmation says."""

    action: AnAction
    committed: Mapping[str, str]
    phrase: str | None = None
    stale: str | None = None


class Starter:
    """Starts the steps of one session."""

    def __init__(
        self,
        *,
        journal: Journal,
        operator: Operator,
        renderer: Renderer,
        secrets: Secrets,
        guards: Guards,
        approvals: Approvals,
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer
        self._secrets = secrets
        self._guards = guards
        self._approvals = approvals
        self._ready: dict[str, _Ready] = {}

    def forget(self) -> None:
        """Another step was entered."""
        self._ready.clear()

    def action(self, visit: Visit) -> AnAction:
        """The action of a visit as it was started; made again where that was in an earlier sitting.

        :raises ExpressionError: if it cannot be.
        """
        ready = self._ready.get(visit.step.id)
        if ready is None:
            ready = _Ready(action=self._renderer.of(self._walk, visit), committed={})
            self._ready[visit.step.id] = ready
        return ready.action

    def decide(self, visit: Visit, place: Place, stale: str | None = None) -> Hand | None:
        """Skip the step if its ``when`` does not hold; else ask for its confirmation, or start it where none is due.

        :param stale: why an earlier confirmation does not count any more.
        """
        step, scope = visit.step, self._renderer.scope(self._walk, visit)
        try:
            if visit.phase is Phase.ENTERED and not self._meant(visit, scope):
                reason = f"`when` does not hold: {step.when}"
                self._journal.tell(e.StepSkipped, step=step.id, visit=visit.number, by="when", reason=reason)
                return None
            guarded = visit.required is not None and visit.phase in {Phase.ENTERED, Phase.CONFIRMED}
            if guarded and self._guarded(visit, scope, starting=False):
                return None
            action = self._renderer.of(self._walk, visit)
            asked = self._renderer.confirmation(visit.required, scope)
            resolution = self._secrets.resolve(action.secrets)
            if action.secrets:
                # Their values are known only now, and one may stand in a text of the action too.
                action = self._renderer.of(self._walk, visit)
        except (ExpressionError, Refused) as error:
            self._refuse(visit, error)
            return None
        ready = _Ready(action=action, committed=resolution.commitments, phrase=asked[1] if asked else None, stale=stale)
        self._ready[step.id] = ready
        if asked is None:
            lapsed = visit.approved != action.digest or self._lapsed(visit)
            if approvals_of(step) is not None and lapsed and not rehearsing.is_dry(self._walk):
                return self._approvals.request(visit, place, action)
            return self._announce(visit, place, ready, resolution)
        self._journal.tell(
            e.ConfirmationRequested,
            step=step.id,
            visit=visit.number,
            action=action.digest,
            what=action.what,
            phrase=ready.phrase,
            reason_required=asked[0].reason,
            expires_ms=asked[0].expires,
            stale=stale,
        )
        return None

    def _meant(self, visit: Visit, scope: Scope) -> bool:
        """Whether the ``when`` of a step holds; a dry run that cannot know goes on as if it did.

        :raises ExpressionError: if it has no value.
        """
        if visit.step.when is None:
            return True
        try:
            return self._renderer.value(visit.step.when, scope, "bool") is True
        except ExpressionError:
            if self._walk.shown:
                return True
            raise

    def confirm(self, visit: Visit, place: Place) -> Hand | None:
        """Ask the operator to confirm the action that was prepared; anew where that was in an earlier sitting."""
        ready = self._ready.get(visit.step.id)
        if ready is None:
            return self.decide(visit, place, "it was asked for in an earlier sitting")
        undo = ready.action.undo
        request = Request(
            preview=covered_preview(ready.action.preview(), self._journal.covered),
            undo=covered_preview(undo, self._journal.covered) if undo else None,
            irreversible=visit.step.effect is Effect.IRREVERSIBLE,
            phrase=ready.phrase,
            reason_required=visit.reason_required,
            stale=ready.stale,
        )
        self._journal.sync()
        reply = self._operator.confirm(place, request)
        if isinstance(reply, Act | Note):
            return reply
        if isinstance(reply, Yes) and visit.reason_required and not (reply.reason or "").strip():
            self._operator.correct(place, "a reason is required")
            return None
        self._journal.tell(
            e.ConfirmationGiven if isinstance(reply, Yes) else e.ConfirmationRefused,
            step=visit.step.id,
            visit=visit.number,
            action=ready.action.digest,
            by=self._walk.operator,
            reason=reply.reason,
            source=self._operator.source,
        )
        return None

    def request_approval(self, visit: Visit, place: Place, *, override: bool) -> Hand | None:
        """Ask others to approve the action that was confirmed, or that a guard is overridden."""
        return self._approvals.request(visit, place, None if override else self._ready[visit.step.id].action)

    def await_approval(self, visit: Visit, place: Place) -> Hand | None:
        """Wait a while for those approvals."""
        return self._approvals.await_(visit, place)

    def start(self, visit: Visit, place: Place) -> Hand | None:
        """Start an action that was confirmed, or is repeated: render it again, compare, and announce it."""
        try:
            action = self._renderer.of(self._walk, visit)
            resolution = self._secrets.resolve(action.secrets)
        except (ExpressionError, Refused) as error:
            self._refuse(visit, error)
            return None
        stale = self._why_stale(visit, action, resolution)
        if stale is not None:
            return self.decide(visit, place, stale)
        ready = _Ready(action=action, committed=resolution.commitments)
        self._ready[visit.step.id] = ready
        return self._announce(visit, place, ready, resolution)

    def _announce(self, visit: Visit, place: Place, ready: _Ready, resolution: Resolution) -> Hand | None:
        """Look at needs, gates and guards, let the operator go first, and write down what is about to happen."""
        step, action = visit.step, ready.action
        unmet = self._walk.unmet(step, self._journal.mono()) if visit.attempt == 0 else []
        if unmet:
            reason = "; ".join(reason for _, reason in unmet)
            self._journal.tell(e.StepRefused, step=step.id, visit=visit.number, by=unmet[0][0], reason=reason)
            return None
        first = visit.confirmed is None and visit.failures == 0 and not is_part(self._walk, visit)
        # What a person stopped does not start again by itself.
        again = visit.phase is Phase.INTERRUPTED and visit.step.id in self._walk.steps
        asked_later = rehearsing.is_shown(self._walk, visit.step)
        asked_now = _acts_by_itself(action) or ends_badly_with_changes(self._walk, step)
        if (first or again) and not asked_later and asked_now:
            hand = self._operator.ready(place, covered_preview(action.preview(), self._journal.covered))
            if hand is not None:
                return hand
        if step.guards and rehearsing.is_dry(self._walk):
            self._say_guards(visit)
        elif step.guards:
            scope = self._renderer.scope(self._walk, visit)
            try:
                if visit.attempt == 0 and self._guarded(visit, scope, starting=True):
                    return None
                if visit.attempt > 0:
                    self._guards.again(visit, scope)
            except ExpressionError as error:
                self._refuse(visit, error)
                return None
        if self._lapsed(visit):
            return self.decide(visit, place, "the approval has expired")  # while the guards were asked
        for name in sorted(action.secrets):
            self._journal.tell(e.SecretResolved, step=step.id, visit=visit.number, secret=name)
        for warning in resolution.warnings:
            self._journal.tell(r.Warned, text=warning.message)
        try:
            self._journal.tell(
                e.StepStarted,
                step=step.id,
                visit=visit.number,
                attempt=visit.attempt + 1,
                effect=step.effect.value,
                action=action.digest,
                what=action.what,
            )
        except IllegalEvent as illegal:
            if illegal.rule not in _TIMED:
                raise
            # It held when it was looked at, and its time was up before it was told: nothing has happened yet.
            return self.decide(visit, place, illegal.message)
        self._journal.sync()
        return None

    def _guarded(self, visit: Visit, scope: Scope, *, starting: bool) -> bool:
        """Ask the guards of a step; whether one refuses it, which is told then.

        :raises ExpressionError: if an expression of a guard has no value.
        """
        if not visit.step.guards:
            return False
        reason = self._guards.look(visit, scope, starting=starting)
        if reason is not None:
            self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by="guard", reason=reason)
        return reason is not None

    def _say_guards(self, visit: Visit) -> None:
        """Ask the guards of a step in a dry run, and say what would hold it back."""
        try:
            reason = self._guards.look(visit, self._renderer.scope(self._walk, visit), starting=False)
        except ExpressionError as error:
            reason = f"nobody knows what they would say: {error.message}"
        if reason is not None:
            self._journal.tell(r.Warned, text=f"the guards of `{visit.step.id}` would hold it back: {reason}")

    def _why_stale(self, visit: Visit, action: AnAction, resolution: Resolution) -> str | None:
        """Why a confirmation or an approval does not count any more; None if there is none, or it does."""
        for agreed in (visit.confirmed, visit.approved):
            if agreed is not None and agreed != action.digest:
                return "the action is another one now"
        if self._lapsed(visit):
            return "the approval has expired"
        if visit.confirmed is None:
            return None
        if (
            visit.attempt == 0
            and visit.expires is not None
            and self._journal.mono() - visit.confirmed_at > visit.expires
        ):
            return "the confirmation has expired"
        ready = self._ready.get(visit.step.id)
        if ready is None or resolution.commitments != ready.committed:
            return "a secret has another value now"
        return None

    def _lapsed(self, visit: Visit) -> bool:
        """Whether what was approved may not start any more."""
        approval = visit.approval
        if visit.approved is None or approval is None or visit.attempt > 0:
            return False
        return self._journal.now() > approval.not_after

    def _refuse(self, visit: Visit, error: ExpressionError | Refused) -> None:
        by = "secret" if isinstance(error, Refused) else "expression"
        reason = f"{error}; {error.diagnostics[0].help}" if isinstance(error, Refused) else error.message
        self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by=by, reason=reason)


def _acts_by_itself(action: AnAction) -> bool:
    """Whether a machine acts, so that the operator should be asked before it does."""
    if isinstance(action, PreparedLoop | Sketch):
        return isinstance(action, PreparedLoop)
    kind = action.kind
    if kind.NAME == "parallel":
        return True
    return is_automated(kind) and not (is_asked(kind) and kind.question() is not None)
