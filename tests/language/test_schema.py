"""The composed schema: its shape is what editors and validators bear, and its files are current."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from runbook.kinds.registry import KINDS
from runbook.language.envelope import NESTED, STEP
from runbook.language.schema import compose, plain_fields
from runbook.language.schema_files import file_text, schemas
from runbook.model.canonical import Json, JsonObject

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = compose(KINDS)


def pieces(value: Json) -> Iterator[JsonObject]:
    """Every mapping in a schema."""
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from pieces(inner)
        case list():
            for inner in value:
                yield from pieces(inner)


def definition(name: str) -> JsonObject:
    definitions = SCHEMA["$defs"]
    assert isinstance(definitions, dict)
    found = definitions[name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", schemas(KINDS))
def test_the_committed_schema_is_what_the_kinds_and_the_envelope_say(name: str) -> None:
    path = ROOT / "schemas" / f"{name}.schema.json"
    assert path.read_text() == file_text(schemas(KINDS)[name]), "run `make schema` and commit schemas/"


@pytest.mark.parametrize("name", schemas(KINDS))
def test_every_schema_is_valid_in_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(schemas(KINDS)[name])
    jsonschema_rs.meta.validate(schemas(KINDS)[name])


@pytest.mark.parametrize("name", schemas(KINDS))
def test_no_word_is_used_that_gives_several_errors_for_one_mistake(name: str) -> None:
    forbidden = {"oneOf", "anyOf", "unevaluatedProperties", "unevaluatedItems", "defaultSnippets"}
    assert [forbidden & piece.keys() for piece in pieces(schemas(KINDS)[name]) if forbidden & piece.keys()] == []


def test_every_reference_leads_somewhere() -> None:
    definitions = SCHEMA["$defs"]
    assert isinstance(definitions, dict)
    named = {str(piece["$ref"]).removeprefix("#/$defs/") for piece in pieces(SCHEMA) if "$ref" in piece}
    assert named - definitions.keys() == set()


def test_an_outer_step_says_nothing_but_its_kind() -> None:
    outer = definition("step")["properties"]
    assert isinstance(outer, dict)
    assert outer.keys() == {"id", "title", "description", "kind"}
    for key in ("id", "title", "description"):
        piece = outer[key]
        assert isinstance(piece, dict)
        assert piece.keys() == {"description"}


def test_every_kind_has_a_text_in_the_enumeration() -> None:
    outer = definition("step")["properties"]
    assert isinstance(outer, dict)
    kind = outer["kind"]
    assert isinstance(kind, dict)
    assert kind["enum"] == list(KINDS)
    for words in ("enumDescriptions", "markdownEnumDescriptions"):
        texts = kind[words]
        assert isinstance(texts, list)
        assert len(texts) == len(KINDS)
        assert all(texts)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_closed_schema_with_a_title(name: str) -> None:
    closed = definition(f"step_{name}")
    assert closed["title"] == f"{name} step"
    assert closed["additionalProperties"] is False
    properties = closed["properties"]
    assert isinstance(properties, dict)
    for key in STEP:
        assert properties[key] == {"$ref": f"#/$defs/envelope_{key}"}


@pytest.mark.parametrize("name", KINDS)
def test_no_kind_has_a_field_that_is_a_key_of_every_step(name: str) -> None:
    properties = KINDS[name].SCHEMA["properties"]
    assert isinstance(properties, dict)
    assert properties.keys() & {"kind", "failed_when", *STEP} == set()


def test_a_branch_demands_an_object_with_a_kind() -> None:
    for place in ("step", *NESTED):
        branches = definition(place)["allOf"]
        assert isinstance(branches, list)
        for branch in branches:
            assert isinstance(branch, dict)
            condition = branch["if"]
            assert isinstance(condition, dict)
            assert condition["type"] == "object"
            assert condition["required"] == ["kind"]


def test_what_must_say_its_effect_is_asked_for_it_in_the_editor() -> None:
    asked = {name for name in KINDS if "effect" in json.dumps(definition(f"step_{name}")["required"])}
    assert asked == {"command", "ssh", "sql", "manual"}


def test_only_what_looks_can_be_a_probe_and_only_what_changes_an_undo() -> None:
    def kinds(place: str) -> Json:
        properties = definition(place)["properties"]
        assert isinstance(properties, dict)
        kind = properties["kind"]
        assert isinstance(kind, dict)
        return kind["enum"]

    for place in ("read", "probe", "member"):
        assert kinds(place) == ["http", "env", "command", "ssh", "sql", "revisions"]
    assert kinds("undo") == ["http", "command", "ssh", "sql", "activate", "manual", "message"]


def test_defaults_fill_neither_steps_nor_expressions_nor_edges() -> None:
    assert "until" not in plain_fields(KINDS["wait"])
    assert "every" in plain_fields(KINDS["wait"])
    assert "that" not in plain_fields(KINDS["assert"])
    assert "options" not in plain_fields(KINDS["choice"])
    assert "fields" not in plain_fields(KINDS["ask"])
