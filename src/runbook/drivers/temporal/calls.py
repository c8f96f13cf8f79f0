"""What a workflow asks of the workers: the names of their activities, and how long each is tried.

What only stores or looks is tried until it is done, with longer and longer pauses, because nothing goes past it. What
performs a step is tried once.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.exceptions import TimeoutError as Late

from runbook.drivers.temporal.bridge import wait_for
from runbook.drivers.temporal.payloads import HOME, queue_of

T = TypeVar("T")

BEGIN, APPEND, PERFORM, VOID, SECRETS = "begin", "append", "perform", "void", "secrets"
FORBIDS, RESERVE, LACKS, ARRIVED, READ = "forbids", "reserve", "lacks", "arrived", "read"
PASS_ON, TAKE, FORGET = "pass_on", "take", "forget"
NAMED, LISTED, VERIFY, REQUEST = "named", "listed", "verify", "request"
SIGNER, CHECKPOINT = "signer", "checkpoint"
DIVERGED = "Diverged"
"""The type of the failure that somebody else has written to the log of a run."""
ANSWER = timedelta(seconds=20)
"""How long one try may take; a run stands still as long where a worker dies in the middle of one."""
AGAIN = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[DIVERGED],
)
ONCE = RetryPolicy(maximum_attempts=1)
PRESENT = timedelta(seconds=10)
"""How long one certain worker may leave something lying before it is taken for gone."""


class Gone(Exception):  # noqa: N818 - said of a worker
    """The worker that was asked is not there any more, or does not know any more what it knew."""


def done(name: str, arguments: Sequence[object], result: type[T], *, site: str | None = HOME) -> T:
    """Have something stored or looked at by a worker of a site, however long it takes; what came of it."""
    return _asked(queue_of(site), name, arguments, result)


def done_by(queue: str, name: str, arguments: Sequence[object], result: type[T]) -> T:
    """Have one certain worker do something.

    :raises Gone: if it is not there any more.
    """
    try:
        return _asked(queue, name, arguments, result, present=PRESENT)
    except ActivityError as error:
        if isinstance(error.cause, Late):
            raise Gone from None
        raise


def _asked(
    queue: str, name: str, arguments: Sequence[object], result: type[T], *, present: timedelta | None = None
) -> T:
    came: T = wait_for(
        workflow.execute_activity(
            name,
            args=arguments,
            result_type=result,
            task_queue=queue,
            schedule_to_start_timeout=present,
            start_to_close_timeout=ANSWER,
            retry_policy=AGAIN,
        )
    )
    return came
