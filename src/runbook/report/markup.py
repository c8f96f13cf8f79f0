r"""Puts text from anywhere into Markdown so that it is read as that text and acts as nothing, on any forge.

Escaping alone is not enough: forges look for mentions, references, links, emoji and quick actions in what CommonMark
calls plain text (``@team``, ``#12``, ``!3``, ``~label``, ``:name:``, ``/close``). A word that one of them could take
for something stands as code, where none of them looks. Characters that act on a terminal are made visible first.
(CommonMark 0.31.2, sections 2.4, 4.5, 6.1; GitHub Flavored Markdown 0.29, tables and autolinks.)
"""

import html as entities
import re
from collections.abc import Iterator

from runbook.audit.escapes import inert

_MARKUP = re.compile(r"[\\`*_\[\]<>|~&#^{}$]")
_BLOCK_START = re.compile(r"[-+=/:]|[0-9]{1,9}(?=[.)])")
_REFERENCE = re.compile(
    r"[@$\\{}_`]|://|^www\.|[#!]\d|^[~%&^]\w|^%[\"']|\bGH-\d|:[\w+-]+:|\[MASKED:|[0-9a-f]{40}", re.IGNORECASE
)
"""What makes a word one that a forge could take for more than text, or that reads best as code."""
_EDGES = re.compile(r"^([(\"'“‹]*)(.*?)([.,;:!?)\"'”›]*)$")
_MARKED = re.compile(r"""([(\"'“‹]*)`([^`]+)`([.,;:!?)\"'”›]*)""")
"""What is marked as code already, as our own messages mark names, and the punctuation around it."""
_TOKEN = re.compile(rf"(?:{_MARKED.pattern})(?!\S)|(?:\$\{{\{{[^}}]{{0,400}}\}}\}}|\S)+")
"""What stays together: what is marked as code, a word, and an expression with what it stands in."""
_BACKTICKS = re.compile("`+")


def inline(text: str) -> str:
    """A text as one line of Markdown, for a table's cell or the middle of a line."""
    return " ".join(_word(token[0]) for token in _TOKEN.finditer(_one_line(text)))


def opening(text: str) -> str:
    """A text as one line of Markdown that begins a paragraph or an item of a list."""
    line = inline(text)
    return _BLOCK_START.sub(_at_start, line, count=1) if _BLOCK_START.match(line) else line


def lines(text: str) -> list[str]:
    """A text as lines of Markdown that stay lines; an empty one parts paragraphs."""
    found = [opening(line) for line in inert(text).strip().split("\n")]
    followed = [*found[1:], ""]
    return [f"{line}\\" if line and after else line for line, after in zip(found, followed, strict=True)]


def code(text: str) -> str:
    """A text as code within a line. No bar stands in it: those are set between, for tables part at them."""
    return r"\|".join(_code(part) for part in _one_line(text).split("|"))


def fenced(text: str) -> str:
    """A text as a block, character by character."""
    safe = inert(text).strip("\n")
    longest = max((len(run) for run in _BACKTICKS.findall(safe)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{safe}\n{fence}"


def html(text: str) -> str:
    """A text as it stands within an HTML tag, in one line."""
    return " ".join(_html_word(token[0]) for token in _TOKEN.finditer(_one_line(text)))


def html_code(text: str) -> str:
    """A text as code within an HTML tag, in one line."""
    return f"<code>{entities.escape(_one_line(text))}</code>"


def _one_line(text: str) -> str:
    return " ".join(inert(text).split())


def _word(word: str) -> str:
    before, middle, after, as_code = _parted(word)
    return _escaped(before) + code(middle) + _escaped(after) if as_code else _escaped(word)


def _html_word(word: str) -> str:
    before, middle, after, as_code = _parted(word)
    return entities.escape(before) + html_code(middle) + entities.escape(after) if as_code else entities.escape(word)


def _parted(word: str) -> tuple[str, str, str, bool]:
    """A word without the punctuation around it, and that; and whether it is to be code."""
    if (marked := _MARKED.fullmatch(word)) is not None:
        return marked[1], marked[2], marked[3], True
    match = _EDGES.match(word)
    if match is None or "(" in match[2]:  # what is opened within it is closed within it
        return "", word, "", _REFERENCE.search(word) is not None
    return match[1], match[2], match[3], _REFERENCE.search(match[2]) is not None


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: f"\\{found[0]}", text)


def _at_start(found: re.Match[str]) -> str:
    """A character that would begin a block, or a number that would begin a list, so that it does not."""
    return f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}"


def _code(text: str) -> str:
    if not text.strip():
        return text
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def joined(blocks: Iterator[str]) -> str:
    """Blocks of Markdown, an empty line between them."""
    return "\n\n".join(block for block in blocks if block) + "\n"
