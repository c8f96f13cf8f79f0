"""Inputs: whether their declarations make sense, and the values that are given for them.

A pattern must match the whole text. A list on the command line is split at its commas.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.language.typed import elements, mapping
from runbook.language.written import short
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.inputs import accepted, input_of
from runbook.model.runbook import Input, Runbook

CONTRADICTORY_INPUT = Code(
    number="RB135",
    title="input that contradicts itself",
    why="The default of an input and the values that it allows must be of its own type, and its pattern a regular "
    "expression; otherwise no run could begin, or none without somebody typing what the file already knows.",
)
UNKNOWN_INPUT = Code(
    number="RB140",
    title="input that the runbook does not have",
    why="A value that no step reads is most likely a misspelt name, and the value that was meant would be missing. "
    "So nothing is begun.",
)
MISSING_INPUT = Code(
    number="RB141",
    title="input that was not given",
    why="An input without a default must be given before the walk begins, not in the middle of an incident.",
)
WRONG_INPUT = Code(
    number="RB142",
    title="value that an input does not take",
    why="An input has a type, and perhaps a pattern that the whole text must match, or a list of allowed values. "
    "They are looked at before the walk begins.",
)
NOT_A_PAIR = Code(
    number="RB143",
    title="input without a name",
    why="An input on the command line is a name, an equals sign and a value: `-i ticket=INC-7`.",
)
_FORM_FIELDS = "#/$defs/form_fields"


def declared(document: Document, steps: Sequence[Written], *, whole: bool = True) -> Iterator[Diagnostic]:
    """What is wrong with the declarations of inputs and of the fields of forms, in no particular order.

    :param whole: false if the schema has refused something among the inputs; then they are left out.
    """
    if whole:
        yield from _declarations(document, ("inputs",), mapping(document.data).get("inputs"))
    for step in steps:
        for name, piece in mapping(step.kind.SCHEMA["properties"]).items():
            if mapping(piece).get("$ref") == _FORM_FIELDS:
                yield from _declarations(document, (*step.path, name), step.raw.get(name))


def _declarations(document: Document, path: Path, raw: Json) -> Iterator[Diagnostic]:
    for name, fields in mapping(raw).items():
        wanted = input_of(name, mapping(fields))
        for keys, message in _contradictions(wanted, mapping(fields)):
            yield Diagnostic(
                code=CONTRADICTORY_INPUT,
                message=message,
                file=document.file,
                span=document.span((*path, name, *keys)),
                help=f"change it, or the `type` of `{name}`" if keys[0] != "pattern" else "mend the pattern",
            )


def _contradictions(wanted: Input, raw: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    """The keys of a declaration that do not fit the rest of it, with what is wrong."""
    bare = replace(wanted, pattern=None, enum=None, default=None)
    broken = False
    if wanted.pattern is not None:
        try:
            re.compile(wanted.pattern)
        except re.error as error:
            broken = True
            yield ("pattern",), f"`{short(wanted.pattern)}` is not a regular expression: {error.msg}"
    for index, value in enumerate(elements(raw.get("enum"))):
        if problem := _problem(bare, value):
            yield ("enum", index), problem
            broken = True
    if wanted.default is not None and not broken:
        known = wanted if isinstance(wanted.enum, tuple) else replace(wanted, enum=None)
        if problem := _problem(known, wanted.default):
            yield ("default",), f"the default does not fit: {problem}"


def _problem(wanted: Input, value: Json) -> str:
    """Why a value is none of an input; empty if it is one."""
    try:
        accepted(wanted, value)
    except ValueError as error:
        return " ".join(str(error).split())
    return ""


def given_by_flags(flags: Iterable[str]) -> dict[str, str]:
    """The inputs that ``-i NAME=VALUE`` gave, as texts.

    :raises Refused: if one of them has no name or no equals sign.
    """
    given = {}
    wrong = []
    for flag in flags:
        name, sign, value = flag.partition("=")
        if sign and name:
            given[name] = value
        else:
            message = f"`-i {flag}` does not name an input"
            wrong.append(Diagnostic(code=NOT_A_PAIR, message=message, help="write it as -i NAME=VALUE"))
    if wrong:
        raise Refused(*wrong)
    return given


def bind_inputs(
    runbook: Runbook,
    given: Mapping[str, Json],
    *,
    file: str | None = None,
) -> dict[str, Json]:
    """The value of each input: what is given, converted to its type, else its default.

    An input that is not required, has no default and was not given is left out.

    :param given: texts from a command line, or JSON of the declared type.
    :param file: the file that gives them, if one does.
    :raises Refused: with a diagnostic for each input that is unknown, missing or wrong.
    """
    wrong = []

    def refuse(code: Code, message: str, help_: str) -> None:
        wrong.append(Diagnostic(code=code, message=message, file=file, help=help_))

    for name in given:
        if name not in runbook.inputs:
            from runbook.language.near import nearest  # only where something is misspelt

            guess = nearest(name, runbook.inputs)
            known = ", ".join(f"`{known}`" for known in runbook.inputs) or "none"
            refuse(
                UNKNOWN_INPUT,
                f"`{runbook.id}` has no input `{name}`",
                f"did you mean `{guess}`?" if guess else f"leave it out; its inputs are {known}",
            )
    values: dict[str, Json] = {}
    for name, wanted in runbook.inputs.items():
        value = given.get(name)
        if value in (None, "") and wanted.default is None and wanted.required:
            asked = f" ({wanted.prompt})" if wanted.prompt else ""
            add = f"add `{name}` to the `inputs` of the file" if file else f"give it with -i {name}=VALUE"
            refuse(MISSING_INPUT, f"the input `{name}` is not given{asked}", add)
            continue
        try:
            bound = accepted(wanted, value)
        except ValueError as error:
            refuse(WRONG_INPUT, str(error), f"give another value for `{name}`")
            continue
        if bound is not None:
            values[name] = bound
    if wrong:
        raise Refused(*wrong)
    return values
