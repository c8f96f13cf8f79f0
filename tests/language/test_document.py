"""Every value, every key and every character of a text can be found again in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.places import Path
from runbook.language.scalars import Style
from runbook.language.source import Document, parse
from runbook.model.diagnostics import Span

TEXT = """\
# Ä comment moves nothing
runbook: v1
steps:
  - id: one
    "url": 'https://example.com/${{ steps.it''s }}'
    title: "日本語 \\"${{ x }}\\" \\x41b"
    argv: [ls, "-l",
           last]
    script: |
      set -e

        echo "${{ y }}"
      done
    description: >-
      folded over
      ${{ two }} lines

      and more
    note: plain text
      goes on ${{ here }}
    empty:
    when: x == 1   # why
  -
    id: two
"""


@pytest.fixture(params=[False, True], ids=["c", "python"])
def document(request: pytest.FixtureRequest) -> Document:
    return parse(TEXT, "f.yaml", python=request.param)


def shown(document: Document, span: Span) -> str:
    """The piece of the text that a span means."""
    lines = document.text.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    inner = lines[span.line : span.end_line - 1]
    return "\n".join([lines[span.line - 1][span.column - 1 :], *inner, lines[span.end_line - 1][: span.end_column - 1]])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("runbook",), "v1"),
        (("steps", 0, "id"), "one"),
        (("steps", 0, "url"), "'https://example.com/${{ steps.it''s }}'"),
        (("steps", 0, "title"), '"日本語 \\"${{ x }}\\" \\x41b"'),
        (("steps", 0, "argv"), '[ls, "-l",\n           last]'),
        (("steps", 0, "argv", 1), '"-l"'),
        (("steps", 0, "argv", 2), "last"),
        (("steps", 0, "note"), "plain text\n      goes on ${{ here }}"),
        (("steps", 0, "when"), "x == 1"),
        (("steps", 0, "empty"), ""),
        (("steps", 1), "id: two"),
        (("steps", 1, "id"), "two"),
    ],
)
def test_a_value_is_found_where_it_stands(document: Document, path: Path, value: str) -> None:
    assert document.has(path)
    assert shown(document, document.span(path)) == value


def test_places_count_lines_and_code_points_from_one(document: Document) -> None:
    assert document.span(("runbook",)) == Span(2, 10, 2, 12)
    assert document.span(("steps", 0, "title")) == Span(6, 12, 6, 36)
    assert document.span(("steps", 0, "empty")) == Span(21, 11, 21, 11)


def test_a_block_ends_where_the_last_thing_in_it_ends(document: Document) -> None:
    assert document.span(("steps", 0)).end_line == 22
    assert shown(document, document.span(("steps", 0))).endswith("when: x == 1")


def test_a_key_is_found_where_it_stands(document: Document) -> None:
    assert shown(document, document.key_span(("steps",))) == "steps"
    assert shown(document, document.key_span(("steps", 0, "url"))) == '"url"'
    assert shown(document, document.key_span(("steps", 1, "id"))) == "id"


def test_what_has_no_key_is_shown_by_its_first_line(document: Document) -> None:
    assert shown(document, document.key_span(("steps", 0))) == "id: one"
    assert shown(document, document.key_span(("steps", 0, "argv", 1))) == '"-l"'
    assert shown(document, document.key_span(())) == "runbook: v1"


@pytest.mark.parametrize(
    "path", [("steps", 0, "retry"), ("steps", 0, "retry", "attempts"), ("steps", 0, 1), ("steps", 0, "id", 0)]
)
def test_what_the_file_does_not_say_is_near_what_it_says(document: Document, path: Path) -> None:
    assert not document.has(path)
    there = path[:3] if document.has(path[:3]) else path[:2]
    assert document.span(path) == document.span(there)
    assert document.key_span(path) == document.key_span(there)
    assert document.scalar(path) is None


def test_there_is_no_step_before_the_first_or_behind_the_last(document: Document) -> None:
    assert [document.has(("steps", index)) for index in (-1, 0, 1, 2)] == [False, True, True, False]


def test_a_scalar_knows_how_it_is_written(document: Document) -> None:
    styles = {
        key: scalar.style
        for key in ("id", "url", "title", "script", "description", "note", "empty")
        if (scalar := document.scalar(("steps", 0, key)))
    }
    assert styles == {
        "id": Style.PLAIN,
        "url": Style.SINGLE_QUOTED,
        "title": Style.DOUBLE_QUOTED,
        "script": Style.LITERAL,
        "description": Style.FOLDED,
        "note": Style.PLAIN,
        "empty": Style.PLAIN,
    }
    scalar = document.scalar(("steps", 0, "when"))
    assert scalar
    assert scalar.raw == "x == 1"
    assert document.scalar(("steps", 0, "argv")) is None


@pytest.mark.parametrize(
    ("key", "piece"),
    [
        ("url", "${{"),
        ("url", "it's"),
        ("title", "${{ x }}"),
        ("title", "日本語"),
        ("script", 'echo "${{ y }}"'),
        ("script", "  echo"),
        ("script", "done"),
        ("description", "${{ two }} lines"),
        ("description", "and more"),
        ("note", "goes on ${{ here }}"),
        ("note", "plain text"),
        ("when", "== 1"),
    ],
)
def test_a_piece_of_a_text_is_found_in_the_file(document: Document, key: str, piece: str) -> None:
    path: Path = ("steps", 0, key)
    step = document.data["steps"][0]  # type: ignore[index, call-overload] # the text above has one
    value = step[key]  # type: ignore[index, call-overload] # and it has keys
    assert isinstance(value, str)
    offset = value.index(piece)
    line, column = value.count("\n", 0, offset) + 1, offset - value.rfind("\n", 0, offset)
    written = shown(document, document.inside(path, line, column, len(piece)))
    assert written.replace("''", "'") == piece


def test_an_escape_is_one_character(document: Document) -> None:
    assert shown(document, document.inside(("steps", 0, "title"), 1, 5)) == '\\"'
    assert shown(document, document.inside(("steps", 0, "title"), 1, 16)) == "\\x41"
    assert shown(document, document.inside(("steps", 0, "title"), 1, 17)) == "b"


def test_the_end_of_a_text_is_behind_its_last_character(document: Document) -> None:
    when = document.span(("steps", 0, "when"))
    assert document.inside(("steps", 0, "when"), 1, 7).column == when.column + 6
    assert document.inside(("steps", 0, "when"), 1, 99, 5).column == when.column + 6


@pytest.mark.parametrize(("line", "column"), [(0, 1), (1, 0), (-1, -1), (2, 1)])
def test_where_there_is_no_such_place_the_whole_value_is_meant(document: Document, line: int, column: int) -> None:
    assert document.inside(("steps", 0, "when"), line, column) == document.span(("steps", 0, "when"))
    assert document.inside(("steps",), 1, 1) == document.span(("steps",))


def test_what_is_no_mapping_has_a_place_too() -> None:
    assert parse("just text\n", "f.yaml").span(()) == Span(1, 1, 1, 10)
    assert parse("- a\n- b\n", "f.yaml").span((1,)) == Span(2, 3, 2, 4)
    assert parse("{a: [b]}\n", "f.yaml").span(("a", 0)) == Span(1, 6, 1, 7)


def test_a_text_that_a_comment_may_have_cut_is_pointed_out() -> None:
    text = "a: Post in #incidents\nb: fine # comment\nc: 'x' #y\nd: z #! w\n# e: f #g\nh: |\n  i #j\nk: [l #m\n  ]\n"
    warnings = parse(text, "f.yaml").warnings()
    assert [(w.span.line, w.span.column) for w in warnings if w.span] == [(1, 12), (8, 7)]
    assert [w.help for w in warnings] == [
        'write `a: "Post in #incidents"`, or a space behind `#`',
        "put the text in quotes",
    ]


WORDS = st.text("ab'\"\\é語😀: #{}[]!?\t", max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(["'", '"', "|-", "|2-", ">-"]))
def test_every_character_of_every_style_is_found(lines: list[str], style: str) -> None:
    value = "\n".join(line.strip() for line in lines).strip()
    if style == "'":
        if "\n" in value:
            return
        raw = "'" + value.replace("'", "''") + "'"
    elif style == '"':
        raw = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    else:
        rows = value.replace("\n", "\n\n") if style == ">-" else value
        raw = style + "\n" + "\n".join(f"  {row}" if row else "" for row in rows.split("\n"))
    document = parse(f"k:\n  - x: y\na: {raw}\nb: c\n", "f.yaml")
    data = document.data
    assert isinstance(data, dict)
    if data["a"] != value:
        return  # leading breaks in a folded block are read in a way of their own
    for number, row in enumerate(value.split("\n"), start=1):
        for column, character in enumerate(row, start=1):
            if character in " \t":
                continue
            written = shown(document, document.inside(("a",), number, column))
            expected = {"'": {"''", "'"}, "\\": {"\\\\", "\\"}, '"': {'\\"', '"'}}.get(character, {character})
            assert written in expected
