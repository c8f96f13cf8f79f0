"""Complaints about keys: unknown, missing, excluding each other."""

from collections.abc import Iterator, Mapping, Sequence

from runbook.language.habits import key_meant
from runbook.language.mistakes import Complaint, Mistake
from runbook.language.places import Path
from runbook.language.typed import elements, mapping, text
from runbook.language.written import short
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code

UNKNOWN_KEY = Code(
    number="RB120",
    title="unknown key",
    why="A key that nobody reads would be a rule that nobody keeps: a misspelt `on_fail` or `confirm` must not pass "
    "for a file without one. Every mapping is closed; each kind of step has its own keys besides those of all steps.",
)
MISSING_KEY = Code(
    number="RB121",
    title="missing key",
    why="What cannot be guessed must be written: the id of a step, the URL of a request, what a command does to the "
    "world. Nothing that decides what happens during an incident has a silent default.",
)
NOT_ONE_OF = Code(
    number="RB127",
    title="keys that exclude each other",
    why="Some keys say the same thing in different ways: a command is an `argv` or a `script`, a secret comes from one "
    "place, a reminder comes `every` so often or once `after` a time. Two of them would leave open which one counts.",
)

_ENVELOPE = "#/$defs/envelope_"
_FILES = {
    "Scenario": ("scenario", "a scenario", "`runbook test FILE` walks it"),
    "Answers file": ("answers", "an answers file", "give it to a walk: `runbook run RUNBOOK --answers FILE`"),
    "Runbook": ("steps", "a runbook", "`runbook run FILE` walks it"),
}
"""By the title of its schema: a key that only such a file has, what it is, and what is done with one."""


def other_file(data: Mapping[str, Json], wanted: str) -> Complaint | None:
    """The one complaint about a file of another sort than the one that is wanted."""
    if wanted not in _FILES or _FILES[wanted][0] in data:
        return None
    for title, (key, what, use) in _FILES.items():
        if title != wanted and key in data and (key != "answers" or len(data) == 1):
            message = f"this is {what}, and {_FILES[wanted][1]} is wanted"
            return Complaint(code=UNKNOWN_KEY, path=(key,), message=message, help=use, at_key=True)
    return None


def unknown_keys(mistake: Mistake, definitions: Mapping[str, Json]) -> Iterator[Complaint]:
    """One complaint for each key that a closed mapping does not have."""
    known = mapping(mistake.schema.get("properties"))
    for key in mapping(mistake.value):
        if key not in known:
            yield Complaint(
                code=UNKNOWN_KEY,
                path=(*mistake.path, key),
                message=f"`{short(key)}` is not a key of {_owner(mistake)}",
                help=_instead(key, known, mistake, definitions),
                label="unknown key",
                at_key=True,
            )


def _instead(key: str, known: Mapping[str, Json], mistake: Mistake, definitions: Mapping[str, Json]) -> str:
    """What to write instead of an unknown key."""
    if " " in key and mapping(mistake.value)[key] is None:
        return "if it belongs to the text before it, put the whole text in quotes: inside { } a comma ends it"
    if mistake.path[:1] == ("defaults",) and f"envelope_{key}" in definitions:
        return "a default has only what is a kind's own; write this key on each step"
    if _is_step(mistake) and f"envelope_{key}" in definitions:
        return f"take it out: inside another step it has no place, only {_listed(list(known), 'and')}"
    if meant := key_meant(key, known, mapping(mistake.value)):
        return f"did you mean {_listed(meant, 'or')}?"
    kinds = [
        name.removeprefix("step_")
        for name, piece in definitions.items()
        if name.startswith("step_") and key in mapping(mapping(piece).get("properties"))
    ]
    if _is_step(mistake) and 0 < len(kinds) <= 3:
        return f"take it out, or make it a {' or '.join(f'`{kind}`' for kind in kinds)} step"
    own = [name for name, piece in known.items() if not text(mapping(piece).get("$ref")).startswith(_ENVELOPE)]
    if _is_step(mistake):
        own = [name for name in own if name != "kind"]
        all_have = "" if len(own) == len(known) - 1 else "; `runbook kinds step` lists those of every step"
        return f"take it out; its own keys are {_listed(own, 'and')}{all_have}"
    return f"take it out; the keys here are {_listed(list(known), 'and')}"


def _is_step(mistake: Mistake) -> bool:
    return "kind" in mapping(mistake.schema.get("properties"))


def _owner(mistake: Mistake) -> str:
    """How a message calls the mapping that a key is in."""
    if not mistake.path:
        return f"a {text(mistake.schema.get('title')).lower()}"
    if not _is_step(mistake):
        return mistake.place
    kind = text(mapping(mistake.value).get("kind"))
    inside = "" if mistake.path[:-1] == ("steps",) else " inside another step"
    return f"`{kind}` steps{inside}"


def missing_keys(mistake: Mistake, definitions: Mapping[str, Json]) -> Iterator[Complaint]:
    """One complaint for each key that a mapping must have and has not, unless a misspelt one is complained of."""
    value = mapping(mistake.value)
    known = mapping(mistake.schema.get("properties"))
    unknown = {key: key_meant(key, known, value) for key in value if key not in known}
    for key in map(text, elements(mistake.wanted)):
        guess = next((other for other, meant in unknown.items() if key in meant), None)
        if key in value or (guess and mistake.schema.get("additionalProperties") is False):
            continue
        yield Complaint(
            code=MISSING_KEY,
            path=mistake.path,
            message=f"{_lacking(mistake)} has no `{key}`",
            help=f"did you mean it by `{guess}`?" if guess else f"add `{key}`{_described(known.get(key), definitions)}",
            label=f"`{key}` is missing",
            at_key=True,
            key=key,
        )


def _described(piece: Json, definitions: Mapping[str, Json]) -> str:
    """The description of a key, as the end of a line of help."""
    schema = mapping(piece)
    target = mapping(definitions.get(text(schema.get("$ref")).rpartition("/")[2]))
    sentence = text(schema.get("description")) or text(target.get("description"))
    words = elements(target.get("enum")) or elements(schema.get("enum"))
    clause = f": {sentence[:1].lower()}{sentence[1:].removesuffix('.')}" if sentence else ""
    return clause + (f" ({', '.join(map(str, words))})" if words else "")


def _lacking(mistake: Mistake) -> str:
    if not mistake.path:
        return f"the {text(mistake.schema.get('title')).lower()}"
    if not _is_step(mistake):
        return mistake.place
    value = mapping(mistake.value)
    name = text(value.get("id"))
    return (
        f"the step `{short(name)}`"
        if name
        else f"this `{kind}` step"
        if (kind := text(value.get("kind")))
        else "this step"
    )


def wrong_number_of_keys(mistake: Mistake) -> Iterator[Complaint]:
    """A secret without a source or with several, a reminder without a time or with two."""
    if mistake.path[0] == "reminders":
        yield from exclusive("a reminder", ("every", "after"), mapping(mistake.value), mistake.path)
    else:
        yield from exclusive("a secret", ("env", "file", "command", "prompt"), mapping(mistake.value), mistake.path)


def exclusive(owner: str, keys: Sequence[str], value: Mapping[str, Json], path: Path) -> Iterator[Complaint]:
    """The complaint about a mapping that has none, or more than one, of keys of which it must have exactly one."""
    given = [key for key in keys if key in value]
    if len(given) > 1:
        yield Complaint(
            code=NOT_ONE_OF,
            path=(*path, given[1]),
            message=f"{_listed(given, 'and')} exclude each other",
            help=f"keep one of {_listed(given, 'and')}",
            at_key=True,
        )
    elif not given:
        yield Complaint(
            code=NOT_ONE_OF,
            path=path,
            message=f"{owner} has neither {_listed(keys, 'nor')}",
            help=f"add one of {_listed(keys, 'and')}",
            at_key=True,
        )


def _listed(keys: Sequence[str], joint: str) -> str:
    names = [f"`{key}`" for key in keys]
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
