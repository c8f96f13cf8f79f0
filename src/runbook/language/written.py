"""What somebody meant who wrote a plain word where a number or a truth value was wanted.

In a runbook ``no``, ``on``, ``010``, ``1e3`` and ``22:30`` are texts, never silently something else; where something
else was wanted, these are the words for saying so.
"""

import re

_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})
_NULL = frozenset({"null", "~", "none", "nil"})
_LEADING_ZEROS = re.compile(r"[+-]?0+[0-9][0-9_]*")
_UNDERSCORES = re.compile(r"[+-]?[0-9][0-9_]*")
_OTHER_BASE = re.compile(r"[+-]?0([xX][0-9a-fA-F]{1,15}|[oO][0-7]{1,15}|[bB][01]{1,15})")
_EXPONENT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]{1,2}")
_DECIMAL = re.compile(r"[+-]?([0-9_]+\.[0-9_]*|\.[0-9_]+)")
_UNITS = {
    "ms": "ms", "msec": "ms", "millisecond": "ms", "s": "s", "sec": "s", "second": "s", "m": "m", "min": "m",
    "minute": "m", "h": "h", "hr": "h", "hour": "h", "d": "d", "day": "d",
}  # fmt: skip
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")


def boolean_meant(text: str) -> str | None:
    """``true`` or ``false``, where a text says one of them in another way."""
    word = text.lower()
    return "true" if word in _TRUE else "false" if word in _FALSE else None


def number_meant(text: str, *, whole: bool) -> str | None:
    """The number as this language writes it, where a text says one in another way; None where it says none."""
    plain = text.replace("_", "")
    if _LEADING_ZEROS.fullmatch(text) or _UNDERSCORES.fullmatch(text):
        return str(int(plain)) if len(plain) <= 20 else None
    if _OTHER_BASE.fullmatch(text):
        return str(int(plain, 0))
    if _EXPONENT.fullmatch(plain) or _DECIMAL.fullmatch(text):
        value = float(plain)
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return None if whole else format(value, "f").rstrip("0")
    return None


def duration_meant(text: str) -> str | None:
    """The duration as this language writes it, where a text says one in another way (``30 sec``, ``1h30m``).

    A number without a unit is taken for seconds.
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text):
        return duration_meant(f"{text}s") if "." in text else f"{text}s"
    if match := re.fullmatch(r"([0-9]{1,9}) *([a-zA-Zµ]+)", text):
        word = match[2].lower()
        unit = _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))
        return f"{match[1]}{unit}" if unit else None
    if match := re.fullmatch(r"([0-9]{1,4})h *([0-9]{1,4})m(?:in)?", text):
        return f"{int(match[1]) * 60 + int(match[2])}m"
    if match := re.fullmatch(r"([0-9]{1,4})m(?:in)? *([0-9]{1,4})s", text):
        return f"{int(match[1]) * 60 + int(match[2])}s"
    if match := re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,3})(s|m|h|d)", text):
        smaller = {"s": (1_000, "ms"), "m": (60, "s"), "h": (60, "m"), "d": (24, "h")}
        times, unit = smaller[match[3]]
        amount = float(f"{match[1]}.{match[2]}") * times
        return f"{int(amount)}{unit}" if amount.is_integer() else None
    return None


def constant_meant(call: str, written: str) -> str:
    """What to write instead of a constant that cannot be converted.

    :param call: the conversion with the constant in it, such as ``duration("1d")``; ``written`` is the constant alone.
    """
    word = written.strip("rR'\"")
    if call.startswith("duration"):
        return 'write days as hours: "24h"' if word.endswith("d") else 'write it in h, m, s or ms, such as "90m"'
    if call.startswith("timestamp"):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            return f'write "{word}T00:00:00Z"'
        return 'write it as RFC 3339 does, such as "2026-11-21T09:00:00Z"'
    if ".matches(" in call or call.startswith("matches"):
        return "write an RE2 pattern; a bracket that is meant as itself has a backslash before it"
    return "write a number in digits"


def why_text(text: str) -> str:
    """Why a plain word is a text in a runbook, for those whose habits say otherwise; empty where it is plain."""
    if text.lower() in _TRUE | _FALSE:
        return "only `true` and `false`, in lower case, are not text"
    if text.lower() in _NULL:
        return "only `null`, in lower case, is not text"
    if _CLOCK.fullmatch(text):
        return "a time of day is text"
    return ""


def short(text: str) -> str:
    """A text as a message quotes it: the beginning of its first line."""
    line = text.partition("\n")[0]
    return line if line == text and len(line) <= 40 else f"{line[:40]}…"
