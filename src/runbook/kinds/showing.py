"""How kinds word what they show: secrets by name, JSON in lines, and no text without an end."""

import json
import re
from collections.abc import Iterable, Mapping

from runbook.model.canonical import Json
from runbook.model.secrets import Resolved, SecretText, Text

_LONGEST_REASON = 200
_OF_AN_ERROR = re.compile(r"(?i:^error\b)|\b(?:ERROR|FATAL|PANIC)\b|(?i:error|fatal):")


def shown(text: Text) -> str:
    """A text as a person may see it: a secret in it stands as ``‹secret NAME›``."""
    return text.resolve(lambda name: f"‹secret {name}›") if isinstance(text, SecretText) else text


def shown_json(value: Resolved, *, indent: int | None = 2) -> str:
    """A value as JSON, indented or on one line, secrets by name."""
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False)


def quoted(argv: Iterable[str]) -> str:
    """A command line as one would type it into a shell."""
    import shlex

    return shlex.join(argv)


def settings(values: Mapping[str, Text], between: str) -> list[str]:
    """A line for each name and its value, secrets by name."""
    return [f"{name}{between}{shown(value)}" for name, value in values.items()]


def named(values: Mapping[str, Resolved]) -> str:
    """Values a line each behind their names, secrets by name: texts as they are, anything else as JSON."""
    return "\n".join(f"{name}: {_in_a_line(value)}" for name, value in values.items())


def telling_line(text: object) -> str:
    """The first line of an output that speaks of an error, else the last that says anything, cut to fit into a reason.

    What a program says behind its error is where, in which context, what follows from it, and how to get help.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()] if isinstance(text, str) else []
    told = next((line for line in lines if _OF_AN_ERROR.search(line)), lines[-1] if lines else "")
    return told if len(told) <= _LONGEST_REASON else told[: _LONGEST_REASON - 1] + "…"


def _in_a_line(value: Resolved) -> str:
    """A value behind its name; further lines of a text stand in from the margin, so that they are no names."""
    plain = _plain(value)
    if isinstance(plain, str) and plain.strip():
        return plain.strip("\n").replace("\n", "\n  ")
    return json.dumps(plain, ensure_ascii=False)


def _plain(value: Resolved) -> Json:
    """A value in which each text with secrets is the text that may be seen."""
    match value:
        case SecretText():
            return shown(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value
