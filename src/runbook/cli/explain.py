"""``runbook explain``: explain a code."""

import json
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from runbook.cli.options import Parser, format_option
from runbook.cli.rows import folded
from runbook.language.pages import examples, page
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused

NO_SUCH_CODE = Code(number="RB316", title="no such code", why="There is no diagnostic of that code.")

OPTIONAL = frozenset({"temporalio", "greenlet", "psycopg", "cryptography"})
"""What only extras bring."""


def every_code() -> Mapping[str, Code]:
    """Every code that this program has, by its number, in order."""
    found: dict[str, Code] = {}
    for module in pkgutil.walk_packages([str(Path(__file__).parents[1])], "runbook."):
        if module.name.endswith("__main__"):
            continue
        try:
            values = vars(import_module(module.name)).values()
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] in OPTIONAL:
                continue  # an extra that is not installed raises no code
            raise
        for value in values:
            if isinstance(value, Code):
                found[value.number] = value
    return dict(sorted(found.items()))


def main(arguments: Sequence[str]) -> int:
    """Explain one code, or list them all."""
    parser = Parser("explain", "Explain a code of a diagnostic, such as RB201.")
    parser.add_argument("code", metavar="CODE", nargs="?", help="a code; default: all, a line each")
    format_option(parser, ("text", "json"))
    options = parser.parse_args(arguments)
    codes = every_code()
    number = (options.code or "").upper()
    if number and number not in codes:
        message = f"there is no code `{options.code}`"
        raise Refused(Diagnostic(code=NO_SUCH_CODE, message=message, help="`runbook explain` lists them"))
    chosen = [codes[number]] if number else list(codes.values())
    if options.format == "json":
        described: list[Json] = [
            {
                "code": code.number,
                "title": code.title,
                "severity": code.severity.value,
                "why": code.why,
                **examples(code.number),
            }
            for code in chosen
        ]
        sys.stdout.write(json.dumps({"codes": described}, indent=2) + "\n")
    elif number:
        code = chosen[0]
        said = [f"{code.number} ({code.severity.value}): {code.title}", code.why, page(code.number)]
        sys.stdout.write(folded("\n\n".join(filter(None, said)) + "\n", sys.stdout))
    else:
        lines = "".join(f"{code.number}  {code.severity.value:<7}  {code.title}\n" for code in chosen)
        sys.stdout.write(folded(lines, sys.stdout))
    return 0
