"""Observations as a person reads them: a name and its value a line, long ones shortened in the middle."""

import json
from collections.abc import Iterator

from runbook.model.canonical import Json, JsonObject

_HEAD, _TAIL, _WIDTH = 15, 25, 400
_RAW = ("text", "stdout")
"""Texts that other fields of the same observation may be another form of."""


def dump(observation: JsonObject) -> str:
    """An observation, without the fields that only say again what another one says."""
    return "\n".join(_entries(_once(observation)))


def shortened(text: str) -> str:
    """A long text without its middle; what is left out is counted."""
    found = [_narrow(line) for line in text.split("\n")]
    if len(found) <= _HEAD + _TAIL + 1:
        return "\n".join(found)
    left = len(found) - _HEAD - _TAIL
    return "\n".join([*found[:_HEAD], f"… {left} lines left out here …", *found[-_TAIL:]])


def _narrow(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]}… ({len(line) - _WIDTH} more)"


def _once(observation: JsonObject) -> JsonObject:
    said: list[Json] = []
    for name in _RAW:
        raw = observation.get(name)
        if isinstance(raw, str) and raw:
            said += [*_parsed(raw), [line.removesuffix("\r") for line in raw.removesuffix("\n").split("\n")]]
    return {name: value for name, value in observation.items() if value not in said or name in _RAW}


def _parsed(raw: str) -> Iterator[Json]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict | list):
        yield value


def _entries(values: JsonObject) -> Iterator[str]:
    for name, value in values.items():
        match value:
            case str() if "\n" in value.strip("\n") or len(value) > _WIDTH:
                yield f"{name}:"
                yield from (f"  {line}" for line in shortened(value.rstrip("\n")).split("\n"))
            case str():
                yield f"{name}: {value}".rstrip()
            case dict() if value:
                yield f"{name}:"
                yield from (f"  {line}" for line in shortened("\n".join(_entries(value))).split("\n"))
            case list() if value and all(isinstance(item, str) for item in value):
                yield f"{name}: {', '.join(map(str, value))}"
            case _:
                yield f"{name}: {json.dumps(value, ensure_ascii=False)}"
