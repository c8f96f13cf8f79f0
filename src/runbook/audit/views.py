r"""What a terminal, or who joins wrapped lines, makes of bytes; and where in the bytes each piece of that stands.

A secret may come with things in between that nobody sees: a change of colour, a carriage return, a NUL, a character of
no width. So it is looked for in the bytes as they are, and again in up to four views of them:

* *clean*: without the controls of ECMA-48 (but line feed and tab) and the invisible characters of Unicode; of an
  escape sequence that is not whole, only the ESC is left out, as what follows stands on the screen;
* *erased*: where there are backspaces, without the character before each as well;
* *joined*: clean, and without the line end, and the indentation behind it, after 32 or more characters of base64:
  base64 and hexadecimal digits are wrapped at 60, 64 or 76 columns. ``\n`` written out ends a line, too;
* *unwritten*: clean, and without what JSON writes for such characters and escape sequences (``\u200b``, ``\u001b[1m``).

Views depend on the bytes alone, not on how they came: what may go on as one of these things is held back.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from runbook.audit.sieve import Sieve

BEHIND = 1024
"""Bytes before those that are looked at which a look may take into account."""
_ZERO = (
    rb"\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xb8[\x80-\x8f]"
    rb"|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80\x81][\x80-\xbf]"
)
_NOISE = (
    rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[()][0-~]|[78=>])"
    rb"|[\x00-\x08\x0b-\x1f\x7f]|" + _ZERO
)
_ERASED = rb"(?:[ -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})\x08|"
_WRAPPED = rb"(?<=[A-Za-z0-9+/_-]{32}"
_BREAK = rb"\r?\n(?:" + _WRAPPED + rb"\n)|" + _WRAPPED + rb"\r\n))[ \t]{0,64}"
_WRITTEN_BREAK = rb"(?:\\r)?\\n(?:" + _WRAPPED + rb"\\n)|" + _WRAPPED + rb"\\r\\n))"
_WRITTEN = (
    rb"(?:\\{4}|\\{1,2})u(?:001[bB]\[[0-?]{0,64}[ -/]{0,8}[@-~]"
    rb"|00(?:0[0-8b-fB-F]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F]|[aA][dD])"
    rb"|061[cC]|180[eE]|20(?:0[b-fB-F]|2[89a-eA-E]|6[0-9a-fA-F])|[fF][eE](?:0[0-9a-fA-F]|[fF]{2})|[fF]{3}[9abAB])"
)
_CLEAN_VIEW = re.compile(_NOISE)
_UNWRITTEN_VIEW = re.compile(_WRITTEN + b"|" + _NOISE)
_WRITTEN_NOISE = re.compile(_WRITTEN)
_ERASED_VIEW = re.compile(_ERASED + _NOISE)
_JOINED_VIEW = re.compile(_BREAK + b"|" + _WRITTEN_BREAK + b"|" + _NOISE)
_BREAKS = re.compile(_BREAK.removeprefix(rb"\r?"))
_WRITTEN_BREAKS = re.compile(_WRITTEN_BREAK.removeprefix(rb"(?:\\r)?"))

_OPEN = re.compile(rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,512}\x1b?|[()])?")
_OPEN_CHARACTER = re.compile(rb"(?:\xc2|\xd8|\xe1\xa0?|\xe2[\x80\x81]?|\xef[\xb8\xbb\xbf]?|\xf3(?:\xa0[\x80\x81]?)?)\Z")
_OPEN_BREAK = re.compile(_WRAPPED + rb")(?:\r|\r?\n[ \t]{0,63}|\\|\\r|\\r\\)\Z")
_OPEN_WRITTEN = re.compile(rb"\\{1,4}(?:u(?:[0-9a-fA-F]{0,3}|001[bB](?:\[[0-?]{0,64}[ -/]{0,8})?))?\Z")
_LONGEST_OPEN = 520

_CONTROLS = bytes([*range(9), *range(11, 32), 127])
_LARGE = 4096
_SEVERAL = [bytes([code]) for code in (0xC2, 0xD8, 0xE1, 0xE2, 0xEF, 0xF3)]
_INVISIBLE = Sieve([_ZERO.decode()], lambda data: re.search(_ZERO, data) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``data`` is what is looked at, from ``start`` on; the raw bytes of its pieces stand at ``raw``.

    ``rules``: whether it is what rules look at too.
    """

    data: bytes
    start: int
    rules: bool = True
    own: tuple[int, ...] = field(default=(0,))
    raw: tuple[int, ...] = field(default=(0,))

    def place(self, at: int) -> int:
        """Where in the raw bytes the byte at this place stands."""
        piece = bisect_right(self.own, at) - 1
        return self.raw[piece] + at - self.own[piece]


def views(data: bytes, start: int, *, declared: bool) -> Iterator[View]:
    """The views of these bytes that differ from them; what stands before ``start`` was looked at before.

    :param declared: whether those are wanted too in which only declared values are looked for.
    """
    if _noisy(data):
        yield _view(_CLEAN_VIEW, data, start)
        if b"\x08" in data:
            yield _view(_ERASED_VIEW, data, start, rules=False)
    if declared and _wrapped(data):
        yield _view(_JOINED_VIEW, data, start, rules=False)
    if declared and _written(data):
        yield _view(_UNWRITTEN_VIEW, data, start, rules=False)


def differing(data: bytes, *, declared: bool) -> bool:
    """Whether these bytes have views that differ from them."""
    return _noisy(data) or (declared and (_wrapped(data) or _written(data)))


def unfinished(data: bytes) -> int:
    """From where on the bytes may go on as something that a view leaves out; their end if they do not."""
    end = len(data)
    if (found := _OPEN_CHARACTER.search(data, max(0, end - 3))) is not None:
        return found.start()
    escape = data.rfind(b"\x1b", max(0, end - _LONGEST_OPEN))
    before = data.rfind(b"\x1b", max(0, end - _LONGEST_OPEN), escape) if escape >= 0 else -1
    return next((at for at in (before, escape) if at >= 0 and _OPEN.fullmatch(data, at)), end)


def unfinished_text(data: bytes) -> int:
    """From where on the bytes may go on as the end of a wrapped line, or as what JSON writes for what nobody sees."""
    begin = max(0, len(data) - 85)
    found = (pattern.search(data, begin) for pattern in (_OPEN_BREAK, _OPEN_WRITTEN))
    return min((match.start() for match in found if match is not None), default=len(data))


def last_character(data: bytes, start: int) -> int:
    """Where the last character begins, which a backspace may be about to erase; no place before ``start``."""
    end = max(start, len(data) - 1)
    while end > start and len(data) - end < 4 and 0x80 <= data[end] < 0xC0:
        end -= 1
    return end


def _noisy(data: bytes) -> bool:
    if len(data) < _LARGE:
        if len(data.translate(None, _CONTROLS)) < len(data):
            return True
    elif any(control in data for control in _CONTROLS):  # 28 times as many bytes a second
        return True
    return not data.isascii() and any(first in data for first in _SEVERAL) and _INVISIBLE.holds(data)


def _wrapped(data: bytes) -> bool:
    return _BREAKS.search(data) is not None or (_escaped(data, b"\\n") and _WRITTEN_BREAKS.search(data) is not None)


def _written(data: bytes) -> bool:
    return _escaped(data, b"\\u") and _WRITTEN_NOISE.search(data) is not None


def _escaped(data: bytes, escape: bytes) -> bool:
    return b"\\" in data and escape in data  # one byte is looked for 14 times as fast as two


def _view(left_out: re.Pattern[bytes], data: bytes, start: int, *, rules: bool = True) -> View:
    kept: list[bytes] = []
    own, raw = [], []
    at = size = 0
    for found in left_out.finditer(data):
        if found.start() > at:
            own.append(size)
            raw.append(at)
            kept.append(data[at : found.start()])
            size += found.start() - at
        at = found.end()
    own.append(size)
    raw.append(at)
    kept.append(data[at:])
    size += len(data) - at
    piece = bisect_right(raw, start) - 1
    inside = min(own[piece] + start - raw[piece], own[piece + 1] if piece + 1 < len(own) else size) if piece >= 0 else 0
    return View(data=b"".join(kept), start=inside, rules=rules, own=tuple(own), raw=tuple(raw))
