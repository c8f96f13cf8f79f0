"""What a run prints where it is performed elsewhere, for whoever answers for it: read from the store, masked there.

Nothing is asked for but what attempts print that are under way.
"""

from runbook.audit.outputs import name_of
from runbook.audit.postgres.link import Link
from runbook.audit.postgres.printed import printed
from runbook.drivers.operator import Operator
from runbook.drivers.telling_apart import Apart
from runbook.walk import events as e
from runbook.walk.run_events import Event

_STREAMS = ("stdout", "stderr")


class Printing:
    """What the attempts of a run print that are under way."""

    def __init__(self, link: Link, run: str) -> None:
        self._link = link
        self._run = run
        self._apart: dict[str, Apart] = {}
        self._sizes: dict[str, int] = {}
        self._of: dict[str, tuple[str, str]] = {}

    def tell(self, event: Event) -> None:
        """Know what is under way."""
        match event:
            case e.StepStarted():
                self._over(event.step)
                self._apart[event.step] = Apart(event.step)
                for stream in _STREAMS:
                    name = name_of(event.step, event.visit, event.attempt, stream)
                    self._of[name] = event.step, stream
                    self._sizes[name] = 0
            case e.StepFinished() | e.StepUnknown() | e.StepCancelled():
                self._over(event.step)
            case _:
                pass

    def show(self, operator: Operator, *, ended: str = "") -> None:
        """Show what was printed since the last time.

        :param ended: the address of an attempt that prints no more; empty: all may go on.
        :raises StoreFailed: if it cannot be read.
        """
        if not self._sizes or operator.source != "terminal":
            return  # nobody looks
        several = len(self._apart) > 1
        for piece in printed(self._link, self._run, self._sizes):
            address, stream = self._of[piece.name]
            self._sizes[piece.name] += piece.skipped + len(piece.data)
            if piece.skipped:
                operator.notice(f"… {piece.skipped:,} bytes of {stream} of {address} are not shown here")
            if shown := self._apart[address].take(stream, piece.data, several=several):
                operator.output(stream, shown)
        for stream in _STREAMS if ended in self._apart else ():
            if shown := self._apart[ended].take(stream, b"", several=several, last=True):
                operator.output(stream, shown)

    def _over(self, address: str) -> None:
        self._apart.pop(address, None)
        for name in [name for name, (step, _) in self._of.items() if step == address]:
            del self._of[name], self._sizes[name]
