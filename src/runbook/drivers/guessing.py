"""Actions of a dry run after something was only shown: what that would have set stands in them as unknown.

Rules. Before anything was shown, an expression without a value is the mistake that it is in every run. Afterwards it is
what cannot be known, and stands as ``‹unknown: EXPRESSION›`` where its value would; an action that needs one is shown
and not performed. A way on that depends on one (a choice that a machine makes, the inputs of another runbook) stays a
mistake: the operator says where to go.
"""

from collections.abc import Mapping

from runbook.drivers.fitting import Mask
from runbook.drivers.preparing import NOTHING_INCLUDED, AnAction, Prepared, PreparedLoop, Renderer, Sketch
from runbook.language.rendering import rendered
from runbook.model.canonical import Json, JsonObject, sha256
from runbook.model.evaluator import NO_TYPES, Evaluator, ExpressionError
from runbook.model.kind import Registry, preview_as_written
from runbook.model.runbook import Runbook
from runbook.model.secrets import Resolved, dereferenced, referenced, secret_names
from runbook.version import VERSION
from runbook.walk.results import Visit
from runbook.walk.scope import Scope
from runbook.walk.walk import Walk

_DECIDES = frozenset({"choice", "runbook"})
"""Kinds whose fields say where the walk goes on."""


class Unknowns:
    """An evaluator that fills in what has no value as unknown, and counts how often it did."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.met = 0

    def evaluate(self, source: str, scope: Mapping[str, Json], want: str, *, own: Mapping[str, str] = NO_TYPES) -> Json:
        """The value of one expression, as the evaluator has it."""
        return self._evaluator.evaluate(source, scope, want, own=own)

    def render(self, template: Json, scope: Mapping[str, Json]) -> Resolved:
        """A field with every ``${{ }}`` in it evaluated, or unknown."""

        def value(source: str) -> Json:
            try:
                return self.evaluate(source, scope, "dyn")
            except ExpressionError:
                self.met += 1
                return f"‹unknown: {source}›"

        try:
            return self._evaluator.render(template, scope)
        except ExpressionError:
            return rendered(template, value)


class DryRenderer(Renderer):
    """Renders the steps of a runbook; in a dry run that has shown something, with what is unknown as unknown."""

    def __init__(
        self,
        registry: Registry,
        evaluator: Evaluator,
        mask: Mask = lambda text: text,
        included: Mapping[str, Runbook] = NOTHING_INCLUDED,
    ) -> None:
        super().__init__(registry, evaluator, mask, included)
        self._kinds = registry
        self._unknowns = Unknowns(evaluator)
        self._guessing = Renderer(registry, self._unknowns, mask, included)

    def of(self, walk: Walk, visit: Visit) -> AnAction:
        """The action of a visit as it would be performed now, or what is known of it.

        :raises ExpressionError: as :meth:`prepare` does, if nothing was only shown yet, or the way on depends on it.
        """
        if not walk.shown:
            return super().of(walk, visit)
        met, step = self._unknowns.met, visit.step
        try:
            action = self._guessing.of(walk, visit)
        except ExpressionError:
            if step.kind in _DECIDES:
                raise
            return self._as_written(walk, visit)
        kind = self._kinds[step.kind]
        told = kind.TRAITS.ends or (kind.asks(step.fields) and not step.effect.changes)
        if self._unknowns.met == met or told or not isinstance(action, Prepared) or step.kind in _DECIDES:
            return action
        return Sketch(
            what=action.what, digest=action.digest, secrets=action.secrets, shown=action.preview(), undo=action.undo
        )

    def text(self, template: str, scope: Scope) -> str:
        """A text of the runbook for a person."""
        if not scope.shown or "${{" not in template:
            return super().text(template, scope)
        return self._guessing.text(template, scope)

    def _as_written(self, walk: Walk, visit: Visit) -> PreparedLoop | Sketch:
        """What a step would do, of which too little is known to make its kind: its fields, as far as they are known."""
        step = visit.step
        if visit.undoes is not None:
            what = visit.undoes.undo or {}
            fields = what.get("fields")
            known: JsonObject = dict(fields) if isinstance(fields, dict) else {}
        else:
            scope = self.scope(walk, visit)
            known = {name: referenced(self._unknowns.render(value, scope)) for name, value in step.fields.items()}
            what = {"kind": step.kind, "version": VERSION, "fields": known}
        secrets = secret_names(dereferenced(known))
        if step.for_each is not None:
            told = self._announceable({**what, "for_each": []})
            return PreparedLoop(what=told, digest=sha256(told), secrets=secrets, items=(), elements=())
        told = self._announceable(what)
        return Sketch(what=told, digest=sha256(told), secrets=secrets, shown=preview_as_written(step.kind, known))
