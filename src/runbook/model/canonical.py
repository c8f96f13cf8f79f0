"""JSON as this project writes it: one text for one value, so that a digest means something.

Canonical JSON has its keys in code-point order, no spaces, ASCII escapes and the shortest text of each double.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""A JSON value as Python holds it."""
JsonObject: TypeAlias = dict[str, "Json"]
"""A JSON object as Python holds it."""


def writer(*, sort_keys: bool) -> Callable[[Json | Mapping[str, Json]], str]:
    """What writes JSON in ASCII and without spaces; what it is given must not contain itself.

    It raises ValueError for NaN and the infinities. It is the C encoder that ``json`` makes anew for each text, made
    once: a record is a dozen texts, and making that encoder takes longer than most of them.
    """
    plain = json.JSONEncoder(sort_keys=sort_keys, separators=(",", ":"), check_circular=False, allow_nan=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    text = json.encoder.encode_basestring_ascii
    pieces = make(None, plain.default, text, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(pieces(value, 0))


_write = writer(sort_keys=True)


def canonical(value: Json) -> str:
    """The one canonical text of a JSON value.

    :raises ValueError: if it holds NaN or an infinity.
    """
    return _write(value)


def size(text: str) -> int:
    """How many bytes a text takes in a record."""
    return len(json.encoder.encode_basestring_ascii(text))


def fits(text: str, limit: int) -> bool:
    """Whether a text takes at most so many bytes in a record; a character takes 12 at most."""
    return len(text) <= limit // 12 or size(text) <= limit


def sha256(text: str) -> str:
    """The SHA-256 of a text's UTF-8 bytes, as 64 lower-case hexadecimal digits."""
    import hashlib  # not for those who only write

    return hashlib.sha256(text.encode()).hexdigest()
