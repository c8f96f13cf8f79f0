"""A text is cut at its ``${{ }}``, whatever stands between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.templates import Hole, Unclosed, split, whole


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no expression", ("no expression",)),
        ("", ()),
        ("a ${{ b }} c", ("a ", Hole("b", 6), " c")),
        ("${{b}}${{ c }}", (Hole("b", 3), Hole("c", 10))),
        ("${{ {'a': {'b': 1}}.a }}", (Hole("{'a': {'b': 1}}.a", 4),)),
        ("${{ '}}' }}", (Hole("'}}'", 4),)),
        ('${{ "${{" }} x', (Hole('"${{"', 4), " x")),
        ("${{ r'\\' }}", (Hole("r'\\'", 4),)),
        ("${{ a // b }}", (Hole("a // b", 4),)),
        ("${{\n  a\n}}", (Hole("a", 6),)),
        ("$ {{ a }} {{ b }} ${ c }", ("$ {{ a }} {{ b }} ${ c }",)),
        ("${{}}", (Hole("", 3),)),
    ],
)
def test_strings_and_braces_inside_an_expression_are_respected(text: str, parts: tuple[str | Hole, ...]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(("text", "offset"), [("${{ a", 0), ("x ${{ '}}'", 2), ("${{ a }} ${{ { }}", 9)])
def test_one_that_is_never_closed_says_where_it_is_opened(text: str, offset: int) -> None:
    with pytest.raises(Unclosed) as raised:
        split(text)
    assert raised.value.offset == offset


def test_a_text_that_is_one_expression_is_told_from_one_that_holds_some() -> None:
    assert whole(split("${{ a }}")) == Hole("a", 4)
    assert whole(split(" ${{ a }}")) is None
    assert whole(split("${{ a }}${{ b }}")) is None


@pytest.mark.parametrize(
    ("source", "secret"),
    [("secrets.token", "token"), ("secrets . token", "token"), ("secrets.a.b", None), ("secrets", None), ("x.y", None)],
)
def test_only_a_secret_by_itself_is_one(source: str, secret: str | None) -> None:
    assert Hole(source, 0).secret == secret


@given(st.text(alphabet="$ {}ab'\"\\/\n", max_size=30))
def test_nothing_of_a_text_is_lost(text: str) -> None:
    try:
        parts = split(text)
    except Unclosed as unclosed:
        parts = (text[: unclosed.offset], Hole(text[unclosed.offset :], unclosed.offset))
    for part in parts:
        if isinstance(part, Hole):
            assert text[part.offset : part.offset + len(part.source)] == part.source
        else:
            assert part in text
