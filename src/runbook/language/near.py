"""Finds the word that was probably meant: case, hyphens and a few wrong letters are forgiven."""

from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word that is nearest to a misspelt one; None if none is near."""
    known = {_plain(known): known for known in words}
    if (plain := _plain(word)) in known:
        return known[plain]
    import difflib  # only where something is misspelt

    return next((known[close] for close in difflib.get_close_matches(plain, known, 1, 0.6)), None)


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")
