"""What a step would do, now: its fields rendered, its kind made, its action as one canonical text.

The action is what is confirmed, announced, performed and judged; a verifier renders it again from the log.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol, TypeAlias

from runbook.drivers.fitting import LONGEST, Mask, covered, covered_action
from runbook.drivers.operator import Place
from runbook.kinds.registry import fields_of, make
from runbook.kinds.runbook_ import Runbook as RunbookKind
from runbook.language.inputs import bind_inputs
from runbook.language.rendering import resolved
from runbook.language.scope import own_types
from runbook.model.canonical import Json, JsonObject, canonical, fits, sha256, size
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import NO_TYPES, Evaluator, ExpressionError
from runbook.model.kind import Kind, Preview, Registry, preview_of_each
from runbook.model.question import AskYes, Question
from runbook.model.repeated import joined
from runbook.model.runbook import Confirm, Input, Nested, Runbook, Step
from runbook.model.secrets import Resolved, dereferenced, referenced, secret_names
from runbook.version import VERSION
from runbook.walk.looping import element_of, own_of, place_of
from runbook.walk.results import Visit
from runbook.walk.scope import Scope
from runbook.walk.walk import Walk
from runbook.world.secrets import Resolution

_KNOWN = 64
"""How many actions of steps without an expression are remembered, for those that are walked, or asked for, again."""
MASK = "[MASKED:"
"""What stands in a text where a secret was."""
NOTHING_INCLUDED: Mapping[str, Runbook] = MappingProxyType({})


class Secrets(Protocol):
    """What a session needs of the store of secrets."""

    def resolve(self, names: Iterable[str]) -> Resolution:
        """Read the secrets of those names afresh.

        :raises Refused: if one cannot be used.
        """

    def keep(self, name: str, value: str) -> None:
        """Take in a secret that a step made.

        :raises Refused: if it cannot be used.
        """

    def take(self, field: Input, given: Json) -> None:
        """Take in what a person gives for a field of a form, which is a secret; nothing, where nothing must be given.

        :raises ValueError: with one line for the person, if it does not fit.
        :raises Refused: if it cannot be used.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An action, ready to be performed. ``what`` is its canonical JSON, ``digest`` the SHA-256 of that.

    ``secrets`` are the names of the secrets that performing it needs.
    """

    kind: Kind
    what: str
    digest: str
    secrets: frozenset[str]
    nested: Mapping[str, "Prepared"] = field(default_factory=dict)
    undo: Preview | None = None

    def preview(self) -> Preview:
        """What would be done."""
        return self.kind.preview()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLoop:
    """The actions of a step that is repeated, as one: what is confirmed and announced before the first of them."""

    what: str
    digest: str
    secrets: frozenset[str]
    items: tuple[Json, ...]
    elements: tuple[Prepared, ...]

    @property
    def undo(self) -> Preview | None:
        """How all of them would be taken back."""
        found = [element.undo for element in self.elements if element.undo is not None]
        return preview_of_each(self.items, found) if found and len(found) == len(self.items) else None

    def preview(self) -> Preview:
        """What would be done, element by element."""
        return preview_of_each(self.items, [element.preview() for element in self.elements])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What is known of an action that cannot be performed: a dry run shows it."""

    what: str
    digest: str
    secrets: frozenset[str]
    shown: Preview
    undo: Preview | None = None

    def preview(self) -> Preview:
        """What would be done."""
        return self.shown


AnAction: TypeAlias = Prepared | PreparedLoop | Sketch


class Renderer:
    """Renders the steps of a runbook.

    :param evaluator: evaluates expressions over a scope.
    :param mask: covers secrets in the text of an action, should a value that is none be the same.
    """

    def __init__(
        self,
        registry: Registry,
        evaluator: Evaluator,
        mask: Mask = lambda text: text,
        included: Mapping[str, Runbook] = NOTHING_INCLUDED,
    ) -> None:
        self._included = included
        self._registry = registry
        self._evaluator = evaluator
        self._mask = mask
        self._known: dict[str, Prepared] = {}

    def of(self, walk: Walk, visit: Visit) -> AnAction:
        """The action of a visit as it would be performed now; of an undo the one that was announced with its change.

        :raises ExpressionError: as :meth:`prepare` does.
        """
        if visit.undoes is not None:
            return _recorded(visit.undoes.undo or {})
        if visit.step.for_each is not None:
            return self.prepare_loop(visit.step, Scope(walk))
        prepared = self.prepare(visit.step, self.scope(walk, visit))
        loop = walk.visit
        if loop is not None and visit.step.id in loop.elements:
            announced = loop.actions[place_of(visit.step.id)]
            # What earlier elements saved does not change what was confirmed.
            return prepared if prepared.what == announced else _recorded(json.loads(announced))
        return prepared

    @staticmethod
    def scope(walk: Walk, visit: Visit) -> Scope:
        """The names of the moment in a visit."""
        return Scope(walk, own=own_of(walk, visit))

    def prepare_loop(self, step: Step, scope: Scope) -> PreparedLoop:
        """The action of a step that is repeated: those of all its elements, each with its item.

        :raises ExpressionError: as :meth:`prepare` does, and where the list is none.
        """
        if step.for_each is None:  # pragma: no cover - only such a step is repeated
            raise AssertionError(step.id)
        try:
            items = self.value(step.for_each.source, scope, "list")
        except ExpressionError as error:
            raise ExpressionError(f"`for_each`: {error.message}", error.line, error.column) from error
        if not isinstance(items, list):  # pragma: no cover - the evaluator yields what is wanted
            raise TypeError(step.id)
        elements = tuple(
            self.prepare(element_of(step, place), scope.beside({"item": item})) for place, item in enumerate(items)
        )
        for place, item in enumerate(items):
            if covered(text := canonical(item), self._mask) != text:
                # It would be performed with what stands in the place of the secret, or logged with the secret.
                raise ExpressionError(f"`for_each`: element {place} holds a secret, which no list of elements may")
        what = self._announceable(joined(items, [json.loads(each.what) for each in elements], step.kind, VERSION))
        secrets = frozenset[str]().union(*(element.secrets for element in elements))
        return PreparedLoop(what=what, digest=sha256(what), secrets=secrets, items=tuple(items), elements=elements)

    def prepare(self, step: Step, scope: Scope) -> Prepared:
        """The action of a step as it would be performed now.

        :raises ExpressionError: if one of its expressions has no value; the message names the field.
        """
        known = self._known.get(step.id)
        if known is not None and covered_action(known.what, self._mask) == known.what:
            return known
        nested = {name: self._nested(inner, scope) for name, inner in step.nested.items()}
        kind = self._make(step.kind, step.fields, scope)
        if isinstance(kind, RunbookKind):
            kind = self._with_inputs(step, kind)
        fields = fields_of(kind)
        action = _action(kind, fields)
        if nested:
            action["nested"] = {name: _parsed(inner) for name, inner in nested.items()}
        undo: Preview | None = None
        if step.undo is not None:
            taken_back = self._nested(step.undo, scope)
            action["undo"] = _parsed(taken_back)
            undo = taken_back.kind.preview()
        what = self._announceable(action)
        secrets = secret_names(fields).union(*(inner.secrets for inner in nested.values()))
        prepared = Prepared(kind=kind, what=what, digest=sha256(what), secrets=secrets, nested=nested, undo=undo)
        again = scope.get(f"steps.{step.id}.visits", 0) not in {0, 1}
        if again and what == canonical(action) and self._is_constant(step):
            if len(self._known) == _KNOWN:
                del self._known[next(iter(self._known))]
            self._known[step.id] = prepared
        return prepared

    def _with_inputs(self, step: Step, kind: RunbookKind) -> RunbookKind:
        """The step that walks another runbook, with every input of that one."""
        inner = self._included[step.id.partition("[")[0]]
        try:
            bound = bind_inputs(inner, {name: referenced(value) for name, value in kind.inputs.items()})
        except Refused as refused:
            raise ExpressionError(f"`inputs`: {refused}") from refused
        return replace(kind, inputs={name: resolved(value) for name, value in bound.items()})

    def _is_constant(self, step: Step) -> bool:
        """Whether nothing in what a step does is an expression."""
        parts: list[Step | Nested] = [step, *step.nested.values(), *([] if step.undo is None else [step.undo])]
        return not any(
            self._registry[part.kind].TRAITS.expressions or "${{" in canonical(dict(part.fields)) for part in parts
        )

    def probe(self, step: Step, scope: Scope) -> Prepared:
        """The probe of a step as it would be performed now.

        :raises ExpressionError: as :meth:`prepare` does.
        """
        if step.probe is None:  # pragma: no cover - the walk asks for no probe that is not there
            raise AssertionError(step.id)
        return self._nested(step.probe, scope)

    def _nested(self, nested: Nested, scope: Scope) -> Prepared:
        kind = self._make(nested.kind, nested.fields, scope)
        fields = fields_of(kind)
        what = self._announceable(_action(kind, fields))
        return Prepared(kind=kind, what=what, digest=sha256(what), secrets=secret_names(fields))

    def _announceable(self, action: JsonObject) -> str:
        """The text of an action as the log holds it.

        :raises ExpressionError: if no record can hold it.
        """
        what = covered_action(canonical(action), self._mask)
        if not fits(what, LONGEST):
            less = "; repeat it for fewer, or put what is long into a `script`" if "for_each" in action else ""
            message = f"the action takes {size(what):,} bytes in the log, and {LONGEST:,} are allowed{less}"
            raise ExpressionError(message)
        return what

    def _make(self, name: str, fields: Mapping[str, Json], scope: Scope) -> Kind:
        traits = self._registry[name].TRAITS
        rendered: dict[str, Resolved] = {}
        for key, value in fields.items():
            try:
                rendered[key] = (
                    resolved(value) if key in traits.verbatim else self._field(key, value, traits.expressions, scope)
                )
            except ExpressionError as error:
                raise ExpressionError(f"`{key}`: {error.message}", error.line, error.column) from error
        try:
            return make(name, rendered)
        except ValueError as error:
            raise ExpressionError(str(error)) from error

    def _field(self, path: str, value: Json, expressions: Mapping[str, str], scope: Scope) -> Resolved:
        """A field's value: an expression where the kind says so, else a template, all the way down."""
        if path in expressions:
            return resolved(self.value(value, scope, expressions[path]) if isinstance(value, str) else value)
        if not any(pattern.startswith((f"{path}[]", f"{path}.")) for pattern in expressions):
            return self._evaluator.render(value, scope)
        match value:
            case list():
                return [self._field(f"{path}[]", item, expressions, scope) for item in value]
            case dict():
                each = f"{path}.*" if any(pattern.startswith(f"{path}.*") for pattern in expressions) else None
                return {
                    key: self._field(each or f"{path}.{key}", item, expressions, scope) for key, item in value.items()
                }
            case _:
                return self._evaluator.render(value, scope)

    def value(self, source: str, scope: Scope, want: str, judged: Step | Nested | None = None) -> Json:
        """The value of an expression of the runbook.

        :param judged: the step whose observation stands at the root of the scope, if one does.
        :raises ExpressionError: as the evaluator does.
        """
        own = NO_TYPES if judged is None else own_types(judged, self._registry, self._included)
        return self._evaluator.evaluate(source, scope, want, own=own)

    def rendered(self, value: Json, scope: Scope) -> Json:
        """A value of the runbook with its templates filled in.

        :raises ExpressionError: if one has no value.
        """
        return referenced(self._evaluator.render(value, scope))

    def text(self, template: str, scope: Scope) -> str:
        """A text of the runbook for a person; as it was written where a value is not to be had."""
        if "${{" not in template:
            return template
        try:
            return self._mask(str(referenced(self._evaluator.render(template, scope))))
        except ExpressionError:
            return template

    def demanding(self, step: Step, question: Question, scope: Scope) -> Question:
        """A question with what the step's ``confirm`` demands: a gate's own question is its confirmation."""
        if not isinstance(question, AskYes) or step.confirm is None:
            return question
        phrase = step.confirm.phrase
        typed = None if phrase is None else self.text(phrase, scope)
        return dataclasses.replace(question, phrase=typed, reason_required=step.confirm.reason)

    def place(self, walk: Walk, visit: Visit) -> Place:
        """Where a walk is, with the texts of its step rendered."""
        scope, step = self.scope(walk, visit), visit.step
        title, description = self.text(step.title, scope), self.text(step.description, scope)
        return Place(step=step, visit=visit.number, title=title, description=description, prefix=walk.prefix)

    def confirmation(self, required: Confirm | None, scope: Scope) -> tuple[Confirm, str | None] | None:
        """What must be confirmed before a step starts, and the phrase that must be typed; None if nothing must.

        :raises ExpressionError: if the phrase has no value.
        """
        if required is None:
            return None
        if required.phrase is None:
            return required, None
        phrase = self._evaluator.render(required.phrase, scope)
        if not isinstance(phrase, str) or not phrase.strip():
            raise ExpressionError("the phrase to be typed is empty")
        return required, phrase


def _recorded(action: JsonObject) -> Prepared:
    """An action as it was announced before, to be performed now.

    :raises ExpressionError: if it cannot be performed any more.
    """
    what, fields = canonical(action), action.get("fields")
    if MASK in what:
        message = "what takes it back holds something that was masked; do it by hand, and skip this"
        raise ExpressionError(message)
    try:
        given = fields if isinstance(fields, dict) else {}
        kind = make(str(action["kind"]), {name: dereferenced(value) for name, value in given.items()})
    except (KeyError, ValueError) as error:
        raise ExpressionError(f"what takes it back cannot be made again: {error}") from error
    return Prepared(kind=kind, what=what, digest=sha256(what), secrets=secret_names(fields_of(kind)))


def _action(kind: Kind, fields: dict[str, Resolved]) -> JsonObject:
    return {"kind": kind.NAME, "version": VERSION, "fields": referenced(fields)}


def _parsed(prepared: Prepared) -> JsonObject:
    """The action of a nested step, to stand inside the action of its owner."""
    return _action(prepared.kind, fields_of(prepared.kind))
