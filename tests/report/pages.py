"""A page of Markdown as a CommonMark parser with tables understands it."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FOLD = re.compile(r"(?:<details><summary>(?:[^<>\n]|</?(?:b|code)>)*</summary>|</details>)\n*")
REFERENCE = re.compile(r"@\w|[#!]\d|://|www\.")


def tokens(page: str) -> Iterator[Token]:
    """Every token of a page, those of its lines too."""
    for token in PARSER.parse(page):
        yield token
        yield from token.children or ()


def assert_harmless(page: str) -> None:
    """Nothing on a page is a link, an image or HTML of somebody else's, and nothing in its texts is a mention."""
    for token in tokens(page):
        assert token.type not in {"image", "link_open", "html_inline", "code_block", "hr"}, token
        if token.type == "html_block":
            assert FOLD.fullmatch(token.content), token.content
            outside = re.sub(r"<code>.*?</code>", "", token.content)
            assert not REFERENCE.search(outside), token.content
        if token.type == "text":
            assert not REFERENCE.search(token.content), token.content
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def headings(page: str) -> list[str]:
    """The headings of a page, each with its level before it."""
    parsed = PARSER.parse(page)
    return [
        f"{token.markup} {plain(parsed[place + 1].children or ())}"
        for place, token in enumerate(parsed)
        if token.type == "heading_open"
    ]


def blocks(page: str) -> list[str]:
    """What stands in the fenced blocks of a page."""
    return [token.content for token in PARSER.parse(page) if token.type == "fence"]


def plain(children: Sequence[Token]) -> str:
    """What a reader sees of a line."""
    return "".join(" " if token.type in {"softbreak", "hardbreak"} else token.content for token in children)


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, its head first, as a reader sees them."""
    found: list[list[str]] = []
    here = inside = False
    for token in PARSER.parse(page):
        match token.type:
            case "inline" if inside:
                found[-1].append(plain(token.children or ()))
            case "inline":
                here = here or token.content == heading
            case "tr_open" if here:
                found.append([])
                inside = True
            case "tr_close":
                inside = False
            case "table_close" if here:
                return found
            case _:
                pass
    return found
