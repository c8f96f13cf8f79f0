"""Complaints about values: their type, words, form and limits, and names that are taken."""

import re
from collections.abc import Iterable, Sequence

from runbook.language.consistency import RESERVED
from runbook.language.envelope import VALUES
from runbook.language.habits import kind_meant, word_meant
from runbook.language.mistakes import Complaint, Mistake
from runbook.language.places import Path
from runbook.language.templates import OPEN
from runbook.language.typed import elements, mapping, text
from runbook.language.written import boolean_meant, duration_meant, number_meant, short, why_text
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code

WRONG_TYPE = Code(
    number="RB122",
    title="wrong type",
    why="A runbook is YAML with a stated reading: only `true`, `false` and `null` in lower case, whole numbers without "
    "leading zeros, and decimals like `1.5` are not text. `no`, `on`, `010`, `1e3`, `22:30` and `2024-01-01` are "
    "texts, and nothing turns one into the other. A value that is not text may be one `${{ }}` and nothing around it.",
)
UNKNOWN_KIND = Code(
    number="RB123",
    title="unknown kind",
    why="The kind of a step decides what it does and which keys it has; `runbook kinds` lists them all. Inside "
    "another step only some can stand: a probe, an `until` or a `check` only looks; an undo changes something back.",
)
WRONG_WORD = Code(
    number="RB124",
    title="not one of the words",
    why="Some values are one of a few words, because the checker must know their meaning before the incident. "
    "They cannot be a `${{ }}` for the same reason.",
)
WRONG_FORM = Code(
    number="RB125",
    title="wrong form",
    why="Ids are snake_case because expressions refer to them: lower-case letters, digits and underscores, beginning "
    "with a letter. A duration is a whole number and one of the units ms, s, m, h and d: 250ms, 10s, 5m, 2h, 1d.",
)
OUT_OF_LIMITS = Code(
    number="RB126",
    title="out of limits",
    why="A number outside its limits, an empty list of steps, an empty expression: each would make a rule that never "
    "holds or a step that does nothing.",
)
VERSION = Code(
    number="RB128",
    title="unknown version of the language",
    why="The first key of a file names the version of the language that it is written in. A newer file may hold rules "
    "that this version does not know and would not keep, so it is not read at all.",
)

_A_DURATION = "write a whole number and ms, s, m, h or d, such as 30s or 5m"
_PROGRAMS = frozenset({"argv", "command"})
_DURATIONS = {VALUES["duration"]["pattern"], VALUES["time"]["pattern"]}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


def wrong_type(mistake: Mistake, source: str | None) -> Complaint:
    """A value of another type than the one that is wanted.

    :param source: the value as it stands in the file if it was written plain, without quotes.
    """
    wanted, value = text(mistake.wanted), mistake.value
    help_ = f"write {_TYPES[wanted]}"
    if wanted == "string" and mistake.schema.get("pattern") in _DURATIONS and _is_number(value):
        return _without_unit(mistake, source or str(value))
    if value is None:
        help_ = f"write {_TYPES[wanted]}, or take {mistake.place} out"
    elif wanted == "string" and source is not None and not isinstance(value, list | dict):
        help_ = f'put it in quotes: "{source}"'
    elif isinstance(value, str) and mistake.or_template and OPEN in value:
        help_ = "write one `${{ }}` with nothing around it"
    elif isinstance(value, str) and wanted == "object":
        help_ = _for_mapping(mistake, source)
    elif isinstance(value, str) and wanted == "array":
        help_ = _for_list(mistake, value)
    elif isinstance(value, str):
        help_ = _for_text(value, wanted, plain=source is not None)
    elif wanted == "integer" and isinstance(value, float):
        help_ = f"write a whole number, such as {int(value)}"
    elif wanted == "object":
        help_ = _for_mapping(mistake, source)
    elif wanted == "array" and isinstance(value, dict):
        help_ = "write a list: begin each element with `- ` on a line of its own"
    elif wanted == "string" and isinstance(value, list) and len(value) == 1:
        help_ = "take the brackets away: one text is wanted"
    return Complaint(
        code=WRONG_TYPE,
        path=mistake.path,
        message=f"{mistake.place} must be {_TYPES[wanted]}, and {_this(value, source)}",
        help=help_,
        label=why_text(value) if isinstance(value, str) and source is not None else "",
    )


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without_unit(mistake: Mistake, source: str) -> Complaint:
    """A bare number where a duration is wanted."""
    meant = duration_meant(source)
    return Complaint(
        code=WRONG_TYPE,
        path=mistake.path,
        message=f"{mistake.place} must be a duration, and `{short(source)}` has no unit",
        help=f"write `{meant}` if seconds are meant" if meant else _A_DURATION,
    )


def _for_mapping(mistake: Mistake, source: str | None) -> str:
    """What to write where a mapping is wanted."""
    keys = list(mapping(mistake.schema.get("properties")))
    required = elements(mistake.schema.get("required"))
    last = mistake.path[-1] if mistake.path else ""
    if mistake.path[:1] == ("steps",) and len(mistake.path) == 2:
        return "write a step: `id`, `kind` and what its kind needs"
    if "kind" in keys:
        return f"write {'`none`, or ' * (last == 'undo')}a step: `kind` and what its kind needs"
    if last == "confirm":
        return "take it out: a change is confirmed anyway; or ask for more, such as `{reason: required}`"
    if len(required) == 1 and source is not None:
        return f"write `{{{required[0]}: {source}}}`"
    return f"write a mapping with {_or(keys)}" if keys else "write a mapping: each line a name, a colon and a value"


def _for_list(mistake: Mistake, value: str) -> str:
    """What to write where a list is wanted and a text stands."""
    words = value.split() if mistake.path[-1] in _PROGRAMS else [value]
    if words and all(re.fullmatch(r"[\w./@+=-]+", word) for word in words):
        return f"write a list: [{', '.join(words)}]"
    return "write a list: [first, second]"


def _this(value: Json, source: str | None) -> str:
    """What a value is, as the second half of a message."""
    match value:
        case None:
            return "this is null" if source else "nothing stands here"
        case str():
            return f"`{short(value)}` is text here"
        case bool():
            return f"`{source or str(value).lower()}` is true or false"
        case int() | float():
            return f"`{short(source or str(value))}` is a number"
        case list():
            return "this is a list"
        case _:
            return "this is a mapping"


def _this_word(value: Json) -> str:
    """What stands where a word is wanted, as the second half of a message."""
    return f"this is `{short(value)}`" if isinstance(value, str) else _this(value, None)


def _for_text(value: str, wanted: str, *, plain: bool) -> str:
    """What to write instead of a text."""
    meant = boolean_meant(value) if wanted == "boolean" else number_meant(value, whole=wanted == "integer")
    return f"write {meant or _TYPES[wanted]}" + ("" if plain else " without quotes")


def wrong_word(mistake: Mistake, kinds: Iterable[str]) -> Complaint:
    """A value that is none of the words that can stand here."""
    value = mistake.value
    words = [_yaml(word) for word in elements(mistake.wanted) or [mistake.wanted]]
    if mistake.path in {("runbook",), ("scenario",)}:
        return _version(mistake)
    if mistake.path[-1] == "kind":
        return _kind(mistake, words, kinds)
    guess = word_meant(value, words) if isinstance(value, str) else None
    return Complaint(
        code=WRONG_WORD,
        path=mistake.path,
        message=f"{mistake.place} must be {_or(words)}, and {_this_word(value)}",
        help=f"did you mean `{guess}`?" if guess else f"write {_or(words)}" + ", or a mapping" * mistake.or_mapping,
    )


def _yaml(word: Json) -> str:
    return str(word).lower() if isinstance(word, bool) else str(word)


def _or(words: Sequence[str]) -> str:
    shown = [f"`{word}`" for word in words]
    return " or ".join([*([", ".join(shown[:-1])] if shown[1:] else []), *shown[-1:]])


def _version(mistake: Mistake) -> Complaint:
    shown = str(mistake.value)
    newer = is_newer(mistake.value)
    return Complaint(
        code=VERSION,
        path=mistake.path,
        message=f"this program reads version `v1` of the language, and the file is written in `{short(shown)}`",
        help="walk it with a newer version of the program" if newer else "write `v1`",
    )


def is_newer(version: Json) -> bool:
    """Whether a file says that it is written in a version of the language that is yet to come."""
    return isinstance(version, str) and re.fullmatch("v([2-9]|[1-9][0-9]+)", version) is not None


def _kind(mistake: Mistake, here: list[str], kinds: Iterable[str]) -> Complaint:
    """A kind that does not exist, or cannot stand inside another step."""
    value = mistake.value
    guess = kind_meant(value, here) if isinstance(value, str) else None
    if not isinstance(value, str):
        message = f"`kind` must be a word, and {_this_word(value)}"
    elif value in kinds:
        message, guess = f"a `{value}` step cannot stand inside another step here", None
    else:
        message = f"there is no kind `{short(value)}`"
    return Complaint(
        code=UNKNOWN_KIND,
        path=mistake.path,
        message=message,
        help=f"did you mean `{guess}`?" if guess else f"write {_or(here)}",
    )


def wrong_form(mistake: Mistake) -> Complaint:
    """A text that does not have the form that is wanted."""
    value, pattern = text(mistake.value), text(mistake.wanted)
    shown = short(value)
    if pattern in _DURATIONS:
        meant = duration_meant(value)
        message = f"`{shown}` is not a duration"
        help_ = f"write `{meant}`" if meant else _A_DURATION
        if meant and value.strip().isdecimal():
            message, help_ = f"`{shown}` has no unit", f"write `{meant}` if seconds are meant"
    elif pattern == VALUES["name"]["pattern"]:
        message = f"`{shown}` is not snake_case"
        if "${{" in value:
            message = f"{mistake.place} is a name, and no expression can stand for it"
            return Complaint(code=WRONG_FORM, path=_at(mistake), message=message, help="write the name itself")
        help_ = f"write `{snake}`" if (snake := _snake(value)) else "use lower-case letters, digits and underscores"
    elif pattern == VALUES["variable"]["pattern"]:
        message = f"`{shown}` is not a name that an expression can use"
        help_ = f"write `{snake}`" if (snake := _snake(value)) else "use letters, digits and underscores"
    else:
        described = text(mistake.schema.get("description")).removesuffix(".")
        message = f"`{shown}` does not have the form of {'a name in ' if mistake.name else ''}{mistake.place}"
        help_ = f"write {described[:1].lower()}{described[1:]}" if described else f"it must match {pattern}"
    return Complaint(code=WRONG_FORM, path=_at(mistake), message=message, help=help_, at_key=mistake.name)


def _snake(value: str) -> str:
    """The nearest name in snake_case; empty if there is none."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return name if re.fullmatch("[a-z][a-z0-9_]{0,60}", name) else ""


def _at(mistake: Mistake) -> Path:
    """The way to a value, or to the key that is itself the mistake."""
    return (*mistake.path, text(mistake.value)) if mistake.name else mistake.path


def too_few(mistake: Mistake) -> Complaint:
    """A list, mapping or text with too little in it."""
    return Complaint(
        code=OUT_OF_LIMITS,
        path=mistake.path,
        message=f"{mistake.place} is empty",
        help="write at least one element" if mistake.keyword == "minItems" else "write something there",
        at_key=isinstance(mistake.path[-1], str),
    )


def out_of_limits(mistake: Mistake) -> Complaint:
    """A number that is too small or too large."""
    limit = "at least" if mistake.keyword == "minimum" else "at most"
    return Complaint(
        code=OUT_OF_LIMITS,
        path=mistake.path,
        message=f"{mistake.place} must be {limit} {mistake.wanted}, and this is {mistake.value}",
        help=f"write {mistake.wanted} or {'more' if mistake.keyword == 'minimum' else 'less'}",
    )


def forbidden(mistake: Mistake) -> Complaint:
    """A value that the schema shuts out by name."""
    if mistake.value is None:
        return Complaint(
            code=WRONG_TYPE,
            path=mistake.path,
            message=f"{mistake.place} must have a value, and nothing stands here",
            help=f"write a value, or take {mistake.place} out",
            at_key=isinstance(mistake.path[-1], str),
        )
    return Complaint(
        code=RESERVED,
        path=_at(mistake),
        message=f"`{mistake.value}` cannot be a name: {_taken_by(text(mistake.value))}",
        help=f"choose another name, such as `{mistake.value}_{'step' if mistake.path[-1] == 'id' else 'value'}`",
        at_key=mistake.name,
    )


def _taken_by(name: str) -> str:
    return "in `on_fail: next` it says where a step leads" if name == "next" else "it is a word of the expressions"
