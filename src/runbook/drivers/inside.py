"""The journal and the attempts of a walk inside another: the same ones, under longer addresses."""

from collections.abc import Callable

from runbook.drivers.attempts import Attempts
from runbook.drivers.journal import Journal
from runbook.drivers.preparing import Prepared
from runbook.drivers.recipes import Recipes
from runbook.model.canonical import JsonObject
from runbook.walk.results import Visit
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk

_ADDRESSES = ("step", "to", "from_")
"""The fields of events that hold the address of a step."""


class InnerJournal(Journal):
    """Tells the outer journal what happens in an inner walk.

    :param prefix: what stands before the addresses of the inner walk: ``outer/``.
    """

    def __init__(self, outer: Journal, walk: Walk, prefix: str) -> None:
        self.walk = walk
        self._outer = outer
        self._prefix = prefix

    def now(self) -> str:
        """The time of the wall clock, as records have it."""
        return self._outer.now()

    def mono(self) -> int:
        """The walk's clock now."""
        return self._outer.mono()

    def tell(self, cls: type[Event], **fields: object) -> None:
        """Tell an event under its outer address."""
        for name in _ADDRESSES:
            if isinstance(fields.get(name), str):
                fields[name] = f"{self._prefix}{fields[name]}"
        self._outer.tell(cls, **fields)

    def covered(self, text: str) -> str:
        """A text from outside, with secrets covered."""
        return self._outer.covered(text)

    def sync(self) -> None:
        """Make everything told so far durable."""
        self._outer.sync()


class InnerAttempts(Attempts):
    """Runs the attempts of an inner walk among those of the outer one."""

    def __init__(self, outer: Attempts, prefix: str) -> None:
        self._outer = outer
        self._prefix = prefix

    def begin(
        self,
        address: str,
        visit: Visit,
        attempt: int,
        prepared: Prepared,
        timeout: int | None,
        *,
        changes: bool = False,
        making: Recipes | None = None,
    ) -> None:
        """Begin to perform an action."""
        self._outer.begin(self._prefix + address, visit, attempt, prepared, timeout, changes=changes, making=making)

    def runs(self, address: str) -> bool:
        """Whether an attempt of that address was begun and its outputs are not told yet."""
        return self._outer.runs(self._prefix + address)

    def result(self, address: str) -> JsonObject:
        """The raw observation of an attempt that is over."""
        return self._outer.result(self._prefix + address)

    def overflowed(self, address: str) -> bool:
        """Whether more was to be held back than can be."""
        return self._outer.overflowed(self._prefix + address)

    def made(self, address: str, known: Callable[[], str | None]) -> str | None:
        """Know the secrets that an attempt has made; what was wrong, if anything."""
        return self._outer.made(self._prefix + address, known)

    def over(self) -> list[str]:
        """The addresses of the attempts that are over."""
        return [address.removeprefix(self._prefix) for address in self._outer.over()]

    def stay(self, enough: Callable[[], bool]) -> None:
        """Stay with what runs until it is enough."""
        self._outer.stay(enough)

    def record_outputs(self, address: str, *, drop: bool = False) -> None:
        """Tell which outputs of an attempt that is over were kept."""
        self._outer.record_outputs(self._prefix + address, drop=drop)
