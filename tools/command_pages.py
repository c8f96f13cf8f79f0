"""What the commands and the codes say of themselves, as lines of Markdown for tools/reference.py.

A command's page is made from its parser, not from the text of ``--help``, which differs from one Python to the next.
"""

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from typing import NoReturn

from runbook.cli import options
from runbook.cli.explain import every_code
from runbook.cli.main import COMMANDS
from runbook.cli.schema import every_schema
from runbook.language.pages import page
from runbook.model.canonical import JsonObject

RANGES = {
    100: "The text of a file, and YAML",
    120: "Keys and values",
    150: "Expressions and types",
    200: "The graph",
    250: "Safety",
    290: "Steps for workers",
    300: "The walk and its answers",
    350: "Scenarios",
    380: "Showing, beginning, importing",
    400: "The world",
    500: "Logs, approvals, stores",
    570: "Bundles, and stores in PostgreSQL",
    590: "Runs on several machines",
    600: "Kinds from elsewhere",
}
"""What the codes from each number on are about."""


class Asked(Exception):  # noqa: N818 - named for what happened
    """A command has made its parser and wants to read its command line."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


class Listening(options.Parser):
    """The parser of a command, which reads nothing."""

    def parse_args(self, *_arguments: object, **_named: object) -> NoReturn:
        """Hand the parser over.

        :raises Asked: always.
        """
        raise Asked(self)


def commands() -> Iterator[str]:
    """Every command with its arguments and options."""
    for name in COMMANDS:
        parser = parser_of(name)
        said = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001 - no other way
        nested = [action for action in said if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - as above
        yield from ["", f"## runbook {name}", ""]
        yield from _of(parser, [action for action in said if action not in nested])
        for action in nested:
            for word, below in action.choices.items():
                yield from ["", f"### runbook {name} {word}", ""]
                yield from _of(below, [each for each in below._actions if each.help != argparse.SUPPRESS])  # noqa: SLF001 - as above


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser that a command makes; nothing of the command is done."""
    module = import_module(f"runbook.cli.{name}")
    usual = vars(module)["Parser"]
    vars(module)["Parser"] = Listening
    try:
        module.main([])
    except Asked as asked:
        return asked.parser
    finally:
        vars(module)["Parser"] = usual
    raise LookupError(name)


def _of(parser: argparse.ArgumentParser, actions: list[argparse.Action]) -> Iterator[str]:
    yield f"{parser.description or ''}".strip()
    rows = []
    for action in actions:
        if action.dest == "help":
            continue
        value = action.metavar or (action.dest.upper() if not action.choices else "|".join(map(str, action.choices)))
        takes = "" if action.nargs == 0 else f" {value}"
        form = ", ".join(f"{option}{takes}" for option in action.option_strings) or str(value)
        help_ = (action.help or "") % {"default": action.default}
        rows.append(f"- `{form}`: {help_}" if help_ else f"- `{form}`")
    yield from ["", *rows] if rows else []


def codes() -> Iterator[str]:
    """Every code with its reason and, where it is a rule of the checker, its examples."""
    begins = sorted(RANGES)
    title = ""
    for number, code in every_code().items():
        here = RANGES[max(begin for begin in begins if begin <= int(number[2:]))]
        if here != title:
            title = here
            yield from ["", f"## {title}"]
        yield from ["", f"### {number}: {code.title}", "", f"*{code.severity.value.capitalize()}.* {code.why}"]
        text = re.sub(
            r"^```yaml$", "<!-- not run: an example of the checker -->\n```yaml", page(number), flags=re.MULTILINE
        )
        yield from ["", text] if text else []


def schemas() -> Iterator[str]:
    """Every schema with what it is for, as a table."""
    yield from ["| name | of | |", "|---|---|---|"]
    for name, schema in every_schema().items():
        yield f"| [`{name}`](../../schemas/{name}.schema.json) | {schema['title']} | {_first(schema)} |"


def _first(schema: JsonObject) -> str:
    return str(schema.get("description", "")).partition(". ")[0].rstrip(".").replace("``", "`")
