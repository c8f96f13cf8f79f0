"""What is settled about an expression without asking the library: what it would misread, and what must not reach it."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from runbook.language import problems
from runbook.language.explain import ROOTS, needless_has
from runbook.language.problems import Problem, at
from runbook.language.tokens import Piece, Reading
from runbook.language.values import spoken

MAX_CHARACTERS = 4_000
"""How long an expression may be."""


class Rejected(Exception):  # noqa: N818 - said of the expression
    """An expression that does not compile, with at least one problem."""

    def __init__(self, found: Sequence[Problem]) -> None:
        """Carry the problems, in the order of the text."""
        super().__init__("; ".join(problem.message for problem in found))
        self.problems = tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def accepts(want: str, returns: str) -> bool:
    """Whether an expression of a static type may stand where another is wanted; ``dyn`` is looked at when it runs."""
    base, _, inner = want.removesuffix(">").partition("<")
    given, _, given_inner = returns.removesuffix(">").partition("<")
    if want == "dyn":
        return given not in {"bytes", "type", "error", "unknown"}
    if given == "dyn":
        return True
    return base == given and (not inner or accepts(inner.rpartition(",")[2], given_inner.rpartition(",")[2]))


def mentioned(reading: Reading, names: Mapping[str, str]) -> dict[str, str]:
    """The names of these that a text mentions, with their types."""
    found: dict[str, str] = {}
    for mention in reading.mentions:
        name = mention.longest(names)
        if name is not None:
            found[name] = names[name]
    return found


def look_at(source: str) -> None:
    """Refuse a text that must not reach the library.

    :raises Rejected: if it is empty, too long or not valid Unicode.
    """
    if not source.strip():
        raise Rejected(
            [at(source, 0, 1, problems.UNREADABLE, "the expression is empty", help="write what it is to ask")]
        )
    if len(source) > MAX_CHARACTERS:
        said = f"the expression has {len(source)} characters, and at most {MAX_CHARACTERS} are read"
        raise Rejected([at(source, 0, 1, problems.UNREADABLE, said, help="save parts of it in earlier steps")])
    for offset, char in enumerate(source if not source.isprintable() else ""):
        if "\ud800" <= char <= "\udfff" or char == "\0":
            said = "the expression holds a character that is not valid Unicode text"
            raise Rejected([at(source, offset, offset + 1, problems.UNREADABLE, said, help="take it out")])


def traps(source: str, reading: Reading, used: Container[str], own: Mapping[str, str]) -> Iterable[Problem]:
    """What the library would take for something else."""
    for mention in reading.asked:
        if ".".join(mention.parts) in used:
            yield needless_has(source, mention.starts[0], mention.ends[-1])
    for piece in reading.bound:
        if piece.text in ROOTS or any(name.partition(".")[0] == piece.text for name in own):
            said = f"the variable `{piece.text}` hides what is called `{piece.text}` here"
            yield at(source, piece.start, piece.end, problems.TAKEN_NAME, said, help="call the variable something else")


def wrong_result(source: str, want: str, returns: str) -> Problem:
    """The problem of an expression that yields one type where another is wanted."""
    if want == "dyn":
        said = f"this yields {spoken(returns)}, which has no place in JSON"
    else:
        said = f"this must be {spoken(want)}, and it is {spoken(returns)}"
    help_ = "convert it, or name another value"
    if want == "bool":
        help_ = f"compare it: `{source} == …`" if re.fullmatch(r"[\w.]+", source) else "compare it with something"
    return at(source, 0, len(source.rstrip()), problems.WRONG_RESULT, said, label=spoken(returns), help=help_)


def held(source: str, ranges: Sequence[Piece]) -> str:
    """The text with ``(`` and `` + [])`` around each of these ranges, which may hold one another."""
    marks = [(piece.end, 0, " + [])") for piece in ranges] + [(piece.start, 1, "(") for piece in ranges]
    text = source
    for offset, _, mark in sorted(marks, reverse=True):
        text = text[:offset] + mark + text[offset:]
    return text
