"""JSON as this project writes it: one text for one value, so that a digest means something.

Canonical JSON has its keys in code-point order, no spaces, ASCII escapes and the shortest text of each double.
"""

import json
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""A JSON value as Python holds it."""
JsonObject: TypeAlias = dict[str, "Json"]
"""A JSON object as Python holds it."""


def canonical(value: Json) -> str:
    """The one canonical text of a JSON value.

    :raises ValueError: if it holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256(text: str) -> str:
    """The SHA-256 of a text's UTF-8 bytes, as 64 lower-case hexadecimal digits."""
    import hashlib  # not for those who only write

    return hashlib.sha256(text.encode()).hexdigest()
