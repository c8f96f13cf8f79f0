"""Masking of declared secrets by their exact value, in whole texts and in streams, however these are cut.

What is replaced is the union of all occurrences of all values; occurrences that overlap become one piece, named for
every secret in it: ``[MASKED:NAME]``, or several of these behind each other. A stream holds back no more than what
could be the beginning of a value, so its output is the same however its input is cut.
Values are looked for as they are and as JSON writes them, because most of what is logged passes through JSON.
Time is linear also for a value that overlaps itself: occurrences that follow each other by the value's smallest period
are one run (Fine and Wilf, 1965: any other overlapping occurrence lies beyond it).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from runbook.audit.footing import refusal
from runbook.model.diagnostics import Code

Chars = TypeVar("Chars", str, bytes)
SHORTEST = 4
"""The fewest characters that a secret may have."""
SHORTEST_NUMBER = 6
"""The fewest digits that a secret may have which is a number."""
_RUN = 4096
_WORDS = frozenset({"true", "false", "null", "none", "undefined"})

UNMASKABLE = Code(
    number="RB545",
    title="secret that cannot be masked",
    why="A secret is kept out of the log and off the screen by looking for its value. A value of fewer than 4"
    " characters, a word like `true` or a short number stands in every output: masking it would make the log"
    " unreadable, and would show by its absence what the secret is.",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Needle(Generic[Chars]):
    """One form of one value; ``period`` is the smallest distance at which it overlaps itself, ``rank`` its place."""

    text: Chars
    name: str
    period: int
    rank: int


@dataclass(slots=True, kw_only=True)
class _Region(Generic[Chars]):
    """Occurrences that overlap: where they end, and which needles they are."""

    end: int
    needles: set[_Needle[Chars]]


class MaskStream(Generic[Chars]):
    """Masks what arrives in pieces. Its output does not depend on how they were cut."""

    def __init__(self, needles: Callable[[], Sequence[_Needle[Chars]]], label: Callable[[str], Chars]) -> None:
        """Look for what ``needles`` yields at the time; ``label`` makes a mark of the stream's own type."""
        self._needles: Callable[[], Sequence[_Needle[Chars]]] = needles
        self._label: Callable[[str], Chars] = label
        self._held: Chars = label("")
        self._region: _Region[Chars] | None = None
        self._seen: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the secrets that stood in it so far, in the order in which they were met."""
        return tuple(self._seen)

    def feed(self, piece: Chars) -> Chars:
        """Take more, and return what is certain; the rest is held back until more comes."""
        data = self._held + piece
        needles = self._needles()
        certain = min((_hold(needle, data) for needle in needles), default=len(data))
        return self._advance(needles, data, certain)

    def flush(self) -> Chars:
        """Return what was held back: nothing more will come."""
        out = self._advance(self._needles(), self._held, len(self._held))
        return out + self._close()

    def _advance(self, needles: Sequence[_Needle[Chars]], data: Chars, certain: int) -> Chars:
        """Mask every occurrence that begins before ``certain``, and hold back what follows."""
        spans = [span for needle in needles for span in _spans(needle, data, certain)]
        pieces: list[Chars] = []
        shown = 0
        for start, end, needle in sorted(spans, key=lambda span: span[0]):
            if self._region is None or start >= self._region.end:
                shown = max(shown, self._region.end if self._region else 0)
                pieces += (self._close(), data[shown:start])
                self._region = _Region(end=end, needles=set())
            self._region.end = max(self._region.end, end)
            self._region.needles.add(needle)
        if self._region is not None and self._region.end <= certain:
            shown = self._region.end
            pieces.append(self._close())
        if self._region is not None:
            self._region.end -= certain
        else:
            pieces.append(data[shown:certain])
        self._held = data[certain:]
        masked: Chars = self._label("").join(pieces)
        return masked

    def _close(self) -> Chars:
        """The mark of the open region, which ends here; a value that is a piece of another there is not named."""
        if self._region is None:
            return self._label("")
        found = self._region.needles
        self._region = None
        whole = [n for n in found if not any(n.text in other.text for other in found if other is not n)]
        names = dict.fromkeys(needle.name for needle in sorted(whole, key=lambda needle: needle.rank))
        self._seen.update(names)
        return self._label("".join(f"[MASKED:{name}]" for name in names))


class Masker:
    """Knows the values of the secrets of one run."""

    def __init__(self) -> None:
        """Know none yet."""
        self._texts: tuple[_Needle[str], ...] = ()
        self._bytes: tuple[_Needle[bytes], ...] = ()

    def register(self, name: str, value: str | bytes) -> None:
        """Mask a value from now on, in streams that are already open too; a second name for it is passed over.

        :param value: as it is, to the byte; a text may hold undecodable bytes as ``os.environ`` does.
        :raises Refused: if it is so short or so common that masking it would do harm.
        """
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if why := _unmaskable(name, data):
            message = f"secret `{name}` cannot be masked: {why}"
            raise refusal(UNMASKABLE, message, None, "give it a value of at least 4 characters that is no common word")
        exact = data.decode("utf-8", "surrogateescape")
        replaced = data.decode("utf-8", "replace")  # what a decoder makes of it that replaces what it cannot decode
        texts = [exact, *_in_json(exact)]
        if len(replaced.replace("\ufffd", "")) >= SHORTEST:
            texts += [replaced, *_in_json(replaced)]
        self._texts = _with(self._texts, name, texts)
        self._bytes = _with(self._bytes, name, [text.encode("utf-8", "surrogateescape") for text in texts])

    def mask(self, text: str) -> tuple[str, tuple[str, ...]]:
        """A text without secrets, and the names of those that stood in it, in the order in which they were met."""
        if not any(needle.text in text for needle in self._texts):
            return text, ()
        stream = MaskStream(lambda: self._texts, str)
        return stream.feed(text) + stream.flush(), stream.names

    def stream(self) -> MaskStream[bytes]:
        """A stream of bytes to be masked."""
        return MaskStream(lambda: self._bytes, str.encode)


def _unmaskable(name: str, data: bytes) -> str:
    """Why a value cannot be masked; empty if it can."""
    text = data.decode("utf-8", "replace")
    if len(text) < SHORTEST:
        return f"its value has fewer than {SHORTEST} characters"
    if not text.strip():
        return "its value is blank"
    if text.strip().lower() in _WORDS:
        return "its value is a word that stands everywhere"
    if text.isdigit() and len(text) < SHORTEST_NUMBER:
        return f"its value is a number of fewer than {SHORTEST_NUMBER} digits"
    if text in f"[MASKED:{name}]":
        return "its value is a piece of its own mask"
    return ""


def _in_json(text: str) -> Iterable[str]:
    """A text as JSON writes it, with and without ASCII escapes, where that is another text."""
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]} - {text}


def _with(needles: tuple[_Needle[Chars], ...], name: str, texts: Iterable[Chars]) -> tuple[_Needle[Chars], ...]:
    """These needles, and those among the texts that are new."""
    known = {needle.text for needle in needles}
    made = list(needles)
    for text in dict.fromkeys(texts):
        if text not in known:
            made.append(_Needle(text=text, name=name, period=_period(text), rank=len(made)))
    return tuple(made)


def _period(text: Chars) -> int:
    """The smallest distance at which a text overlaps itself; its length if it never does (Knuth, Morris, Pratt)."""
    border = [0] * len(text)
    length = 0
    for place in range(1, len(text)):
        while length and text[place] != text[length]:
            length = border[length - 1]
        length += text[place] == text[length]
        border[place] = length
    return len(text) - length


def _spans(needle: _Needle[Chars], data: Chars, before: int) -> Iterator[tuple[int, int, _Needle[Chars]]]:
    """The occurrences that begin before a place, as start and end; those that overlap by the period are one."""
    text, period = needle.text, needle.period
    size = len(text)
    step = text[-period:] * max(1, _RUN // period) if period < size else text[:0]
    start = data.find(text, 0, before + size - 1)
    while start >= 0:
        end = start + size
        if step:
            while data.startswith(step, end):
                end += len(step)
            while data.startswith(text[-period:], end):
                end += period
        yield start, end, needle
        last = end - size
        start = data.find(text, last + max(period, size - period + 1), before + size - 1)


def _hold(needle: _Needle[Chars], data: Chars) -> int:
    """Where the rest of the data begins that could become an occurrence with what comes next."""
    text = needle.text
    start = data.find(text[:1], max(0, len(data) - len(text) + 1))
    while start >= 0 and not text.startswith(data[start:]):
        start = data.find(text[:1], start + 1)
    return start if start >= 0 else len(data)
