"""A page of HTML as a parser understands it, and what may be in one."""

import base64
import hashlib
import re
from collections.abc import Mapping
from html.parser import HTMLParser

VOID = frozenset({"br", "meta"})
FRAME = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "header", "footer", "nav", "section", "aside"}
)
WORDS = frozenset({"h1", "h2", "h3", "p", "span", "b", "strong", "code", "pre", "time", "br", "a", "div"})
BLOCKS = frozenset({"ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption", "blockquote"})
TABLES = frozenset({"table", "thead", "tbody", "tr", "th", "td"})
PICTURES = frozenset({"svg", "line", "rect", "circle", "path", "text", "title"})
ELEMENTS = FRAME | WORDS | BLOCKS | TABLES | PICTURES
DRAWN = frozenset({"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "d", "width", "height", "text-anchor"})
SAID = frozenset(
    {"class", "id", "href", "datetime", "title", "open", "data-label", "scope", "aria-hidden", "aria-label"}
)
OF_THE_HEAD = frozenset({"charset", "http-equiv", "content", "name", "lang"})
ATTRIBUTES = DRAWN | SAID | OF_THE_HEAD
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufffe\uffff]"
)


class Page(HTMLParser):
    """What a parser finds: the elements with their attributes, what is open at each text, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.words: list[tuple[tuple[str, ...], str]] = []
        self.strange: list[str] = []
        self._open: list[str] = []
        self._found: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """It begins."""
        self.elements.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), attrs
        if tag not in VOID:
            self._open.append(tag)
            self._found.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """It ends, and it was the last that began."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """What is read."""
        self.words.append((tuple(self._open), data))
        for tag in set(self._open):
            self._found[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        """There is none on a page."""
        self.strange.append(data)

    def handle_decl(self, decl: str) -> None:
        """There is one, and it is ours."""
        if decl != "DOCTYPE html":
            self.strange.append(decl)

    def handle_pi(self, data: str) -> None:
        """There is none on a page."""
        self.strange.append(data)

    def unknown_decl(self, data: str) -> None:
        """There is none on a page."""
        self.strange.append(data)

    def texts(self, tag: str) -> list[str]:
        """What stands in each element of that name; for those that are in others of their name, in the outermost."""
        return self._found.get(tag, [])

    def text(self) -> str:
        """All that is read."""
        return "".join(data for within, data in self.words if "style" not in within)


def parsed(page: str) -> Page:
    return Page(page)


def first_words(page: str) -> str:
    """What is read first below the head, with one space wherever there is one or more."""
    said = [data for within, data in Page(page).words if "main" in within]
    return " ".join(" ".join(said).split())


def assert_inert(page: str) -> None:
    """Nothing is on a page but what we draw: no element, attribute, address or character that acts."""
    found = Page(page)
    assert found.strange == []
    names = {name for name, _ in found.elements}
    assert names <= ELEMENTS, names - ELEMENTS
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), ids
    for name, attributes in found.elements:
        assert attributes.keys() <= ATTRIBUTES, (name, attributes)
        assert "href" not in attributes or str(attributes["href"]).removeprefix("#") in ids, attributes
        assert ("http-equiv" in attributes) == ("Content-Security-Policy" in attributes.values()), attributes
    assert [name for name, _ in found.elements].count("style") == 1
    assert not ACTING.search(page)
    policy = next(str(attributes["content"]) for _, attributes in found.elements if "http-equiv" in attributes)
    (style,) = found.texts("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
