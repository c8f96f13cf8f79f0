"""What holds for every kind, whoever wrote it."""

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from runbook.kinds.registry import KINDS, fields_of, make
from runbook.language.loading import load
from runbook.language.schema import compose
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Kind, KindClass, is_asked, is_automated
from runbook.model.secrets import Resolved, SecretRef, SecretText, referenced

TYPE = re.compile(r"int|double|string|bool|dyn|timestamp|duration|list<.+>|map<string,.+>")
RESERVED = {
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "list",
    "map",
    "type",
    "null",
    "true",
    "false",
    "in",
} | {
    *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
    *("namespace", "return", "var", "void", "while", "inputs", "environment", "steps", "saved", "run", "item", "last"),
}
"""Root names that an expression cannot use, or that mean something else there."""

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
WALKED_INSIDE = """\
runbook: v1
id: database_connection
inputs:
  ticket: {type: string}
steps:
  - id: done
    kind: finish
    outcome: resolved
"""
"""What the example of the kind ``runbook`` walks."""

every_example = pytest.mark.parametrize(
    ("kind", "example"),
    [(kind, example) for kind in KINDS.values() for example in kind.EXAMPLES],
    ids=[str(example["id"]) for kind in KINDS.values() for example in kind.EXAMPLES],
)


def properties(kind: KindClass) -> JsonObject:
    found = kind.SCHEMA["properties"]
    assert isinstance(found, dict)
    return found


def dataclass_fields(kind: KindClass) -> dict[str, dataclasses.Field[object]]:
    """The fields of a kind by the names they have in a file."""
    return {field.name.removesuffix("_"): field for field in dataclasses.fields(kind)}  # type: ignore[arg-type] # it is one


def rendered(kind: KindClass, example: JsonObject) -> dict[str, Resolved]:
    """An example's own fields as if they had been rendered: expressions are true, and the only secret is `token`."""
    fields = {name: value for name, value in example.items() if name in properties(kind)}
    return {name: _resolved(value, name in kind.TRAITS.expressions) for name, value in fields.items()}


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


def made(kind: KindClass, example: JsonObject) -> Kind:
    return make(kind.NAME, rendered(kind, example))


@every_kind
def test_the_kind_is_a_frozen_dataclass_with_a_reference_page(kind: KindClass) -> None:
    assert KINDS[kind.NAME] is kind
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined] # it is a dataclass
    assert "__slots__" in vars(kind)
    assert all(field.kw_only for field in dataclass_fields(kind).values())
    page = inspect.cleandoc(kind.__doc__ or "")
    assert "\n\nFor example::\n\n    kind: " in page
    assert page.partition("\n\n")[0].endswith(".")
    assert kind.JUDGE >= 1
    assert kind.EXAMPLES


@every_kind
def test_dataclass_and_schema_agree_in_names_and_required_ness(kind: KindClass) -> None:
    fields = dataclass_fields(kind)
    assert set(fields) == set(properties(kind))
    without = {name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING}
    required = kind.SCHEMA["required"]
    assert isinstance(required, list)
    assert set(required) == without


@every_kind
def test_dataclass_and_schema_agree_in_defaults(kind: KindClass) -> None:
    for name, field in dataclass_fields(kind).items():
        piece = properties(kind)[name]
        assert isinstance(piece, dict)
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if "default" in piece:
            assert piece["default"] == default, name
        else:
            assert default is dataclasses.MISSING or not default, name


def pieces(piece: Json) -> Iterator[tuple[str, Json]]:
    """Every property inside a piece of schema."""
    match piece:
        case {"properties": dict() as inner}:
            for name, one in inner.items():
                yield name, one
                yield from pieces(one)
        case {"if": _, "then": then, "else": otherwise}:
            yield from pieces(then)
            yield from pieces(otherwise)
        case {"items": inner_piece} | {"additionalProperties": inner_piece}:
            yield from pieces(inner_piece)


@every_kind
def test_every_property_is_described(kind: KindClass) -> None:
    for name, piece in pieces(kind.SCHEMA):
        assert isinstance(piece, dict)
        text = piece.get("description")
        assert isinstance(text, str), name
        assert text[0].isupper() or text[0] == "`", name
        assert text.endswith("."), name


@every_kind
def test_traits_name_fields_that_exist(kind: KindClass) -> None:
    traits = kind.TRAITS
    named = {
        *traits.expressions,
        *traits.verbatim,
        *traits.secrets,
        *traits.nested,
        *traits.jumps,
        *(name for group in (*traits.exactly_one, *traits.at_most_one) for name in group),
    }
    assert {re.split(r"[.\[]", name)[0] for name in named} <= set(properties(kind))


@every_kind
def test_what_is_observed_has_a_type_and_a_name_that_expressions_can_use(kind: KindClass) -> None:
    shown = dict(kind.OBSERVES)
    for example in kind.EXAMPLES:
        shown |= kind.observes(example)
    for name, observed in shown.items():
        assert TYPE.fullmatch(observed.type), name
        assert observed.text, name
        if name.split(".")[0] != "steps":
            assert name.split(".")[0] not in RESERVED


@every_example
def test_a_kind_acts_by_itself_or_asks_a_person_or_is_the_drivers(kind: KindClass, example: JsonObject) -> None:
    it = made(kind, example)
    asks = is_asked(it) and it.question() is not None
    if is_asked(it) or is_automated(it):
        assert asks is kind.asks(example)
    else:
        assert kind.NAME in {"wait", "finish", "parallel", "runbook", "undo"}
    assert kind.TRAITS.person or not asks


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(compose(KINDS))


@every_example
def test_every_example_is_a_right_step(
    kind: KindClass, example: JsonObject, validator: jsonschema.Draft202012Validator
) -> None:
    assert example["kind"] == kind.NAME
    runbook = {"runbook": "v1", "id": "example", "steps": [example]}
    assert [error.message for error in validator.iter_errors(runbook)] == []


@every_example
def test_every_example_passes_the_checker(kind: KindClass, example: JsonObject, tmp_path: Path) -> None:
    steps: list[Json] = (
        [example] if kind.TRAITS.ends else [example, {"id": "end", "kind": "finish", "outcome": "failed"}]
    )
    runbook: JsonObject = {
        "runbook": "v1",
        "id": "example",
        "environments": {"production": {"service": "api"}},
        "secrets": {name: {"env": name.upper()} for name in re.findall(r"secrets\.(\w+)", canonical(example))},
        "steps": steps,
    }
    path = tmp_path / "example.yaml"
    path.write_text(json.dumps(runbook, indent=1))
    (tmp_path / "database_connection.yaml").write_text(WALKED_INSIDE)
    diagnostics = load(str(path), KINDS).diagnostics
    found = {diagnostic.code.number: diagnostic.message for diagnostic in diagnostics}
    assert found == {}


@every_example
def test_every_example_makes_and_its_fields_come_back(kind: KindClass, example: JsonObject) -> None:
    it = made(kind, example)
    assert isinstance(it, kind)
    fields = fields_of(it)
    assert fields.keys() >= rendered(kind, example).keys()
    assert fields_of(make(kind.NAME, fields)) == fields
    assert canonical(referenced(fields))


@every_example
def test_every_example_says_in_one_line_what_it_would_do(kind: KindClass, example: JsonObject) -> None:
    it = made(kind, example)
    preview = it.preview()
    assert preview.line
    assert "\n" not in preview.line
    assert "SecretText" not in preview.line + preview.detail
    if "${{ secrets." in canonical(example):
        assert "‹secret token›" in preview.line + preview.detail


@every_kind
def test_an_unknown_field_is_refused(kind: KindClass) -> None:
    with pytest.raises(ExpressionError, match="knows no `surely_not`"):
        make(kind.NAME, {**rendered(kind, kind.EXAMPLES[0]), "surely_not": 1})
