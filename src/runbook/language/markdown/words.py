"""The words of a line of Markdown as a reader sees them, and names made from them."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

_INLINE = MarkdownIt("commonmark")
_READ = 600
"""How many characters of a text are looked at for a title: what a line may hold costs time."""
_LONGEST = 90
_LONGEST_NAME = 40
_LABEL = re.compile(r"\[([^\[\]\n]{1,200})\]")
_NO_TAG = re.compile(r"<(?:[A-Z][^<>]*|[a-z]+[ _-][a-z _-]*)>")
"""What a parser takes for HTML, and a reader for something to be filled in."""
_SIGNS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=1_024)
def plain(text: str) -> str:
    """A text without the signs of Markdown, in one line."""
    said = "".join(_said(token) for parsed in _INLINE.parseInline(text[:_READ]) for token in parsed.children or ())
    return " ".join((said + text[_READ:]).split())


@lru_cache(maxsize=1_024)
def is_plain(text: str) -> bool:
    """Whether a reader sees all that a text says: no address of a link, no HTML, and not too long to tell."""
    if len(text) > _READ:
        return False
    children = [token for parsed in _INLINE.parseInline(text) for token in parsed.children or ()]
    return not any(token.type in {"link_open", "image", "html_inline", "hardbreak"} for token in children)


def links_in(text: str) -> Iterator[tuple[str, str]]:
    """The title and address of each link to another site that a text has; a very long text is not looked through."""
    for parsed in _INLINE.parseInline(text[: _READ * 10]):
        address, words = "", ""
        for token in parsed.children or ():
            if token.type == "link_open":
                address, words = str(token.attrGet("href") or ""), ""
            elif token.type == "link_close" and address.startswith(("https://", "http://")):
                yield " ".join(words.split()) or address, address
                address = ""
            else:
                words += _said(token)


def with_links(text: str, links: Mapping[str, Any]) -> str:
    """A text with the definitions that its links need and that stand elsewhere in the document.

    :param links: the definitions by their normalized labels.
    """
    lines: dict[str, str] = {}
    for match in _LABEL.finditer(text) if links else ():
        label = normalizeReference(match[1])
        known = links.get(label)
        if known is not None and label not in lines and f"[{match[1]}]:" not in text:
            named = f' "{known["title"]}"' if known.get("title") else ""
            lines[label] = f"[{match[1]}]: {known['href']}{named}"
    return "\n".join([text.rstrip("\n"), "", *lines.values(), ""]) if lines else text


def heading_of(text: str) -> str:
    """A heading as a title: plain, where nothing is lost by that."""
    return plain(text) if is_plain(text) else " ".join(text.split())


def title_of(text: str) -> tuple[str, bool]:
    """A title made from a text, and whether it says all of it."""
    words = plain(text)
    if len(words) <= _LONGEST and is_plain(text):
        return words, True
    first = re.match(rf"(.{{8,{_LONGEST}}}?[.!?:;])(?=\s)", words)
    if first:
        return first[1].rstrip(".:;"), False
    return (words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rsplit(' ', 1)[0]}…"), False


def snake(text: str) -> str:
    """A name in snake_case that says the same, cut at the end of a word; empty where no letter can be kept."""
    ascii_ = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = _SIGNS.sub("_", ascii_.replace("'", "")).strip("_")
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME + 1].rpartition("_")[0] or name[:_LONGEST_NAME]
    return name if re.search(r"[a-z]", name) else ""


class Names:
    """Gives out names of which no two are alike.

    :param taken: names that it never gives out.
    """

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def give(self, text: str, otherwise: str) -> str:
        """A name made from a text, or from another word where the text has no letters that a name can have."""
        name = snake(text) or otherwise
        if not name[0].isalpha():
            name = f"{otherwise}_{name}"
        count = self._counts.get(name, 0)
        unique = name
        while unique in self._taken:
            count = max(count + 1, 2)
            unique = f"{name}_{count}"
        self._counts[name] = count
        self._taken.add(unique)
        return unique


RESERVED: Collection[str] = ("in", "true", "false", "null", "next")
"""Words that no step and no value can be named."""


def _said(token: Token) -> str:
    match token.type:
        case "softbreak" | "hardbreak":
            return " "
        case "image":
            return "".join(map(_said, token.children or ()))
        case "html_inline":
            return token.content if _NO_TAG.fullmatch(token.content) else ""
        case _:
            return token.content
