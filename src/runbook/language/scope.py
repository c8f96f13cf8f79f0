"""Which names exist for the expressions of a runbook, and of which type they are.

All but the fields of an observation and ``item`` exist everywhere; whether they are *set* where an expression stands is
the business of :mod:`runbook.language.flow`.
"""

from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from runbook.language.expressions import Compiler, Looked
from runbook.language.tokens import read
from runbook.language.traps import Rejected
from runbook.language.typed import mapping
from runbook.model.canonical import Json
from runbook.model.evaluator import NO_TYPES
from runbook.model.inputs import CEL_TYPES
from runbook.model.kind import Observed, Registry
from runbook.model.runbook import Finish, Nested, Runbook, Step

RUN: Mapping[str, str] = {
    "run.id": "string",
    "run.mode": "string",
    "run.incident": "string",
    "run.operator": "string",
    "run.now": "timestamp",
}
ALWAYS: Mapping[str, str] = {"outcome": "string", "reason": "string", "visits": "int"}
"""What is known of every step, whether it ran or not."""
UNDONE = "undone"
"""Known of every step too, but of one that observes something of that name: ``undo``, which lists what it took back."""
ITEM = "item"
TAKEN_FIELDS = frozenset(
    {
        *("inputs", "environment", "steps", "saved", "run", "last", "secrets", ITEM, *ALWAYS),
        *("bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint"),
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
        *("namespace", "return", "var", "void", "while"),
    }
)
"""What a field of a form cannot be called: roots, what is known of every step, CEL's types and reserved words."""
_EACH: Mapping[str, Observed] = {
    "items": Observed(
        type="list<dyn>", text="For each element `item`, `outcome` and `observation`.", after_failure=True
    ),
    "passed": Observed(type="int", text="How many elements passed.", after_failure=True),
    "failed": Observed(type="int", text="How many elements failed.", after_failure=True),
    "unknown": Observed(type="int", text="How many elements are unknown.", after_failure=True),
}


class Saving(NamedTuple):
    """One place that saves a value under a name, in a step or in a step inside it."""

    name: str
    source: str
    step: Step
    own: Mapping[str, str]


class Names(NamedTuple):
    """The names of a runbook.

    ``types`` has the CEL type of each. ``observed`` says of each field of each step when it is there. ``early`` are the
    names that are settled before the first step. ``secrets`` are the names of all secrets, and ``savings`` the places
    at which ``saved.NAME`` comes from.
    """

    types: Mapping[str, str]
    early: Mapping[str, str]
    observed: Mapping[str, Mapping[str, Observed]]
    secrets: frozenset[str]
    savings: tuple[Saving, ...] = ()


def observed_by(step: Step, registry: Registry, included: Mapping[str, Runbook]) -> Mapping[str, Observed]:
    """The fields of a step's observation as other steps see it."""
    return _EACH if step.for_each is not None else seen_by(step, registry, included)


def seen_by(step: Step | Nested, registry: Registry, included: Mapping[str, Runbook]) -> Mapping[str, Observed]:
    """The fields of what a step itself observes, an element of a loop for its own."""
    inner = included.get(step.id.partition("[")[0]) if isinstance(step, Step) else None
    return {**(_outputs(inner) if inner else {}), **registry[step.kind].observes(step.fields)}


def _outputs(inner: Runbook) -> Mapping[str, Observed]:
    """What the ends of a runbook put out: there when every end that is good does."""
    ends = [mapping(step.fields.get("outputs")) for step in inner.steps if step.kind == "finish"]
    good = [
        mapping(step.fields.get("outputs"))
        for step in inner.steps
        if step.kind == "finish" and Finish(str(step.fields["outcome"])).good
    ]
    return {
        name: Observed(
            type="dyn",
            text="An output of the runbook.",
            always=all(name in outputs for outputs in good),
            after_failure=all(name in outputs for outputs in ends),
        )
        for name in dict.fromkeys(name for outputs in ends for name in outputs)
    }


def always(observed: Container[str]) -> Mapping[str, str]:
    """What is known of a step that observes these fields, whether it ran or not, each with its CEL type."""
    return ALWAYS if UNDONE in observed else {**ALWAYS, UNDONE: "bool"}


def own_types(step: Step | Nested, registry: Registry, included: Mapping[str, Runbook]) -> Mapping[str, str]:
    """The types of a step's own fields, as they stand at the root of its ``expect`` and ``save``."""
    return {name: seen.type for name, seen in seen_by(step, registry, included).items()}


def type_of(value: Json) -> str:
    """The CEL type of a constant that a file holds."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case list():
            inner = {type_of(item) for item in value}
            return f"list<{inner.pop()}>" if len(inner) == 1 else "list<dyn>"
        case dict():
            return "map<string,dyn>"
        case _:
            return "dyn"


def _environment(runbook: Runbook) -> Iterator[tuple[str, str]]:
    """The names of the environments; numbers of both kinds under one key are decimal."""
    if not runbook.environments:
        return
    yield "environment.name", "string"
    for key in dict.fromkeys(key for values in runbook.environments.values() for key in values):
        types = {type_of(values[key]) for values in runbook.environments.values() if key in values}
        joined = types.pop() if len(types) == 1 else "double" if types == {"int", "double"} else "dyn"
        yield f"environment.{key}", joined


def _secrets(runbook: Runbook) -> Iterator[str]:
    yield from runbook.secrets
    for step in runbook.steps:
        yield from step.save_secret
        yield from secret_fields(step)


def secret_fields(step: Step) -> Iterator[str]:
    """The secrets that a form makes."""
    fields = step.fields.get("fields")
    if step.kind == "ask" and isinstance(fields, dict):
        for name, raw in fields.items():
            if isinstance(raw, dict) and raw.get("secret") is True:
                yield name


def names_of(runbook: Runbook, registry: Registry, compiler: Compiler | None = None) -> Names:
    """Every name of a runbook with its type; a name whose type cannot be told is ``dyn``.

    :param compiler: compiles what ``save`` saves, for the types of ``saved``.
    """
    early = {
        **{f"inputs.{name}": CEL_TYPES[wanted.type] for name, wanted in runbook.inputs.items() if not wanted.secret},
        **dict(_environment(runbook)),
        **RUN,
    }
    observed = {step.id: observed_by(step, registry, runbook.included) for step in runbook.steps}
    types = dict(early)
    for step_id, fields in observed.items():
        types[f"last.{step_id}"] = "map<string,dyn>"
        for name, type_ in always(fields).items():
            types[f"steps.{step_id}.{name}"] = type_
        for name, seen in fields.items():
            types[f"steps.{step_id}.{name}"] = seen.type
    savings = tuple(_savings(runbook, registry))
    types.update(_saved(savings, types, compiler or Compiler()))
    return Names(types=types, early=early, observed=observed, secrets=frozenset(_secrets(runbook)), savings=savings)


def types_of(runbook: Runbook, registry: Registry) -> Mapping[str, str]:
    """The CEL types that an evaluator of this runbook is made with."""
    return names_of(runbook, registry).types


def _savings(runbook: Runbook, registry: Registry) -> Iterator[Saving]:
    for step in runbook.steps:
        owners: list[Step | Nested] = [step, *step.nested.values()]
        owners += [nested for nested in (step.undo, step.probe) if nested is not None]
        for owner in owners:
            own = {**own_types(owner, registry, runbook.included), **_item(step)} if owner.save else NO_TYPES
            for name, source in owner.save.items():
                yield Saving(name=name, source=source, step=step, own=own)


def _item(step: Step) -> Mapping[str, str]:
    return {} if step.for_each is None else {ITEM: "dyn"}


def _saved(savings: tuple[Saving, ...], types: Mapping[str, str], compiler: Compiler) -> Mapping[str, str]:
    """The types of ``saved.NAME``, each found when those that its expression mentions have been."""
    known = dict(types)
    found: dict[str, set[str]] = {}
    todo = list(savings)
    while todo:
        waiting = {saving.name for saving in todo}
        later = [saving for saving in todo if not waiting.isdisjoint(_mentions(saving.source))]
        ready = [saving for saving in todo if waiting.isdisjoint(_mentions(saving.source))] or todo
        todo = later if len(later) < len(todo) else []
        looked = [(saving.name, compiler.look(saving.source, known, saving.own)) for saving in ready]
        for name, expression in looked:
            found.setdefault(name, set()).add(_yields(expression, compiler))
        for name in {saving.name for saving in ready} - {saving.name for saving in todo}:
            known[f"saved.{name}"] = found[name].pop() if len(found[name]) == 1 else "dyn"
    return {name: type_ for name, type_ in known.items() if name not in types}


def _mentions(source: str) -> set[str]:
    """The names of the saved values that an expression mentions."""
    return {mention.parts[1] for mention in read(source).mentions if mention.parts[0] == "saved" and mention.parts[1:]}


def _yields(looked: Looked, compiler: Compiler) -> str:
    """The type of what an expression saves; ``dyn`` where it does not compile, which is reported elsewhere."""
    try:
        returns = compiler.yields(looked, "dyn")
    except Rejected:
        return "dyn"
    return {"null": "dyn", "uint": "int"}.get(returns, returns)
