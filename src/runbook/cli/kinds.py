"""``runbook kinds``: describe the kinds of steps."""

import inspect
import json
import sys
from collections.abc import Sequence

from runbook.cli.options import Parser, format_option
from runbook.kinds.registry import KINDS
from runbook.language.near import nearest
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import KindClass

NO_SUCH_KIND = Code(number="RB315", title="no such kind", why="There is no kind of step of that name.")


def main(arguments: Sequence[str]) -> int:
    """Describe one kind, or list them all."""
    parser = Parser("kinds", "Describe the kinds of steps: what each does, its fields, what it observes.")
    parser.add_argument("kind", metavar="KIND", nargs="?", help="one kind; default: all, a line each")
    format_option(parser, ("text", "json"))
    options = parser.parse_args(arguments)
    if options.kind is not None and options.kind not in KINDS:
        near = nearest(options.kind, list(KINDS))
        help_ = f"did you mean `{near}`?" if near else "`runbook kinds` lists them"
        raise Refused(Diagnostic(code=NO_SUCH_KIND, message=f"there is no kind `{options.kind}`", help=help_))
    chosen = {options.kind: KINDS[options.kind]} if options.kind else KINDS
    if options.format == "json":
        described: list[Json] = [_as_json(name, kind) for name, kind in chosen.items()]
        sys.stdout.write(json.dumps({"kinds": described}, indent=2) + "\n")
    elif options.kind:
        sys.stdout.write(_page(options.kind, chosen[options.kind]))
    else:
        for name, kind in chosen.items():
            later = "" if kind.TRAITS.ready else "  (not walked by this version yet)"
            sys.stdout.write(f"{name:<10}  {_doc(kind).splitlines()[0]}{later}\n")
    return 0


def _doc(kind: KindClass) -> str:
    return inspect.getdoc(kind) or ""


def _page(name: str, kind: KindClass) -> str:
    lines = [name, "=" * len(name), "", _doc(kind), "", "Fields:"]
    properties, required = kind.SCHEMA["properties"], kind.SCHEMA.get("required")
    if isinstance(properties, dict):
        for field, schema in properties.items():
            must = " (required)" if isinstance(required, list) and field in required else ""
            text = schema.get("description", "") if isinstance(schema, dict) else ""
            lines.append(f"  {field}{must}: {text}")
    lines += ["", "Observes:"]
    lines += [f"  {field} ({seen.type}): {seen.text}" for field, seen in kind.OBSERVES.items()] or ["  nothing"]
    return "\n".join(lines) + "\n"


def _as_json(name: str, kind: KindClass) -> JsonObject:
    observes: JsonObject = {
        field: {"type": seen.type, "text": seen.text, "after_failure": seen.after_failure}
        for field, seen in kind.OBSERVES.items()
    }
    examples: list[Json] = [*kind.EXAMPLES]
    return {
        "name": name,
        "description": _doc(kind),
        "ready": kind.TRAITS.ready,
        "schema": kind.SCHEMA,
        "observes": observes,
        "examples": examples,
    }
