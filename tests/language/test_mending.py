"""A line that YAML cannot read is offered as it was meant, and only if YAML can read it then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.mending import as_meant, mended, quoted
from runbook.language.source import Unread, parse
from runbook.model.canonical import Json


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ('    expect: "A" in present', "    expect: '\"A\" in present'"),
        ("expect: a ? b : c", 'expect: "a ? b : c"'),
        ("{expect: rows[0].n == 1}", '{expect: "rows[0].n == 1"}'),
        ("{prompt: Which environment?}", '{prompt: "Which environment?"}'),
        ("{prompt: This, or that?, type: string}", '{prompt: "This, or that?", type: string}'),
        ("  {a: b ? c : d, e: f}, # why", '  {a: "b ? c : d", e: f}, # why'),
        ("argv: [a, ${{ x[0] }}, b]", 'argv: [a, "${{ x[0] }}", b]'),
        ("argv: [-l, --x, -, ok]", 'argv: [-l, --x, "-", ok]'),
        ("argv: [f(a, b), 'x y', \"z\"]", 'argv: ["f(a, b)", \'x y\', "z"]'),
        ("expect: !x", 'expect: "!x"'),
        ("expect: '!x' == y", "expect: \"'!x' == y\""),
        ("title: 'It's fine'", 'title: "It\'s fine"'),
        ('say: "Say "hi" now"', "say: 'Say \"hi\" now'"),
        ('title: "open', 'title: "open"'),
        ("title: 'open", 'title: "open"'),
        (r'pattern: "^\d+$"', r"pattern: '^\d+$'"),
        ('when: "a" == "b" # why', 'when: \'"a" == "b"\' # why'),
        ('when: x == "#1": y # why', "when: 'x == \"#1\": y' # why"),
        ("- > 5", '- "> 5"'),
        ("a: [1] == x", 'a: "[1] == x"'),
        ("a: {b: [c}", None),
        ("", None),
        ("a:", None),
        ("   ", None),
    ],
)
def test_a_line_is_offered_as_it_was_meant(line: str, meant: str | None) -> None:
    assert mended(line) == meant


def test_only_a_line_that_can_be_copied_is_offered() -> None:
    assert as_meant("  a: b") == "write `a: b`"
    assert as_meant(None) == ""
    assert as_meant("a: " + "b" * 500) == ""
    assert mended('a: "b" ' + "c" * 5_000) is None
    assert mended("a: " + "[" * 900) is None


@pytest.mark.parametrize("text", ["plain", "it's", 'say "hi"', "\\d+", "both ' and \"", "", " x "])
def test_quotes_keep_the_text(text: str) -> None:
    assert parse(f"a: {quoted(text)}\n", "f.yaml").data == {"a": text}


EXPRESSIONS = st.lists(
    st.sampled_from(
        ['"A"', "'b'", "in", "x.y", "[0]", "==", "!", "?", ":", "(1, 2)", "{", "}", "#", "#x", "${{", "}}", "|", "&&"]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)


@given(EXPRESSIONS, st.sampled_from(["expect: ", "  - when: ", "- ", "{a: b, c: ", "[a, "]))
def test_whatever_is_offered_can_be_read(value: str, head: str) -> None:
    line = head + value + {"{": "}", "[": "]"}.get(head[0], "")
    offered = mended(line)
    if offered is not None:
        assert parse(offered.strip(), "f.yaml").data is not None


def texts_in(data: Json) -> list[str]:
    match data:
        case dict():
            return [text for value in data.values() for text in texts_in(value)]
        case list():
            return [text for value in data for text in texts_in(value)]
        case str():
            return [data]
        case _:
            return []


@given(
    st.sampled_from(['"A" in present', "!x && y", "a ? b : c", "rows[0].n == 1 : 2", "Which one?: now", "& x", "%d"])
)
def test_what_is_offered_says_what_was_written(value: str) -> None:
    try:
        parse(f"key: {value}\n", "f.yaml")
    except Unread:
        offered = mended(f"key: {value}")
        assert offered
        assert texts_in(parse(offered, "f.yaml").data) == [value]
