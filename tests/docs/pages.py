"""The pages of the documentation as what can be tried of them: their blocks, each with what a comment says of it.

A comment that stands right before a block is invisible to who reads the page, and says how the block is tried:

- ``<!-- file: NAME -->``: it is this file, as the reader writes it into the directory of the page.
- ``<!-- not run: WHY -->``: it cannot be tried here: commands are not run, a file not checked, an output not compared.
- ``<!-- status: 1 -->``: its commands end with this status; otherwise with 0.
- ``<!-- background -->``: it runs until the page is over, as in another terminal.
- ``<!-- typed: yes | d | -->``: it runs at a terminal, where these lines are typed, one at each question.
- ``<!-- first: COMMANDS -->``: these are run before it, and nobody sees them; may have several lines.
- ``<!-- shown by: COMMANDS -->``: it is shown by these, and not by the commands before it.

A block without a language that stands below commands, under the same heading, shows what they say. And one comment
stands by itself: ``<!-- after: PAGE -->``: the reader has written the files of that page, the last of each name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "runbooks" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
)
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_COMMENTS = re.compile(r"(?:<!-- (?:.(?!-->))*? -->\s*)+\Z", re.DOTALL)
_COMMENT = re.compile(r"<!-- (file|not run|status|background|typed|first|shown by):? ?(.*?) ?-->", re.DOTALL)
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
_AFTER = re.compile(r"^<!-- after: (\S+) -->$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block of a page, and the comments before it."""

    page: Path
    line: int
    language: str
    text: str
    section: int
    said: dict[str, str]

    def __str__(self) -> str:
        """Where it stands."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Every block of a page, in order."""
    text = page.read_text()
    section = at = 0
    for found in _BLOCK.finditer(text):
        section += len(_HEADING.findall(text, at, found.start()))
        at = found.end()
        comments = _COMMENTS.search(text, 0, found.start())
        inner = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            text=inner,
            section=section,
            said=dict(_COMMENT.findall(comments[0])) if comments else {},
        )


def before(page: Path) -> list[Block]:
    """The files that a reader has written before this page."""
    return [
        block
        for name in _AFTER.findall(page.read_text())
        for block in blocks(page.parent / name)
        if "file" in block.said
    ]
