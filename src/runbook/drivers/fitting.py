"""What makes texts fit for a record: secrets covered, nothing that UTF-8 cannot hold, not longer than a record can be.

A text of JSON keeps its shape when it is covered: only texts, numbers and the keys of data in it change, so that a
secret that happens to look like a piece of JSON, or like one of our words, breaks nothing.
"""

import json
from collections.abc import Callable

from runbook.model.canonical import Json, JsonObject, canonical, fits, size
from runbook.model.kind import Preview

Mask = Callable[[str], str]
"""Covers secrets in a text."""
LONGEST = 40 * 1024
"""The most bytes that an action, a question or an answer may take in a record."""
OBSERVED = 52 * 1024
"""The most bytes that an observation and what is saved from it may take together."""
_REASON = 2 * 1024
_TEXT = 16 * 1024


def fit(name: str, text: str) -> str:
    """A text of a record's field, cut to what there is room for; the same again if it fits.

    :param name: the field's name; reasons stand beside other long things, so they are shorter.
    """
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    limit = _REASON if name == "reason" else _TEXT
    if fits(text, limit):
        return text
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + "…") <= limit else (low, middle - 1)
    return text[:low] + "…"


def covered(text: str, mask: Mask) -> str:
    """A text of canonical JSON with secrets covered in what it holds."""
    return canonical(_covered(json.loads(text), mask)) if _may_hold(text, mask) else text


def covered_action(text: str, mask: Mask) -> str:
    """The canonical JSON of an action with secrets covered; what kind it is and the names of its fields stay."""
    return canonical(_parts_of_action(json.loads(text), mask)) if _may_hold(text, mask) else text


def covered_preview(preview: Preview, mask: Mask) -> Preview:
    """What would be done, with secrets covered."""
    return Preview(line=mask(preview.line), detail=mask(preview.detail))


def secrets_in(value: Json, look: Callable[[str], tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """The names of the secrets that a value holds, each once.

    :param look: covers secrets in a text, and tells the names of those that stood in it.
    """
    found: dict[str, None] = {}

    def mask(text: str) -> str:
        made, names = look(text)
        found.update(dict.fromkeys(names))
        return made

    covered(canonical(value), mask)
    return tuple(found)


def _may_hold(text: str, mask: Mask) -> bool:
    r"""Whether a value in a text of canonical JSON may hold a secret.

    One without a backslash holds its values as they are, and who sees one of them there sees it in the whole too.
    Where something is escaped, a value may hold what the whole does not: ``\u200b`` is invisible only when it is read.
    """
    return "\\" in text or mask(text) != text


def _parts_of_action(action: Json, mask: Mask) -> Json:
    """An action, and those inside it."""
    if not isinstance(action, dict):
        return action
    made: dict[str, Json] = {}
    for key, value in action.items():
        match key, value:
            case "fields", dict():
                made[key] = {name: _covered(each, mask) for name, each in value.items()}
            case "nested", dict():
                made[key] = {name: _parts_of_action(each, mask) for name, each in value.items()}
            case "undo", _:
                made[key] = _parts_of_action(value, mask)
            case _:
                made[key] = value
    return made


def _covered(value: Json, mask: Mask) -> Json:
    match value:
        case dict():
            return {mask(key): _covered(each, mask) for key, each in value.items()}
        case list():
            return [_covered(each, mask) for each in value]
        case str():
            return mask(value)
        case int() | float() if not isinstance(value, bool):
            text = canonical(value)
            return value if mask(text) == text else mask(text)
        case _:
            return value


def look_at_length(answer: JsonObject) -> None:
    """Refuse what no record can hold.

    :raises ValueError: with one line for the person.
    """
    taken = size(canonical(answer))
    if taken > LONGEST:
        raise ValueError(f"the answer takes {taken:,} bytes in the log, and {LONGEST:,} are allowed")
