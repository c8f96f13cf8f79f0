"""A world that was told what happens: for drills, for tests, for whoever writes a scenario.

Rules. Nothing is touched. Per address there is one entry an attempt, and the last one repeats. An entry is an
observation; or ``lost``, ``timeout``, ``refused`` (true, or the reason), ``error`` (the reason) in its place; or either
with a ``delay`` before it, which moves the simulated clock and may exceed the attempt's limit. What was not told is
never made up: an address without entries and a field that is read but not in the entry are refused.
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from runbook.model.address import of_each
from runbook.model.canonical import Json, JsonObject
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.durations import milliseconds, spoken
from runbook.model.io import Lost, NotSent, Performs, TimedOut
from runbook.world.limits import limit_of

RB350 = Code(
    number="RB350",
    title="scenario tells nothing of a step",
    why="The walk came to a step of which the scenario's `world` says nothing, so nobody knows what happened. Add an "
    "entry under the step's address. One entry is one attempt, a retry takes the next, and the last one repeats.",
)
RB351 = Code(
    number="RB351",
    title="scenario does not tell a field",
    why="Something that the walk needs to know, a step's verdict or an expression, reads a field that the scenario's "
    "entry for that attempt does not have. A field that nobody reads may be left out; this one is read. Add it.",
)

_NONE_YET: Mapping[str, int] = MappingProxyType({})
WORDS = frozenset({"lost", "timeout", "refused", "error", "delay"})


class Untold(Refused):
    """An address of which the scenario tells nothing was performed; it carries one diagnostic (RB350)."""

    def __init__(self, address: str, attempt: int) -> None:
        """Name the address and which attempt it is, counted from 1 over all visits."""
        super().__init__(
            Diagnostic(
                code=RB350,
                message=f"the scenario does not tell what happens at `{address}`, attempt {attempt}",
                help=f"add an entry under `world: {{{address}: [...]}}`",
            )
        )
        self.address = address


class FieldNotTold(KeyError):  # noqa: N818 - named for what happened
    """A field that the scenario does not tell was read."""

    def __init__(self, address: str, field: str) -> None:
        """Name the address and the field."""
        super().__init__(field)
        self.address = address
        self.diagnostic = Diagnostic(
            code=RB351,
            message=f"the scenario does not tell `{field}` of `{address}`, and it is read",
            help=f"add `{field}` to the entry of `{address}`",
        )

    def __str__(self) -> str:
        return self.diagnostic.message


class Told(dict[str, Json]):
    """An observation of which only what was told can be read: ``told["x"]`` raises :class:`FieldNotTold`."""

    def __init__(self, address: str, fields: Mapping[str, Json]) -> None:
        """Hold the fields of an observation at an address."""
        super().__init__(fields)
        self.address = address

    def __missing__(self, field: str) -> Json:
        raise FieldNotTold(self.address, field)


class ScriptedWorld:
    """Performs nothing, and answers as it was told."""

    def __init__(
        self, entries: Mapping[str, Sequence[JsonObject]], *, clock: Clock, attempts: Mapping[str, int] = _NONE_YET
    ) -> None:
        """Take the ``world`` of a scenario.

        :param entries: per address one entry an attempt; those of a repeated step stand for each of its elements.
        :param clock: is told to wait for a ``delay``.
        :param attempts: how many there were at each address already.
        """
        self._entries = entries
        self._clock = clock
        self._attempts = Counter(attempts)

    def perform(self, address: str, kind: Performs, timeout: int | None, *, changes: bool = False) -> JsonObject:
        """What the scenario tells of the next attempt at an address.

        :raises Untold: if it tells nothing.
        :raises WorldError: if it tells so.
        """
        del changes  # nothing is touched either way
        self._attempts[address] += 1
        attempt = self._attempts[address]
        # What is told of a repeated step is told of each element that has no entry of its own.
        told = self._entries.get(address) or self._entries.get(of_each(address), ())
        if not told:
            raise Untold(address, attempt)
        entry = told[min(attempt, len(told)) - 1]
        limit = limit_of(kind, timeout)
        delay = milliseconds(str(entry.get("delay", "0s")))
        if entry.get("timeout"):
            delay = max(delay, limit or 0)
        late = limit is not None and delay > limit
        self._clock.wait(limit if late and limit is not None else delay)
        if late or entry.get("timeout"):
            why = "no answer" if limit is None else f"no answer within {spoken(limit)}"
            raise TimedOut(_reason(entry.get("timeout"), why))
        if refused := entry.get("refused"):
            raise NotSent(_reason(refused, "the connection was refused"))
        if lost := entry.get("lost"):
            raise Lost(_reason(lost, "the connection was lost before the answer was there"))
        if error := entry.get("error"):
            raise NotSent(_reason(error, "it could not be done at all"))
        return Told(address, {name: copy.deepcopy(value) for name, value in entry.items() if name not in WORDS})

    def cancel(self, level: int) -> None:
        """Stop what runs: nothing ever does."""


def _reason(told: Json, usual: str) -> str:
    """The reason that a scenario tells, or the usual one."""
    return told if isinstance(told, str) else usual
