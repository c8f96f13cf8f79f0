"""A run that somebody else walks, as whoever watches it sees it: a line a record, what runs now, and where it stands.

Rules. Nothing is written, locked, asked or told. What was before is told in lines only; the output of what runs is
shown as it comes, behind a margin and inert. On a terminal the bottom row says where the run stands; elsewhere a line
does, once, when it stands there for a moment.
"""

from collections.abc import Callable
from typing import NamedTuple

from rich.text import Text

from runbook.audit.lock import writer_of
from runbook.audit.record import ASIDE, Record
from runbook.audit.store import RunDir
from runbook.audit.verdict import Finding
from runbook.drivers.onlooking import Onlooker
from runbook.drivers.replay import Replay
from runbook.drivers.retelling import event_of
from runbook.drivers.standing import Standing, began, due_in, standing
from runbook.drivers.telling import Told
from runbook.drivers.terminal.screen import Screen, one_line, styled
from runbook.drivers.terminal.tailing import Tail, fetch_ends
from runbook.drivers.terminal.wording import banner, sign
from runbook.model.durations import clock, spoken
from runbook.model.kind import Registry
from runbook.model.runbook import Finish
from runbook.walk import events as e
from runbook.walk import run_events as r

_STILL = 1_000
"""Milliseconds after which a plain terminal is told where the run stands."""
_LIVENESS = 1_000
"""Milliseconds between two looks whether somebody walks the run."""


class _Attempt(NamedTuple):
    step: str
    visit: int
    attempt: int


class Watching:
    """Shows one run.

    :param now: milliseconds since 1970, by the wall clock, which is what this process and the walk have in common.
    :param go_on: the command that goes on with the run.
    """

    def __init__(self, run: RunDir, registry: Registry, screen: Screen, now: Callable[[], int], go_on: str) -> None:
        self._run = run
        self._screen = screen
        self._now = now
        self._go_on = go_on
        self._replay = Replay(str(run.log), run.snapshot, registry)
        self._onlooker = Onlooker()
        self._tails: dict[_Attempt, Tail] = {}
        self._day = ""
        self._stands: Record | None = None
        self._told_at = 0
        self._looked_at = 0
        self._said = ""
        self._walked = True
        self._live = False
        self.finish: Finish | None = None

    @property
    def findings(self) -> list[Finding]:
        """Why the log is no legal walk, if it is none; from there on nothing of it is shown."""
        return self._replay.findings

    def tell(self, line: int, record: Record) -> None:
        """Show a record, that of a line (from 1) of the log."""
        self._replay.tell(line, record)
        if self.findings:
            return
        self._told_at = self._now()
        event = event_of(record)
        if event is None:
            return
        if record.type not in ASIDE:
            self._stands = record
        if isinstance(event, r.RunFinished):
            self.finish = Finish(event.finish)
            self._screen.drop_row()
        if isinstance(event, r.RunStarted):
            self._open(event)
        self._follow(event)
        told = self._onlooker.tell(event)
        if told is not None:
            self._line(record.ts, told)

    def look(self) -> None:
        """There is no new record: show what runs, and where the run stands."""
        self._live = True
        if self.finish is not None:
            return
        fetch_ends(self._run, (name for tail in self._tails.values() for name in tail.names()))
        for tail in self._tails.values():
            tail.look()
        now = self._now()
        if now - self._looked_at >= _LIVENESS:
            self._looked_at = now
            self._look_who_walks()
        if not self._screen.plain:
            self._screen.set_row(self._row)
        elif now - self._told_at >= _STILL:
            stands = self._standing()
            said = self._state(stands)
            if said != self._said:
                self._said = said
                self._screen.say(f"now: {said}{self._for(stands)}")

    def _open(self, event: r.RunStarted) -> None:
        walk, screen = self._replay.walk, self._screen
        title = one_line(walk.runbook.title) if walk is not None else event.runbook
        if walk is not None and banner(walk.mode):
            screen.say(banner(walk.mode), style="bold reverse")
        screen.say(Text.assemble(("run ", "dim"), styled(self._run.id, "bold"), " · ", styled(title)))
        if event.incident:
            screen.say(f"incident {event.incident}")

    def _follow(self, event: r.Event) -> None:
        """Know whose output is to be shown."""
        match event:
            case e.StepStarted() if not event.step.endswith(".until"):
                tail = Tail(self._run, self._screen, event, shown=self._live)
                self._tails[_Attempt(event.step, event.visit, event.attempt)] = tail
            case e.StepOutput():
                running = self._tails.get(_Attempt(event.step, event.visit, event.attempt))
                if running is not None:
                    running.over(event)
            case e.StepFinished() | e.StepUnknown() | e.StepCancelled():
                ended = self._tails.pop(_Attempt(event.step, event.visit, event.attempt), None)
                if ended is not None:
                    ended.end()
            case e.StepSkipped() | e.StepEntered() if not self._in_flight():
                self._tails.clear()
            case _:
                pass

    def _in_flight(self) -> bool:
        return self._replay.walk is not None and self._replay.walk.in_flight()

    def _line(self, ts: str, told: Told) -> None:
        if ts[:10] != self._day:
            self._day = ts[:10]
            self._screen.say(f"{self._day}, times in UTC", style="dim")
        lead = Text.assemble((ts[11:19], "dim"), " ")
        if not self._screen.plain:
            lead.append_text(sign(told.mark)).append(" ")
        about = Text.assemble(styled(f"{told.step} ", "bold")) if told.step else Text()
        self._screen.say(about.append_text(styled(told.text)), first=lead)

    def _look_who_walks(self) -> None:
        """Say once that nobody does any more, where no record says so."""
        walk = self._replay.walk
        if self.finish is not None or walk is None or walk.phase.value != "going":
            self._walked = True
            return
        walked = writer_of(self._run) is not None
        if self._walked and not walked:
            text = "Nobody walks this run: its walk was killed, or its machine went down."
            self._screen.say(text, style="bold red")
            self._screen.exactly(Text.assemble("  go on: ", styled(self._go_on, "bold")))
        self._walked = walked

    def _standing(self) -> Standing | None:
        walk = self._replay.walk
        return None if walk is None or self.findings else standing(walk, walked=self._walked)

    def _state(self, stands: Standing | None) -> str:
        """Where the run stands, in words that stay the same for as long as it does."""
        walk = self._replay.walk
        where = f"{stands.where}{stands.says}" if stands is not None else "it cannot be told where the run stands"
        if walk is not None and walk.phase.value == "paused":
            return f"PAUSED · {where}"
        return where if self._walked else f"NOBODY WALKS IT · {where}"

    def _for(self, stands: Standing | None) -> str:
        """Since when, and how long yet."""
        last = self._stands
        if stands is None or last is None:
            return ""
        since = f" for {spoken(max(0, self._now() - began(stands, last)))}"
        left = due_in(stands, last, self._now())
        return since + (f", {clock(left)} left" if left is not None and left > 0 else "")

    def _row(self, columns: int) -> tuple[Text, int | None]:
        """The bottom row: how long comes first, because the end is what a narrow terminal cuts off."""
        del columns
        stands, last = self._standing(), self._stands
        row = Text()
        if stands is not None and last is not None:
            left = due_in(stands, last, self._now())
            since = self._now() - began(stands, last)
            row.append(f"{clock(left)} left" if left is not None and left > 0 else clock(since), "bold").append(" · ")
        quiet = stands is not None and self._walked
        return row.append_text(styled(one_line(self._state(stands)), "" if quiet else "bold red")), None
