"""What an expression mentions, read from its text before CEL sees it.

The library's own messages tell neither which declared name a text uses nor where that name begins, and it must be told
all names beforehand; so the text is read here: names, macros, brackets. Syntax and types stay the library's business:
a text that is not an expression yields some reading, never an error.

Offsets count code points from 0. Lines and columns, where they are made, count from 1.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import lru_cache

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""The macros that bind a variable."""
_ORDERED = frozenset({"map", "filter"})
_LISTS = frozenset({"map", "filter", "split"})
_CONVERSIONS = frozenset({"duration", "timestamp", "int", "uint", "double", "bool"})
_STRING = r"""
    [rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")
  | [bB][rR](?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")
  | [bB]?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
"""
TOKEN = re.compile(
    rf"""(?P<skip>\s+|//[^\n]*)
  | (?P<name>(?![rRbB]{{1,2}}['"])[A-Za-z_][A-Za-z0-9_]*|`[^`\n]*`)
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+(?:[eE][+-]?[0-9]+|[uU])?)
  | (?P<string>(?=[rRbB'"])(?:{_STRING}))
  | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
"""One token of an expression; every text is a sequence of them."""
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_DOT = re.compile(r"\.")
_LITERALS = frozenset({"true", "false", "null", "in"})
_CLOSING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A chain of names as it stands in a text: ``steps.check_health.status``.

    ``ends`` has the offset behind each part. A method's name at the end of a chain is not part of it.
    """

    parts: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def longest(self, names: Container[str]) -> str | None:
        """The longest of these names that the chain begins with: the one that CEL takes."""
        for count in range(len(self.parts), 0, -1):
            name = ".".join(self.parts[:count])
            if name in names:
                return name
        return None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text, or one made of it, and where it begins and ends there."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text mentions.

    ``asked`` are the chains that stand alone in a ``has( )``, ``bound`` the variables of macros, ``ranges`` what
    ``map`` and ``filter`` run over and may be no list, ``constants`` calls whose only argument is a literal.
    """

    mentions: tuple[Mention, ...]
    asked: tuple[Mention, ...]
    bound: tuple[Piece, ...]
    ranges: tuple[Piece, ...]
    constants: tuple[Piece, ...]
    builds_lists: bool


def position(text: str, offset: int) -> tuple[int, int]:
    """The line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Reader:
    """One pass over the tokens of a text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [m for m in TOKEN.finditer(source) if m.lastgroup != "skip"]
        self.words = [m[0] for m in self.tokens]
        self.opening: dict[int, int] = {}
        """For the index of each closing bracket that of its opening one."""
        opened: list[int] = []
        for i, word in enumerate(self.words):
            if word in ("(", "[", "{"):
                opened.append(i)
            elif word in _CLOSING and opened and self.words[opened[-1]] == _CLOSING[word]:
                self.opening[i] = opened.pop()

    def read(self) -> Reading:
        mentions: list[Mention] = []
        asked: list[Mention] = []
        bound: list[Piece] = []
        ranges: list[Piece] = []
        constants: list[Piece] = []
        builds_lists = False
        for i, word in enumerate(self.words):
            if self.tokens[i].lastgroup != "name":
                continue
            if self._called(i):
                constants += self._constant(i)
                if word in MACROS and self._selected(i):
                    bound += self._variable(i)
                    builds_lists |= word in _ORDERED
                    ranges += self._range(i) if word in _ORDERED else []
            if not self._selected(i) and (mention := self._chain(i)) is not None:
                mentions.append(mention)
                if self._asked(i, len(mention.parts)):
                    asked.append(mention)
        variables = {piece.text for piece in bound}
        return Reading(
            mentions=tuple(m for m in mentions if m.parts[0] not in variables),
            asked=tuple(asked),
            bound=tuple(bound),
            ranges=tuple(ranges),
            constants=tuple(constants),
            builds_lists=builds_lists,
        )

    def _word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def _called(self, i: int) -> bool:
        return self._word(i + 1) == "("

    def _operand_ends(self, i: int) -> bool:
        """Whether the token may end an operand, so that a dot or a bracket after it selects from it."""
        return i >= 0 and (self.tokens[i].lastgroup != "sign" or self.words[i] in _CLOSING) and self.words[i] != "in"

    def _selected(self, i: int) -> bool:
        """Whether the name is selected from an operand, not the begin of a chain."""
        return self._word(i - 1) == "." and self._operand_ends(i - 2)

    def _chain(self, i: int) -> Mention | None:
        """The chain that begins with this name; None for the name of a function."""
        indexes = [i]
        while self._word(indexes[-1] + 1) == "." and self.tokens[indexes[-1] + 1 : indexes[-1] + 3][1:]:
            if self.tokens[indexes[-1] + 2].lastgroup != "name":
                break
            indexes.append(indexes[-1] + 2)
        if self._called(indexes[-1]):
            indexes.pop()
        if not indexes or self.words[i] in _LITERALS:
            return None
        return Mention(
            tuple(self.words[k].strip("`") for k in indexes),
            tuple(self.tokens[k].start() for k in indexes),
            tuple(self.tokens[k].end() for k in indexes),
        )

    def _asked(self, i: int, parts: int) -> bool:
        """Whether the chain from this name on is all that a ``has( )`` holds."""
        return self._word(i - 1) == "(" and self._word(i - 2) == "has" and self._word(i + 2 * parts - 1) == ")"

    def _variable(self, i: int) -> Sequence[Piece]:
        """The variable that the macro at this name binds."""
        if self._word(i + 3) == "," and self.tokens[i + 2].lastgroup == "name":
            return [Piece(self.words[i + 2], self.tokens[i + 2].start(), self.tokens[i + 2].end())]
        return []

    def _constant(self, i: int) -> Sequence[Piece]:
        """A conversion of a literal, or a match against one: it can be tried before there is any data."""
        word, closing = self.words[i], i + 3
        literal = next((k for k in (i + 2, i + 4) if self._word(k + 1) == ")"), None)
        if literal is None or self.tokens[literal].lastgroup != "string":
            return []
        token = self.tokens[literal]
        if word in _CONVERSIONS and self._word(closing) == ")" and not self._selected(i):
            return [Piece(f"{word}({token[0]})", token.start(), token.end())]
        return [Piece(f"''.matches({token[0]})", token.start(), token.end())] if word == "matches" else []

    def _range(self, i: int) -> Sequence[Piece]:
        """What the macro at this name runs over, unless it is a list by its very text."""
        end = start = i - 2
        if self.words[end] == ")" and self._word(self.opening.get(end, 0) - 1) in _LISTS:
            return []
        while True:
            if start in self.opening:
                bracket = self.opening[start]
                literal = not self._operand_ends(bracket - 1) or self.words[start] == "}"
                if self.words[start] == "]" and literal and start == end:
                    return []
                start = bracket
                if self.words[bracket] == "[" and not literal:
                    start = bracket - 1
                    continue
                if self.words[bracket] == "(" and bracket and self.tokens[bracket - 1].lastgroup == "name":
                    start = bracket - 1
            if not self._selected(start):
                break
            start -= 2
        piece = slice(self.tokens[start].start(), self.tokens[end].end())
        return [Piece(self.source[piece], piece.start, piece.stop)]


@lru_cache(maxsize=65_536)
def read(source: str) -> Reading:
    """What a text mentions."""
    if _NAME.fullmatch(source) and source not in _LITERALS:
        ends = [*(dot.start() for dot in _DOT.finditer(source)), len(source)]
        mention = Mention(tuple(source.split(".")), (0, *(end + 1 for end in ends[:-1])), tuple(ends))
        return Reading((mention,), (), (), (), (), builds_lists=False)
    return _Reader(source).read()
