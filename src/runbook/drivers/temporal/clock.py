"""The clock of the engine: it stands still while a workflow acts, and shows the same again on replay."""

from collections.abc import Callable
from datetime import UTC

from temporalio import workflow

from runbook.drivers.temporal.bridge import wait_for
from runbook.world.clock import recorded


class EngineClock:
    """The clock of one run.

    :param before: to be done before time may pass.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before

    def now(self) -> str:
        """The time of day in UTC."""
        return recorded(workflow.now().astimezone(UTC))

    def mono(self) -> int:
        """Milliseconds since 1970."""
        return workflow.time_ns() // 1_000_000

    def wait(self, ms: int) -> None:
        """Let so many milliseconds pass, by a timer that outlives every worker."""
        self._before()
        wait_for(workflow.sleep(ms / 1_000))
