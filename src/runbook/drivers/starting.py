"""From a step that was entered to one that is started: rendered, confirmed, looked at again, announced.

The order is that of the promises: render, commit to the secrets, confirm; then render and compare again, look at needs
and gates, write ``step.started``; only then may it be performed. Whatever is another thing by then is asked again.
"""

from collections.abc import Mapping

from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, Request, Yes
from runbook.drivers.preparing import Prepared, Renderer, Secrets
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import is_asked, is_automated
from runbook.model.runbook import Effect
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.results import Visit
from runbook.walk.scope import Scope
from runbook.walk.tables import Phase
from runbook.world.secrets import Resolution


class Starter:
    """Starts the steps of one session. ``prepared`` is the action that was last prepared, for the present visit."""

    def __init__(self, *, journal: Journal, operator: Operator, renderer: Renderer, secrets: Secrets) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer
        self._secrets = secrets
        self._committed: Mapping[str, str] = {}
        self._stale: str | None = None
        self._phrase: str | None = None
        self.prepared: Prepared | None = None

    def forget(self) -> None:
        """Another step was entered."""
        self.prepared = self._stale = None

    def decide(self, visit: Visit, place: Place) -> Hand | None:
        """Skip the step if its ``when`` does not hold; else ask for its confirmation, or start it where none is due."""
        step, scope = visit.step, Scope(self._walk)
        try:
            if step.when is not None and self._renderer.value(step.when, scope, "bool") is not True:
                reason = f"`when` does not hold: {step.when}"
                self._journal.tell(e.StepSkipped, step=step.id, visit=visit.number, by="when", reason=reason)
                return None
            prepared = self._renderer.prepare(step, scope)
            asked = self._renderer.confirmation(step, scope)
            resolution = self._secrets.resolve(prepared.secrets)
            if prepared.secrets:
                # Their values are known only now, and one may stand in a text of the action too.
                prepared = self._renderer.prepare(step, scope)
        except (ExpressionError, Refused) as error:
            self._refuse(visit, error)
            return None
        self.prepared, self._committed = prepared, resolution.commitments
        if asked is None:
            return self._announce(visit, place, prepared, resolution)
        required, self._phrase = asked
        self._journal.tell(
            e.ConfirmationRequested,
            step=step.id,
            visit=visit.number,
            action=prepared.digest,
            what=prepared.what,
            phrase=self._phrase,
            reason_required=required.reason,
            expires_ms=required.expires,
            stale=self._stale,
        )
        return None

    def confirm(self, visit: Visit, place: Place) -> Hand | None:
        """Ask the operator to confirm the action that was prepared."""
        prepared = self.prepared
        if prepared is None:  # pragma: no cover - a confirmation is asked for by the session that requested it
            raise AssertionError(visit.step.id)
        request = Request(
            preview=prepared.kind.preview(),
            undo=prepared.undo,
            irreversible=visit.step.effect is Effect.IRREVERSIBLE,
            phrase=self._phrase,
            reason_required=visit.reason_required,
            stale=self._stale,
        )
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
            action=prepared.digest,
            by=self._walk.operator,
            reason=reply.reason,
            source=self._operator.source,
        )
        return None

    def start(self, visit: Visit, place: Place) -> Hand | None:
        """Start an action that was confirmed, or is repeated: render it again, compare, and announce it."""
        try:
            prepared = self._renderer.prepare(visit.step, Scope(self._walk))
            resolution = self._secrets.resolve(prepared.secrets)
        except (ExpressionError, Refused) as error:
            self._refuse(visit, error)
            return None
        self._stale = self._why_stale(visit, prepared, resolution)
        if self._stale is not None:
            return self.decide(visit, place)
        self.prepared = prepared
        return self._announce(visit, place, prepared, resolution)

    def _announce(self, visit: Visit, place: Place, prepared: Prepared, resolution: Resolution) -> Hand | None:
        """Look at needs and gates, let the operator go first, and write down what is about to happen."""
        step = visit.step
        unmet = self._walk.unmet(step, self._journal.mono()) if visit.attempt == 0 else []
        if unmet:
            reason = "; ".join(reason for _, reason in unmet)
            self._journal.tell(e.StepRefused, step=step.id, visit=visit.number, by=unmet[0][0], reason=reason)
            return None
        first = visit.confirmed is None and visit.failures == 0
        # What a person stopped does not start again by itself.
        if (first or visit.phase is Phase.INTERRUPTED) and _acts_by_itself(prepared):
            hand = self._operator.ready(place, prepared.kind.preview())
            if hand is not None:
                return hand
        for name in sorted(prepared.secrets):
            self._journal.tell(e.SecretResolved, step=step.id, visit=visit.number, secret=name)
        for warning in resolution.warnings:
            self._journal.tell(r.Warned, text=warning.message)
        self._journal.tell(
            e.StepStarted,
            step=step.id,
            visit=visit.number,
            attempt=visit.attempt + 1,
            effect=step.effect.value,
            action=prepared.digest,
            what=prepared.what,
        )
        self._journal.sync()
        return None

    def _why_stale(self, visit: Visit, prepared: Prepared, resolution: Resolution) -> str | None:
        """Why a confirmation does not count any more; None if there is none, or it does."""
        if visit.confirmed is None:
            return None
        if visit.confirmed != prepared.digest:
            return "the action is another one now"
        if (
            visit.attempt == 0
            and visit.expires is not None
            and self._journal.mono() - visit.confirmed_at > visit.expires
        ):
            return "the confirmation has expired"
        if resolution.commitments != self._committed:
            return "a secret has another value now"
        return None

    def _refuse(self, visit: Visit, error: ExpressionError | Refused) -> None:
        by = "secret" if isinstance(error, Refused) else "expression"
        reason = f"{error}; {error.diagnostics[0].help}" if isinstance(error, Refused) else error.message
        self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by=by, reason=reason)


def _acts_by_itself(prepared: Prepared) -> bool:
    """Whether a machine acts, so that the operator should be asked before it does."""
    kind = prepared.kind
    return is_automated(kind) and not (is_asked(kind) and kind.question() is not None)
