"""Prose whose lines its author broke for want of room, as it reads where there is more or less of it."""

from collections.abc import Iterable

_LONG = 60
"""Characters from which a line was broken for want of room."""


def unwrapped(lines: Iterable[str]) -> list[str]:
    """Lines of which one that is long and goes on below in small letters is one line."""
    joined: list[str] = []
    for line in lines:
        goes_on = joined and len(joined[-1]) >= _LONG and line[:1].islower() and not joined[-1].startswith("    ")
        if goes_on:
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined
