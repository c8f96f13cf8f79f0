"""Writes data as YAML that a person likes to read: a key a line, texts of several lines as blocks, little in quotes.

What is written is read back as the same data by our own reading of YAML, provided that its texts hold nothing that no
file of ours may hold; :func:`visible` sees to that. A comment stands on a line of its own, above what it is about.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from runbook.language.characters import hidden_in
from runbook.language.drafting import flow
from runbook.language.places import Path
from runbook.model.canonical import Json

_WIDTH = 110
_PLAIN = re.compile(r"[^\W\d_](?:[^\n\t:#]|:(?=[^\s])|(?<=[^\s])#)*(?<![\s:])")
"""A text that begins with a letter, and in which no colon ends a key and no sign begins a comment."""
_OTHER_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What is a text, here or for other readers of YAML, only in quotes."""


def yaml_text(data: Mapping[str, Json], comments: Mapping[Path, Sequence[str]]) -> str:
    """The text of a file; a blank line stands between the elements of a long list at the top.

    :param comments: lines of comment by the place of the key or element above which they stand; ``()`` is the file.
    """
    return "\n".join(_Writer(comments).file(data)) + "\n"


def visible(text: str) -> str:
    """A text in which what no file of ours may hold, because it hides something, stands as ``‹U+200B›``."""
    if hidden_in(text) is None:
        return text
    return "".join(char if hidden_in(char) is None else f"‹U+{ord(char):04X}›" for char in text)


class _Writer:
    """The lines of one file."""

    def __init__(self, comments: Mapping[Path, Sequence[str]]) -> None:
        self._comments = comments
        self._commented = {path[:depth] for path in comments for depth in range(len(path))}
        self._keeps = False  # whether blank lines below would belong to the text that was written last

    def file(self, data: Mapping[str, Json]) -> Iterator[str]:
        yield from self._above((), "")
        yield from self._mapping(data, (), "")

    def _above(self, path: Path, indent: str) -> Iterator[str]:
        for comment in self._comments.get(path, ()):
            yield f"{indent}# {visible(' '.join(comment.split()))}"

    def _mapping(self, data: Mapping[str, Json], path: Path, indent: str) -> Iterator[str]:
        for key, value in data.items():
            at = (*path, key)
            if not path and self._is_long(value, at):
                yield from self._blank()
            yield from self._above(at, indent)
            yield from self._entry(f"{indent}{flow(key)}:", value, at, indent)

    def _entry(self, head: str, value: Json, path: Path, indent: str) -> Iterator[str]:
        """A value behind its key, or behind the dash of a list."""
        self._keeps = False
        match value:
            case str():
                yield from self._text(head, value, indent)
            case dict() if not self._is_short(head, value, path):
                yield head
                yield from self._mapping(value, path, f"{indent}  ")
            case list() if not self._is_short(head, value, path):
                yield head
                yield from self._list(value, path, f"{indent}  ")
            case _:
                yield f"{head} {flow(value)}"

    def _list(self, data: Sequence[Json], path: Path, indent: str) -> Iterator[str]:
        apart = self._is_long([*data], path)
        for number, value in enumerate(data):
            at = (*path, number)
            if number and apart:
                yield from self._blank()
            yield from self._above(at, indent)
            if isinstance(value, dict) and not self._is_short(f"{indent}-", value, at):
                lines = self._mapping(value, at, f"{indent}  ")
                yield f"{indent}- {next(lines).lstrip()}"
                yield from lines
            else:
                yield from self._entry(f"{indent}-", value, at, indent)

    def _blank(self) -> Iterator[str]:
        if not self._keeps:
            yield ""

    def _is_long(self, value: Json, path: Path) -> bool:
        """Whether a value is a list at the top with an element that takes several lines."""
        if len(path) != 1 or not isinstance(value, list):
            return False
        return any(not self._is_short("  -", each, (*path, number)) for number, each in enumerate(value))

    def _is_short(self, head: str, value: Json, path: Path) -> bool:
        """Whether a value is best written in brackets, on the line of its key."""
        match value:
            case dict():
                flat = all(map(_is_flat, value.values()))
            case list():
                flat = all(map(_is_flat, value))
            case _:
                return True
        return not value or (flat and path not in self._commented and len(head) + len(flow(value)) < _WIDTH)

    def _text(self, head: str, text: str, indent: str) -> Iterator[str]:
        if "\n" in text.strip("\n") or (text.strip("\n") and text.endswith("\n")):
            # The digit says where the text begins; without it, its own blanks would be taken for the indent.
            digit = "2" if text.lstrip("\n")[0] in " \t" else ""
            self._keeps = text.endswith("\n\n")
            end = "+" if self._keeps else "" if text.endswith("\n") else "-"
            yield f"{head} |{digit}{end}"
            yield from (f"{indent}  {line}" if line else "" for line in text.removesuffix("\n").split("\n"))
        elif _PLAIN.fullmatch(text) and text.isprintable() and text.lower() not in _OTHER_WORDS:
            yield f"{head} {text}"
        else:
            yield f"{head} {flow(text)}"


def _is_flat(value: Json) -> bool:
    return not isinstance(value, dict | list) and not (isinstance(value, str) and ("\n" in value or len(value) > 80))
