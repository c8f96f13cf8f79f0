"""Masking of secrets, in whole texts and in streams, however these are cut: declared ones by value, others by rules.

What is replaced is the union of all occurrences of everything that is looked for; occurrences that overlap become one
piece, named for every secret in it: ``[MASKED:NAME]``, or several of these behind each other. What only a rule found is
``[MASKED:rule:NAME]``. A value is looked for in all its forms (``forms.py``), in the bytes as they are and as they
would be seen (``views.py``); the rules (``rules.py``) look at both too.
A stream holds back no more than what could be the beginning of something, so its output is the same however its input
is cut. Time is linear also for a value that overlaps itself: occurrences that follow each other by the value's smallest
period are one run (Fine and Wilf, 1965: any other overlapping occurrence lies beyond it).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from runbook.audit.footing import refusal
from runbook.audit.forms import SHORTEST, every_form
from runbook.audit.rules import RULES
from runbook.audit.sieve import Sieve, literal
from runbook.audit.undeclared import BEFORE
from runbook.audit.views import BEHIND, View, differing, last_character, unfinished, unfinished_text, views
from runbook.model.diagnostics import Code

SHORTEST_NUMBER = 6
"""The fewest digits that a secret may have which is a number."""
RULE = "rule:"
"""What stands before the name of a rule in a mask."""
_RUN = 4096
_PIECE = 4096
"""Bytes of a piece in which something was seen that are looked at closely at a time, at least."""
_FRONT = 8
"""Bytes of the beginning of a value that are looked up at once."""
_SIEVED = 48
"""Bytes of the beginning of a value that a first look looks for."""
_WORDS = frozenset({"true", "false", "null", "none", "undefined"})

UNMASKABLE = Code(
    number="RB545",
    title="secret that cannot be masked",
    why="A secret is kept out of the log and off the screen by looking for its value. A value of fewer than 4"
    " characters, a word like `true` or a short number stands in every output: masking it would make the log"
    " unreadable, and would show by its absence what the secret is.",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Needle:
    """One form of one value; ``period`` is the smallest distance at which it overlaps itself, ``rank`` its place."""

    text: bytes
    name: str
    period: int
    rank: int


@dataclass(slots=True, kw_only=True)
class _Region:
    """Occurrences that overlap: where they end, which needles they are, and the first rule that found something."""

    end: int
    needles: set[_Needle] = field(default_factory=set)
    rule: str | None = None


_Span = tuple[int, int, _Needle | str, int]
"""Where it begins and ends, what it is, and where the look that found it began."""


class _Known:
    """The needles of a masker, and what finds out quickly that neither they nor what the rules look for is there."""

    def __init__(self, needles: Sequence[_Needle] = ()) -> None:
        self.needles = needles
        self._longest = max((len(needle.text) for needle in needles), default=0)
        self._insides = b"\n".join(needle.text[:-1] for needle in needles)
        self._fronts = {needle.text[:length] for needle in needles for length in range(1, _FRONT)}
        self._sieve = Sieve(
            [*dict.fromkeys(literal(needle.text[:_SIEVED]) for needle in needles), *RULES.sieve],
            lambda data: any(needle.text in data for needle in needles) or RULES.may_begin(data),
        )

    def may_stand_in(self, data: bytes) -> bool:
        """Whether there is something to be found in the data; False only if there is nothing."""
        return self._sieve.holds(data)

    def find(self, view: View, *, final: bool, closely: bool) -> tuple[list[_Span], int] | None:
        """What is in a view, and from where on more depends on what comes next.

        :param closely: where it is not set, None is returned if rules would have to look at it all.
        """
        data, start = view.data, view.start
        seen = self.may_stand_in(data[max(0, start - BEFORE) :])
        matching = seen and view.rules and RULES.may_match(data[max(0, start - BEFORE) :])
        if matching and not closely:
            return None
        found: list[_Span] = [span for needle in self.needles for span in _spans(needle, data, start)] if seen else []
        certain = len(data)
        if view.rules:
            matched, certain = RULES.find(data, start, final=final, seen=matching)
            found += [(begin, end, RULE + rule.name, at) for begin, end, rule, at in matched]
        if not final:
            for end in (len(data), last_character(data, start)):
                begun = self._begun(data, start, end)
                certain = min(certain, begun) if begun < end else certain
        return found, certain

    def _begun(self, data: bytes, start: int, end: int) -> int:
        """Where the last of the data begins that could become an occurrence with what comes next."""
        begun = end
        for length in range(1, min(_FRONT, end - start + 1)):
            if data[end - length : end] in self._fronts:
                begun = end - length
        if end - start >= _FRONT and data[end - _FRONT : end] in self._insides:
            last = max(start, end - self._longest)
            tail = data[last:end]
            begun = min(begun, last + min(_begun(needle.text, tail) for needle in self.needles))
        return begun


class MaskStream:
    """Masks what arrives in pieces. Its output does not depend on how they were cut."""

    def __init__(self, known: Callable[[], _Known]) -> None:
        """Look for what is known at the time."""
        self._known = known
        self._past = b""
        self._held = b""
        self._ahead: list[_Span] = []  # what rules found that begins in what is held back, counted from there
        self._region: _Region | None = None
        self._seen: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the secrets and rules that matched so far, in the order in which they were met."""
        return tuple(self._seen)

    def feed(self, piece: bytes) -> bytes:
        """Take more, and return what is certain; the rest is held back until more comes."""
        return b"".join(self._advance(piece))

    def flush(self) -> bytes:
        """Return what was held back: nothing more will come."""
        return self.whole(b"")

    def whole(self, data: bytes) -> bytes:
        """Take the last piece, and return all that is left."""
        return b"".join([*self._advance(data, final=True), self._close()])

    def _advance(self, piece: bytes, *, final: bool = False, closely: bool = False) -> list[bytes]:
        """Mask what begins before the place from which on nothing is certain, and hold back what follows.

        A long piece in which rules have to look for something is taken in parts, as most of them will hold nothing.
        """
        base = len(self._past)
        data = self._past + self._held + piece
        looked = self._look(data, base, final=final, closely=final or closely or len(piece) <= _PIECE)
        if looked is None:
            return self._by_parts(piece)
        found, certain = looked
        spans = [(start + base, end + base, what, at + base) for start, end, what, at in self._ahead]
        spans += [span for span in found if span[3] < certain]
        spans.sort(key=lambda span: (span[0], span[3]))
        self._ahead = [(s - certain, e - certain, what, at - certain) for s, e, what, at in spans if s >= certain]
        pieces: list[bytes] = []
        shown = base
        for start, end, what, _ in spans[: len(spans) - len(self._ahead)]:
            if self._region is None or start >= self._region.end + base:
                shown = max(shown, self._region.end + base if self._region else 0)
                pieces += (self._close(), data[shown:start])
                self._region = _Region(end=0)
            self._region.end = max(self._region.end, end - base)
            if isinstance(what, _Needle):
                self._region.needles.add(what)
            else:
                self._region.rule = self._region.rule or what
        if self._region is not None and self._region.end <= certain - base:
            shown = self._region.end + base
            pieces.append(self._close())
        if self._region is not None:
            self._region.end -= certain - base
        else:
            pieces.append(data[shown:certain])
        self._past = data[max(0, certain - BEHIND) : certain]
        self._held = data[certain:]
        return pieces

    def _by_parts(self, piece: bytes) -> list[bytes]:
        """A long piece, looked at closely; the more is held back, the larger the parts: so the time stays linear."""
        pieces: list[bytes] = []
        at = 0
        while at < len(piece):
            size = max(_PIECE, 2 * len(self._held))
            pieces += self._advance(piece[at : at + size], closely=True)
            at += size
        return pieces

    def _look(self, data: bytes, start: int, *, final: bool, closely: bool) -> tuple[list[_Span], int] | None:
        """What is found from a place on, in raw bytes, and how far that is certain; None as ``_Known.find`` says."""
        known = self._known()
        if not final:
            known_whole = data[: unfinished_text(data)] if known.needles else data
            data = data[: max(start, unfinished(known_whole))]
        raw = View(data=data, start=start)
        spans: list[_Span] = []
        certain = len(data)
        for view in (raw, *views(data, start, declared=bool(known.needles))):
            looked = known.find(view, final=final, closely=closely)
            if looked is None:
                return None
            found, open_ = looked
            if view is not raw:
                found = [(view.place(b), view.place(e - 1) + 1, what, view.place(at)) for b, e, what, at in found]
            spans += found
            certain = min(certain, view.place(open_) if open_ < len(view.data) else certain)
        return spans, max(certain, start)

    def _close(self) -> bytes:
        """The mark of the open region, which ends here; a value that is a piece of another there is not named."""
        if self._region is None:
            return b""
        found, rule = self._region.needles, self._region.rule
        self._region = None
        if found:
            whole = [n for n in found if not any(n.text in other.text for other in found if other is not n)]
            names = dict.fromkeys(needle.name for needle in sorted(whole, key=lambda needle: needle.rank))
        else:
            names = dict.fromkeys([rule] if rule else [])
        self._seen.update(names)
        return "".join(f"[MASKED:{name}]" for name in names).encode()


class Masker:
    """Knows the values of the secrets of one run."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known = _Known()
        self._values: set[bytes] = set()

    def register(self, name: str, value: str | bytes) -> None:
        """Mask a value from now on, in streams that are already open too; a second name for it is passed over.

        :param value: as it is, to the byte; a text may hold undecodable bytes as ``os.environ`` does.
        :raises Refused: if it is so short or so common that masking it would do harm.
        """
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if data in self._values:
            return
        if why := _unmaskable(name, data):
            message = f"secret `{name}` cannot be masked: {why}"
            raise refusal(UNMASKABLE, message, None, "give it a value of at least 4 characters that is no common word")
        self._values.add(data)
        forms = (form for form in every_form(data) if form == data or not _unmaskable(name, form))
        self._known = _Known(_with(self._known.needles, name, forms))

    def mask(self, text: str) -> tuple[str, tuple[str, ...]]:
        """A text without secrets, and the names of those that stood in it, in the order in which they were met."""
        try:
            data, errors = text.encode("utf-8", "surrogateescape"), "surrogateescape"
        except UnicodeEncodeError:
            data, errors = text.encode("utf-8", "surrogatepass"), "surrogatepass"
        known = self._known
        if not (known.may_stand_in(data) or differing(data, declared=bool(known.needles))):
            return text, ()
        stream = self.stream()
        masked = stream.whole(data)
        if not stream.names:
            return text, ()
        try:
            return masked.decode("utf-8", errors), stream.names
        except UnicodeDecodeError:  # a value that is no text was cut out of a character
            return masked.decode("utf-8", "replace"), stream.names

    def cover(self, text: str) -> str:
        """A text without secrets."""
        return self.mask(text)[0]

    def stream(self) -> MaskStream:
        """A stream of bytes to be masked."""
        return MaskStream(lambda: self._known)


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


def _with(needles: Sequence[_Needle], name: str, texts: Iterable[bytes]) -> tuple[_Needle, ...]:
    """These needles, and those among the texts that are new."""
    known = {needle.text for needle in needles}
    made = list(needles)
    for text in dict.fromkeys(texts):
        if text not in known:
            made.append(_Needle(text=text, name=name, period=_period(text), rank=len(made)))
    return tuple(made)


def _period(text: bytes) -> int:
    """The smallest distance at which a text overlaps itself; its length if it never does (Knuth, Morris, Pratt)."""
    border = [0] * len(text)
    length = 0
    for place in range(1, len(text)):
        while length and text[place] != text[length]:
            length = border[length - 1]
        length += text[place] == text[length]
        border[place] = length
    return len(text) - length


def _spans(needle: _Needle, data: bytes, start: int) -> Iterator[tuple[int, int, _Needle, int]]:
    """The occurrences from a place on, as start and end; those that overlap by the period are one."""
    text, period = needle.text, needle.period
    size = len(text)
    step = text[-period:] * max(1, _RUN // period) if period < size else b""
    start = data.find(text, start)
    while start >= 0:
        end = start + size
        if step:
            while data.startswith(step, end):
                end += len(step)
            while data.startswith(text[-period:], end):
                end += period
        yield start, end, needle, start
        start = data.find(text, end - size + max(period, size - period + 1))


def _begun(text: bytes, data: bytes) -> int:
    """Where the rest of the data begins that could become an occurrence of a text with what comes next."""
    front = text[:_FRONT]
    start = data.find(front, max(0, len(data) - len(text) + 1))
    while start >= 0 and not text.startswith(data[start:]):
        start = data.find(front, start + 1)
    return start if start >= 0 else len(data)
