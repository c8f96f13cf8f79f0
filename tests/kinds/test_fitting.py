"""What an expression yields is made what its field wants, or refused in one line that holds no value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds.fitting import fit
from runbook.kinds.registry import KINDS, fields_of, make
from runbook.model import fragments
from runbook.model.canonical import JsonObject
from runbook.model.evaluator import ExpressionError
from runbook.model.secrets import Resolved, SecretRef, SecretText

SECRET = SecretText((SecretRef("token"),))
TEXT = fragments.text("A text.")


@pytest.mark.parametrize(
    ("value", "piece", "expected"),
    [
        ("x", TEXT, "x"),
        (SECRET, TEXT, SECRET),
        (3, TEXT, "3"),
        (3.0, TEXT, "3"),
        (2.5, TEXT, "2.5"),
        (1e22, TEXT, "10000000000000000000000"),
        (True, TEXT, "true"),
        (3.0, fragments.integer("A number."), 3),
        (False, fragments.boolean("A truth."), False),
        (2, fragments.number("A number."), 2),
        ("5m", fragments.duration("A time."), "5m"),
        (["a", ["b", 1], SECRET], fragments.texts("Texts."), ["a", "b", "1", SECRET]),
        ({"A": 1}, fragments.mapping_of_text("Texts."), {"A": "1"}),
        ("process", fragments.word_or(["process"], fragments.closed("x"), "x"), "process"),
        ({"any": [None]}, fragments.anything("Anything."), {"any": [None]}),
    ],
)
def test_what_fits_is_made_what_is_wanted(value: Resolved, piece: JsonObject, expected: Resolved) -> None:
    assert fit(value, piece, "field") == expected


@pytest.mark.parametrize(
    ("value", "piece", "message"),
    [
        (["hunter2"], TEXT, "`field` wants a text, and this is a list"),
        (None, TEXT, "`field` wants a text, and this is null"),
        ({}, TEXT, "`field` wants a text, and this is a mapping"),
        ("hunter2", fragments.integer("A number."), "`field` wants a whole number, and this is a text"),
        ("${{ 1 }}", fragments.integer("A number."), "`field` wants a whole number, and this is a text"),
        (True, fragments.integer("A number."), "`field` wants a whole number, and this is true or false"),
        (2.5, fragments.integer("A number."), "`field` wants a whole number, and this is a number"),
        (0, fragments.integer("A number.", minimum=1), "`field` wants at least 1"),
        (9, fragments.number("A number.", maximum=8), "`field` wants at most 8"),
        (1, fragments.boolean("A truth."), "`field` wants true or false, and this is a whole number"),
        ("hunter2", fragments.duration("A time."), "`field` wants a duration such as 30s or 5m"),
        (5, fragments.duration("A time."), "`field` wants a text, and this is a whole number"),
        ([], fragments.texts("Texts.", minimum=1), "`field` wants at least 1 element"),
        ("hunter2", fragments.texts("Texts."), "`field` wants a list, and this is a text"),
        ([["a", []]], fragments.texts("Texts."), "`field[1]` wants a text, and this is a list"),
        ({"A": []}, fragments.mapping_of_text("Texts."), "`field.A` wants a text, and this is a list"),
        ({"a b": "x"}, fragments.mapping_of_text("Texts.", names="^[a-z]+$"), "`a b` is no name for `field`"),
        ({}, fragments.closed("x", ["a"], a=TEXT), "`field` lacks `a`"),
        ({"b": 1}, fragments.closed("x", a=TEXT), "`field` knows no `b`"),
        ("third", fragments.enumeration("A word.", "first", "second"), "`field` wants one of first, second"),
        ("third", fragments.word_or(["first"], fragments.closed("x"), "x"), "`field` wants one of first"),
    ],
)
def test_what_does_not_fit_is_refused_without_its_value(value: Resolved, piece: JsonObject, message: str) -> None:
    with pytest.raises(ExpressionError) as info:
        fit(value, piece, "field")
    assert info.value.message == message


def values() -> st.SearchStrategy[Resolved]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    both: st.SearchStrategy[Resolved] = st.recursive(
        leaves | st.just(SECRET),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
    return both


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_any_values_make_a_kind_or_are_refused(name: str, data: st.DataObject) -> None:
    properties = KINDS[name].SCHEMA["properties"]
    assert isinstance(properties, dict)
    special = {place.partition("[")[0].partition(".")[0] for place in KINDS[name].TRAITS.expressions}
    fields = {key: data.draw(values()) for key in properties if key not in special}
    try:
        kind = make(name, {**fields, **dict.fromkeys(special, True)})
    except ExpressionError as refusal:
        said, kind = refusal.message, None
    if kind is None:
        assert said.startswith("`")
    else:
        assert fields_of(make(name, fields_of(kind))) == fields_of(kind)
