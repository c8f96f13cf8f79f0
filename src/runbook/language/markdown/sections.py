"""Divides a document into its parts: front matter, title, what stands above the first heading, and sections.

Front matter is what stands between two lines ``---`` (YAML) or ``+++`` at the very beginning. It is read as YAML by our
strict reading; where that reads nothing in it, it is text and kept as such.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.language.markdown.blocks import Block, Sort, blocks_of
from runbook.language.source import Unread, parse
from runbook.language.typed import mapping
from runbook.language.yaml_text import visible
from runbook.model.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What stands below a heading; ``path`` are the headings that lead to it, its own last, but for the title."""

    path: Sequence[Block]
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A document. ``matter`` is the text of its front matter, ``keys`` what it says; ``links`` are its definitions."""

    matter: str
    matter_last: int
    keys: Mapping[str, Json] | None
    title: Block | None
    sections: Sequence[Section]
    links: Mapping[str, Any]


_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(\w[^\n:=]*[:=](?:.*\n)*?)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)")
"""Two rules with a text between them are none: its first line has a key."""


def parts_of(source: str) -> Parts:
    """The parts of a document; the first section is what stands above the first heading that is not the title."""
    text = visible(source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    matter = _MATTER.match(text)
    keys = _keys(matter[2]) if matter is not None and matter[1] == "---" else None
    above = matter[0].count("\n") if matter else 0
    # Blank lines in its place, so that every line keeps its number.
    blocks, links = blocks_of("\n" * above + text[matter.end() if matter else 0 :])
    title = _title(blocks)
    sections = _sections([block for block in blocks if block is not title])
    return Parts(
        matter=matter[0].rstrip() + "\n" if matter else "",
        matter_last=above,
        keys=keys,
        title=title,
        sections=sections,
        links=links,
    )


def _keys(text: str) -> Mapping[str, Json] | None:
    try:
        data = parse(text, "front matter").data
    except Unread:
        return None
    return mapping(data) if isinstance(data, dict) else None


def _title(blocks: Sequence[Block]) -> Block | None:
    """The heading that names the document: of the first level, before any other, or the only one of that level."""
    headings = [block for block in blocks if block.sort is Sort.HEADING]
    tops = [block for block in headings if block.level == 1]
    if tops and (tops[0] is headings[0] or len(tops) == 1):
        return tops[0]
    return None


def _sections(blocks: Sequence[Block]) -> Sequence[Section]:
    sections: list[tuple[Sequence[Block], list[Block]]] = [((), [])]
    for block in blocks:
        if block.sort is Sort.HEADING:
            above = [heading for heading in sections[-1][0] if heading.level < block.level]
            sections.append(((*above, block), []))
        else:
            sections[-1][1].append(block)
    return [Section(path=path, blocks=inside) for path, inside in sections]
