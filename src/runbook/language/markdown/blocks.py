"""Reads Markdown into blocks: each line that is not blank belongs to exactly one block that has no others inside.

Blocks are those of CommonMark 0.31, with tables. Of a block inside a list or a quotation the lines are without the
signs in front of them. What the parser makes no block of, such as a definition of a link or what is nested too deep, is
one of the sort ``REST``, so that no line is lost. What stands inside a line is not looked at here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token


class Sort(Enum):
    """What a block is."""

    TEXT = "paragraph"
    HEADING = "heading"
    CODE = "code"
    BULLETS = "list"
    ORDERED = "ordered list"
    ITEM = "item"
    QUOTE = "quotation"
    TABLE = "table"
    HTML = "HTML"
    RULE = "rule"
    REST = "definition"


Lines = tuple[int, int]
"""The numbers of a first and a last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block: ``lines`` are its lines as they stand, from the line ``first`` of the document on, counted from 1.

    ``text`` is the source of a heading's or paragraph's words, or the code, byte for byte. ``info`` is what stands
    behind a fence, ``level`` a heading's, ``rows`` are the source of a table's cells, the head first.
    """

    sort: Sort
    first: int
    lines: Sequence[str]
    text: str = ""
    info: str = ""
    level: int = 0
    rows: Sequence[Sequence[str]] = ()
    inside: Sequence["Block"] = ()

    @property
    def at(self) -> Lines:
        """Where it stands."""
        return self.first, self.last

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.first + len(self.lines) - 1

    def all(self) -> Iterator["Block"]:
        """The block, and every one inside it."""
        yield self
        for block in self.inside:
            yield from block.all()


@dataclass(slots=True, kw_only=True)
class _Open:
    """A container that is being read: its lines, the number of the ``first``, where they begin, and what is inside."""

    sort: Sort
    first: int
    lines: list[str]
    column: int = 0
    inside: list[Block] = field(default_factory=list)


_CONTAINERS = {
    "blockquote_open": Sort.QUOTE,
    "bullet_list_open": Sort.BULLETS,
    "ordered_list_open": Sort.ORDERED,
    "list_item_open": Sort.ITEM,
}
_LEAVES = {
    "paragraph_open": Sort.TEXT,
    "heading_open": Sort.HEADING,
    "fence": Sort.CODE,
    "code_block": Sort.CODE,
    "html_block": Sort.HTML,
    "hr": Sort.RULE,
    "table_open": Sort.TABLE,
}
_QUOTE = re.compile(r"[ ]{0,3}>[ ]?")
_ITEM = re.compile(r"[ \t]*(?:[-+*]|[0-9]{1,9}[.)])(?:[ ]{1,4}(?![ ])|[ \t]|$)")


def blocks_of(text: str) -> tuple[Sequence[Block], dict[str, Any]]:
    """The blocks of a document, and the definitions of its links by their normalized labels."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline", "text_join"])  # both would take longer than everything else
    known: dict[str, Any] = {}
    tokens = parser.parse(text, known)
    lines = text.split("\n")
    root = _Open(sort=Sort.ITEM, first=1, lines=lines)
    open_ = [root]
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.type in _CONTAINERS:
            open_.append(_opened(_CONTAINERS[token.type], token, open_[-1]))
        elif token.type in _LEAVES:
            end = _end(tokens, position)
            open_[-1].inside.append(_leaf(_LEAVES[token.type], tokens[position:end], open_[-1]))
            position = end
            continue
        elif token.nesting < 0:
            closed = open_.pop()
            open_[-1].inside.append(_closed(closed))
        position += 1
    return _closed(root).inside, known.get("references", {})


def _end(tokens: Sequence[Token], position: int) -> int:
    """Where the tokens of a leaf end."""
    level = tokens[position].level
    if tokens[position].nesting == 0:
        return position + 1
    while tokens[position].nesting >= 0 or tokens[position].level > level:
        position += 1
    return position + 1


def _span(token: Token, outer: _Open) -> tuple[int, list[str]]:
    """The number of the first line of what a token stands for, and its lines without blank ones at the end."""
    start, end = token.map or (outer.first - 1, outer.first - 1)
    lines = outer.lines[start + 1 - outer.first : end + 1 - outer.first]
    while lines and not lines[-1].strip():
        lines.pop()
    return start + 1, lines


def _opened(sort: Sort, token: Token, outer: _Open) -> _Open:
    first, lines = _span(token, outer)
    column = outer.column
    if sort is Sort.QUOTE:
        lines = [_QUOTE.sub("", line, count=1) for line in lines]
        column += 2
    elif sort is Sort.ITEM and lines:
        sign = _ITEM.match(lines[0])
        width = sign.end() if sign else 0
        lines = [lines[0][width:], *(_without(line, width, column) for line in lines[1:])]
        column += width
    return _Open(sort=sort, first=first, lines=lines, column=column)


def _without(line: str, width: int, column: int) -> str:
    """A line without so many columns of blanks in front, or as many as it has; a tab leads to the next fourth column.

    :param column: at which the line begins.
    """
    left = width
    for at, char in enumerate(line):
        if left <= 0 or char not in " \t":
            return " " * -left + line[at:]
        taken = 4 - (column + width - left) % 4 if char == "\t" else 1
        left -= taken
    return " " * -left if left < 0 else ""


def _leaf(sort: Sort, tokens: Sequence[Token], outer: _Open) -> Block:
    token = tokens[0]
    first, lines = _span(token, outer)
    match sort:
        case Sort.TEXT | Sort.HEADING:
            level = int(token.tag[1:]) if sort is Sort.HEADING else 0
            return Block(sort=sort, first=first, lines=lines, text=tokens[1].content, level=level)
        case Sort.CODE:
            return Block(sort=sort, first=first, lines=lines, text=token.content, info=token.info.strip())
        case Sort.TABLE:
            return Block(sort=sort, first=first, lines=lines, rows=_rows(tokens))
        case _:
            return Block(sort=sort, first=first, lines=lines)


def _rows(tokens: Sequence[Token]) -> Sequence[Sequence[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content.strip())
    return rows


def _closed(container: _Open) -> Block:
    return Block(
        sort=container.sort,
        first=container.first,
        lines=container.lines,
        inside=[*_with_rest(container)],
    )


def _with_rest(container: _Open) -> Iterator[Block]:
    """What is inside, and between that the lines of which the parser has made nothing."""
    at = container.first
    for block in container.inside:
        yield from _rest(container, at, block.first)
        yield block
        at = max(at, block.last + 1)
    yield from _rest(container, at, container.first + len(container.lines))


def _rest(container: _Open, start: int, end: int) -> Iterator[Block]:
    lines = list(container.lines[start - container.first : max(end, start) - container.first])
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        start += 1
        lines.pop(0)
    if lines:
        yield Block(sort=Sort.REST, first=start, lines=lines)
