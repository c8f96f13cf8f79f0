"""Where in a script for a shell a place stands: bare, in quotes, in a comment, in a document.

It is as much of the POSIX shell's token recognition (POSIX.1-2024, XCU section 2.3) as is needed to put the value of a
variable in the place of some words. Where that needs more, the place is ``UNSURE``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum


class Where(Enum):
    """Where a place stands."""

    BARE = "bare"
    DOUBLE = "in double quotes"
    SINGLE = "in single quotes"
    COMMENT = "in a comment"
    DOCUMENT = "in a document that is expanded"
    UNSURE = "where it cannot be told"


Span = tuple[int, int]
"""A piece of a script: where it begins, and where it ends."""

_DOCUMENT = re.compile(r"<<(-?)[ \t]*(\\?)(['\"]?)([A-Za-z_][\w-]*)\3")
_WRITTEN = {
    Where.BARE: '"${name}"',
    Where.DOUBLE: "${{{name}}}",
    Where.SINGLE: "'\"${name}\"'",
    Where.DOCUMENT: "${{{name}}}",
}


def contexts(script: str, spans: Sequence[Span]) -> Mapping[Span, Where]:
    """Where pieces of a script stand.

    :param spans: the pieces, in their order and apart; what is in them is not read as part of the script.
    """
    return dict(_Reader(script, spans).contexts())


def written(where: Where, name: str) -> str | None:
    """How the value of a variable is put in a place; None where it cannot be."""
    form = _WRITTEN.get(where)
    return None if form is None else form.format(name=name)


class _Reader:
    """Reads a script once, from its beginning to its end."""

    def __init__(self, script: str, spans: Sequence[Span]) -> None:
        self._script = script
        self._starts = dict(spans)
        self._at = 0
        self._inside = [Where.BARE]  # what the place stands in, outermost first
        self._documents: list[
            tuple[str, bool]
        ] = []  # what begins on the next line: its last word, and if it is expanded
        self._begins = True  # whether a word begins here, and so a comment could
        self._lost = False  # whether nothing can be told from here on

    @property
    def at_rest(self) -> bool:
        """Whether nothing is open where it has read to."""
        return len(self._inside) == 1

    def contexts(self) -> Iterator[tuple[Span, Where]]:
        while self._at < len(self._script):
            if self._at in self._starts:
                yield self._span(self._inside[-1])
                self._begins = False
                continue
            char = self._script[self._at]
            if char == "\n" and self._documents and self._inside[-1] in {Where.BARE, Where.COMMENT}:
                yield from self._read_documents()
                continue
            self._step(char)
            self._begins = char in " \t\n;|&("
            self._at += 1

    def _span(self, where: Where) -> tuple[Span, Where]:
        span = self._at, self._starts[self._at]
        self._at = span[1]
        return span, Where.UNSURE if self._lost else where

    def _step(self, char: str) -> None:
        """Read on by one character, or by what belongs to it."""
        match self._inside[-1]:
            case Where.COMMENT:
                if char == "\n":
                    self._inside.pop()
            case Where.SINGLE:
                if char == "'":
                    self._inside.pop()
            case Where.UNSURE:
                self._at += char == "\\"
                if char in "}`":
                    self._inside.pop()
            case Where.DOUBLE:
                self._expanded(char, closing='"')
            case _:
                self._bare(char)

    def _expanded(self, char: str, closing: str) -> None:
        """What has a meaning in double quotes, and outside of them too."""
        if char == "\\":
            self._at += 1
        elif char == closing:
            self._inside.pop()
        elif char == "`" or self._script.startswith("${", self._at):
            self._inside.append(Where.UNSURE)
            self._at += char == "$"
        elif self._script.startswith("$(", self._at):
            self._inside.append(Where.BARE)
            self._at += 1

    def _bare(self, char: str) -> None:
        if char == '"':
            self._inside.append(Where.DOUBLE)
        elif char == "'":
            self._lost = self._lost or self._script[self._at - 1 : self._at] == "$"  # with escapes of its own
            self._inside.append(Where.SINGLE)
        elif char == "(":
            self._inside.append(Where.BARE)
        elif char == "#" and self._begins:
            self._inside.append(Where.COMMENT)
        elif (document := _DOCUMENT.match(self._script, self._at)) and self._script[self._at - 1 : self._at] != "<":
            self._documents.append((document[4], not (document[2] or document[3])))
            self._at = document.end() - 1
        else:
            self._expanded(char, closing=")" if len(self._inside) > 1 else "")

    def _read_documents(self) -> Iterator[tuple[Span, Where]]:
        """Read the documents that begin on the next line, one after the other."""
        if self._inside[-1] is Where.COMMENT:
            self._inside.pop()
        self._at += 1
        for word, expanded in self._documents:
            close = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*$", re.MULTILINE).search(self._script, self._at)
            end = close.start() if close else len(self._script)
            while self._at < end:
                if self._at in self._starts:
                    yield self._span(Where.DOCUMENT if expanded else Where.UNSURE)
                else:
                    self._at += 1
            self._at = close.end() if close else end
        self._documents = []
        self._begins = True


def is_whole(script: str) -> bool:
    """Whether every quote and bracket of a script is closed, as far as can be told."""
    reader = _Reader(f"{script}\n", [])
    return not any(reader.contexts()) and reader.at_rest


ASSIGNED = re.compile(
    r"(?:^|[\s;&|(])(?:(?:export|local|readonly|declare|typeset)\s+(?:-\w+\s+)*)?([A-Za-z_]\w*)\+?="
    r"|(?:^|[\s;&|(])(?:for|select)\s+([A-Za-z_]\w*)\s+in\b"
    r"|(?:^|[\s;&|(])(?:read|getopts|mapfile|readarray|printf\s+-v)\s+(?:-\w+\s+)*((?:[A-Za-z_]\w*[ \t]*)+)",
    re.MULTILINE,
)
"""What gives a variable a value in a script."""


def assigned_in(script: str) -> set[str]:
    """The variables that a script gives a value itself."""
    return {name for match in ASSIGNED.finditer(script) for group in match.groups() if group for name in group.split()}
