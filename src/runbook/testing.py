"""What a package that brings a kind of step tests it with: the very promises that our own kinds keep.

For example::

    from runbook.testing import check_kind

    def test_prometheus_keeps_the_promises_of_a_kind():
        check_kind(Prometheus)
"""

import dataclasses
import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from runbook.kinds.fitting import fit
from runbook.kinds.guests import objection
from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.kind import Automated, Kind, KindClass, is_asked, is_automated
from runbook.model.secrets import Resolved, SecretRef, SecretText
from runbook.world.real import RealWorld
from runbook.world.scripted import WORDS
from runbook.world.secrets import SecretStore

_TYPE = re.compile(r"int|double|string|bool|dyn|timestamp|duration|list<.+>|map<string,.+>")
_RESERVED = frozenset(
    {"int", "uint", "double", "string", "bool", "bytes", "list", "map", "type", "null", "true", "false", "in"}
    | {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"}
    | {"namespace", "return", "var", "void", "while", "inputs", "environment", "steps", "saved", "run", "item", "last"}
)
"""Root names that an expression cannot use, or that mean something else there."""
_OURS = frozenset({"wait", "finish", "parallel", "runbook", "undo"})
"""The kinds that the walk itself performs."""
_WALKED_INSIDE = """\
runbook: v1
id: inner
inputs: {ticket: {type: string}}
steps: [{id: done, kind: finish, outcome: resolved}]
"""


def check_kind(kind: KindClass) -> None:
    """Hold a kind to what the checker, the walk, the reference and the editors rely on.

    :raises AssertionError: with a sentence that says what does not hold.
    """
    for promise in PROMISES:
        promise(kind)


def is_a_frozen_dataclass_with_a_reference_page(kind: KindClass) -> None:
    """Its docstring is its page: a sentence, what it is for, and an example."""
    wrong = objection(kind, kind.NAME) if kind.NAME not in _OURS else None
    _hold(wrong is None, wrong or "")
    _hold(kind.__dataclass_params__.frozen, "the dataclass is not frozen")  # type: ignore[attr-defined] # it is one
    _hold("__slots__" in vars(kind), "the dataclass has no slots")
    _hold(all(field.kw_only for field in _fields(kind).values()), "a field is not keyword-only")
    page = inspect.cleandoc(kind.__doc__ or "")
    _hold("\n\nFor example::\n\n    kind: " in page, "its docstring has no example behind `For example::`")
    _hold(page.partition("\n\n")[0].endswith("."), "its docstring does not begin with a sentence")
    _hold(kind.EXAMPLES, "it has no EXAMPLES")


def has_a_schema_that_agrees_with_the_dataclass(kind: KindClass) -> None:
    """In names, in what is required, and in defaults."""
    fields, properties = _fields(kind), _properties(kind)
    _hold(fields.keys() == properties.keys(), "schema and dataclass have other fields")
    missing = dataclasses.MISSING
    without = {name for name, field in fields.items() if field.default is field.default_factory is missing}
    _hold(without == {*cast("list[str]", kind.SCHEMA["required"])}, "what is required is not what has no default")
    for name, field in fields.items():
        default = field.default if field.default_factory is missing else field.default_factory()
        piece = cast("JsonObject", properties[name])
        if "default" in piece:
            _hold(piece["default"] == default, f"the default of `{name}` is another in the schema")
        else:
            _hold(default is missing or not default, f"the schema does not say the default of `{name}`")


def describes_every_property(kind: KindClass) -> None:
    """In a sentence, as an editor shows it."""
    for name, piece in _pieces(kind.SCHEMA):
        text = str(piece.get("description", "")) if isinstance(piece, dict) else ""
        _hold(bool(re.fullmatch(r"[A-Z`].*\.", text, re.DOTALL)), f"`{name}` is not described in a sentence")


def has_traits_that_name_its_fields(kind: KindClass) -> None:
    """And no others."""
    traits = kind.TRAITS
    groups = [name for group in (*traits.exactly_one, *traits.at_most_one) for name in group]
    named = {*traits.expressions, *traits.verbatim, *traits.secrets, *traits.nested, *traits.jumps, *groups}
    unknown = {re.split(r"[.\[]", name)[0] for name in named} - _properties(kind).keys()
    _hold(not unknown, f"its TRAITS name `{', '.join(sorted(unknown))}`, which is no field")


def observes_what_expressions_can_use(kind: KindClass) -> None:
    """Each field with a type, a line of reference, and a name that is not taken."""
    shown = dict(kind.OBSERVES)
    for example in kind.EXAMPLES:
        shown |= kind.observes(example)
    for name, observed in shown.items():
        _hold(_TYPE.fullmatch(observed.type), f"`{name}` has the type `{observed.type}`, which is none")
        _hold(observed.text, f"`{name}` is not described")
        root = name.split(".")[0]
        _hold(root not in WORDS, f"`{name}` is a word of scenarios, which could not tell it")
        _hold(root == "steps" or root not in _RESERVED, f"expressions cannot use the name `{name}`")


def acts_or_asks(kind: KindClass) -> None:
    """By itself or a person, and says before which; its preview says something."""
    for example in kind.EXAMPLES:
        it = made(kind, example)
        _hold(it.preview().line, f"the preview of `{example['id']}` says nothing")
        asks = is_asked(it) and it.question() is not None
        if is_asked(it) or is_automated(it):
            _hold(asks is kind.asks(example), f"`{example['id']}` asks, and the kind says otherwise")
        else:
            _hold(kind.NAME in _OURS, "it neither acts nor asks")
        _hold(kind.TRAITS.person or not asks, "its TRAITS do not say that it may ask a person")


def has_examples_that_pass_the_checker(kind: KindClass) -> None:
    """Each as a step of a runbook."""
    for example in kind.EXAMPLES:
        _hold(example["kind"] == kind.NAME, f"the example `{example['id']}` is of another kind")
        found = _checked(kind, example)
        _hold(not found, f"the example `{example['id']}`: {'; '.join(found)}")


PROMISES: Sequence[Callable[[KindClass], None]] = (
    is_a_frozen_dataclass_with_a_reference_page,
    has_a_schema_that_agrees_with_the_dataclass,
    describes_every_property,
    has_traits_that_name_its_fields,
    observes_what_expressions_can_use,
    acts_or_asks,
    has_examples_that_pass_the_checker,
)
"""What :func:`check_kind` holds a kind to, one after the other."""


def performed(kind: Automated, *, changes: bool = False) -> JsonObject:
    """What a kind observes of the real world, where the test has put a server or a program for it; without secrets.

    :param changes: whether it may change something.
    :raises WorldError: if there is nothing to observe.
    """
    secrets = SecretStore({}, register=lambda *_: None)
    with closing(RealWorld(secrets=secrets, output=lambda *_: None)) as world:
        return world.perform("step", kind, None, changes=changes)


def _hold(holds: object, otherwise: str) -> None:
    """Say what does not hold, whatever Python was told about assertions."""
    if not holds:
        raise AssertionError(otherwise)


def rendered(kind: KindClass, example: JsonObject) -> dict[str, Resolved]:
    """An example's own fields as if they had been rendered: expressions are true, and the only secret is `token`."""
    own = {name: value for name, value in example.items() if name in _properties(kind)}
    return {name: _resolved(value, name in kind.TRAITS.expressions) for name, value in own.items()}


def made(kind: KindClass, example: JsonObject) -> Kind:
    """The kind with the fields of an example, as a walk would make it."""
    schema: JsonObject = {"type": "object", **kind.SCHEMA, "additionalProperties": False}
    fitted = cast("dict[str, Resolved]", fit(rendered(kind, example), schema, kind.NAME))
    python = {field.name.removesuffix("_"): field.name for field in _fields(kind).values()}
    return cast("Callable[..., Kind]", kind)(**{python[name]: value for name, value in fitted.items()})


def _resolved(value: Json, expression: bool = False) -> Resolved:
    match value:
        case str() if "${{ secrets." in value:
            return SecretText(("before ", SecretRef("token")))
        case dict():
            return {key: _resolved(item, key == "when") for key, item in value.items()}
        case list():
            return [_resolved(item) for item in value]
        case _:
            return True if expression else value


def _checked(kind: KindClass, example: JsonObject) -> list[str]:
    """What the checker says of an example as a step of a runbook."""
    end: Json = {"id": "end", "kind": "finish", "outcome": "completed"}
    runbook: JsonObject = {
        "runbook": "v1",
        "id": "example",
        "environments": {"production": {"service": "api"}},
        "secrets": {name: {"env": name.upper()} for name in re.findall(r"secrets\.(\w+)", canonical(example))},
        "steps": [example] if kind.TRAITS.ends else [example, end],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.yaml"
        path.write_text(json.dumps(runbook, indent=1))
        if kind.NAME == "runbook":
            (Path(folder) / str(example["path"])).write_text(_WALKED_INSIDE)
        found = load(str(path), {**KINDS, kind.NAME: kind}).diagnostics
    return [f"{diagnostic.code.number} {diagnostic.message}" for diagnostic in found]


def _fields(kind: KindClass) -> Mapping[str, "dataclasses.Field[object]"]:
    """The fields of a kind by the names they have in a file."""
    return {field.name.removesuffix("_"): field for field in dataclasses.fields(kind)}  # type: ignore[arg-type] # it is one


def _properties(kind: KindClass) -> Mapping[str, Json]:
    return cast("JsonObject", kind.SCHEMA["properties"])


def _pieces(piece: Json) -> Iterator[tuple[str, Json]]:
    """Every property inside a piece of schema."""
    match piece:
        case {"properties": dict() as inner}:
            for name, one in inner.items():
                yield name, one
                yield from _pieces(one)
        case {"if": _, "then": then, "else": otherwise}:
            yield from _pieces(then)
            yield from _pieces(otherwise)
        case {"items": inner_piece} | {"additionalProperties": inner_piece}:
            yield from _pieces(inner_piece)
