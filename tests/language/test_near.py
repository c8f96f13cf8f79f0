"""The word that was meant is found, among thousands too, and nothing is guessed where nothing is near."""

import random
import time

import pytest

from runbook.language.near import nearest

WORDS = ["title", "timeout", "on_fail", "check_health", "fix_env", "instructions", "expect", "next", "roll_back"]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("titel", "title"),
        ("nxet", "next"),
        ("timout", "timeout"),
        ("On-Fail", "on_fail"),
        ("onfail", "on_fail"),
        ("check-health", "check_health"),
        ("health_check", "check_health"),
        ("chekc_helth", "check_health"),
        ("instrutions", "instructions"),
        ("rollback", "roll_back"),
        ("Expect", "expect"),
        ("next", "next"),
        ("inst", "instructions"),
    ],
)
def test_the_word_that_was_meant_is_found(word: str, known: str) -> None:
    assert nearest(word, WORDS) == known


@pytest.mark.parametrize("word", ["colour", "x", "", "zzzzzz", "日本語", "text", "question", "on"])
def test_nothing_is_guessed_where_nothing_is_near(word: str) -> None:
    assert nearest(word, WORDS) is None
    assert nearest(word, []) is None


def test_a_word_among_two_thousand_is_found_for_each_of_many_mistakes_in_no_time() -> None:
    draw = random.Random(1)
    parts = ["check", "verify", "restart", "deploy", "drain", "cache", "queue", "worker", "node", "token", "backup"]
    words = list(dict.fromkeys("_".join(draw.sample(parts, 3)) + f"_{i}" for i in range(2_000)))
    start = time.perf_counter()
    for _ in range(100):
        word = draw.choice(words)
        place = draw.randrange(1, len(word) - 3)
        misspelt = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        assert nearest(misspelt, words) == word
    assert time.perf_counter() - start < 2
