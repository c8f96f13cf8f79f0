"""Writes what the schema, the kinds, the functions, the commands and the codes say of themselves into docs/reference/.

With ``--check`` nothing is written, and the status is 1 if a page is not up to date.
"""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from command_pages import codes, commands, schemas

from runbook.kinds.registry import KINDS
from runbook.language.describing import keys, observed, page_of
from runbook.language.envelope import NESTED, NESTED_TEXT, STEP
from runbook.language.functions import FUNCTIONS, NAMES
from runbook.language.schema import compose
from runbook.language.typed import mapping
from runbook.model.canonical import Json
from runbook.model.kind import KindClass

PAGES = Path(__file__).resolve().parent.parent / "docs" / "reference"
SCHEMA = compose(KINDS)


def main() -> int:
    """Write the pages, or check them."""
    stale = 0
    for page, part, lines in (
        ("language.md", "file", _keys(_without_steps())),
        ("language.md", "step", _keys({"properties": {**STEP}, "required": ["id"]})),
        ("language.md", "nested", _nested()),
        ("expressions.md", "names", _listed(f"`{form}`: {text}" for form, text in NAMES)),
        ("expressions.md", "functions", _functions()),
        ("commands.md", "commands", commands()),
        ("codes.md", "codes", codes()),
        ("schemas.md", "schemas", schemas()),
        ("kinds.md", "kinds", (line for name, kind in KINDS.items() for line in _kind(name, kind))),
    ):
        path = PAGES / page
        text = path.read_text()
        begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
        before, _, rest = text.partition(begin)
        wanted = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
        stale += wanted != text
        if "--check" not in sys.argv:
            path.write_text(wanted)
    return int(bool(stale) and "--check" in sys.argv)


def _without_steps() -> Json:
    properties = {name: piece for name, piece in mapping(SCHEMA["properties"]).items() if name != "defaults"}
    return {"properties": properties, "required": SCHEMA["required"]}


def _keys(schema: Json) -> Iterator[str]:
    for key in keys(schema, mapping(SCHEMA["$defs"])):
        must = ", required" if key.required else ""
        yield from _item(f"`{key.name}` ({key.takes}{must}): {key.text}", key.depth)


def _nested() -> Iterator[str]:
    for place, allowed in NESTED.items():
        own = ", ".join(f"`{key}`" for key in allowed if key != "id")
        yield from _item(f"{NESTED_TEXT[place].removesuffix('.')}: {own}.")


def _functions() -> Iterator[str]:
    for title, rows in FUNCTIONS.items():
        yield from ["", f"### {title}", "", "| | | for example |", "|---|---|---|"]
        for row in rows:
            form, example = (text.replace("|", "\\|") for text in (row.form, row.example))
            yield f"| `{form}` | {row.text} | `{example}` |"


def _kind(name: str, kind: KindClass) -> Iterator[str]:
    page, _, example = page_of(kind).partition("For example:\n\n")
    yield from ["", f"## {name}", "", page.rstrip()]
    if example:
        yield from ["", "```yaml", textwrap.dedent(example).rstrip(), "```"]
    yield from ["", "Its fields:", "", *_keys(kind.SCHEMA), "", "It observes:", ""]
    yield from _listed(f"`{field}` ({facts}): {said}" for field, facts, said in observed(kind))
    if not kind.OBSERVES:
        yield "- nothing besides what is said above"


def _listed(rows: Iterator[str]) -> Iterator[str]:
    for row in rows:
        yield from _item(row)


def _item(text: str, depth: int = 0) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(
        text, 126, initial_indent=f"{indent}- ", subsequent_indent=f"{indent}  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
