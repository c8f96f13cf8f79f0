"""What may be wrong with the value of an environment variable, in words that never hold the value."""

import re
from collections.abc import Callable, Iterable, Mapping

from runbook.kinds.strict_json import parsed
from runbook.model import fragments
from runbook.model.canonical import JsonObject
from runbook.model.secrets import Resolved


def _is_url(value: str) -> bool:
    from urllib.parse import urlsplit

    if re.search(r"\s", value):
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_json(value: str) -> bool:
    try:
        parsed(value)
    except ValueError:
        return False
    return True


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


FORMATS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "url": ("a URL", _is_url),
    "email": ("an e-mail address", _like(r"[^@\s]+@[^@\s]+\.[^@\s.]+")),
    "uuid": ("a UUID", _like(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    "integer": ("a whole number", _like(r"-?[0-9]+")),
    "number": ("a number", _like(r"-?[0-9]+(\.[0-9]+)?")),
    "boolean": ("`true` or `false`", _like("true|false")),
    "hex": ("hexadecimal text", _like("([0-9a-fA-F]{2})+")),
    "base64": ("Base64 text", _like(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")),
    "json": ("JSON", _is_json),
}
"""For each format what it is called, and whether a value has it."""

RULES: JsonObject = fragments.closed(
    "What must be true of the value.",
    format=fragments.enumeration("What it must be.", *FORMATS),
    min_length=fragments.integer("The fewest characters it may have.", minimum=0),
    max_length=fragments.integer("The most characters it may have.", minimum=0),
    pattern=fragments.text("A regular expression that all of it must match."),
    one_of=fragments.texts("The values that are allowed.", minimum=1),
    secret=fragments.boolean("Whether not even the allowed values and the pattern are shown.", default=False),
)

_EDGES = {
    " ": "a space",
    "\t": "a tab",
    "\n": "a newline",
    "\r": "a carriage return",
    '"': "a quote",
    "'": "a quote",
}


def findings(value: str, rules: Mapping[str, Resolved]) -> list[str]:
    """Everything that is wrong with a value: ``length 12, at least 32``, ``ends with a newline``."""
    if not value:
        return [] if rules.get("min_length") == 0 else ["is empty"]
    return [*_lengths(value, rules), *_edges(value, rules), *_forms(value, rules)]


def described(rules: Mapping[str, Resolved]) -> str:
    """The rules in a line: ``format url, min_length 32``; of a secret without the pattern and the allowed values."""
    hidden = {"pattern", "one_of", "secret"} if rules.get("secret") is True else {"secret"}
    return ", ".join(name if name in hidden else f"{name} {_written(rule)}" for name, rule in rules.items())


def misspelt(missing: Iterable[str], others: Iterable[str]) -> list[str]:
    """For each missing name the one among the others that looks like it: ``SESION_SECRET (for SESSION_SECRET)``."""
    import difflib

    plain = {name.strip().upper(): name for name in others}
    found = [(name, difflib.get_close_matches(name.upper(), plain, 1, 0.85)) for name in missing]
    return [f"{plain[close[0]]} (for {name})" for name, close in found if close]


def _lengths(value: str, rules: Mapping[str, Resolved]) -> list[str]:
    least, most = rules.get("min_length"), rules.get("max_length")
    if isinstance(least, int) and len(value) < least:
        return [f"length {len(value)}, at least {least}"]
    if isinstance(most, int) and len(value) > most:
        return [f"length {len(value)}, at most {most}"]
    return []


def _edges(value: str, rules: Mapping[str, Resolved]) -> list[str]:
    """Characters at an edge that are there by accident; JSON may begin and end with a quote."""
    found = []
    for where, character in (("starts", value[0]), ("ends", value[-1])):
        if character in "\"'" and rules.get("format") == "json":
            continue
        if character in _EDGES:
            found.append(f"{where} with {_EDGES[character]}")
        elif character.isspace() or not character.isprintable():
            found.append(f"{where} with an invisible character (U+{ord(character):04X})")
    return found


def _forms(value: str, rules: Mapping[str, Resolved]) -> list[str]:
    found = []
    hidden = rules.get("secret") is True
    form, pattern, allowed = rules.get("format"), rules.get("pattern"), rules.get("one_of")
    if isinstance(form, str) and not FORMATS[form][1](value):
        found.append(f"is not {FORMATS[form][0]}")
    if isinstance(pattern, str):
        try:
            if re.fullmatch(pattern, value) is None:
                found.append("does not match its pattern" if hidden else f"does not match {pattern}")
        except re.error:
            found.append("its `pattern` is not a regular expression")
    if isinstance(allowed, list) and value not in allowed:
        found.append("is none of those allowed" if hidden else f"is none of {_written(allowed)}")
    return found


def _written(rule: Resolved) -> str:
    return ", ".join(map(str, rule)) if isinstance(rule, list) else str(rule)
