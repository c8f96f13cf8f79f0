"""``runbook schema``: print a schema."""

import sys
from collections.abc import Mapping, Sequence

from runbook.cli.options import Parser
from runbook.kinds.registry import KINDS
from runbook.language.schema_files import file_text, schemas
from runbook.model.canonical import JsonObject
from runbook.report.json_form import report_schema
from runbook.walk.record_schema import record_schema


def every_schema() -> Mapping[str, JsonObject]:
    """Every schema by its name; each stands in ``schemas/NAME.schema.json`` too."""
    return {**schemas(KINDS), "audit": record_schema(), "report": report_schema()}


def main(arguments: Sequence[str]) -> int:
    """Print a schema."""
    known = every_schema()
    parser = Parser("schema", "Print a JSON Schema, for editors and for whoever reads logs and reports.")
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default="runbook", choices=tuple(known), help=f"one of {', '.join(known)}"
    )
    options = parser.parse_args(arguments)
    sys.stdout.write(file_text(known[options.name]))
    return 0
