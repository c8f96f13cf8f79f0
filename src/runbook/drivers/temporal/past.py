"""What was done before, as a workflow asks a worker who looks into the store."""

from collections.abc import Mapping

from runbook.audit.starts import Start
from runbook.drivers.guarding import Wanted
from runbook.drivers.temporal import calls


class RemotePast:
    """The past of a store; the guards of one run ask it."""

    def forbids(self, key: str, window: int, now: str) -> str | None:
        """Why a step of that key may not start now."""
        return calls.done(calls.FORBIDS, [key, window, now], str) or None

    def reserve(self, wanted: Mapping[str, int | None], start: Start) -> Mapping[str, str]:
        """Count a start under each key if no cooldown forbids it."""
        return calls.done(calls.RESERVE, [wanted, start], dict[str, str])

    def lacks(self, wanted: Wanted, now: str) -> str | None:
        """Why no run is there that is wanted."""
        return calls.done(calls.LACKS, [wanted, now], str) or None
