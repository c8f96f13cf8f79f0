"""Durations as they are written in a runbook: ``250ms 10s 5m 2h 1d``."""

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
"""The pattern of a duration; it must match the whole text."""


def milliseconds(text: str) -> int:
    """The milliseconds of a duration as written.

    :raises ValueError: if the text is not a duration.
    """
    match = DURATION.fullmatch(text)
    if match is None:
        message = f"`{text}` is not a duration"
        raise ValueError(message)
    return int(match[1]) * _UNITS[match[2]]


def spoken(ms: int) -> str:
    """A duration as a person reads it, to the nearest second, with at most two units: ``3 min 20 s``."""
    if ms < 1_000:
        return f"{ms} ms"
    seconds = (ms + 500) // 1_000  # what is left of a limit of 30 s at the start is 29,999 ms
    parts = [(seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def clock(ms: int) -> str:
    """A time that is left, as a clock shows it; a second that has begun counts."""
    seconds = max(0, -(-ms // 1000))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
