"""A diagnostic is shown with its line, exactly under what is meant, in the width there is, and never raw."""

import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from runbook.language.frames import as_json, columns, frame, one_line, visible
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

CODE = Code(number="RB104", title="test", why="A test.")
WARNING = Code(number="RB119", title="test", why="A test.", severity=Severity.WARNING)
SEQUENCE = re.compile("\x1b\\[[0-9;]*m")


def diagnostic(*span: int, message: str = "it is wrong", label: str = "", help: str = "mend it") -> Diagnostic:  # noqa: A002 - as in a diagnostic
    return Diagnostic(
        code=CODE, message=message, file="a/b.yaml", span=Span(*span) if span else None, label=label, help=help
    )


def under_the_carets(shown: str) -> str:
    """What stands in the columns above the carets; each wide character counts as two."""
    lines = shown.split("\n")
    number = next(i for i, line in enumerate(lines) if "^" in line)
    wide = "".join(character + "\0" * (columns(character) - 1) for character in lines[number - 1] if columns(character))
    carets = lines[number]
    return wide[carets.index("^") : carets.rindex("^") + 1].replace("\0", "")


def test_a_frame_shows_what_where_and_what_to_do() -> None:
    text = "runbook: v1\nsteps:\n" + "  - id: a\n" * 9
    assert frame(diagnostic(10, 9, 10, 10, label="this one"), text) == (
        "error[RB104]: it is wrong\n"
        "  --> a/b.yaml:10:9\n"
        "   |\n"
        "10 |   - id: a\n"
        "   |         ^ this one\n"
        "   |\n"
        "   = help: mend it"
    )


def test_a_whole_file_has_a_frame_without_a_line() -> None:
    shown = "error[RB104]: it is wrong\n --> a/b.yaml\n  = help: mend it"
    assert frame(diagnostic(), "a: b\n") == shown
    assert frame(diagnostic(1, 1, 1, 2), "") == shown.replace("yaml\n", "yaml:1:1\n")


def test_what_is_in_no_file_has_no_place() -> None:
    nowhere = Diagnostic(code=WARNING, message="it is odd")
    assert frame(nowhere, "") == "warning[RB119]: it is odd"
    assert one_line(nowhere) == "warning RB119 it is odd"


def test_a_piece_of_several_lines_is_shown_by_its_first() -> None:
    assert under_the_carets(frame(diagnostic(1, 4, 3, 2), "a: [b,\n c,\n d]\n")) == "[b,"


def test_wide_combining_and_hidden_characters_are_aligned() -> None:
    assert under_the_carets(frame(diagnostic(1, 8, 1, 11), "title: 日本語 x\n")) == "日本語"
    assert under_the_carets(frame(diagnostic(1, 12, 1, 13), "title: 日本語 x\n")) == "x"
    assert under_the_carets(frame(diagnostic(1, 9, 1, 10), "title: e\u0301x\n")) == "x"
    assert under_the_carets(frame(diagnostic(1, 9, 1, 10), "title: \x1bx\n")) == "x"
    assert under_the_carets(frame(diagnostic(1, 8, 1, 9), "title: \u202ex\n")) == "\\u202e"


def test_a_tab_is_as_wide_as_it_is_shown() -> None:
    shown = frame(diagnostic(1, 4, 1, 5), "a\tb\tc\n")
    assert "1 | a   b   c" in shown
    assert under_the_carets(frame(diagnostic(1, 3, 1, 4), "a\tb\tc\n")) == "b"
    assert under_the_carets(frame(diagnostic(1, 4, 1, 5), "a\tb\tc\n")) == "   "


def test_a_long_line_is_shown_around_what_is_meant() -> None:
    text = "x" * 500 + "HERE" + "y" * 500 + "\n"
    for width in (40, 80, 132):
        shown = frame(diagnostic(1, 501, 1, 505), text, width=width)
        assert under_the_carets(shown) == "HERE"
        line = shown.split("\n")[3]
        assert len(line) == width
        assert line.startswith("1 | …x")
        assert line.endswith("y…")
    assert "…" not in frame(diagnostic(1, 1, 1, 2), "x" * 70 + "\n")
    assert frame(diagnostic(1, 1, 1, 2), text, width=40).split("\n")[3] == "1 | " + "x" * 34 + "…"


def test_a_line_of_megabytes_is_no_work() -> None:
    text = "x" * 1_000_000 + "HERE" + "y" * 1_000_000 + "\n"
    assert under_the_carets(frame(diagnostic(1, 1_000_001, 1, 1_000_005), text)) == "HERE"


def test_a_label_that_does_not_fit_behind_the_carets_stands_below_them() -> None:
    shown = frame(diagnostic(1, 60, 1, 61, label="why it cannot stand here"), "x" * 70 + "\n").split("\n")
    assert shown[4] == "  | " + " " * 59 + "^"
    assert shown[5] == "  | " + " " * 52 + "why it cannot stand here"
    narrow = frame(diagnostic(1, 1, 1, 2, label="word " * 20), "x\n", width=40).split("\n")
    assert all(len(line) <= 40 for line in narrow)


def test_the_end_of_a_line_and_what_is_behind_it_can_be_meant() -> None:
    assert frame(diagnostic(1, 4, 1, 4), "a: \n").split("\n")[4] == "  |    ^"
    assert frame(diagnostic(2, 1, 2, 1), "a: b\n").split("\n")[3:5] == ["2 |", "  | ^"]


def test_a_line_feed_of_windows_is_not_shown() -> None:
    assert "1 | a: b\n" in frame(diagnostic(1, 1, 1, 2), "a: b\r\nc: d\r\n")


def test_colour_is_asked_for() -> None:
    plain = frame(diagnostic(1, 1, 1, 2, label="x"), "a: b\n")
    coloured = frame(diagnostic(1, 1, 1, 2, label="x"), "a: b\n", colour=True)
    assert "\x1b" not in plain
    assert coloured != plain
    assert SEQUENCE.sub("", coloured) == plain


def test_one_line_is_one_line() -> None:
    wrong = diagnostic(3, 7, 3, 8, message="the key `a\nb` is \x1b[31mred", help="write `x`")
    assert one_line(wrong) == r"a/b.yaml:3:7: error RB104 the key `a\nb` is \x1b[31mred; write `x`"
    assert one_line(diagnostic(help="")) == "a/b.yaml: error RB104 it is wrong"


def test_json_has_the_fixed_form_in_ascii() -> None:
    text = as_json([diagnostic(3, 7, 3, 8, message="größer\u202e"), diagnostic()])
    assert text.isascii()
    first, second = json.loads(text)["diagnostics"]
    assert first == {
        "code": "RB104",
        "severity": "error",
        "file": "a/b.yaml",
        "line": 3,
        "column": 7,
        "message": "größer\u202e",
        "help": "mend it",
    }
    assert (second["line"], second["column"]) == (None, None)
    assert json.loads(as_json([])) == {"diagnostics": []}


def test_what_would_not_be_seen_is_spelt() -> None:
    assert visible("a\tb\nc\rd\x1be\x9bf\u202eg\U000e0041h") == r"a\tb\nc\rd\x1be\x9bf\u202eg\U000e0041h"
    assert visible("größer 日本語 🎉") == "größer 日本語 🎉"


@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 70), st.integers(0, 9), st.sampled_from([30, 40, 80]))
def test_no_frame_is_wider_than_asked_or_sends_anything_to_a_terminal(
    line: str, word: str, column: int, length: int, width: int
) -> None:
    line = line.replace("\n", "")
    wrong = diagnostic(1, column, 1, column + length, message=word, label=word, help=word)
    shown = frame(wrong, line + "\n", width=width)
    for row in shown.split("\n"):
        assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in row)
        widest = max(columns(visible(part)) for part in word.split(" "))
        assert columns(row) <= max(width, widest + 30)
    assert "\n" not in one_line(wrong)
