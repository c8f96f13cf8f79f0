"""Texts that look as if something were put into them, and stay as they are: other languages write it that way."""

import re
from collections.abc import Iterator, Sequence

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

LOOKALIKE = Code(
    number="RB284",
    title="a text that only looks as if a value came into it",
    why="A value comes into a text with `${{ }}` and in no other way: `{{ }}` and `${ }` are of other languages and "
    "stay as they are. Nor does a shell read `argv`, so a variable or a `~` in it reaches the program as it is "
    "written. The step runs all the same, with something else than was meant.",
    severity=Severity.WARNING,
)
_ROOT = r"(?:inputs|environment|steps|last|run|item|secrets)"
_VALUE = re.compile(
    rf"(?<!\$)\{{\{{\s*(?P<double>{_ROOT}\b[^{{}}\n]*?)\s*\}}\}}"
    rf"|\$\{{\s*(?P<single>{_ROOT}\.[^{{}}\n]*?)\s*\}}"  # without a dot it is a variable of a shell
)
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})(?=$|/)|~(?=$|/)")


def lookalikes(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Every value that does not come into a text of a step."""
    if _VALUE.search(document.text):
        for step in steps:
            if step.place == "step":  # what is inside it is among its texts
                for path, text in _texts(dict(step.raw), step.path):
                    for found in _VALUE.finditer(text):
                        yield _value(document, path, found)


def left_to_a_shell(document: Document, argument: str, path: Path) -> Iterator[Diagnostic]:
    """What a shell would replace in an argument of a program that is started without one."""
    found = _VARIABLE.match(argument)
    if found is not None:
        message = f"no shell reads `argv`: `{found[0]}` reaches the program as it is written"
        help_ = "write what is meant, or pass it on with a `script`, which a shell reads"
        yield _at(document, document.span(path), message, help_)


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, (*path, index))


def _value(document: Document, path: Path, found: re.Match[str]) -> Diagnostic:
    before = found.string[: found.start()]
    line, column = before.count("\n") + 1, found.start() - before.rfind("\n")
    span = document.inside(path, line, column, len(found[0]))
    help_ = f"write `${{{{ {found['double'] or found['single']} }}}}`"
    return _at(document, span, f"`{found[0]}` stays as it is written", help_)


def _at(document: Document, span: Span, message: str, help_: str) -> Diagnostic:
    return Diagnostic(code=LOOKALIKE, message=message, file=document.file, span=span, help=help_)
