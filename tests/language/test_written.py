"""What somebody meant who wrote a word, a number or a duration in another way."""

import pytest

from runbook.language.near import nearest
from runbook.language.written import boolean_meant, duration_meant, number_meant, short, why_text
from runbook.model.durations import milliseconds


@pytest.mark.parametrize(
    ("text", "meant"),
    [("yes", "true"), ("On", "true"), ("TRUE", "true"), ("no", "false"), ("Off", "false"), ("maybe", None)],
)
def test_a_truth_value_in_other_words(text: str, meant: str | None) -> None:
    assert boolean_meant(text) == meant


@pytest.mark.parametrize(
    ("text", "whole", "any_number"),
    [
        ("010", "10", "10"),
        ("+5", "5", "5"),
        ("1_000", "1000", "1000"),
        ("1e3", "1000", "1000"),
        ("0x1F", "31", "31"),
        ("0o17", "15", "15"),
        ("0b101", "5", "5"),
        ("5.", "5", "5"),
        (".5", None, "0.5"),
        ("1.50", None, "1.5"),
        ("-1e-3", None, "-0.001"),
        ("22:30", None, None),
        ("0b2", None, None),
        ("1e400", None, None),
        ("9" * 30, None, None),
        ("many", None, None),
    ],
)
def test_a_number_in_another_notation(text: str, whole: str | None, any_number: str | None) -> None:
    assert (number_meant(text, whole=True), number_meant(text, whole=False)) == (whole, any_number)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30 sec", "30s"),
        ("30S", "30s"),
        ("5 minutes", "5m"),
        ("90 ms", "90ms"),
        ("1h30m", "90m"),
        ("2m 30s", "150s"),
        ("1.5h", "90m"),
        ("0.25s", "250ms"),
        ("0.0001m", None),
        ("90", "90s"),
        ("2 weeks", None),
        ("", None),
    ],
)
def test_a_duration_in_another_notation(text: str, meant: str | None) -> None:
    assert duration_meant(text) == meant
    assert meant is None or milliseconds(meant) >= 0


def test_a_word_that_others_take_for_something_else_is_explained() -> None:
    assert why_text("No") == "only `true` and `false`, in lower case, are not text"
    assert why_text("~") == "only `null`, in lower case, is not text"
    assert why_text("22:30") == "a time of day is text"
    assert why_text("words") == ""


@pytest.mark.parametrize(
    ("word", "known", "nearest_one"),
    [
        ("timout", ["timeout", "title"], "timeout"),
        ("On-Fail", ["on_fail", "on_unknown"], "on_fail"),
        ("KIND", ["id", "kind"], "kind"),
        ("colour", ["url", "method"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_word_is_found(word: str, known: list[str], nearest_one: str | None) -> None:
    assert nearest(word, known) == nearest_one


def test_a_long_text_is_quoted_by_its_beginning() -> None:
    assert short("a" * 40) == "a" * 40
    assert short("a" * 41) == "a" * 40 + "…"
    assert short("first\nsecond") == "first…"
