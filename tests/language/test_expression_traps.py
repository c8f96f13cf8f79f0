"""What kills the library, hangs it or makes it lie is kept from it; what it says badly is said well."""

import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.expressions import Cel
from runbook.model.canonical import Json, canonical
from runbook.model.evaluator import ExpressionError

TYPES = {
    "d": "dyn",
    "s": "string",
    "n": "int",
    "x": "double",
    "l": "list<dyn>",
    "m": "map<string,dyn>",
    "t": "timestamp",
}


def value_of(source: str, scope: Mapping[str, Json], want: str = "dyn") -> Json:
    return Cel(TYPES).evaluate(source, scope, want)


def refusal(source: str, scope: Mapping[str, Json] | None = None, want: str = "dyn") -> ExpressionError:
    with pytest.raises(ExpressionError) as raised:
        Cel(TYPES).evaluate(source, scope or {}, want)
    assert raised.value.line >= 1
    assert raised.value.column >= 1
    return raised.value


def deep(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.reliability
def test_k2_a_hundred_thousand_nulls_kill_nothing() -> None:
    script = """
from runbook.language.expressions import Cel
cel = Cel({"d": "dyn"})
for _ in range(25_000):
    assert cel.evaluate("d", {"d": None}, "dyn") is None
    assert cel.evaluate("[d, d.size() == 0 ? null : null]", {"d": []}, "dyn") == [[], None]
    assert cel.evaluate("{'a': null}", {}, "dyn") == {"a": None}
    assert cel.evaluate("d.a", {"d": {"a": None}}, "dyn") is None
print("alive")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "alive\n", "")


@pytest.mark.reliability
def test_k2_deep_and_cyclic_data_are_refused() -> None:
    assert value_of("d[0]", {"d": deep(64)}) == deep(63)
    assert refusal("d[0]", {"d": deep(65)}).message == "`d` is nested deeper than 64 levels"
    assert refusal("d[0]", {"d": deep(100_000)}).message == "`d` is nested deeper than 64 levels"
    ring: list[Json] = []
    ring += [ring, {"again": ring}]
    assert refusal("true || d[0]", {"d": ring}).column == 9


@pytest.mark.reliability
@pytest.mark.parametrize("value", [b"\xff", "\ud800", {"\udc00": 1}, [{"k": "\ud83d"}], {b"k": 1}, {1: 2}, object()])
def test_k2_what_is_no_json_or_no_unicode_is_refused(value: object) -> None:
    assert refusal("d == d", {"d": value}).message.startswith("`d` ")  # type: ignore[dict-item]  # that is the attack


@pytest.mark.reliability
def test_k2_a_text_with_a_nul_is_refused_and_never_cut() -> None:
    cel = Cel({"text": "string", "data": "dyn"})
    for source in ("text", "text == 'prod'", "size(text)", "data.v", "data", "text + 'x'"):
        with pytest.raises(ExpressionError, match="holds a NUL character"):
            cel.evaluate(source, {"text": "prod\0uction", "data": {"v": "prod\0uction"}}, "dyn")


@pytest.mark.reliability
def test_k2_whole_numbers_beyond_64_bits_are_doubles_and_those_that_are_none_have_no_result() -> None:
    assert value_of("d == 18446744073709551616.0", {"d": 2**64}) is True
    assert refusal("n == 1", {"n": 2**63}).message == "`n` is a whole number beyond 64 bits"
    assert value_of("d > 1.0", {"d": 10**400}) is True
    assert refusal("d", {"d": 10**400}).message == "the result is inf, which is no number in JSON"
    assert value_of("d == d", {"d": float("nan")}) is False
    assert refusal("[d]", {"d": float("nan")}).message == "the result is nan, which is no number in JSON"
    assert refusal("n + 1", {"n": 2**63 - 1}).message == "integer overflow"


@pytest.mark.reliability
def test_k2_a_truth_value_is_no_number_and_a_number_no_truth_value() -> None:
    assert refusal("n == 1", {"n": True}).message == "`n` is true or false, where a whole number is declared"
    assert refusal("d", {"d": 1}, "bool").message == "this must be true or false, and it is a whole number"
    assert refusal("d", {"d": "true"}, "bool").message == "this must be true or false, and it is text"
    assert refusal("d", {"d": True}, "int").message == "this must be a whole number, and it is true or false"


@pytest.mark.reliability
@pytest.mark.parametrize("source", ["d.gone", "!d", "d && true", "d.a / 0 == 1", "d.a > 'x'", "d.a ? true : false"])
def test_k2_an_error_is_never_a_value_and_least_of_all_a_true_one(source: str) -> None:
    refusal(source, {"d": {"a": 1}}, "bool")


def test_cel_own_rule_for_json_of_unknown_type_is_kept() -> None:
    assert value_of("d.gone || true", {"d": {}}) is True
    assert value_of("d == 3", {"d": "3"}) is False
    assert value_of("d == 3.0", {"d": 3}) is True


def test_a_spent_budget_is_an_error_and_lists_are_bounded_where_their_time_is_quadratic() -> None:
    assert (
        refusal("l.all(a, l.all(b, b >= 0))", {"l": list(range(200))}).message
        == "it looks at more than 10,000 elements"
    )
    assert refusal("l.map(a, a)", {"l": list(range(2_001))}).message.startswith("`l` has 2001 elements")
    assert value_of("l.map(a, a).size()", {"l": list(range(2_000))}) == 2_000


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("has(s)", "`has(s)` asks about a name and not about a key of a map"),
        ("has(steps.a.status)", "`has(steps.a.status)` asks about a name and not about a key of a map"),
        ("(" * 40 + "1" + ")" * 40, "the expression is nested too deeply"),
        ("+".join("1" * 60), "the expression is nested too deeply"),
        ("d" + "[0]" * 40, "the expression is nested too deeply"),
        ("s" * 4_001, "the expression has 4001 characters, and at most 4000 are read"),
        ("'\ud800'", "the expression holds a character that is not valid Unicode text"),
        ("'a\0'", "the expression holds a character that is not valid Unicode text"),
        (" \n", "the expression is empty"),
        ("b'\\xff'", "this yields bytes, which has no place in JSON"),
        ("type(n)", "this yields a type, which has no place in JSON"),
        ("{1: 2}", "this can never be evaluated: the result is a map whose keys are not all text"),
        ("{'a': 1, 'a': 2}", "this can never be evaluated: duplicate key in map"),
        ("google.protobuf.Any{}", "this yields an error, which has no place in JSON"),
    ],
)
def test_what_the_library_would_take_wrongly_is_refused(source: str, said: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        Cel({**TYPES, "steps.a.status": "int"}).evaluate(source, {"steps.a.status": 1, "s": "", "d": 1}, "dyn")
    assert raised.value.message == said


def test_has_asks_about_keys() -> None:
    assert value_of("has(m.a) && has(d.b.c) && !has(m.z)", {"m": {"a": None}, "d": {"b": {"c": 0}}}) is True


@pytest.mark.parametrize(
    ("source", "said", "column"),
    [
        ("duration('1d') > duration('1h')", "'1d' is not a duration", 10),
        ("s.matches('[a')", "this is no pattern: missing ]: [a", 11),
        ("t > timestamp('2026-11-21')", "'2026-11-21' is not a time", 15),
        ("n == int('x')", "'x' is not a whole number", 10),
        ("1 / 0 == 1", "this can never be evaluated: divide by zero", 1),
    ],
)
def test_constants_are_tried_before_there_is_any_data(source: str, said: str, column: int) -> None:
    error = refusal(source)
    assert (error.message, error.column) == (said, column)


def test_a_time_without_a_zone_is_refused() -> None:
    error = refusal("t > timestamp('2026-11-21T09:00:00Z')", {"t": "2026-11-21T09:00:00"})
    assert error.message == "`t` is not a time with a zone, such as 2026-11-21T09:00:00Z"


def test_the_last_dot_is_not_where_a_name_begins_and_only_the_first_syntax_error_is_said() -> None:
    assert refusal("1 == 1 && steps.aa.bb.cc == 1").column == 17
    assert refusal("n == ) ( ]").message == "`)` cannot stand here"


def test_strings_have_their_extension() -> None:
    assert value_of("'a,b'.split(',').join('-') + 'X'.lowerAscii() + ' y '.trim()", {}) == "a-bxy"


def test_the_order_of_a_map_is_nobodys_order() -> None:
    assert "no order" in refusal("m.map(k, k)", {"m": {"a": 1}}).message
    assert "no order" in refusal("d.filter(k, true)", {"d": {"a": 1}}).message
    assert "this is text" in refusal("d.map(k, k)", {"d": "abc"}).message
    assert value_of("m.all(k, k < 'z') && m.exists(k, m[k] == 1) && 'a' in m", {"m": {"a": 1}}) is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
PIECES = """
d s n x l m t d.a l[0] m.a m['b'] has(m.a) size(d) null true 1 2.5 'a' [] {} ( ) + - * / % == != < > && || ! ? : in , .
l.map(i,i) d.filter(i,i==n) m.all(k,k!='') l.exists(i,i==d) string(d) int(d) double(s) type(d) s.split('') t.getHours()
duration('1h') timestamp(s) s.matches(s) '%s'.format([d]) dyn(n) b'\\xff' 1u r'\\' "
"""


@pytest.mark.reliability
@given(
    st.lists(st.sampled_from(PIECES.split()), min_size=1, max_size=7).map(" ".join) | st.text(max_size=12),
    st.fixed_dictionaries(dict.fromkeys(TYPES, JSON)),
)
def test_k2_any_expression_over_any_data_yields_json_or_an_error(source: str, scope: dict[str, Json]) -> None:
    cel = Cel(TYPES)
    for want in ("dyn", "bool"):
        try:
            result = cel.evaluate(source, scope, want)
        except ExpressionError as error:
            known = (bool(error.message), error.line >= 1, error.column >= 1)
        else:
            known = (bool(canonical(result)), want == "dyn" or isinstance(result, bool), True)
        assert known == (True, True, True)
