"""Nothing from outside steers a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.audit.escapes import inert

pytestmark = pytest.mark.reliability
ATTACKS = {
    "\x1b]52;c;cm0gLXJm\x07": "␛]52;c;cm0gLXJm␇",
    "\x1b]8;;http://example.com\x1b\\here\x1b]8;;\x1b\\": "␛]8;;http://example.com␛\\here␛]8;;␛\\",
    "\x1b]0;title": "␛]0;title",
    '\x1bP$q"p\x1b\\': '␛P$q"p␛\\',
    "\x1bc": "␛c",
    "\x9b6n": "\\x9b6n",
    "\x9d52;c;x\x9c": "\\x9d52;c;x\\x9c",
    "\x1b[6n\x1b[2J": "␛[6n␛[2J",
    "all good\rERROR": "all good␍ERROR",
    "yes\x08\x08no": "yes␈␈no",
    "abc\u202ecba": "abc\\u202ecba",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "a\u200bb\ufeffc": "a\\u200bb\\ufeffc",
    "a\u2028b": "a\\u2028b",
    "\x00\x7f\x0b\x0c": "␀␡␋␌",
    "\ud800": "\\ud800",
    "\U000e0041": "\\U000e0041",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_h1_what_could_steer_a_terminal_is_shown_instead(attack: str) -> None:
    assert inert(attack) == ATTACKS[attack]
    assert inert(f"before\n{attack}\nafter").endswith("\nafter")


def test_h1_what_people_write_stays_as_it_is() -> None:
    for text in (
        "plain\n\ttext",
        "naïve café",
        "日本語",
        "עברית",
        "👩\u200d💻 ☀️",
        "نمی\u200cخواهم",
        "line one\nline two\n",
    ):
        assert inert(text) == text
    assert inert("dos\r\nlines\r\n") == "dos\nlines\n"


@given(st.text())
def test_h1_nothing_acts_in_what_is_shown_and_it_stays_so(text: str) -> None:
    shown = inert(text)
    left = {letter for letter in shown if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}}
    assert left <= {"\n", "\t"}
    assert inert(shown) == shown
    shown.encode()
