"""Splits a text at its ``${{ }}``: strings and braces inside an expression are respected, comments are not."""

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from runbook.language.tokens import TOKEN

OPEN, CLOSE = "${{", "}}"
_SIMPLE = re.compile(r"""[^{}'"/`]*\}\}""")
"""An expression without strings, braces and comments, with what closes it."""


class Unclosed(Exception):  # noqa: N818 - said of the text
    """A ``${{`` without its ``}}``; ``offset`` is where it stands."""

    def __init__(self, offset: int) -> None:
        """Carry the place."""
        super().__init__("`${{` is never closed with `}}`")
        self.offset = offset


class Hole(NamedTuple):
    """An expression in a text, without its blanks, and the offset at which it begins there."""

    source: str
    offset: int

    @property
    def secret(self) -> str | None:
        """The name of the secret that it is, if it is nothing but a secret."""
        root, dot, name = self.source.partition(".")
        return name.strip() if dot and root.strip() == "secrets" and name.strip().isidentifier() else None


Parts: TypeAlias = tuple[str | Hole, ...]


@lru_cache(maxsize=16_384)
def split(text: str) -> Parts:
    """The pieces of a text, in order: what stands as it is, and expressions.

    :raises Unclosed: if a ``${{`` is never closed.
    """
    parts: list[str | Hole] = []
    done = 0
    while (start := text.find(OPEN, done)) >= 0:
        if start > done:
            parts.append(text[done:start])
        end = _end(text, start)
        inner = text[start + len(OPEN) : end]
        parts.append(Hole(inner.strip(), start + len(OPEN) + len(inner) - len(inner.lstrip())))
        done = end + len(CLOSE)
    if done < len(text):
        parts.append(text[done:])
    return tuple(parts)


def _end(text: str, start: int) -> int:
    """The offset of the ``}}`` that closes the ``${{`` at a place."""
    at, depth = start + len(OPEN), 0
    if simple := _SIMPLE.match(text, at):
        return simple.end() - len(CLOSE)
    while at < len(text):
        if depth == 0 and text.startswith(CLOSE, at):
            return at
        token = TOKEN.match(text, at)
        if token is None or token[0].startswith("//"):
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        at = token.end()
    raise Unclosed(start)


def whole(parts: Parts) -> Hole | None:
    """The expression that is all there is of a text: such a field keeps the type of its value."""
    only = parts[0] if len(parts) == 1 else None
    return only if isinstance(only, Hole) else None
