r"""Secrets that nobody declared, known by their look: a few bounded rules, each with a name that stands in the mask.

A rule has *triggers*, texts that its matches begin with. At a trigger its pattern looks at a bounded window: to the end
of the word, of the line or of the block, and so many bytes at most. What it says depends on nothing else but a little
that stands before, so it is the same however the bytes came, and the time that it takes grows with their number only.
Rules are for what is a secret by its form, whatever it means. What only a name tells (``"token": "…"`` in JSON, a
cookie) is not guessed: a log in which the answers of a service are covered is of no use, and a false alarm takes a
field away from the expressions of the runbook. The rules themselves stand in ``rules.py``.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from runbook.audit.sieve import Sieve, literal

BEFORE = 256
"""Bytes of a line before an option in which the name of its program is looked for."""
END_OF_WORD = re.compile(rb"[\s\"'<>`]")
END_OF_LINE = re.compile(rb"[\r\n]")
LINE = 2048
"""Bytes of a line that a rule looks at."""
_LAST = 16 * 1024
"""Bytes at the end of what came in which a word or a line may still be open."""
_MARK = 80
"""Bytes that an end takes at most."""
_NEWLINES = (b"\n", b"\\n")
"""The end of a line, and as it is written in JSON."""
_FREE = re.compile(rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[2-7][0-9A-Fa-f]))")


def _any(texts: Collection[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, sorted(texts, key=len, reverse=True))))


@cache
def _compiled(pattern: str) -> re.Pattern[bytes]:
    """Patterns are compiled when they are wanted first: all of them would take longer than a step."""
    return re.compile(pattern.encode())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """``pattern`` is matched at a trigger; its last group is what is masked.

    ``sieve`` is a pattern of Rust that is in whatever this one matches, or stands before it in the line. ``end`` says
    where the window of ``size`` bytes ends. ``free``: no letter or digit stands before it. ``after``: one of these
    stands before it in the line. ``check`` has the last word on what was found.
    """

    name: str
    triggers: tuple[bytes, ...]
    pattern: str
    sieve: str
    end: re.Pattern[bytes] = END_OF_LINE
    size: int = LINE
    free: bool = True
    after: tuple[bytes, ...] = ()
    check: Callable[[bytes], bool] = bool

    def match(self, data: bytes, at: int, end: int) -> re.Match[bytes] | None:
        """The match at a place, in a window that ends there."""
        return _compiled(self.pattern).match(data, at, end)

    def may_begin(self, data: bytes, at: int) -> bool:
        """Whether what stands before this place lets it begin there."""
        if self.free and _FREE.match(data, at) is None:
            return False
        if not self.after:
            return True
        for name in self.after:
            place = data.rfind(name, max(0, at - BEFORE), at)
            if place >= 0 and not any(data.find(end, place, at) >= 0 for end in _NEWLINES):
                return True
        return False


Span = tuple[int, int, Rule, int]
"""Where what is masked begins and ends, the rule, and where its trigger stands."""


class _Ends:
    """Where words, lines and blocks end; nothing is looked through twice, so that the time stays linear."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[re.Pattern[bytes], tuple[int, int, int]] = {}

    def behind(self, at: int, pattern: re.Pattern[bytes], limit: int) -> int | None:
        """Where the first end behind a place, and before the limit, ends; places come in order."""
        start, end, looked = self._known.get(pattern, (-1, -1, 0))
        if start < at and looked < limit:
            found = pattern.search(self._data, max(at, looked - _MARK), limit + LINE)
            start, end = found.span() if found is not None else (-1, -1)
            self._known[pattern] = (start, end, end if found is not None else limit + LINE)
        return end if at <= start < limit and end <= limit else None


class Rules:
    """Some rules, looked for together. ``sieve`` are the patterns of Rust of which one is in whatever they match."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Look for these."""
        by_trigger: dict[bytes, list[Rule]] = {}
        for rule in rules:
            for trigger in rule.triggers:
                by_trigger.setdefault(trigger, []).append(rule)
        self._by_trigger: Mapping[bytes, Sequence[Rule]] = by_trigger
        self._options = [rule for rule in rules if rule.after]
        # Those of options are looked for by themselves, because others may begin inside them.
        words = {trigger for rule in rules if not rule.after for trigger in rule.triggers}
        self._triggers = [_any(words), _any(by_trigger.keys() - words)]
        # What a match needs in its line: its trigger, or where that stands everywhere, the name of its program.
        needed = dict.fromkeys(each for rule in rules for each in rule.after or rule.triggers)
        self._needed = Sieve(map(literal, needed), lambda data: any(each in data for each in needed))
        self._beginnings: dict[bytes, list[Rule]] = {}
        for trigger, some in by_trigger.items():
            for length in range(1, len(trigger)):
                self._beginnings.setdefault(trigger[:length], []).extend(some)
        self._longest = max(map(len, by_trigger))
        self.sieve = tuple(rule.sieve for rule in rules)
        self._matching = Sieve(self.sieve, self._needed.holds)

    def may_begin(self, data: bytes) -> bool:
        """Whether a match may begin in the data; False only if none does."""
        return self._needed.holds(data)

    def may_match(self, data: bytes) -> bool:
        """Whether a rule may match in the data; False only if none does."""
        return self._matching.holds(data)

    def find(self, data: bytes, start: int, *, final: bool, seen: bool = True) -> tuple[list[Span], int]:
        """What matches from ``start`` on, and from where on it depends on what comes next.

        :param final: nothing comes next.
        :param seen: whether a pattern of :attr:`sieve` is in the data, or up to ``BEFORE`` bytes before it.
        """
        found: list[Span] = []
        certain = len(data)
        begin = start
        if not seen:
            if final:
                return found, certain
            begin = max(start, data.rfind(_NEWLINES[0], start) + 1, len(data) - _LAST)
            if not self.may_begin(data[max(0, begin - BEFORE) :]):
                return found, self._begun(data, start)
        absent = {rule for rule in self._options if not any(name in data for name in rule.after)}
        present = {trigger: [r for r in some if r not in absent] for trigger, some in self._by_trigger.items()}
        for triggers in self._triggers:
            ends = _Ends(data)
            for trigger in triggers.finditer(data, begin):
                at = trigger.start()
                for rule in present[trigger[0]]:
                    if not rule.may_begin(data, at):
                        continue
                    end = ends.behind(trigger.end(), rule.end, at + rule.size)
                    if end is None and len(data) < at + rule.size and not final:
                        certain = min(certain, at)
                    elif (match := rule.match(data, at, end or at + rule.size)) is not None:
                        place = match.span(match.lastindex or 0)
                        if rule.check(data[slice(*place)]):
                            found.append((*place, rule, at))
        return found, certain if final else min(certain, self._begun(data, start))

    def _begun(self, data: bytes, start: int) -> int:
        """From where on the end of the data could become a trigger."""
        for length in range(min(self._longest - 1, len(data) - start), 0, -1):
            some = self._beginnings.get(data[-length:])
            if some and any(rule.may_begin(data, len(data) - length) for rule in some):
                return len(data) - length
        return len(data)
