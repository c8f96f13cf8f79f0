"""Reads an SQL statement as far as binding parameters needs it: where each ``:name`` stands, and where it ends.

Rules. Nothing that stands in quotes or in a comment is a parameter: ``'…'``, ``E'…'`` with its backslashes,
``$tag$…$tag$``, ``"…"``, `` `…` ``, ``-- …`` and ``/* … */``. ``::`` is a cast, ``:=`` an assignment, and the colon of
a slice belongs to what stands before it (``a[1:n]``). It is the lexical structure of PostgreSQL (its manual, section
4.1), of which SQLite's is a part; what the two read differently is refused rather than guessed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*+(?P<e_end>')?)
    | (?P<text>'(?:[^']|'')*+(?P<t_end>')?)
    | (?P<quoted>"(?:[^"]|"")*+(?P<q_end>")?|`[^`]*+(?P<b_end>`)?)
    | (?P<dollar>(?<![\w$])\$(?P<tag>[^\W\d]\w*)?\$)
    | (?P<nameless>(?<![\w$])\$\w+)
    | (?P<cast>::|:=)
    | (?P<param>(?<![\w$]):(?P<name>[A-Za-z_][A-Za-z0-9_]*))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_CLOSED_BY = {"escaped": ("e_end",), "text": ("t_end",), "quoted": ("q_end", "b_end")}
_OWN_TRANSACTION = frozenset(
    {"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"}
)
"""What such a statement begins with; ``prepare transaction`` would leave one behind, and ``prepare`` nothing at all."""


class NotOneStatement(ValueError):  # noqa: N818 - said of the text
    """A text that is not one statement with named parameters; ``help`` is one act, ``offset`` where it goes wrong."""

    def __init__(self, message: str, help: str, offset: int) -> None:  # noqa: A002 - the word every diagnostic uses
        """Carry what is wrong, and where."""
        super().__init__(message)
        self.help = help
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: ``texts`` are what stands around its parameters, one more than there are of those.

    ``names`` are the parameters in the order in which they stand there, ``offsets`` where each begins; ``first`` is its
    first word, in lower case.
    """

    texts: tuple[str, ...]
    names: tuple[str, ...]
    offsets: tuple[int, ...]
    first: str

    def written(self, placeholder: Callable[[str], str]) -> str:
        """The statement with something else in the place of each parameter."""
        rest = (placeholder(name) + text for name, text in zip(self.names, self.texts[1:], strict=True))
        return self.texts[0] + "".join(rest)


def statement(source: str) -> Statement:
    """Read a text that should be one statement; what follows its semicolon may be blanks and comments.

    :raises NotOneStatement: if it is not.
    """
    texts, names, offsets = [""], list[str](), list[int]()
    first: str | None = None
    ended: int | None = None
    for kind, text, offset in _tokens(source):
        if kind not in {"blank", "comment"}:
            if ended is not None:
                message = "a second statement follows the first one" if kind != "end" else "a second semicolon"
                raise NotOneStatement(message, "write a step for each, so that each is confirmed and logged", offset)
            if first is None and kind != "end":
                first = text.lower()
        if kind == "nameless":
            name = "name" if text[1:].isdigit() else text[1:]
            raise NotOneStatement(f"`{text}` is no parameter", f"write `:{name}`, and its value under `params`", offset)
        if kind == "end":
            ended = offset
        elif kind == "param":
            names.append(text[1:])
            offsets.append(offset)
            texts.append("")
        elif ended is None:
            texts[-1] += text
    if first is None:
        raise NotOneStatement("there is no statement", "write the SQL that the database is to carry out", 0)
    if first in _OWN_TRANSACTION:
        message = f"`{first}` speaks of a transaction, and every step is one by itself"
        raise NotOneStatement(message, "write the statement that is to be carried out", 0)
    return Statement(tuple(texts), tuple(names), tuple(offsets), first)


def _tokens(source: str) -> Iterator[tuple[str, str, int]]:
    """The pieces of a text: the name of each, what stands there, and where."""
    at = 0
    while match := _TOKEN.match(source, at):
        kind, end = str(match.lastgroup), match.end()
        if kind == "comment":
            end = _comment_end(source, at)
        elif kind == "dollar":
            close = source.find(match[0], end)
            if close < 0:
                raise _unclosed(match[0], at)
            end = close + len(match[0])
        elif kind in _CLOSED_BY and not any(match[name] for name in _CLOSED_BY[kind]):
            raise _unclosed(match[0].lstrip("eE")[0], at)
        yield kind, source[at:end], at
        at = end


def _comment_end(source: str, at: int) -> int:
    """Where the comment that begins at a place ends."""
    mark = _COMMENT_MARK.search(source, at + len("/*"))
    if mark is None:
        raise _unclosed("/*", at)
    if mark[0] == "/*":  # PostgreSQL nests comments, SQLite does not
        raise NotOneStatement("a comment begins inside a comment", "take one of the two out", mark.start())
    return mark.end()


def _unclosed(opening: str, at: int) -> NotOneStatement:
    return NotOneStatement(f"`{opening}` is never closed", "close it", at)
