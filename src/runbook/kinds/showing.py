"""How kinds word what they show: secrets by name, JSON in lines, and no text without an end."""

import json
from collections.abc import Iterable, Mapping

from runbook.model.canonical import Json
from runbook.model.secrets import Resolved, SecretText, Text

_LONGEST_REASON = 200


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


def last_line(text: object) -> str:
    """The last line of an output that says something, cut to what a reason can hold; empty if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] if isinstance(text, str) else []
    last = lines[-1] if lines else ""
    return last if len(last) <= _LONGEST_REASON else last[: _LONGEST_REASON - 1] + "…"


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
