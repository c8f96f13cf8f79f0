"""Reads a Markdown file, or says why it cannot be turned into a runbook."""

import os
import re

from runbook.language import files
from runbook.language.characters import utf8
from runbook.model.diagnostics import Code, Diagnostic, Refused

TOO_LARGE = Code(
    number="RB380",
    title="Markdown file too large",
    why="A megabyte of Markdown is a book, and its draft would have more steps than anybody decides about. A runbook "
    "is about one situation: import the chapter that is.",
)
NOTHING = Code(
    number="RB381",
    title="nothing to import",
    why="There is no word in the file, so there is nothing that a step could be made of.",
)
DIRECTORY = Code(
    number="RB382",
    title="directory in place of a Markdown file",
    why="One document becomes one draft, which somebody reads and decides about. So one file is named at a time.",
)
NO_MARKDOWN = Code(
    number="RB383",
    title="runbook in place of a Markdown file",
    why="The file is a runbook or a scenario in YAML already. As Markdown it would be one long text.",
)
LARGEST = 1_000_000
"""How many bytes a document may have."""
_OURS = re.compile(r"(?:#.*\n|\s*\n)*(?:runbook|scenario): v[0-9]+[ \t]*(?:\n|$)")


def read_markdown(path: str) -> str:
    """The text of a document.

    :param path: as the user wrote it.
    :raises Refused: if it cannot be read, is no text, is too large, or there is nothing in it.
    """
    if os.path.isdir(path):  # noqa: PTH112 - the path is the user's word
        raise _refused(DIRECTORY, "this is a directory", path, "name one Markdown file in it")
    raw = files.content(path)
    if len(raw) > LARGEST:
        message = f"the document has more than {LARGEST:,} bytes"
        raise _refused(TOO_LARGE, message, path, "import the part that is about one situation")
    text = utf8(raw, path)
    if not re.search(r"\w", text):
        raise _refused(NOTHING, "there is no word in this file", path, "name a document that says what to do")
    if _OURS.match(text):
        raise _refused(NO_MARKDOWN, "this is YAML of ours, not Markdown", path, f"`runbook check {path}` checks it")
    return text


def _refused(code: Code, message: str, path: str, help_: str) -> Refused:
    return Refused(Diagnostic(code=code, message=message, file=path, help=help_))
