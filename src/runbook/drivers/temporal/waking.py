"""Wakes the workflows of runs whose inboxes got something: they hold no connection to the store while they wait.

Every worker that walks runs looks, for all runs at once. A workflow that is woken twice finds nothing new.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runbook.audit.ends import record_in
from runbook.audit.postgres.arrivals import arrivals
from runbook.audit.postgres.link import Link, StoreFailed
from runbook.drivers.temporal.client import workflow_of
from runbook.drivers.temporal.workflow import RunWorkflow
from runbook.model.diagnostics import Refused

EVERY = 0.5
"""Seconds between two looks."""
WITHIN = 60
"""Seconds for which what has arrived is looked at: a row is seen only once it is committed, which may be later."""
_EVER = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The number of what arrived last for a run, and the workflow that walks it."""

    run: str
    number: int
    workflow: str


class Watching:
    """Looks into the inboxes of a store, over a connection of its own.

    :param namespace: whose workflows are woken.
    """

    def __init__(self, url: str, namespace: str) -> None:
        self._url = url
        self._namespace = namespace
        self._link: Link | None = None
        self._all = True
        self._told: dict[str, int] = {}

    def news(self) -> Sequence[News]:
        """What has arrived and was not said before; everything at first, nothing where the store does not answer."""
        self._link = self._link or Link(self._url)
        try:
            rows = arrivals(self._link, _EVER if self._all else WITHIN)
        except (StoreFailed, Refused):
            self._link.close()
            self._link = None
            return ()
        self._all = False
        told, self._told = self._told, {run: number for run, number, _ in rows}
        found = []
        for run, number, line in rows:
            begun = record_in(line)
            where = workflow_of(str(begun.fields.get("host"))) if begun is not None else None
            if where is not None and where[0] == self._namespace and told.get(run) != number:
                found.append(News(run=run, number=number, workflow=where[1]))
        return found

    def again(self) -> None:
        """Say everything again: somebody could not be woken."""
        self._all = True
        self._told = {}


async def wake(client: Client, watching: Watching) -> None:
    """Wake workflows, until this is cancelled."""
    while True:
        for news in await asyncio.to_thread(watching.news):
            workflow = client.get_workflow_handle(news.workflow)
            try:
                await workflow.signal(RunWorkflow.arrived, args=[news.run, news.number])
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # else nobody walks it there any more
                    watching.again()
        await asyncio.sleep(EVERY)
