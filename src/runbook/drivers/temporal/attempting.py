"""Attempts that workers perform, each near the hosts that its step touches.

Rules. An attempt is tried once. Its records go along with it and are stored before it touches anything. A worker that
falls silent is given up: whether the attempt may have begun is settled by who was first to claim it, that worker or we.
"""

import contextlib
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType
from temporalio.exceptions import TimeoutError as Late

from runbook.drivers.attempts import Attempts, tell_output
from runbook.drivers.journal import Journal
from runbook.drivers.preparing import Prepared
from runbook.drivers.recipes import Recipes
from runbook.drivers.recording import Remote
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.bridge import wait_for
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.payloads import Claim, Done, End, Holder, Task, queue_of
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.secrets import RemoteSecrets
from runbook.kinds.registry import fields_of
from runbook.model.address import with_visit
from runbook.model.canonical import JsonObject, canonical
from runbook.model.io import Cancelled, Lost, NotSent, TimedOut, WorldError
from runbook.model.runbook import Mode
from runbook.model.secrets import referenced
from runbook.walk.results import Visit

LONGEST = timedelta(days=365)
"""How long an attempt may take; what limits it is its own time-out, which its worker keeps."""
SHORTEST_LOOK, LONGEST_LOOK = 0.5, 30.0
"""Seconds between two looks at the clock while several run side by side."""
_ERRORS: dict[End, type[WorldError]] = {
    End.NOT_SENT: NotSent,
    End.TIMED_OUT: TimedOut,
    End.LOST: Lost,
    End.CANCELLED: Cancelled,
}


@dataclass(slots=True)
class _Away:
    """An attempt that a worker performs."""

    task: Task
    site: str | None
    beside: bool
    holder: Holder | None
    handle: "workflow.ActivityHandle[Done]"
    done: Done | None = None


class RemoteAttempts(Attempts):
    """The attempts of one run."""

    def __init__(
        self,
        *,
        journal: Journal,
        operator: RemoteOperator,
        log: EngineLog,
        secrets: RemoteSecrets,
        lost_after: timedelta,
    ) -> None:
        self._journal = journal
        self._remote = operator
        self._log = log
        self._secrets = secrets
        self._lost_after = lost_after
        self._watch: Callable[[], int] = lambda: 0
        self._away: dict[str, _Away] = {}
        operator.busy = lambda: any(away.done is None for away in self._away.values())

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
        """Have a worker begin an attempt."""
        walk = self._journal.walk
        if changes and walk.mode is Mode.DRY:  # pragma: no cover - what changes is shown
            raise AssertionError(f"a dry run would change something at {address}")
        step = walk.runbook.at(address)
        made = making() if making is not None else {}
        task = Task(
            records=self._log.carried(),
            address=address,
            visit=visit.number,
            attempt=attempt,
            name=with_visit(address, visit.number, attempt),
            kind=prepared.kind.NAME,
            fields=_in_order({name: referenced(value) for name, value in fields_of(prepared.kind).items()}),
            timeout=timeout,
            changes=changes,
            secrets=self._secrets.sources,
            committed=self._secrets.committed(prepared.secrets),
            making={name: canonical(dataclasses.asdict(recipe)) for name, recipe in made.items()},
        )
        site = step.site if step is not None else None
        beside = visit.step.kind == "parallel" or "[" in address
        self._away[address] = _Away(task, site, beside, *self._start(task, site))

    def _start(self, task: Task, site: str | None) -> "tuple[Holder | None, workflow.ActivityHandle[Done]]":
        """Have it performed at its site; by one certain worker, where secrets were typed or made before."""
        holder, sealed = self._secrets.bound(site)
        handle = workflow.start_activity(
            calls.PERFORM,
            dataclasses.replace(task, sealed=sealed),
            result_type=Done,
            task_queue=holder.queue if holder is not None else queue_of(site),
            schedule_to_start_timeout=calls.PRESENT if holder is not None else None,
            start_to_close_timeout=LONGEST,
            heartbeat_timeout=self._lost_after,
            retry_policy=calls.ONCE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=task.name,
        )
        return holder, handle

    def runs(self, address: str) -> bool:
        """Whether an attempt of that address was begun and its outputs are not told yet."""
        return address in self._away

    def overflowed(self, address: str) -> bool:
        """Nothing is held back here."""
        del address
        return False

    def over(self) -> list[str]:
        """The addresses of the attempts that are over."""
        return [address for address, away in self._away.items() if away.done is not None]

    def stay(self, enough: Callable[[], bool]) -> None:
        """Wait for the workers, and pass on whoever wants it stopped, until it is enough."""
        level, pause = 0, SHORTEST_LOOK
        self._take_in()
        while not enough():
            self._wait(pause if any(away.beside for away in self._away.values()) else None)
            pause = min(pause * 2, LONGEST_LOOK)
            self._take_in()
            known = self._log.count
            wanted = self._watch()
            if self._log.count > known:
                self._log.flush()  # what others have said is on record while it goes on
            self._remote.heard()
            if wanted > level:
                level = wanted
                for away in self._away.values():
                    away.handle.cancel()

    def _wait(self, seconds: float | None) -> None:
        """Wait until something has come in, or it is time to look again."""
        due = self._remote.next_reminder()
        pauses = [pause for pause in (seconds, due) if pause is not None]
        with contextlib.suppress(TimeoutError):
            wait_for(workflow.wait_condition(self._news, timeout=min(pauses) if pauses else None))

    def _news(self) -> bool:
        return self._remote.called or any(away.handle.done() for away in self._away.values() if away.done is None)

    def _take_in(self) -> None:
        """Take in what workers have said; what could not be announced is tried again when it can."""
        for away in self._away.values():
            if away.done is not None or not away.handle.done():
                continue
            done = self._said(away)
            if done.end is End.GONE and away.holder is not None:
                self._secrets.lose(away.holder.queue)
            if done.end in {End.NOT_STORED, End.GONE}:
                self._log.flush()
                away.holder, away.handle = self._start(away.task, away.site)
                continue
            away.done = done

    def _said(self, away: _Away) -> Done:
        """What came of an attempt; what a worker says itself, it says after its records were stored."""
        try:
            done = away.handle.result()
        except ActivityError as error:
            match error.cause:
                case ApplicationError(type=calls.DIVERGED):
                    raise
                case Late(type=TimeoutType.SCHEDULE_TO_START):  # of one certain worker only
                    return Done(end=End.GONE)
                case CancelledError():
                    return Done(end=End.NOT_SENT, reason="it was stopped before a worker began it")
                case ApplicationError(message=message):
                    return self._given_up(away, f"its worker failed: {message}")
                case _:
                    silent = f"its worker was not heard of for {self._lost_after.total_seconds():g} s"
                    return self._given_up(away, silent)
        if done.end not in {End.NOT_STORED, End.GONE}:
            self._log.stored(away.task.records.next)
        return done

    def _given_up(self, away: _Away, silent: str) -> Done:
        """A worker is lost: see to it that it does not begin any more, or find that it may have."""
        self._log.flush()
        if not away.task.changes:
            return Done(end=End.LOST, reason=silent)
        claim = Claim(run=away.task.records.run, name=away.task.name)
        if calls.done(calls.VOID, [claim], bool):
            return Done(end=End.NOT_SENT, reason=f"{silent}, and had not begun")
        return Done(end=End.LOST, reason=f"{silent}, and may have begun")

    def result(self, address: str) -> JsonObject:
        """What an attempt that is over has observed, as it is recorded."""
        done = self._away[address].done
        if done is None:  # pragma: no cover - nobody asks before it is over
            raise AssertionError(address)
        if done.end is not End.SEEN:
            raise _ERRORS[done.end](done.reason, done.help)
        return Remote(done.text, tuple(done.masked), tuple(done.truncated))

    def made(self, address: str, known: Callable[[], str | None]) -> str | None:
        """Know the secrets that an attempt has made, sealed; what was wrong, if anything."""
        del known  # its worker does
        done = self._away[address].done
        if done is not None and done.holder is not None:
            self._secrets.made(done.made, done.holder)
        return done.problem or None if done is not None else None

    def record_outputs(self, address: str, *, drop: bool = False) -> None:
        """Tell which outputs of an attempt that is over were kept."""
        del drop  # its worker has kept none then
        away = self._away.pop(address)
        for output in away.done.printed if away.done is not None else ():
            tell_output(self._journal, address, away.task.visit, away.task.attempt, output)


def _in_order(fields: JsonObject) -> str:
    """Fields as JSON in the order of the file, in which a form is sent and a list is observed."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
