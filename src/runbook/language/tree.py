"""Builds plain data from YAML events, by this language's own reading, and remembers where each piece stands.

``true``, ``false`` and ``null`` in lower case, whole numbers and decimals are what they say; every other plain word is
a text. A value that is not written at all (``title:``) is null. What YAML has beyond that is told to ``findings``.

A place is two offsets into the text, packed into one whole number, so that a large file leaves little behind. Where a
mapping or list stands there is a list: its own place, then for a mapping the places of each key and its value in turn,
for a list those of its elements.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from yaml.error import Mark, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from runbook.language.characters import hidden_in
from runbook.language.findings import Findings
from runbook.model.canonical import Json

Places: TypeAlias = "int | list[Places]"
"""Where a value stands: packed offsets, or those of a mapping or list and of all that is in it."""

DEEPEST = 64
_SHIFT = 24
_MASK = (1 << _SHIFT) - 1
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "": None}
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_BLOCK = frozenset("|>")
_FIRSTS = frozenset(["", *"tfn-0123456789"])
_QUOTES_AND_BLOCKS = frozenset("'\"|>")
_COMMENT = re.compile(r"(?:^|[ \t])#")
_INT64 = 1 << 63
_LONG = 19
"""From how many characters on a number may be out of range."""


class Doubtful(MarkedYAMLError):  # noqa: N818 - it may be no error after all
    """A place that the two scanners are known to read differently."""

    def __init__(self, problem: str, place: int) -> None:
        """Be what the scanner in Python would raise at an offset."""
        super().__init__(problem=problem, problem_mark=Mark("", place, 0, 0, None, 0))


def unpacked(place: int) -> tuple[int, int]:
    """Where a place begins and ends, as offsets into the text."""
    return place >> _SHIFT, place & _MASK


def place_of(places: Places) -> int:
    """The place of a value as a whole."""
    while not isinstance(places, int):
        places = places[0]
    return places


def scalars(places: Places) -> Iterator[int]:
    """The places of all scalars, keys too, in file order."""
    if isinstance(places, int):
        yield places
    else:
        for inner in places[1:]:
            yield from scalars(inner)


def build(next_event: Callable[[], Any], findings: Findings) -> tuple[Json, Places]:  # noqa: PLR0915 - see below
    """The data of a file and the places of all that is in it; where there are findings they mean nothing.

    It is one loop that calls nothing where nothing is wrong: each word of a file passes here.

    :raises Stopped: where ``findings`` sees no sense in going on.
    :raises yaml.YAMLError: where the scanner sees none, or is known to read something in a way of its own.
    """
    root: list[Json] = []
    root_places: list[Places] = []
    sequence, places = root, root_places
    mapping: dict[str, Json] | None = None
    key: str | None = None
    good_keys: set[str] = set()
    plain: dict[str, Json] = {}
    flow = 0  # how many of the mappings and lists around are written with brackets: all inside the first one are
    outer: list[tuple[dict[str, Json] | None, list[Json], list[Places], str | None]] = []
    value: Json
    while True:
        event = next_event()
        kind = event.__class__
        if kind is ScalarEvent:
            word: str = event.value
            style = event.style
            if event.tag is not None or event.anchor is not None:
                findings.property(event)
            if style in _BLOCK and findings.sign_behind_block(event):
                raise Doubtful("expected a line break behind the sign of a block", event.start_mark.index)
            if flow and not style and "?" in word:
                raise Doubtful("expected ',', but got '?'", event.start_mark.index + word.index("?"))
            place = event.start_mark.index << _SHIFT | event.end_mark.index
            if key is None and mapping is not None:
                key = word
                if style or word in mapping or word not in good_keys:
                    key = _checked_key(event, mapping, places, findings)
                    good_keys.add(key)
                places.append(place)
                continue
            places.append(place)
            if style:
                if style == '"' and hidden_in(word) is not None:
                    findings.hidden(event)
                value = word
            elif word[:1] not in _FIRSTS:
                value = word
            elif word in plain:
                value = plain[word]
            else:
                value = _plain(event, findings)
                if len(word) < _LONG:
                    plain[word] = value
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if event.tag is not None or event.anchor is not None:
                findings.property(event)
            if mapping is not None and key is None:
                findings.key_that_is_no_text(event)
            if len(outer) == DEEPEST:
                findings.too_deep(event, DEEPEST)
            outer.append((mapping, sequence, places, key))
            flow += flow > 0 or event.flow_style is True
            places = [event.start_mark.index]
            sequence = []
            mapping = {} if kind is MappingStartEvent else None
            key = None
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            # In a block it ends where the last thing in it ends, not where YAML notices that it has ended.
            end = event.end_mark.index if flow else place_of(places[-1]) & _MASK
            places[0] = place_of(places) << _SHIFT | end
            flow -= flow > 0
            value, inner = sequence if mapping is None else mapping, places
            mapping, sequence, places, key = outer.pop()
            places.append(inner)
        elif kind is AliasEvent:
            findings.alias(event)
            places.append(event.start_mark.index << _SHIFT | event.end_mark.index)
            if mapping is not None and key is None:
                key = f"*{event.anchor}"
                continue
            value = None
        elif kind is StreamEndEvent:
            break
        else:
            if kind is DocumentStartEvent and event.explicit:
                findings.document(event, first=not root)
            continue
        if mapping is None or key is None:
            sequence.append(value)
        else:
            mapping[key] = value
            key = None
    if not root or (root[0] is None and not range(*unpacked(place_of(root_places[0])))):
        findings.nothing()
    return root[0], root_places[0]


def refuse_tabs(text: str, places: Places) -> None:
    """Let tabs stand only in quotes, block texts and comments: elsewhere the scanners differ about them.

    :raises Doubtful: at the first tab that stands elsewhere.
    """
    ends = {
        start: end for start, end in map(unpacked, scalars(places)) if text[start : start + 1] in _QUOTES_AND_BLOCKS
    }
    starts = sorted(ends)
    tab = text.find("\t")
    while tab >= 0:
        before = bisect_right(starts, tab) - 1
        end = ends[starts[before]] if before >= 0 else 0
        if tab >= end:
            line = max(text.rfind("\n", 0, tab) + 1, end)
            if not _COMMENT.search(text[line:tab]):
                raise Doubtful("found a tab", tab)
            end = text.find("\n", tab)
        tab = text.find("\t", end)


def _checked_key(event: ScalarEvent, mapping: Mapping[str, Json], places: Sequence[Places], findings: Findings) -> str:
    """The key that a word is, once those who care have looked at it; another one where it is there already."""
    key: str = event.value
    if event.style:
        if hidden_in(key, key=True) is not None:
            findings.hidden(event, key=True)
    elif key == "<<":
        findings.merge_key(event)
    elif not isinstance(_plain(event, findings), str):
        findings.key_that_is_no_text(event)
    if key not in mapping:
        return key
    first = place_of(places[1 + 2 * list(mapping).index(key)])
    findings.duplicate_key(event, unpacked(first)[0])
    return f"{key}\0{len(mapping)}"


def _plain(event: ScalarEvent, findings: Findings) -> Json:
    """What a plain word says: a truth value, null, a number, else the text that it is."""
    word: str = event.value
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word):
        if len(word) > _LONG + 1 or not -_INT64 <= int(word) < _INT64:
            findings.number(event)
            return 0
        return int(word)
    if _DECIMAL.fullmatch(word):
        if math.isinf(float(word)):
            findings.number(event)
        return float(word)
    return word
