"""Reads JSON that came from outside so strictly that it can be logged, compared and handed to an expression."""

import json
import math
from typing import cast

from runbook.model.canonical import Json


def parsed(text: str) -> Json:
    """The value of a JSON text (RFC 8259).

    :raises ValueError: if it is not JSON, nests too deeply to be read, or holds what JSON cannot write back the same
        everywhere: NaN, an infinity, or half a surrogate pair.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it nests too deeply") from None
    return cast("Json", value)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is beyond what a number can hold")
    return value
