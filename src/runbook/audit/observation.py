"""An observation as everything else sees it: safe, masked, capped, canonical; made once, and the same on replay.

In this order, each before the next can undo it:

1. **Safe.** Only JSON is left. Bytes are decoded, halves of surrogate pairs become U+FFFD, NaN and the infinities the
   texts ``NaN Infinity -Infinity``, whole numbers beyond 64 bits the text of their digits. What is deeper than 64
   levels, contains itself, or lies behind the first 20,000 values, is cut.
2. **Masked.** In texts, in keys below the first level (those of the first are the kind's own), and in numbers.
3. **Capped** at 32 KiB of canonical JSON, and at what a record can hold: the longest texts and lists are cut first,
   all to one length, as little as will do.

A **path** is dotted text: ``body.items[0].name``; a key that is no plain name stands in brackets as JSON writes it:
``headers["content-type"]``. A path in ``masked`` or ``truncated`` stands for itself and everything below it; where
there would be too many, their containers stand for them.
"""

import json
import math
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runbook.audit.masking import Masker
from runbook.model.canonical import Json, JsonObject, canonical, fits

CAP = 32 * 1024
"""The most bytes of an observation's canonical JSON."""
ESCAPED_CAP = 48 * 1024
"""The most bytes of that text once it stands as a string in a record."""
PATHS_CAP = 4 * 1024
"""The most bytes that the masked paths, or the truncated ones, take in a record."""
DEPTH = 64
"""How many levels of lists and objects there are at most."""
VALUES = 20_000
"""How many values are looked at."""
KEY = 256
"""How many characters of a key are kept."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP = re.compile(r'\.?[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """An observation: ``text`` is what the log holds, ``value`` the same as data; the paths are described above."""

    text: str
    value: JsonObject
    masked: tuple[str, ...]
    truncated: tuple[str, ...]


def observe(raw: Mapping[str, object], masker: Masker) -> Observation:
    """Make an observation of what a kind returned, whatever that is."""
    making = _Making(masker)
    value = making.safe_object(raw, "", 1, ())
    cut: dict[str, None] = {}
    text = canonical(value)
    if not _fits(text):
        limit = bisect_left(range(CAP), 1, key=lambda limit: not _fits(canonical(_cut(value, limit, "", {})))) - 1
        value = _cut_object(value, limit, "", cut)
        text = canonical(value)
    return Observation(
        text=text,
        value=value,
        masked=_few(making.masked),
        truncated=_few([*making.truncated, *cut]),
    )


def below(path: str, key: str) -> str:
    """The path of a key in an object."""
    if not _NAME.fullmatch(key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


class _Making:
    """Steps one and two: safe and masked, noting the paths."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._left = VALUES
        self.masked: list[str] = []
        self.truncated: list[str] = []

    def _safe(self, raw: object, path: str, depth: int, above: tuple[int, ...]) -> Json:
        self._left -= 1
        match raw:
            case None | bool():
                return raw
            case int() | float():
                return self._number(raw, path)
            case str():
                return self._text(raw, path)
            case bytes() | bytearray() | memoryview():
                return self._text(bytes(raw).decode("utf-8", "replace"), path)
        if depth > DEPTH or id(raw) in above or self._left <= 0:
            self.truncated.append(path)
            return None
        if isinstance(raw, Mapping):
            return self.safe_object(raw, path, depth, above)
        if isinstance(raw, list | tuple | set | frozenset):
            return self._list(raw, path, depth, above)
        return self._text(str(raw), path)

    def safe_object(self, raw: Mapping[str, object], path: str, depth: int, above: tuple[int, ...]) -> JsonObject:
        value: JsonObject = {}
        inside = (*above, id(raw))
        for key, item in raw.items():
            if self._left <= 0:
                self.truncated.append(path)
                break
            whole, found = self._masker.mask(_unicode(str(key))) if path else (str(key), ())
            name = whole[:KEY]
            at = below(path, name)
            if found:
                self.masked.append(at)
            if name != whole or name in value:  # cut, or made the same as another by the mask
                self.truncated.append(at)
            if name not in value:
                value[name] = self._safe(item, at, depth + 1, inside)
        return value

    def _list(self, raw: Iterable[object], path: str, depth: int, above: tuple[int, ...]) -> list[Json]:
        value: list[Json] = []
        inside = (*above, id(raw))
        for place, item in enumerate(raw):
            if self._left <= 0:
                self.truncated.append(path)
                break
            value.append(self._safe(item, f"{path}[{place}]", depth + 1, inside))
        return value

    def _text(self, text: str, path: str) -> str:
        masked, names = self._masker.mask(_unicode(text))
        if names:
            self.masked.append(path)
        return masked

    def _number(self, number: float, path: str) -> Json:
        if isinstance(number, float) and not math.isfinite(number):
            return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
        if isinstance(number, int) and number.bit_length() > 1024:
            self.truncated.append(path)
            return f"a number of {number.bit_length()} bits"
        text = repr(number + 0)  # the number itself, where it is of a class of its own
        masked, names = self._masker.mask(text)
        if names:
            self.masked.append(path)
            return masked
        return number if isinstance(number, float) or -(2**63) <= number < 2**63 else text


def _unicode(text: str) -> str:
    """A text in which U+FFFD stands for every half of a surrogate pair."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _fits(text: str) -> bool:
    """Whether the canonical JSON of a value can stand in a record as an observation."""
    return len(text) <= CAP and fits(text, ESCAPED_CAP)


def _cut(value: Json, limit: int, path: str, cut: dict[str, None]) -> Json:
    """A value with texts of at most ``limit`` characters, and lists in proportion; notes what was cut."""
    if isinstance(value, dict):
        return _cut_object(value, limit, path, cut)
    if isinstance(value, list):
        kept = value[: limit // 16]
        if len(kept) < len(value):
            cut[path] = None
        return [_cut(item, limit, f"{path}[{place}]", cut) for place, item in enumerate(kept)]
    if isinstance(value, str) and len(value) > limit:
        cut[path] = None
        return value[:limit]
    return value


def _cut_object(value: JsonObject, limit: int, path: str, cut: dict[str, None]) -> JsonObject:
    """An object whose values are cut, and itself only when there is room for little else."""
    kept = [*value.items()][: limit // 4]
    if len(kept) < len(value):
        cut[path] = None
    return {key: _cut(item, limit, below(path, key), cut) for key, item in kept}


def _few(paths: Collection[str]) -> tuple[str, ...]:
    """These paths once each, without those below another, or as many levels of them as there is room for."""
    if not paths:
        return ()
    steps = {path: _STEP.findall(path) for path in paths}
    few = [
        path for path in steps if not any("".join(steps[path][:level]) in steps for level in range(len(steps[path])))
    ]
    level = max((len(steps[path]) for path in few), default=0)
    while len(json.dumps(few)) > PATHS_CAP:
        level -= 1
        few = [*dict.fromkeys("".join(steps[path][:level]) for path in steps)]
    return tuple(few)
