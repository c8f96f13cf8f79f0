"""``runbook kinds``: describe the kinds of steps, and the keys that every step and every file has."""

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook.cli.failing import complain
from runbook.cli.options import Parser, format_option
from runbook.cli.rows import folded
from runbook.cli.width import width_of
from runbook.kinds.registry import KINDS, unusable_guests
from runbook.language.describing import Key, keys, observed, page_of
from runbook.language.envelope import NESTED, NESTED_TEXT, STEP, TOP, TOP_REQUIRED
from runbook.language.functions import NAMES, functions
from runbook.language.habits import kind_meant
from runbook.language.schema import compose
from runbook.language.typed import mapping
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import KindClass

NO_SUCH_KIND = Code(
    number="RB315",
    title="no such kind",
    why="There is no kind of step of that name, and no other page either: `step`, `file` and `expressions` are those.",
)
WIDTH = 88
PAGES = {
    "step": "the keys of every step, whatever its kind",
    "file": "the keys at the top of a runbook",
    "expressions": "the names and functions of expressions",
}
"""What else is described, with what it is."""


def main(arguments: Sequence[str]) -> int:
    """Describe one kind or page, or list the kinds."""
    parser = Parser("kinds", "Describe the kinds of steps: what each does, its fields, what it observes.")
    parser.add_argument(
        "kind", metavar="KIND", nargs="?", help=f"one kind, or {', '.join(PAGES)}; default: all kinds, a line each"
    )
    format_option(parser, ("text", "json"))
    options = parser.parse_args(arguments)
    complain(unusable_guests().values())
    if options.kind is not None and options.kind not in {*KINDS, *PAGES}:
        near = kind_meant(options.kind, [*KINDS, *PAGES])
        help_ = f"did you mean `{near}`?" if near else "`runbook kinds` lists them"
        for page, its_keys in (("step", STEP), ("file", TOP)):
            if options.kind in its_keys:
                help_ = f"it is a key: `runbook kinds {page}` describes it"
                break
        raise Refused(Diagnostic(code=NO_SUCH_KIND, message=f"there is no kind `{options.kind}`", help=help_))
    if options.format == "json":
        chosen = {options.kind: KINDS[options.kind]} if options.kind in KINDS else KINDS
        described: list[Json] = [_as_json(name, kind) for name, kind in chosen.items()]
        sys.stdout.write(json.dumps({"kinds": described}, indent=2) + "\n")
    elif options.kind is None:
        sys.stdout.write(folded("\n".join(_list()) + "\n", sys.stdout))
    else:
        page_lines = [options.kind, "=" * len(options.kind), "", *_page(options.kind)]
        sys.stdout.write(folded("\n".join(page_lines) + "\n", sys.stdout))
    return 0


def _list() -> Iterator[str]:
    for name, kind in KINDS.items():
        yield f"{name:<10}  {page_of(kind).splitlines()[0]}"
    yield ""
    yield "`runbook kinds KIND` describes one. Besides:"
    yield from (f"  runbook kinds {page:<11}  {text}" for page, text in PAGES.items())


def _page(name: str) -> Iterator[str]:
    definitions = mapping(compose(KINDS)["$defs"])
    match name:
        case "step":
            yield "The keys of every step. `kind` decides which others it has: `runbook kinds KIND`."
            yield ""
            step: JsonObject = {"properties": {**STEP}, "required": ["id"]}
            yield from _keys(keys(step, definitions))
            yield from ["", "A step inside a step has `kind`, the fields of its kind, and of these only:"]
            for place, allowed in NESTED.items():
                own = ", ".join(key for key in allowed if key != "id")
                yield from _wrapped(f"{NESTED_TEXT[place].removesuffix('.')}: {own}.", "  ")
        case "file":
            yield "The keys at the top of a runbook."
            yield ""
            steps: JsonObject = {"steps": mapping(compose(KINDS)["properties"])["steps"]}
            yield from _keys(keys({"properties": {**TOP, **steps}, "required": TOP_REQUIRED}, definitions))
            defaults = "Fields for every step of a kind, such as `{http: {ca_file: ca.pem}}`."
            yield from _keys([Key(depth=0, name="defaults", takes="by kind", required=False, text=defaults)])
        case "expressions":
            yield from _wrapped(
                "Expressions are CEL. They stand in `when`, `expect`, `save` and others, and in ${{ }}."
            )
            for title, rows in (("Names", NAMES), *functions()):
                yield from ["", f"{title}:"]
                for form, said in rows:
                    yield from _wrapped(f"{form}: {said}", "  ")
        case _:
            yield from _kind(KINDS[name], definitions)


def _kind(kind: KindClass, definitions: Mapping[str, Json]) -> Iterator[str]:
    for paragraph in page_of(kind).split("\n\n"):
        lines = paragraph.splitlines()
        yield from [*(lines if paragraph.startswith(" ") else _wrapped(" ".join(lines))), ""]
    yield "Fields:"
    yield from _keys(keys(kind.SCHEMA, definitions))
    yield from ["", "Observes:"]
    for field, facts, said in observed(kind):
        yield from _wrapped(f"{field} ({facts}): {said}", "  ")
    if not kind.OBSERVES:
        yield "  nothing besides what is said above"
    yield from ["", "Keys of every step, such as `next`, `expect` and `retry`: `runbook kinds step`."]


def _keys(described: Iterable[Key]) -> Iterator[str]:
    for key in described:
        must = ", required" if key.required else ""
        yield from _wrapped(f"{key.name} ({key.takes}{must}): {key.text}", "  " * (key.depth + 1))


def _wrapped(line: str, indent: str = "") -> list[str]:
    room, hanging = min(width_of(sys.stdout) or WIDTH, WIDTH), f"{indent}    " if indent else ""
    return textwrap.wrap(line, room, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False)


def _as_json(name: str, kind: KindClass) -> JsonObject:
    observes: JsonObject = {
        field: {"type": seen.type, "text": seen.text, "after_failure": seen.after_failure}
        for field, seen in kind.OBSERVES.items()
    }
    examples: list[Json] = [*kind.EXAMPLES]
    return {
        "name": name,
        "description": page_of(kind),
        "schema": kind.SCHEMA,
        "observes": observes,
        "examples": examples,
    }
