"""A run that is kept elsewhere than in its directory: what is asked of the place, and what of it a directory holds.

The directory then is a copy of this process's own, in the same form: readers read it as they read every other. What is
written goes to where the run is kept, and only what is there counts.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runbook.audit.disk import Disk
from runbook.audit.record import Record

if TYPE_CHECKING:
    from runbook.audit.chained import Chained
    from runbook.audit.lock import Holder
    from runbook.audit.store import Glimpse, RunDir, Store


class Arrival(NamedTuple):
    """Something in an inbox: its number, its bytes, and who put it there, None where that is this user."""

    number: int
    data: bytes
    owner: str | None


class Away(Protocol):
    """Where one run is kept; everything raises OSError where it cannot be asked."""

    @property
    def store(self) -> "Store":
        """The store that it belongs to."""

    @property
    def shown(self) -> str:
        """What its log is called."""

    @property
    def disk(self) -> Disk:
        """What outputs are written to."""

    def glimpse(self, run: "RunDir") -> "Glimpse":
        """Its first record and its last."""

    def holder(self) -> "Holder | None":
        """Who writes its log now."""

    def fetch(self, run: "RunDir", *, outputs: bool = True) -> None:
        """Make the directory as new as what is kept, with or without what its steps printed."""

    def fetch_ends(self, run: "RunDir", names: Iterable[str]) -> None:
        """Make the ends of outputs as new as what is kept; of one that is long a hole stands for its beginning."""

    def publish(self, run: "RunDir", names: Sequence[str]) -> None:
        """Keep files of the directory; before the first record they are kept with that."""

    def deliver(self, data: bytes) -> None:
        """Put something into its inbox."""

    def arrived(self, after: int) -> Sequence[Arrival]:
        """What is in its inbox behind a number, in order, and not too much at once."""

    def begin(self, run: "RunDir", holder: "Holder") -> "Chained":
        """The writer of a run that has no record yet."""

    def reopen(
        self, run: "RunDir", holder: "Holder | Callable[[], Holder]", each: Callable[[Record], object] | None
    ) -> "Chained":
        """The writer of a run that goes on."""
