"""A file's data, and where each piece of it stands: every value, every key, every character of a text."""

import copy
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from runbook.language.lines import Lines
from runbook.language.places import Path
from runbook.language.scalars import Scalar, place_inside, style_of
from runbook.language.tree import Places, place_of, scalars, unpacked
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

CUT = Code(
    number="RB119",
    title="text that may be cut by a comment",
    why="A space and `#` end a text and begin a comment, so that a message to `#incidents` would end before the name "
    "of the channel. What looks like such a text is pointed out: a comment has a space behind `#`, a text has quotes.",
    severity=Severity.WARNING,
)
_MOST = 100
_TEXT_AFTER_SIGN = re.compile(r" #(?=\w)[^\n]*")


class Document:
    """A file's data, and where each piece of it stands."""

    def __init__(self, *, file: str, raw: bytes, text: str, data: Json, places: Places) -> None:
        """Hold what ``parse`` has found.

        :param file: the path as the user wrote it.
        :param raw: the file's bytes; ``text`` is what they say, and ends with a line feed.
        """
        self.file = file
        self.raw = raw
        self.text = text
        self.data = data
        self._written = data
        self._places = places
        self._lines = Lines(text)

    def judged(self, data: Json) -> "Document":
        """The same file with other data to be judged, such as those without mistakes; places are those of the file."""
        other = copy.copy(self)
        other.data = data
        return other

    def has(self, path: Path) -> bool:
        """Whether the file says something at a path."""
        return self._found(path)[0] == len(path)

    def span(self, path: Path) -> Span:
        """Where the value at a path stands; of the nearest one around it, if the file has none there."""
        start, end = unpacked(place_of(self._found(path)[1]))
        while start == end and self.text[start - 1 : start] == " ":
            start = end = start - 1  # what is not written at all stands behind its colon
        return self._lines.span(start, end)

    def key_span(self, path: Path) -> Span:
        """Where the key stands that leads to a path; of the nearest one around it, if the file has none there.

        An element of a list, and the whole file, have no key: the beginning of their first line stands for it.
        """
        _, places, key = self._found(path)
        if key is not None:
            return self._lines.span(*unpacked(place_of(key)))
        start, end = unpacked(place_of(places))
        line_end = self.text.find("\n", start)
        return self._lines.span(start, max(start, min(end, line_end)))

    def scalar(self, path: Path) -> Scalar | None:
        """How the value at a path is written; None for a mapping, a list and what the file does not say."""
        depth, places, _ = self._found(path)
        if depth < len(path) or not isinstance(places, int):
            return None
        start, end = unpacked(places)
        raw = self.text[start:end]
        return Scalar(style_of(raw), raw)

    def inside(self, path: Path, line: int, column: int, length: int = 1) -> Span:
        """Where a piece of the text at a path stands in the file.

        :param line: counted in the value from 1, as ``column``, and ``length`` in code points.
        :returns: the piece on the line where it begins; the whole value if it has no such place, or is no text.
        """
        scalar, value = self.scalar(path), self._value(path)
        rows = value.split("\n") if isinstance(value, str) else []
        if scalar is None or not isinstance(value, str) or not (0 < line <= len(rows) and column > 0):
            return self.span(path)
        row = rows[line - 1]
        first = sum(len(row) + 1 for row in rows[: line - 1]) + min(column - 1, len(row))
        last = first + max(0, min(length, len(row) - column + 1) - 1)
        start = unpacked(place_of(self._found(path)[1]))[0]
        begin, end = place_inside(scalar.raw, value, first)
        if last > first:
            end = place_inside(scalar.raw, value, last)[1]
        line_end = self.text.find("\n", start + begin)
        return self._lines.span(start + begin, max(start + begin, min(start + end, line_end)))

    def is_comment(self, offset: int) -> bool:
        """Whether the ``#`` at an offset begins a comment: it is part of no text."""
        behind = bisect_right(self._scalars, (offset, len(self.text)))
        return behind == 0 or offset >= self._scalars[behind - 1][1]

    @cached_property
    def _scalars(self) -> Sequence[tuple[int, int]]:
        """Where every text and number begins and ends, in the order of the file."""
        return sorted(map(unpacked, scalars(self._places)))

    def warnings(self) -> Sequence[Diagnostic]:
        """What is allowed and yet looks like a mistake: texts that a comment may have cut."""
        found = list(_TEXT_AFTER_SIGN.finditer(self.text))
        ends = {end: start for start, end in map(unpacked, scalars(self._places))} if found else {}
        cut: list[Diagnostic] = []
        for match in found:
            end = match.start()
            while self.text[end - 1 : end] == " ":
                end -= 1
            if end in ends and self.text[ends[end]] not in "'\"|>" and len(cut) < _MOST:
                cut.append(self._cut(ends[end], match))
        return cut

    def _cut(self, start: int, match: re.Match[str]) -> Diagnostic:
        from runbook.language.mending import quoted  # only where something looks wrong

        line, column = self._lines.position(start)
        whole = self._lines.line(line)
        mended = whole[: column - 1] + quoted(whole[column - 1 :].rstrip())
        same_line = line == self._lines.position(match.start())[0] and not set(whole[: column - 1]) & {"{", "["}
        return Diagnostic(
            code=CUT,
            message="the text ends where a comment seems to begin",
            file=self.file,
            span=self._lines.span(match.start() + 1, match.end()),
            label="not part of the text",
            help=f"write `{mended.strip()}`, or a space behind `#`" if same_line else "put the text in quotes",
        )

    def _value(self, path: Path) -> Json:
        value = self._written
        for part in path:
            match value, part:
                case dict(), str():
                    value = value.get(part)
                case list(), int() if part < len(value):
                    value = value[part]
                case _:
                    return None
        return value

    def _found(self, path: Path) -> "tuple[int, Places, Places | None]":
        """How far a path leads, the places of what is there, and that of the key that leads to it."""
        value, places, key = self._written, self._places, None
        for depth, part in enumerate(path):
            inner = places
            if isinstance(inner, int):
                return depth, places, key
            match value, part:
                case dict(), str() if part in value:
                    index = 1 + 2 * list(value).index(part)
                    value, places, key = value[part], inner[index + 1], inner[index]
                case list(), int() if 0 <= part < len(value):
                    value, places, key = value[part], inner[1 + part], None
                case _:
                    return depth, places, key
        return len(path), places, key
