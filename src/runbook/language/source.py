"""A file's text as plain data, with the place of every value and key; everything wrong with its text at once.

Data is what JSON can say. Columns count code points from 1. The scanner in C is tried first; where it finds nothing
wrong the file is as the one in Python would read it, and where it does, the one in Python says what.
"""

import os
import re
from bisect import bisect_right

from runbook.language import files
from runbook.language.characters import decoded
from runbook.language.document import Document
from runbook.language.findings import REFERENCE, TAG, Findings, Stopped
from runbook.language.lines import Lines
from runbook.language.scanning import FAILURES, Slow, fast
from runbook.language.syntax import diagnose
from runbook.language.tree import Doubtful, Places, build, scalars, unpacked
from runbook.model.canonical import Json
from runbook.model.diagnostics import Diagnostic, Refused

__all__ = ["Document", "Unread", "parse", "read"]

_READ_AGAIN = 1_000_000
"""How many characters are read again, at most, to find what else is wrong in a text that YAML cannot read."""
_TAB = re.compile("\t+")
_COMMENT = re.compile(r"(?:^|[ \t])#")
_DIRECTIVE = re.compile(r"(?: *(?:#[^\n]*)?\r?\n)*%")


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
        raise Unread(raw.decode("utf-8", "backslashreplace"), *refusal.diagnostics) from None
    if not text.endswith("\n"):
        text += "\n"
    found = (None if python else _fast(text, file)) or _slow(text, file)
    return Document(file=file, raw=raw, text=text, data=found[0], places=found[1])


def _fast(text: str, file: str) -> tuple[Json, Places] | None:
    """Data and places by the scanner in C; None where the one in Python must be asked.

    :raises Unread: for what both find wrong.
    """
    next_event = fast(text)
    if next_event is None or _DIRECTIVE.match(text):
        return None
    findings = Findings(Lines(text), file)
    try:
        data, places = build(next_event, findings)
    except (Doubtful, *FAILURES):
        return None
    except Stopped:
        if "\t" in text:
            return None
        raise Unread(text, *findings.in_order()) from None
    told = {found.code for found in findings.diagnostics}
    if TAG in told or REFERENCE in told or ("\t" in text and not _tabs_are_inside(text, places)):
        return None  # the scanners differ about what is a tag, an anchor, white space
    if findings.diagnostics:
        raise Unread(text, *findings.in_order())
    return data, places


def _tabs_are_inside(text: str, places: Places) -> bool:
    """Whether all tabs stand in quotes, block texts and comments: elsewhere the scanners differ about them."""
    ends = {
        start: end for start, end in map(unpacked, scalars(places)) if text[start : start + 1] in ("'", '"', "|", ">")
    }
    starts = sorted(ends)
    for tab in _TAB.finditer(text):
        before = bisect_right(starts, tab.start()) - 1
        end = ends[starts[before]] if before >= 0 else 0
        if tab.start() >= end:
            line_start = max(text.rfind("\n", 0, tab.start()) + 1, end)
            if not _COMMENT.search(text[line_start : tab.start()]):
                return False
    return True


def _slow(text: str, file: str) -> tuple[Json, Places]:
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
            if match := _DIRECTIVE.match(repaired):
                findings.directive(match.end() - 1)
            tree = build(slow.next_event, findings)
        except Stopped:
            break
        except FAILURES as error:
            trouble = diagnose(error, slow, lines, file)
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
