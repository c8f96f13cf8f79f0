"""``runbook import``: turn a Markdown document into the draft of a runbook, and say what became what."""
# ruff: noqa: N999 - the module has the name of its command, and is imported by that name

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from runbook.cli.options import Parser, format_option
from runbook.cli.output_file import write_new
from runbook.language.markdown.draft import Draft, draft_of
from runbook.language.markdown.drafted import counted
from runbook.language.markdown.reading import read_markdown
from runbook.model.canonical import Json


def main(arguments: Sequence[str]) -> int:
    """Write the draft; 0 if it is written, whatever is left to decide in it."""
    parser = Parser(
        "import", "Turn a Markdown document into a draft. Nothing in it can be run before it is decided on."
    )
    parser.add_argument("file", metavar="FILE.md", help="the document")
    parser.add_argument("-o", "--output", metavar="FILE", help="a new file for the draft; default: standard output")
    format_option(parser, ("text", "json"))
    options = parser.parse_args(arguments)
    draft = draft_of(read_markdown(options.file), Path(options.file).stem, options.file)
    if options.output is not None:
        write_new(draft.text, options.output, "the draft")
    if options.format == "json":
        became: list[Json] = [note.as_json() for note in draft.notes]
        told = {
            "file": options.file,
            "output": options.output,
            "steps": draft.steps,
            "left": draft.left,
            "became": became,
        }
        sys.stdout.write(json.dumps(told if options.output else {**told, "draft": draft.text}, indent=2) + "\n")
        return 0
    if options.output is None:
        sys.stdout.write(draft.text)
    sys.stderr.write("\n".join(_report(draft, options.file, options.output)) + "\n")
    return 0


def _report(draft: Draft, file: str, output: str | None) -> Iterator[str]:
    """What became what, a line each, and how much there is to decide."""
    for note in draft.notes:
        step = f" `{note.step}`" if note.step else ""
        decide = f"; decide: {note.decide}" if note.decide else ""
        yield f"{file}:{note.first}: {note.what} → {note.became}{step}{decide}"
    said = f"{counted(range(draft.steps), 'step')}, {counted(range(draft.left), 'thing')} to decide"
    yield f"{said}; `runbook check {output or 'DRAFT'}` shows where"
