"""Text from anywhere stays that text: CommonMark sees nothing else in it, and no forge a reference."""

import html as entities
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.report.pages import PARSER, assert_harmless, plain, tokens

from runbook.audit.escapes import inert
from runbook.report.markup import code, fenced, html, html_code, inline, lines, opening

NASTY = st.text(st.sampled_from([*"\\`*_[]()<>|~&#^{}$!@:;/-+=.,1a \n\t\r\"'%\x1b\x9b\u202e\ud800é漢"]), max_size=40)
WORDS = """
@channel ![](http://x) ``` ~~~ <!-- --> <script> </details> a|b \\| | #12 `x` - 1. # > [a](b) [x]: http://y &amp; $a$
`a b` (`c d`). ${{ x }}/y ${{ `z
:smile: __b__ **b** === --- \\ http://x www.example.com ana@example.com $$ ` `` a`b|c`d /close a [^1] * + ~a~ ~~a~~
"""
LINES = st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join)
TEXTS = st.one_of(NASTY, LINES)


def words(text: str) -> str:
    """A text as one line, marks of code aside, by which a word is as good as with them."""
    return "".join(inert(text).replace("`", "").split())


def seen(page: str) -> str:
    """Everything that a reader sees of a page, spaces and marks of code aside."""
    return "".join("".join(t.content for t in tokens(page) if not t.children).replace("`", "").split())


@given(TEXTS)
def test_a_line_in_a_paragraph_is_seen_as_it_is(text: str) -> None:
    page = f"It says: {inline(text)} .\n"
    assert_harmless(page)
    assert [token.type for token in PARSER.parse(page)] == ["paragraph_open", "inline", "paragraph_close"]
    assert seen(page) == f"Itsays:{words(text)}."


@given(TEXTS)
@example("a`b|c`d\\|e")
def test_a_cell_of_a_table_holds_its_text_and_parts_from_its_neighbour(text: str) -> None:
    page = f"| a | b | c |\n| --- | --- | --- |\n| {inline(text)} | {code(text)} | x |\n"
    assert_harmless(page)
    cells = [plain(t.children or ()) for t in PARSER.parse(page) if t.type == "inline"]
    assert ["".join(cell.replace("`", "").split()) for cell in cells] == ["a", "b", "c", words(text), words(text), "x"]


@given(TEXTS)
def test_an_item_of_a_list_begins_nothing_else(text: str) -> None:
    page = f"- x\n- {opening(text)}\n- x\n"
    assert_harmless(page)
    item = ["list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close"]
    middle = item if inert(text).split() else ["list_item_open", "list_item_close"]
    parsed = [token.type for token in PARSER.parse(page)]
    assert parsed == ["bullet_list_open", *item, *middle, *item, "bullet_list_close"]
    assert seen(page) == f"x{words(text)}x"


@given(TEXTS)
def test_lines_stay_lines(text: str) -> None:
    page = "\n".join(lines(text)) + "\n"
    assert_harmless(page)
    assert {token.type for token in PARSER.parse(page)} <= {"paragraph_open", "inline", "paragraph_close"}
    assert seen(page) == words(text)
    assert not re.search(r"^/", page, re.MULTILINE)


@given(TEXTS, TEXTS)
def test_a_block_holds_every_character_and_ends_where_it_should(text: str, other: str) -> None:
    both = f"{text}\n```\n{other}"
    page = f"{fenced(both)}\n\nafter\n"
    assert_harmless(page)
    parsed = PARSER.parse(page)
    assert [token.type for token in parsed] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert parsed[0].content == inert(both).strip("\n") + "\n"


@given(TEXTS)
def test_a_text_in_a_tag_stays_in_it(text: str) -> None:
    page = f"<details><summary>{html(text)} {html_code(text)}</summary>\n\ninside\n\n</details>\n"
    assert_harmless(page)
    parsed = PARSER.parse(page)
    assert [t.type for t in parsed] == ["html_block", "paragraph_open", "inline", "paragraph_close", "html_block"]
    shown = entities.unescape(re.sub(r"</?\w+>", "", parsed[0].content))
    assert "".join(shown.replace("`", "").split()) == words(text) * 2


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("missing: SESSION_SECRET", "missing: `SESSION_SECRET`"),
        ("500 Internal Server Error", "500 Internal Server Error"),
        ("no answer to the question of `list`", "no answer to the question of `list`"),
        ("seen (by ana@example.com)!", "seen (by `ana@example.com`)!"),
        ("run `psql -c 'select 1'`, then go on", "run `psql -c 'select 1'`, then go on"),
        ("there (if `a.size() > 0 && b`)", "there (if `a.size() > 0 && b`)"),
        ("GET ${{ inputs.base }}/x?q=${{ inputs.q }}, once", "GET `${{ inputs.base }}/x?q=${{ inputs.q }}`, once"),
        ("a `b c", "a `` `b `` c"),
        ("GET https://app.example.com/api: refused", "GET `https://app.example.com/api`: refused"),
    ],
)
def test_what_is_usual_reads_well(text: str, markdown: str) -> None:
    assert inline(text) == markdown
