"""Measures whether a draft has kept all of a document. It knows CommonMark and YAML, and nothing of the importer.

What is kept is defined so. A document is a row of *phrases*: the visible words of each heading, paragraph and table
cell, cut behind each link and image; each HTML block; each block of code; the front matter. Of a phrase only letters
and digits count, for a draft has its Markdown. Each phrase stands in one value of the draft, in one piece; the phrases
of a section stand in their order. The target and the title of a link or an image stand in one piece anywhere. Code
stands in one value byte for byte, as text or as code of the Markdown that the value is. A ``${{`` is compared as the
operator reads it, a character that no runbook may hold as ``‹U+200B›``. A checkbox is not text.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from runbook.language.source import parse
from runbook.model.canonical import Json

PARSER = MarkdownIt("commonmark", {"maxNesting": 500}).enable("table")
MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(\w[^\n:=]*[:=](?:.*\n)*?)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)")
BOX = re.compile(r"\A\[[ xX]\](?=\s)")
ESCAPED = '${{ "${{" }}'
SHOWN = re.compile("‹U\\+[0-9A-F]{4,6}›")
CUT = "\0"
FILLERS = str.maketrans("", "", "\u115f\u1160\u3164\uffa0\u17b4\u17b5")


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A piece of a document that is kept in one piece, or code; ``line`` is where its block begins."""

    line: int
    text: str
    code: bool = False


@dataclass(kw_only=True)
class Read:
    """A document as a measure reads it."""

    sections: list[list[Phrase]] = field(default_factory=lambda: [[]])
    anywhere: list[str] = field(default_factory=list)


def lost(document: str, draft: str) -> list[str]:
    """What of a document is not in a draft, in words; nothing if all is there."""
    values = [value.replace(ESCAPED, "${{") for value in texts(parse(draft, "draft").data)]
    stream = "\0".join(squeezed(value) for value in values)
    code = {token.content.rstrip("\n") for value in values for token in PARSER.parse(value) if is_code(token)}
    read = read_markdown(document)
    missing = []
    for section in read.sections:
        at = 0
        for phrase in section:
            want = squeezed(phrase.text)
            found = stream.find(want, at)
            if found < 0:
                order = "out of its order" if want in stream else "lost"
                missing.append(f"line {phrase.line}: {order}: {phrase.text!r}")
            else:
                at = found + len(want)
            exact = visible(phrase.text).rstrip("\n")
            if phrase.code and not any(exact in value for value in (*values, *code)):
                missing.append(f"line {phrase.line}: not byte for byte: {phrase.text!r}")
    missing += [f"lost: {text!r}" for text in read.anywhere if squeezed(text) not in stream]
    return missing


def texts(value: Json) -> Iterator[str]:
    """Every text of a file's data, in its order."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)
        case _:
            pass


def squeezed(text: str) -> str:
    """The letters and digits of a text, as a reader sees them."""
    seen = unquote(html.unescape(SHOWN.sub("", text)))
    return "".join(filter(str.isalnum, seen.translate(FILLERS)))


def visible(text: str) -> str:
    """A text with what no runbook may hold written out."""
    return "".join(f"‹U+{ord(char):04X}›" if refused(char) else char for char in text)


def refused(char: str) -> bool:
    """Whether our reader refuses a character in a text."""
    if char.isprintable() or char in "\n\t":
        return char in "\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u180b\u180c\u180d\u180f"
    try:
        parse(f"a: |-\n  x{char}x\n", "x")
    except Exception:  # noqa: BLE001 - whatever it is, it is refused
        return True
    return False


def read_markdown(document: str) -> Read:
    """The phrases of a document, by its sections."""
    text = document.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    read = Read()
    if matter := MATTER.match(text):
        read.sections[-1].append(Phrase(line=1, text=matter[2]))
        read.sections.append([])
        text = "\n" * matter[0].count("\n") + text[matter.end() :]
    known: dict[str, dict[str, dict[str, str]]] = {}
    for token in PARSER.parse(text, known):
        line = (token.map or [0])[0] + 1
        if token.type == "heading_open":
            read.sections.append([])
        if is_code(token):
            read.sections[-1].append(Phrase(line=line, text=token.content, code=bool(token.content.strip())))
        elif token.type == "html_block":
            read.sections[-1].append(Phrase(line=line, text=token.content))
        elif token.type == "inline":
            said = BOX.sub("", "".join(words(token.children or (), read)), count=1)
            read.sections[-1] += [Phrase(line=line, text=piece) for piece in said.split(CUT) if squeezed(piece)]
    for known_link in known.get("references", {}).values():
        read.anywhere += [known_link["href"], known_link.get("title", "")]
    return read


def is_code(token: Token) -> bool:
    """Whether a token is a block of code."""
    return token.type in {"fence", "code_block"}


def words(children: Sequence[Token], read: Read) -> Iterator[str]:
    """The visible words of a line, cut where a target may stand; the targets can stand anywhere, some by definition."""
    for child in children:
        match child.type:
            case "softbreak" | "hardbreak":
                yield "\n"
            case "link_open":
                read.anywhere += [str(child.attrGet("href") or ""), str(child.attrGet("title") or "")]
            case "link_close":
                yield CUT
            case "image":
                read.anywhere += [str(child.attrGet("src") or ""), str(child.attrGet("title") or "")]
                yield "".join(words(child.children or (), read)) + CUT
            case _:
                yield child.content
