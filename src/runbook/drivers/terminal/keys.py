"""What comes from a keyboard, as keys: characters, pastes, the few keys that edit a line. Everything else is nothing.

A paste that the terminal brackets (``CSI 200 ~`` to ``CSI 201 ~``) is one thing, whatever is in it. A sequence that is
not known is swallowed whole, so that no part of it becomes text. (ECMA-48, section 5.4; xterm control sequences.)
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Key(Enum):
    """A key that does something to a line."""

    ENTER = "enter"
    BACKSPACE = "backspace"
    DELETE = "delete"
    LEFT = "left"
    RIGHT = "right"
    HOME = "home"
    END = "end"
    KILL_LINE = "kill line"
    KILL_WORD = "kill word"
    END_OF_INPUT = "end of input"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text that was pasted in one piece."""

    text: str


Press = str | Key | Pasted
"""A character that was typed, a key, or a paste."""

_CONTROLS = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\b": Key.BACKSPACE,
    "\x01": Key.HOME,
    "\x02": Key.LEFT,
    "\x04": Key.END_OF_INPUT,
    "\x05": Key.END,
    "\x06": Key.RIGHT,
    "\x15": Key.KILL_LINE,
    "\x17": Key.KILL_WORD,
}
_SEQUENCES = {
    "D": Key.LEFT,
    "C": Key.RIGHT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "7~": Key.HOME,
    "4~": Key.END,
    "8~": Key.END,
    "3~": Key.DELETE,
}
_PASTE, _PASTED = "200~", "\x1b[201~"
_LONGEST_SEQUENCE = 32


def is_text(character: str) -> bool:
    """Whether a character may stand in a line. Invisible ones may: a line is judged by all that is in it."""
    return not (character < " " or "\x7f" <= character <= "\x9f")


class Decoder:
    """Turns the bytes of a keyboard into presses; what is not complete waits for the rest."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._paste: str | None = None

    def feed(self, data: bytes) -> list[Press]:
        """The presses that these bytes complete."""
        self._rest += self._utf8.decode(data)
        return list(self._presses())

    def forget(self) -> None:
        """Drop what was not complete."""
        self._utf8.reset()
        self._rest, self._paste = "", None

    def _presses(self) -> Iterator[Press]:
        while self._rest:
            if self._paste is not None:
                inside, end, after = self._rest.partition(_PASTED)
                if not end:
                    # The end of the paste may be cut in two.
                    keep = max((n for n in range(1, len(_PASTED)) if self._rest.endswith(_PASTED[:n])), default=0)
                    cut = len(self._rest) - keep
                    self._paste, self._rest = self._paste + self._rest[:cut], self._rest[cut:]
                    return
                yield Pasted(self._paste + inside)
                self._paste, self._rest = None, after
                continue
            first = self._rest[0]
            if first != "\x1b":
                self._rest = self._rest[1:]
                if first in _CONTROLS:
                    yield _CONTROLS[first]
                elif is_text(first):
                    yield first
                continue
            length = _length(self._rest)
            if length is None:
                return
            sequence, self._rest = self._rest[:length], self._rest[length:]
            body = sequence[2:]
            if body == _PASTE:
                self._paste = ""
            elif body in _SEQUENCES:
                yield _SEQUENCES[body]


def _length(text: str) -> int | None:
    """How long the sequence is that a text begins with; None where its end is still to come."""
    if len(text) < 2:
        return None
    if text[1] == "O":
        return 3 if len(text) > 2 else None
    if text[1] != "[":
        # An escape by itself, or a key with Alt: neither is anything to us.
        return 1 if text[1] == "\x1b" else 2
    for place, character in enumerate(text[2:], start=2):
        if not " " <= character <= "?" or place > _LONGEST_SEQUENCE:
            return place + 1
    return None
