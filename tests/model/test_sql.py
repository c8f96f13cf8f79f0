"""Where the parameters of a statement are, and that it is one."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.sql import NotOneStatement, statement

SIGNS = st.text(alphabet="ab:;$'\"`\\-/*%?@[]{}() \n1é", max_size=8)
"""Texts full of what means something in SQL."""
NAMES = st.sampled_from(["a", "b2", "_c", "Since"])


def _without_marks(text: str, *marks: str) -> str:
    for mark in marks:
        text = text.replace(mark, "")
    return text


OPAQUE = st.one_of(
    SIGNS.map(lambda text: "'" + text.replace("'", "''") + "'"),
    SIGNS.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    SIGNS.map(lambda text: '"' + text.replace('"', '""') + '"'),
    SIGNS.map(lambda text: "`" + text.replace("`", "") + "`"),
    SIGNS.map(lambda text: "$q$" + text.replace("$", "") + "$q$"),
    SIGNS.map(lambda text: "$$" + text.replace("$", "") + "$$"),
    SIGNS.map(lambda text: "/* " + _without_marks(text, "*", "/") + " */"),
    SIGNS.map(lambda text: "-- " + text.replace("\n", "") + "\n"),
    st.sampled_from(["1::int", "x :: text", "f(a := 1)", "a[1:n]", "a[lo:hi]", "a->>'b'", "100%", "x ? y", "@x"]),
)
"""Pieces in which nothing is a parameter."""
PIECES = st.lists(st.one_of(OPAQUE.map(lambda text: (text, False)), NAMES.map(lambda name: (f":{name}", True))))


@given(PIECES)
def test_only_what_is_no_text_and_no_comment_is_a_parameter(pieces: list[tuple[str, bool]]) -> None:
    source = " ".join(["select", *(text for text, _ in pieces)])
    read = statement(source)
    assert read.names == tuple(text[1:] for text, is_parameter in pieces if is_parameter)
    assert [source[at : at + len(name) + 1] for at, name in zip(read.offsets, read.names, strict=True)] == [
        f":{name}" for name in read.names
    ]
    assert read.written(lambda name: f":{name}") == source


@given(st.lists(st.one_of(SIGNS.map(lambda text: (text, False)), SIGNS.map(lambda text: (text, True))), min_size=1))
def test_sqlite_finds_the_same_parameters(values: list[tuple[str, bool]]) -> None:
    """Some values stand in the statement as texts, some are bound; they all come back as they were."""
    listed = [
        (f":p{place}" if bound else "'" + text.replace("'", "''") + "'") for place, (text, bound) in enumerate(values)
    ]
    read = statement("select " + ", ".join(listed) + " -- :end")
    bound = [values[int(name[1:])][0] for name in read.names]
    row = sqlite3.connect(":memory:").execute(read.written(lambda _: "?"), bound).fetchone()
    assert list(row) == [text for text, _ in values]


@given(SIGNS)
def test_any_text_is_read_or_refused_with_a_place_in_it(source: str) -> None:
    try:
        read = statement(source)
    except NotOneStatement as problem:
        place, advice = problem.offset, problem.help
        assert (0 <= place <= len(source), bool(advice)) == (True, True)
    else:
        assert source.startswith(read.written(lambda name: f":{name}"))


@pytest.mark.parametrize(
    ("source", "message", "offset"),
    [
        ("select 1; select 2", "a second statement follows the first one", 10),
        ("select 1;;", "a second semicolon", 9),
        ("select 1; -- fine\n; ", "a second semicolon", 18),
        ("", "there is no statement", 0),
        (" ; ", "there is no statement", 0),
        ("/* nothing */ -- at all", "there is no statement", 0),
        ("Commit", "`commit` speaks of a transaction, and every step is one by itself", 0),
        ("prepare transaction 'x'", "`prepare` speaks of a transaction, and every step is one by itself", 0),
        ("select 'O'Hara'", "`'` is never closed", 14),
        ("select E'\\'", "`'` is never closed", 7),
        ('select "a', '`"` is never closed', 7),
        ("select $a$ $b$ $$", "`$a$` is never closed", 7),
        ("select 1 /* x", "`/*` is never closed", 9),
        ("select /* a /* b */ 1", "a comment begins inside a comment", 12),
        ("select $1", "`$1` is no parameter", 7),
        ("select $since", "`$since` is no parameter", 7),
    ],
)
def test_what_is_not_one_statement_is_refused(source: str, message: str, offset: int) -> None:
    with pytest.raises(NotOneStatement) as caught:
        statement(source)
    assert (str(caught.value), caught.value.offset) == (message, offset)


@pytest.mark.parametrize("source", ["select 1;", "select 1 ; \n -- the end", "select 1 /* x */ ; /* y */"])
def test_a_semicolon_at_the_end_is_no_second_statement(source: str) -> None:
    assert ";" not in statement(source).texts[0]


def test_a_parameter_may_stand_there_twice() -> None:
    read = statement("select :a, :b, :a")
    assert read.names == ("a", "b", "a")
    assert read.written({"a": "$1", "b": "$2"}.__getitem__) == "select $1, $2, $1"
