"""What an expression mentions, read from its text before CEL sees it.

The library's own messages tell neither which declared name a text uses nor where that name begins, and it must be told
all names beforehand; so the text is read here: names, macros, brackets. Syntax and types stay the library's business:
a text that is not an expression yields some reading, never an error.

Offsets count code points from 0. Lines and columns, where they are made, count from 1.
"""

import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""The macros that bind a variable."""
_ORDERED = frozenset({"map", "filter"})
_LISTS = frozenset({"map", "filter", "split"})
_CONVERSIONS = frozenset({"duration", "timestamp", "int", "uint", "double", "bool"})
_LITERALS = frozenset({"true", "false", "null", "in"})
_STRING = r"""
    [rR][bB]?(?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")
  | [bB][rR](?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|"[^"\n]*")
  | [bB]?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
"""
_NAME = r"(?:[A-Za-z_][A-Za-z0-9_]*|`[^`\n]*`)"
_DOT = r"(?:\s|//[^\n]*+)*+\.(?:\s|//[^\n]*+)*+"
TOKEN = re.compile(
    rf"""(?P<skip>\s+|//[^\n]*)
  | (?P<chain>(?![rRbB]{{1,2}}['"]){_NAME}(?:{_DOT}{_NAME})*)
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+(?:[eE][+-]?[0-9]+|[uU])?)
  | (?P<string>(?=[rRbB'"])(?:{_STRING}))
  | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
"""One token of an expression; every text is a sequence of them. A chain of names is one token."""
_PART = re.compile(rf"({_NAME})(?:{_DOT})?")
_CLOSING = {")": "(", "]": "[", "}": "{"}


class Mention(NamedTuple):
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


class Piece(NamedTuple):
    """A piece of the text, or one made of it, and where it begins and ends there."""

    text: str
    start: int
    end: int


class Reading(NamedTuple):
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
        self.kinds = [m.lastgroup for m in self.tokens]
        self.words = [m[0] for m in self.tokens]
        self.opening: dict[int, int] = {}
        """For the index of each closing bracket that of its opening one."""
        opened: list[int] = []
        for i, word in enumerate(self.words):
            if word in ("(", "[", "{"):
                opened.append(i)
            elif word in _CLOSING and opened and self.words[opened[-1]] == _CLOSING[word]:
                self.opening[i] = opened.pop()
        self.mentions: list[Mention] = []
        self.asked: list[Mention] = []
        self.bound: list[Piece] = []
        self.ranges: list[Piece] = []
        self.constants: list[Piece] = []
        self.builds_lists = False

    def read(self) -> Reading:
        for i, kind in enumerate(self.kinds):
            if kind == "chain":
                self._chain(i)
        variables = {piece.text for piece in self.bound}
        return Reading(
            mentions=tuple(m for m in self.mentions if m.parts[0] not in variables),
            asked=tuple(self.asked),
            bound=tuple(self.bound),
            ranges=tuple(self.ranges),
            constants=tuple(self.constants),
            builds_lists=self.builds_lists,
        )

    def _chain(self, i: int) -> None:
        """Take note of a chain: what it mentions, and the function or macro that it ends with."""
        chain = _split(self.words[i], self.tokens[i].start())
        selected = self._selected(i)
        if self._word(i + 1) == "(":
            self._call(i, chain, selected=selected)
            chain = Mention(chain.parts[:-1], chain.starts[:-1], chain.ends[:-1])
        if chain.parts and not selected and chain.parts[0] not in _LITERALS:
            self.mentions.append(chain)
            if self._word(i - 1) == "(" and self._word(i - 2) == "has" and self._word(i + 1) == ")":
                self.asked.append(chain)

    def _call(self, i: int, chain: Mention, *, selected: bool) -> None:
        """Take note of a call: a constant that can be tried, a macro with its variable and its range."""
        method = selected or len(chain.parts) > 1
        name = chain.parts[-1]
        literal = next((k for k in (i + 2, i + 4) if self._word(k + 1) == ")" and self.kinds[k] == "string"), None)
        if literal is not None and (name == "matches" or (name in _CONVERSIONS and literal == i + 2 and not method)):
            token = self.tokens[literal]
            tried = f"''.matches({token[0]})" if name == "matches" else f"{name}({token[0]})"
            self.constants.append(Piece(tried, token.start(), token.end()))
        if name in MACROS and method:
            if self._word(i + 3) == "," and self.kinds[i + 2] == "chain":
                self.bound.append(Piece(self.words[i + 2], self.tokens[i + 2].start(), self.tokens[i + 2].end()))
            if name in _ORDERED:
                self.builds_lists = True
                self._range(i, chain, selected=selected)

    def _range(self, i: int, chain: Mention, *, selected: bool) -> None:
        """Take note of what the macro at the end of a chain runs over, unless it is a list by its very text."""
        if len(chain.parts) > 1:
            begin, end = self._operand(i - 2) if selected else chain.starts[0], chain.ends[-2]
        elif self._is_list(i - 2):
            return
        else:
            begin, end = self._operand(i - 2), self.tokens[i - 2].end()
        self.ranges.append(Piece(self.source[begin:end], begin, end))

    def _word(self, i: int) -> str:
        return self.words[i] if 0 <= i < len(self.words) else ""

    def _operand_ends(self, i: int) -> bool:
        """Whether the token may end an operand, so that a dot or a bracket after it selects from it."""
        return i >= 0 and (self.kinds[i] != "sign" or self.words[i] in _CLOSING) and self.words[i] != "in"

    def _selected(self, i: int) -> bool:
        """Whether the token is selected from an operand before it."""
        return self._word(i - 1) == "." and self._operand_ends(i - 2)

    def _is_list(self, i: int) -> bool:
        """Whether the operand that ends here is written as a list, or is what a function makes that makes lists."""
        before = self.opening.get(i, 0) - 1
        if self.words[i] == ")":
            return self._word(before).rpartition(".")[2].strip() in _LISTS
        return self.words[i] == "]" and i in self.opening and not self._operand_ends(before)

    def _operand(self, i: int) -> int:
        """The offset at which the operand begins that ends with this token."""
        while True:
            if i in self.opening:
                bracket = self.opening[i]
                indexed = self.words[i] == "]" and self._operand_ends(bracket - 1)
                if indexed:
                    i = bracket - 1
                    continue
                named = self.words[i] != "]" and bracket > 0 and self.kinds[bracket - 1] == "chain"
                i = bracket - 1 if named else bracket
            if not self._selected(i):
                return self.tokens[i].start()
            i -= 2


def _split(chain: str, start: int) -> Mention:
    """A chain of names, cut at its dots."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while match := _PART.match(chain, at):
        parts.append(match[1].strip("`"))
        starts.append(start + match.start(1))
        ends.append(start + match.end(1))
        at = match.end()
    return Mention(tuple(parts), tuple(starts), tuple(ends))


@lru_cache(maxsize=65_536)
def read(source: str) -> Reading:
    """What a text mentions."""
    return _Reader(source).read()
