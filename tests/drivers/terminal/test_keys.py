"""Bytes of a keyboard become keys, and keys a line, however the bytes are cut."""

import pytest

from runbook.drivers.terminal.keys import Decoder, Key, Pasted, Press
from runbook.drivers.terminal.line import Line
from runbook.drivers.terminal.phrases import difference

TYPED: list[tuple[bytes, list[Press]]] = [
    (b"ab\r", ["a", "b", Key.ENTER]),
    (b"\x7f\b", [Key.BACKSPACE, Key.BACKSPACE]),
    ("ü健🚒".encode(), ["ü", "健", "🚒"]),
    (b"\x1b[D\x1b[C\x1bOH\x1bOF\x1b[3~", [Key.LEFT, Key.RIGHT, Key.HOME, Key.END, Key.DELETE]),
    (b"\x1b[A\x1b[24~\x1b[1;5Cx", ["x"]),  # keys that are none of ours leave nothing behind
    (b"\x1bax", ["x"]),  # with Alt
    (b"\x1b\x1b[Dx", [Key.LEFT, "x"]),
    (b"\x03\x1a\x00x", ["x"]),
    (b"\xff\xfex", ["\ufffd", "\ufffd", "x"]),
    (b"\x1b[200~a\rb\x1b[201~c", [Pasted("a\rb"), "c"]),
    (b"\x1b[200~\x1b[20\x1b[201~c", [Pasted("\x1b[20"), "c"]),
    (b"\x04\x15\x17", [Key.END_OF_INPUT, Key.KILL_LINE, Key.KILL_WORD]),
]


@pytest.mark.parametrize(("data", "presses"), TYPED)
def test_the_same_keys_however_they_come(data: bytes, presses: list[Press]) -> None:
    assert Decoder().feed(data) == presses
    cut = Decoder()
    assert [press for byte in data for press in cut.feed(bytes([byte]))] == presses


def test_a_sequence_without_an_end_is_not_waited_for_for_ever() -> None:
    assert Decoder().feed(b"\x1b[" + b"1" * 100 + b"x")[-1] == "x"


def typed(*presses: Press, line: Line | None = None) -> Line:
    line = line or Line()
    for press in presses:
        if isinstance(press, Key):
            line.press(press)
        elif isinstance(press, str):
            line.insert(press)
    return line


def test_a_line_is_edited_where_the_cursor_is() -> None:
    line = typed(*"restrt the pod", *[Key.LEFT] * 10, "a")
    assert line.text == "restart the pod"
    typed(Key.END, Key.KILL_WORD, Key.KILL_WORD, line=line)
    assert line.text == "restart "
    typed(Key.HOME, Key.DELETE, "R", line=line)
    assert line.text == "Restart "
    typed(Key.KILL_LINE, line=line)
    assert line.text == "estart "
    typed(Key.END, Key.KILL_LINE, Key.BACKSPACE, Key.LEFT, Key.DELETE, line=line)
    assert line.text == ""


def test_a_letter_and_the_marks_on_it_are_one() -> None:
    assert typed("e", "\u0301", "x", Key.LEFT, Key.BACKSPACE).text == "x"


def test_a_line_has_an_end() -> None:
    assert len(typed("x" * 10_000).text) == 4_000


@pytest.mark.parametrize("width", [8, 20, 40])
def test_the_cursor_is_always_in_sight(width: int) -> None:
    """The part that is shown fits, wherever the cursor is, wide characters and invisible ones among them."""
    from rich.cells import cell_len

    line = typed(*"日本語 a note\u202e that is long enough to be cut 日本語")
    for place in range(len(line.characters) + 1):
        line.cursor = place
        shown, cursor = line.window(width)
        assert cell_len(shown) <= width
        assert 0 <= cursor <= cell_len(shown)
        assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        ("Yes", "yes", "capital and small letters count"),
        ("yes\t", "yes", "there is a space too many"),
        ("уes", "yes", "it looks alike, but `у` is U+0443, cyrillic small letter u"),
        ("stagıng", "staging", "it looks alike, but `ı` is U+0131, latin small letter dotless i"),
        ("sta\u200bging", "staging", "it looks alike, but `\\u200b` is U+200B, zero width space"),
        ("something else", "staging", ""),
        ("", "staging", ""),
    ],
)
def test_what_differs_is_said(given: str, wanted: str, said: str) -> None:
    assert difference(given, wanted) == said
