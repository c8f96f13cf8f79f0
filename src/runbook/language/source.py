"""A file's text as plain data, with the place of every value and key; everything wrong with its text at once.

Data is what JSON can say. Columns count code points from 1. The scanner in C is tried first; where it finds nothing
wrong the file is as the one in Python would read it, and where it does, the one in Python says what.
"""

import os
from collections.abc import Callable
from typing import Any

from runbook.language import files
from runbook.language.characters import decoded
from runbook.language.document import Document
from runbook.language.findings import Findings, Stopped
from runbook.language.lines import Lines
from runbook.language.scanning import FAILURES, Slow, fast
from runbook.language.tree import Places, build, refuse_tabs
from runbook.model.canonical import Json
from runbook.model.diagnostics import Diagnostic, Refused

__all__ = ["Document", "Unread", "parse", "read"]

_SMALL = 100_000
"""Up to how many characters the scanner in Python says what is wrong."""
_READ_AGAIN = 500_000
"""How many characters are read again, at most, to find what else is wrong in a text that YAML cannot read."""


class Unread(Refused):
    """A file that could not be read as data. ``text`` is what there is to show of it."""

    def __init__(self, text: str, *diagnostics: Diagnostic) -> None:
        """Carry the text beside the diagnostics."""
        super().__init__(*diagnostics)
        self.text = text


def read(path: str | os.PathLike[str]) -> Document:
    """The document in a file.

    :raises Unread: if there is no such file, it cannot be read, or ``parse`` refuses it.
    """
    file = os.fspath(path)
    try:
        raw = files.content(file)
    except Refused as refusal:
        raise Unread("", *refusal.diagnostics) from None
    return parse(raw, file)


def parse(source: str | bytes, file: str, *, python: bool = False) -> Document:
    """The document in a text.

    :param file: how diagnostics name the file.
    :param python: do without the scanner in C.
    :raises Unread: with all that can be found wrong at once, in file order.
    """
    raw = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    if len(raw) > files.LARGEST:
        raise Unread("", files.too_large(file))
    try:
        text = decoded(raw, file)
    except Refused as refusal:
        shown = raw if any(diagnostic.span for diagnostic in refusal.diagnostics) else b""
        raise Unread(shown.decode("utf-8", "backslashreplace"), *refusal.diagnostics) from None
    if not text.endswith("\n"):
        text += "\n"
    next_event = None if python else fast(text)
    data, places = _by_c(next_event, text, file) if next_event else _by_python(text, file)
    return Document(file=file, raw=raw, text=text, data=data, places=places)


def _by_c(next_event: Callable[[], Any], text: str, file: str) -> tuple[Json, Places]:
    """Data and places by the scanner in C; the one in Python is asked where that one finds anything wrong.

    For a large text that would take seconds, so there the one in C has the last word.

    :raises Unread: for everything that was found.
    """
    findings = Findings(Lines(text), file)
    failure: Exception | None = None
    settled = False
    try:
        tree = build(next_event, findings)
        if "\t" in text:
            refuse_tabs(text, tree[1])
        if not findings.diagnostics:
            return tree
    except Stopped:
        settled = "\t" not in text
    except FAILURES as error:
        failure = error
    if len(text) <= _SMALL and not settled:
        return _by_python(text, file)
    if failure is not None:
        from runbook.language.syntax import diagnose  # only where something is wrong

        findings.diagnostics.append(diagnose(failure, findings.lines, file).diagnostic)
    raise Unread(text, *findings.in_order())


def _by_python(text: str, file: str) -> tuple[Json, Places]:
    """Data and places by the scanner in Python; a line that it cannot read is mended, to see what else is wrong.

    :raises Unread: for everything that was found.
    """
    repaired = text
    mended: set[int] = set()
    troubles: list[Diagnostic] = []
    while True:
        lines = Lines(repaired)
        findings = Findings(lines, file)
        slow = Slow(repaired)
        try:
            tree = build(slow.next_event, findings)
        except Stopped:
            break
        except FAILURES as error:
            from runbook.language.syntax import diagnose  # only where something is wrong

            trouble = diagnose(error, lines, file, slow)
            number, line = trouble.repair or (0, "")
            if number not in mended:
                troubles.append(trouble.diagnostic)
            if not number or number in mended or (len(mended) + 2) * len(text) > _READ_AGAIN:
                break
            mended.add(number)
            repaired = lines.with_line(number, line)
        else:
            if not (findings.diagnostics or troubles):
                return tree
            break
    # What is found on a mended line has no place in the line as it was written.
    findings.diagnostics[:] = [found for found in findings.in_order() if not (found.span and found.span.line in mended)]
    findings.diagnostics += troubles
    raise Unread(text, *findings.in_order())
