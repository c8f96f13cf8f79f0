"""Why an expression is not true: the operand that is to blame, and the values in it, none of them long."""

import pytest

from runbook.language.expressions import Cel
from runbook.language.unmet import unmet
from runbook.model.canonical import Json

OWN = {"status": "int", "body": "dyn", "rows": "list<map<string,dyn>>", "stdout": "string"}
SCOPE: dict[str, Json] = {
    "status": 500,
    "body": {"state": "down", "ok": False, "in": 1},
    "rows": [{"n": 4}],
    "stdout": "x" * 200,
    "inputs.least": 5,
}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("status == 200", "status == 200, but status is 500"),
        ('status == 500 && body.state == "ok"', 'body.state == "ok", but body.state is "down"'),
        ('(status == 500 && (body.state == "ok"))', 'body.state == "ok", but body.state is "down"'),
        ("status == 200 || status == 204", "status == 200 || status == 204, but status is 500"),
        ("status == 200 || body.ok", "status == 200 || body.ok, but status is 500, body.ok is false"),
        (
            "(status in [200, 204] || body.ok) && true",
            "status in [200, 204] || body.ok, but status is 500, body.ok is false",
        ),
        ("rows[0].n > inputs.least", "rows[0].n > inputs.least, but rows[0].n is 4, inputs.least is 5"),
        ("size(rows) == 3 && rows[2].n == 1", "size(rows) == 3, but size(rows) is 1"),
        ("rows.all(row, row.n > 4 && status == 500)", "rows.all(row, row.n > 4 && status == 500), but rows is"),
        ("!(status == 500)", "!(status == 500), but status is 500"),
        ('stdout.contains("&&") && status == 500', f'stdout.contains("&&"), but stdout is "{"x" * 58}…'),
        ("status == 500 ? body.ok : true", "status == 500 ? body.ok : true, but status is 500, body.ok is false"),
        ("has(body.error)", "has(body.error)"),
        ("body.none == 1 && status == 200", "status == 200, but status is 500"),
        ("1 > 2 && status == 500", "1 > 2"),
    ],
)
def test_the_operand_to_blame_is_named_with_its_values(source: str, said: str) -> None:
    evaluator = Cel({"inputs.least": "int"})
    assert unmet(source, lambda part: evaluator.evaluate(part, SCOPE, "dyn", own=OWN)).startswith(said)


@pytest.mark.parametrize("source", ["", "(", ")(", "&&", "a ||", "((a)", "'", "a == b == c", "? :"])
def test_a_text_that_is_no_expression_is_said_as_it_stands(source: str) -> None:
    evaluator = Cel({})
    assert unmet(source, lambda part: evaluator.evaluate(part, {}, "dyn")) == source
