"""A quick first look at many bytes: whether any of many patterns can be in them at all.

Nearly all output holds no secret, and a stream has to be seen through at hundreds of megabytes a second. Python looks
for one text at 1 ns a byte and for twenty at 20; the regular expressions of Rust, which come with the validator of
JSON schemas, look for all of them at 0.2 to 2. So bytes go to it as Latin-1, each a character of its number, and only
where it sees something does Python look closer. Few bytes are looked at in Python alone, without loading it.
"""

from collections.abc import Callable, Iterable

PATIENCE = 64 * 1024
"""Bytes to look at in Python, :data:`_CALL` more for each time, before the other is made: it takes milliseconds."""
_CALL = 256


class Sieve:
    """Looks for patterns of Rust's regular expressions, or by another way that finds the same or more."""

    def __init__(self, patterns: Iterable[str], slowly: Callable[[bytes], bool]) -> None:
        """Look for any of the patterns; ``slowly`` tells the same of few bytes."""
        self._pattern = "|".join(patterns)
        self._slowly = slowly
        self._patience = PATIENCE
        self._quickly: Callable[[str], bool] | None = None

    def holds(self, data: bytes) -> bool:
        """Whether anything may be in it; False only if there is nothing."""
        if self._quickly is None:
            self._patience -= len(data) + _CALL
            if self._patience > 0:
                return self._slowly(data)
            self._quickly = _made(self._pattern)
        return self._quickly(data.decode("latin-1"))


def literal(data: bytes) -> str:
    """The pattern of these bytes."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\u{byte:04x}" for byte in data)


def _made(pattern: str) -> Callable[[str], bool]:
    if not pattern:
        return lambda _: False
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for({"pattern": pattern}).is_valid
    except ValueError:  # more than it takes: then everything is looked at closely
        return lambda _: True
