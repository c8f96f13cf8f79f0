"""Finds the word that was probably meant: case, hyphens, the order of words and a few wrong letters are forgiven.

A beginning stands for the one word that begins so. Short words must be nearer: nothing said is better than ``cwd`` for
``cmd``, or ``next`` for ``text``.

Thousands of words are looked through in a millisecond: those that share the most pairs of letters are compared well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_COMPARED = 20
_ALIKE, _ALIKE_BUT_FOR_THE_FIRST = 0.75, 0.8
_SHORTEST_BEGINNING = 3


@dataclass(frozen=True, slots=True)
class _Index:
    """Words by what is left of them when spelling is forgiven: ``Check-health`` is ``check_health``."""

    plain: Mapping[str, str]
    sorted_parts: Mapping[str, str]
    pairs: Mapping[str, frozenset[str]]


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that is nearest to a misspelt one; None if none is near."""
    index = _index(tuple(words))
    plain = _plain(word)
    if known := index.plain.get(plain) or index.sorted_parts.get(_sorted(plain)):
        return known
    if len(plain) >= _SHORTEST_BEGINNING:
        beginning = [known for other, known in index.plain.items() if other.startswith(plain)]
        turned = [
            known for other, known in index.plain.items() if other[:1] == plain[0] and _same_letters(other, plain)
        ]
        if turned or len(beginning) == 1:
            return (turned or beginning)[0]
    import difflib  # only where something is misspelt

    mine = _pairs(plain)
    shared = {known: len(mine & pairs) / (len(mine) + len(pairs)) for known, pairs in index.pairs.items()}
    compared = sorted(shared, key=lambda known: -shared[known])[:_COMPARED]
    for close in difflib.get_close_matches(plain, compared, 3, _ALIKE):
        alike = difflib.SequenceMatcher(a=close, b=plain).ratio()
        if close[:1] == plain[:1] or alike >= _ALIKE_BUT_FOR_THE_FIRST:
            return index.plain[close]
    return None


def _same_letters(word: str, other: str) -> bool:
    return len(word) == len(other) and sorted(word) == sorted(other)


@lru_cache(maxsize=16)
def _index(words: tuple[str, ...]) -> _Index:
    plain = {_plain(word): word for word in words}
    return _Index(
        plain=plain,
        sorted_parts={_sorted(word): known for word, known in plain.items()},
        pairs={word: _pairs(word) for word in plain},
    )


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def _sorted(plain: str) -> str:
    return "_".join(sorted(plain.split("_")))


def _pairs(plain: str) -> frozenset[str]:
    """The pairs of letters in a word, its edges included."""
    return frozenset(map("".join, zip(f" {plain}", f"{plain} ", strict=True)))
