"""Expressions are evaluated over JSON to JSON, and templates are filled in, with every mistake at its place."""

from collections.abc import Mapping

import pytest

from runbook.language.expressions import Cel
from runbook.model.canonical import Json
from runbook.model.evaluator import Evaluator, ExpressionError
from runbook.model.secrets import SecretRef, SecretText

TYPES = {
    "inputs.ids": "list<string>",
    "inputs.window": "duration",
    "environment.name": "string",
    "run.now": "timestamp",
    "steps.check.status": "int",
    "steps.check.load": "double",
    "steps.check.body": "dyn",
    "steps.check.headers": "map<string,dyn>",
    "steps.check.tls.days_left": "int",
    "last.check": "map<string,dyn>",
}
SCOPE: Mapping[str, Json] = {
    "inputs.ids": ["a", "b"],
    "inputs.window": "90m",
    "environment.name": "production",
    "run.now": "2026-11-21T09:00:00.120Z",
    "steps.check.status": 200,
    "steps.check.load": 3,
    "steps.check.body": {"status": "ok", "none": None, "sizes": [3, 2], "map": {"b": 1, "a": 2}},
    "steps.check.headers": {"x-a": "1", "x-b": 2},
    "steps.check.tls.days_left": 30,
    "last.check": {},
}
NO_ORDER = "`map` and `filter` run over a list, and this is a map, whose keys have no order"


@pytest.fixture
def cel() -> Cel:
    return Cel(TYPES)


def test_it_is_an_evaluator() -> None:
    evaluator: Evaluator = Cel({})
    assert evaluator.evaluate("1 + 1", {}, "int") == 2


@pytest.mark.parametrize(
    ("source", "want", "value"),
    [
        ("steps.check.status == 200", "bool", True),
        ("steps.check.body.status", "string", "ok"),
        ("steps.check.body.none", "dyn", None),
        ("steps.check.load", "double", 3.0),
        ("steps.check.tls.days_left > 14 && steps.check.body.sizes[0] == 3", "bool", True),
        ("inputs.ids.join(', ')", "string", "a, b"),
        ("'a-b'.split('-')", "list<string>", ["a", "b"]),
        ("inputs.window", "duration", "5400s"),
        ("inputs.window + duration('500ms')", "dyn", "5400500ms"),
        ("run.now + inputs.window", "timestamp", "2026-11-21T10:30:00.12Z"),
        ("steps.check.body.map", "dyn", {"a": 2, "b": 1}),
        ("steps.check.body.sizes.map(n, n * 2)", "list<int>", [6, 4]),
        ("has(last.check.status) && last.check.status == 200", "bool", False),
        ("steps.check.body.sizes.filter(n, n > 2).size()", "int", 1),
        ("3u", "dyn", 3),
    ],
)
def test_an_expression_yields_json_of_the_wanted_type(cel: Cel, source: str, want: str, value: Json) -> None:
    result = cel.evaluate(source, SCOPE, want)
    assert result == value
    assert type(result) is type(value)


def test_maps_come_out_in_the_order_of_their_keys(cel: Cel) -> None:
    result = cel.evaluate("steps.check.body", SCOPE, "dyn")
    assert isinstance(result, dict)
    assert list(result) == sorted(result)


@pytest.mark.parametrize(
    ("source", "want", "said", "line", "column"),
    [
        ("steps.check.body.status", "bool", "this must be true or false, and it is text", 1, 1),
        ("steps.check.status", "bool", "this must be true or false, and it is a whole number", 1, 1),
        ("steps.check.body.gone", "dyn", "there is no key `gone`", 1, 1),
        ("steps.check.body.gone.further == 1", "bool", "there is no key `gone`", 1, 1),
        ("!steps.check.body", "bool", "`!` cannot be used with these values", 1, 1),
        ("steps.check.body.status > 1", "bool", "`>` cannot be used with text and a whole number", 1, 1),
        ("inputs.ids[5]", "string", "there is no element 5: the list has 2", 1, 1),
        ("steps.check.status / 0", "int", "divide by zero", 1, 1),
        ("1.0 / steps.check.load / 0.0", "double", "the result is inf, which is no number in JSON", 1, 1),
        ("steps.check.status +\n steps.chekc.status", "int", "there is no step `chekc`", 2, 8),
        ("steps.check.body.map.map(k, k)", "list", NO_ORDER, 1, 1),
        ("[1].map(x, [1].map(y, steps.check.body.map.filter(k, true)))", "list", NO_ORDER, 1, 1),
    ],
)
def test_what_does_not_yield_it_fails_with_a_place(source: str, want: str, said: str, line: int, column: int) -> None:
    with pytest.raises(ExpressionError) as raised:
        Cel(TYPES).evaluate(source, SCOPE, want)
    assert (raised.value.message, raised.value.line, raised.value.column) == (said, line, column)


def test_a_name_that_is_not_set_is_an_error_and_never_null(cel: Cel) -> None:
    scope = {name: value for name, value in SCOPE.items() if name != "steps.check.status"}
    with pytest.raises(ExpressionError, match=r"^`steps.check.status` is not set$") as raised:
        cel.evaluate("1 == 1 || steps.check.status == 200", scope, "bool")
    assert raised.value.column == 11


def test_a_field_that_was_not_observed_is_not_set(cel: Cel) -> None:
    for own in ({}, {"status": "int"}):
        with pytest.raises(ExpressionError, match=r"^`status` is not set$") as raised:
            cel.evaluate("body.ok && status == 200", {"body": {"ok": True}}, "bool", own=own)
        assert raised.value.column == 12


def test_a_value_of_another_type_than_declared_is_an_error_at_its_name(cel: Cel) -> None:
    with pytest.raises(ExpressionError) as raised:
        cel.evaluate("true && steps.check.status == 200", {**SCOPE, "steps.check.status": "200"}, "bool")
    assert raised.value.message == "`steps.check.status` is text, where a whole number is declared"
    assert raised.value.column == 9


def test_fields_at_the_root_have_the_types_that_are_told_or_those_of_their_values(cel: Cel) -> None:
    scope: Mapping[str, Json] = {**SCOPE, "status": 200, "since": "2026-11-21T08:00:00Z", "body": {"ok": True}}
    assert cel.evaluate("status == 200 && body.ok && steps.check.status == status", scope, "bool") is True
    own = {"since": "timestamp"}
    assert cel.evaluate("run.now - since > duration('1h')", scope, "bool", own=own) is True
    assert cel.evaluate("tls.days_left > 14", {"tls.days_left": 20}, "bool", own={"tls.days_left": "int"}) is True


class Spoiled(dict[str, Json]):
    """A scope in which a part of an observation was masked."""

    def spoiled(self, name: str) -> str | None:
        """Why a chain of names cannot be used."""
        return "masked" if name.startswith("body.token") or name == "body" else None


def test_what_was_masked_cannot_be_judged_and_what_stands_beside_it_can(cel: Cel) -> None:
    scope = Spoiled({"body": {"token": "[MASKED:t]", "status": "ok"}})
    assert cel.evaluate("body.status == 'ok'", scope, "bool") is True
    with pytest.raises(ExpressionError, match=r"`body\.token` was masked, so nothing can be said about it"):
        cel.evaluate("body.token != ''", scope, "bool")
    with pytest.raises(ExpressionError, match="`body` was masked"):
        cel.evaluate("body['token'] != ''", scope, "bool")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("no expression", "no expression"),
        (7, 7),
        (None, None),
        ("${{ inputs.ids }}", ["a", "b"]),
        ("${{ steps.check.status }}", 200),
        ("${{ steps.check.body.none }}", None),
        ("${{ inputs.window }}", "5400s"),
        ("${{ steps.check.status }} at ${{ run.now }}", "200 at 2026-11-21T09:00:00.12Z"),
        ("load ${{ steps.check.load }}, ${{ true }}", "load 3, true"),
        (["echo", "${{ inputs.ids }}", "x${{ environment.name }}"], ["echo", ["a", "b"], "xproduction"]),
        ({"a ${{ x }}": {"b": "${{ 1 }}"}}, {"a ${{ x }}": {"b": 1}}),
        ("${{ '${{ inputs.ids }}' }} ${{ \"}}\" }}", "${{ inputs.ids }} }}"),
        ("Bearer ${{ secrets.token }}", SecretText(("Bearer ", SecretRef("token")))),
        ("${{secrets.token}}", SecretText((SecretRef("token"),))),
        (["${{ steps.check.status }}:${{ secrets.t }}"], [SecretText(("200", ":", SecretRef("t")))]),
    ],
)
def test_a_template_is_filled_in(cel: Cel, template: Json, value: object) -> None:
    assert cel.render(template, SCOPE) == value


@pytest.mark.parametrize(
    ("template", "said", "line", "column"),
    [
        ("x ${{ inputs.ids }}", "`inputs.ids` is a list, which cannot stand inside text", 1, 7),
        ("x ${{ steps.check.body.none }}", "`steps.check.body.none` is null, which cannot stand inside text", 1, 7),
        ("x\ny ${{ steps.check.statsu }}", "step `check` observes no `statsu`", 2, 19),
        ("a ${{ 1 +\n nope }}", "`nope` is not set", 2, 2),
        ("a ${{ b", "`${{` is never closed with `}}`", 1, 3),
        ("${{}}", "the expression is empty", 1, 4),
        ("${{ 'Bearer ' + secrets.token }}", "a secret cannot be part of an expression", 1, 17),
        ("${{ secrets.token.x }}", "a secret cannot be part of an expression", 1, 5),
    ],
)
def test_a_template_that_cannot_be_filled_in_says_where(
    cel: Cel, template: str, said: str, line: int, column: int
) -> None:
    with pytest.raises(ExpressionError) as raised:
        cel.render(template, SCOPE)
    assert (raised.value.message, raised.value.line, raised.value.column) == (said, line, column)


@pytest.mark.reliability
@pytest.mark.parametrize(
    "value", ["{{ ().__class__ }}", "{{7*7}}", "${{ 7 * 7 }}", "${{ secrets.token }}", "${{", "}}"]
)
def test_f10_an_expression_inside_a_value_stays_text(cel: Cel, value: str) -> None:
    scope = {**SCOPE, "environment.name": value, "steps.check.body": value}
    assert cel.render("${{ environment.name }}", scope) == value
    assert cel.render("in ${{ environment.name }}, ${{ steps.check.body }}", scope) == f"in {value}, {value}"
    assert cel.render(["${{ environment.name }}"], scope) == [value]
