"""The clock of the engine: it stands still while a workflow acts, and shows the same again on replay."""

from collections.abc import Callable
from datetime import UTC

from temporalio import workflow

from runbook.drivers.temporal.bridge import wait_for


class EngineClock:
    """The clock of one run.

    :param before: to be done before time may pass.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before

    def now(self) -> str:
        """The time of day in UTC."""
        moment = workflow.now().astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

    def mono(self) -> int:
        """Milliseconds since 1970."""
        return workflow.time_ns() // 1_000_000

    def wait(self, ms: int) -> None:
        """Let so many milliseconds pass, by a timer that outlives every worker."""
        self._before()
        wait_for(workflow.sleep(ms / 1_000))
