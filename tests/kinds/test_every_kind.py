"""What holds for every kind, whoever wrote it."""

import jsonschema
import pytest

from runbook.kinds.registry import KINDS, fields_of, make
from runbook.language.schema import compose
from runbook.model.canonical import JsonObject, canonical
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import KindClass
from runbook.model.secrets import referenced
from runbook.testing import PROMISES, check_kind, made, rendered

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
every_example = pytest.mark.parametrize(
    ("kind", "example"),
    [(kind, example) for kind in KINDS.values() for example in kind.EXAMPLES],
    ids=[str(example["id"]) for kind in KINDS.values() for example in kind.EXAMPLES],
)


@every_kind
def test_the_kind_keeps_every_promise_that_a_guest_is_held_to(kind: KindClass) -> None:
    assert KINDS[kind.NAME] is kind
    check_kind(kind)


def test_every_promise_is_in_the_reference_of_its_own_words() -> None:
    assert [promise.__name__ for promise in PROMISES if not promise.__doc__] == []


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
