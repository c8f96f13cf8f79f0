"""``runbook new``: begin a runbook, with a scenario that walks it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from runbook.cli.options import Parser
from runbook.cli.output_file import refuse_present, write_new
from runbook.language.beginning import begun


def main(arguments: Sequence[str]) -> int:
    """Write both files; 0 if they are written."""
    parser = Parser("new", "Begin a runbook: one that is valid, commented, and walked by a scenario beside it.")
    parser.add_argument("id", metavar="ID", help="its id in snake_case, such as app_not_loading")
    parser.add_argument("-o", "--output", metavar="DIR", default=".", help="where to; default: this directory")
    options = parser.parse_args(arguments)
    texts = begun(options.id)
    folder = Path(options.output)
    files = [folder / f"{options.id}.yaml", folder / "scenarios" / f"{options.id}.yaml"]
    for file in files:
        refuse_present(file)
    for file, text, what in zip(files, texts, ("the runbook", "the scenario"), strict=True):
        write_new(text, str(file), what)
        sys.stdout.write(f"{file}\n")
    sys.stderr.write(f"`runbook check {files[0]}` checks it, `runbook test {options.output}` walks its scenario\n")
    return 0
