"""Writes HTML and SVG so that text cannot become anything else: what is not built here is text, and is escaped.

A plain ``str`` is always text. Only :class:`Html` is markup, and only :func:`tag` and its kin make it; the names of
elements and attributes are ours, never from a log. Characters that act (controls, direction marks) are made visible
first, as are those that no HTML document may hold. (HTML Living Standard, sections 13.1.2 and 13.2.3.5.)
"""

import html
import re
from collections.abc import Iterable

from runbook.audit.escapes import inert
from runbook.model.runbook import Fidelity

_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0x10000, 0x110000, 0x10000))
    + "]"
)
_VOID = frozenset({"br", "meta"})
_MARKED = re.compile(r"`([^`\n]+)`")
"""A name that is marked as code, as our own messages mark names."""
_STRONG = re.compile(r"\*\*(.+?)\*\*")


class Html(str):
    """Markup: text that was escaped, and tags around it."""

    __slots__ = ()


def text(value: str) -> Html:
    """A text from anywhere, as that text."""
    shown = _NONCHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", inert(value))
    return Html(html.escape(shown))


def tag(element: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element.

    :param children: what it holds; those that are no markup are text.
    :param attributes: without those that are None; ``class_`` is ``class``, and any other ``_`` a ``-``.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if element in _VOID:
        return Html(f"<{element}{given}>")
    return Html(f"<{element}{given}>{joined(children)}</{element}>")


def joined(children: Iterable[str]) -> Html:
    """One after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def code(value: str) -> Html:
    """A name, or anything else that is read letter by letter, within a line."""
    return tag("code", value)


def prose(value: str) -> Html:
    """A sentence in which names are marked as code; whatever else is in it is text."""
    return Html(_MARKED.sub(r"<code>\1</code>", text(value)))


def strong(ours: str) -> Html:
    """A sentence of our own, with what it stresses."""
    return Html(_STRONG.sub(r"<strong>\1</strong>", text(ours)))


def facts(pairs: Iterable[tuple[str, str]], class_: str) -> Html:
    """Names and what they are; what has a name that was there before stands with that."""
    found: dict[str, list[Html]] = {}
    for name, said in pairs:
        found.setdefault(name, []).append(tag("dd", said))
    return tag("dl", *(tag("div", tag("dt", name), *said) for name, said in found.items()), class_=class_)


def paragraphs(value: str) -> Html:
    """A text of some lines: an empty one parts paragraphs, the others stay lines."""
    blocks = [block for block in re.split(r"\n[ \t]*\n", inert(value).strip()) if block.strip()]
    return joined(tag("p", *_lines(block)) for block in blocks)


def _lines(block: str) -> Iterable[str]:
    for place, line in enumerate(block.split("\n")):
        if place:
            yield tag("br")
        yield prose(line)


_DULL = ("skipped", "left", Fidelity.SHOWN.value, Fidelity.UNVERIFIABLE.value, Fidelity.ASSUMED.value)
_TONES = {"passed": "good", "failed": "bad", **dict.fromkeys(_DULL, "dull")}


def tone(outcome: str) -> str:
    """The class of style for an outcome: ``good bad odd dull``."""
    return _TONES.get(outcome, "odd")
