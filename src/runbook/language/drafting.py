"""Writes a scenario file for a person to go on with: comments first, then its keys, an entry a line.

What is written is read back as the same values by our own reading of YAML: a text stands in quotes unless it is a plain
word, no number has an exponent, and no character is invisible. A character that no file of ours may hold, because it
hides something, stands as ``‹U+001B›``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from unicodedata import category

from runbook.language.characters import hidden_in
from runbook.model.canonical import Json, JsonObject

_PLAIN = re.compile(r"(\.\./)*[A-Za-z][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_WORDS = frozenset({"true", "false", "null"})
_WIDTH = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A scenario to be written. ``comments`` stand above it; ``runbook`` is the path as it shall be written.

    ``world`` has the entries of each address, ``answers`` and ``past`` the entries in their order.
    """

    runbook: str
    title: str
    briefing: str = ""
    environment: str | None = None
    inputs: JsonObject = field(default_factory=dict)
    operator: str = "trainee"
    past: Sequence[JsonObject] = ()
    world: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)
    answers: Sequence[JsonObject] = ()
    expect: JsonObject = field(default_factory=dict)
    comments: Sequence[str] = ()


def draft_text(draft: Draft) -> str:
    """The text of the file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    for comment in draft.comments:
        yield f"# {_escaped(' '.join(comment.split()))}"
    yield "scenario: v1"
    yield f"runbook: {flow(draft.runbook)}"
    yield f"title: {flow(draft.title)}"
    if draft.briefing:
        yield f"briefing: {flow(draft.briefing)}"
    if draft.environment is not None:
        yield f"environment: {flow(draft.environment)}"
    if draft.inputs:
        yield f"inputs: {flow(draft.inputs)}"
    yield f"operator: {flow(draft.operator)}"
    yield "clock: simulated"
    yield from _listed("past", draft.past)
    if draft.world:
        yield "world:"
        for address, entries in draft.world.items():
            one = f"  {address}: {flow(list(entries))}"
            if len(one) <= _WIDTH:
                yield one
            else:
                yield f"  {address}:"
                yield from (f"    - {flow(entry)}" for entry in entries)
    yield from _listed("answers", draft.answers)
    if draft.expect:
        yield "expect:"
        yield from (f"  {key}: {flow(value)}" for key, value in draft.expect.items())


def _listed(key: str, entries: Iterable[JsonObject]) -> Iterator[str]:
    listed = [*entries]
    if listed:
        yield f"{key}:"
        yield from (f"  - {flow(entry)}" for entry in listed)


def flow(value: Json) -> str:
    """A value on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow(name)}: {flow(of)}" for name, of in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int():
            return str(value)
        case float():
            written = format(Decimal(repr(value)), "f")
            return written if "." in written else f"{written}.0"
        case str():
            plain = _PLAIN.fullmatch(value) and value not in _WORDS
            return value if plain else f'"{_escaped(value, quoted=True)}"'


def _escaped(text: str, *, quoted: bool = False) -> str:
    """A text in which every character can be seen; what no scenario may hold is written out."""
    return "".join(_character(character, quoted=quoted) for character in text)


def _character(character: str, *, quoted: bool) -> str:
    written = f"U+{ord(character):04X}"
    if hidden_in(character) is not None:
        return f"‹{written}›"
    if quoted and character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() or (quoted and category(character) == "Zs"):  # a blank of some other width
        return character
    return f"\\U{ord(character):08x}" if quoted else f"‹{written}›"
