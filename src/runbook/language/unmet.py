"""Why an expression is not true: which of its operands is to blame, and what the values in it are.

Only the outermost operators are looked at, by CEL's precedence: ``? :`` binds least, then ``||``, then ``&&``, then the
comparisons. What an operand comes to is asked for and not computed here; one that has no value is not to blame.
"""

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

from runbook.language.tokens import TOKEN, read
from runbook.model.canonical import Json
from runbook.model.evaluator import ExpressionError

Value: TypeAlias = Callable[[str], Json]
"""The value of an expression; it raises ExpressionError."""
_LONGEST_VALUE = 60
_MOST_VALUES = 3
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_PAIRS = frozenset({"==", "!=", "<=", ">=", "&&", "||"})


def unmet(source: str, value: Value) -> str:
    """The part of an expression that is to blame that it is not true, and what is in it: ``n > 0, but n is 0``.

    :param value: says what a part of the expression comes to.
    """
    part = _blamed(source, value)
    said = list(dict.fromkeys(_said(part, value)))[:_MOST_VALUES]
    return f"{part}, but {', '.join(said)}" if said else part


def _blamed(source: str, value: Value) -> str:
    """The first operand of ``&&`` that is false, all the way down; the whole where that cannot be said."""
    source = _bare(source)
    operands = _cut(source, "&&", unless={"?", "||"})
    if len(operands) > 1:
        for operand in operands:
            if _of(operand, value) is False:
                return _blamed(operand, value)
    return source


def _said(part: str, value: Value) -> Iterator[str]:
    """What the two sides of a comparison are; of another test the names in it; of ``||`` those of each operand."""
    operands = _cut(part, "||", unless={"?"})
    if len(operands) > 1:
        for operand in operands:
            yield from _said(_blamed(operand, value), value)
        return
    sides = _cut(part, *_COMPARISONS, unless={"?", "&&"})
    if len(sides) != 2:
        sides = [part[mention.starts[0] : mention.ends[-1]] for mention in read(part).mentions]
    for side in sides:
        found = _of(side, value) if read(side).mentions else None
        if found is not None:
            text = json.dumps(found, ensure_ascii=False)
            yield f"{side} is {text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'}"


def _of(source: str, value: Value) -> Json:
    """What a part comes to; None where it has no value."""
    try:
        return value(source)
    except ExpressionError:
        return None


def _cut(source: str, *operators: str, unless: set[str]) -> list[str]:
    """The operands of the outermost operators; only the whole where others stand beside them that bind less."""
    outer = list(_outer(source))
    pieces: list[str] = []
    begin = 0
    for word, start, end in outer:
        if word in unless:
            return [source]
        if word in operators:
            pieces.append(source[begin:start].strip())
            begin = end
    return [*pieces, source[begin:].strip()]


def _bare(source: str) -> str:
    """An expression without the brackets around all of it."""
    source = source.strip()
    while [word for word, _, _ in _outer(source)] == ["(", ")"] and source.endswith(")"):
        source = source[1:-1].strip()
    return source


def _outer(source: str) -> Iterator[tuple[str, int, int]]:
    """The tokens outside of all brackets, with those brackets, and where each begins and ends."""
    depth, end = 0, 0
    for token in TOKEN.finditer(source):
        word, start = token[0], token.start()
        if token.lastgroup == "skip" or start < end:
            continue
        if source[start : start + 2] in _PAIRS:
            word = source[start : start + 2]
        end = start + len(word)
        depth -= word in (")", "]", "}")
        if depth == 0:
            yield word, start, end
        depth += word in ("(", "[", "{")
