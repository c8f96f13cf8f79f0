"""A trainee at a terminal: the same operator as ever, in a drill whose briefing comes first and whose waits pass."""

from rich.text import Text

from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Hand, Place, Sought
from runbook.drivers.terminal.modes import Modes
from runbook.drivers.terminal.operator import Makes, TerminalOperator
from runbook.drivers.terminal.screen import Screen
from runbook.drivers.terminal.wording import markdown
from runbook.model.clock import Clock
from runbook.model.durations import spoken
from runbook.model.scenario import Scenario
from runbook.walk import run_events as r
from runbook.walk.run_events import Event

SKIP = "wait"
"""What is typed to let the time of a request pass that nobody answers."""


class TerminalTrainee(TerminalOperator):
    """Somebody at a terminal, in a drill."""

    def __init__(
        self,
        screen: Screen,
        modes: Modes,
        interrupts: Interrupts,
        scenario: Scenario,
        clock: Clock,
    ) -> None:
        super().__init__(screen, modes, interrupts)
        self._scenario = scenario
        self._clock = clock
        self._waited: tuple[str, int] | None = None
        self._skipping: str | None = None

    def show(self, event: Event) -> None:
        """Show what has happened; before all else what it is about."""
        if isinstance(event, r.RunStarted | r.RunResumed):
            self._brief()
        super().show(event)

    def _brief(self) -> None:
        screen, told = self._screen, self._scenario
        screen.say()
        screen.say("DRILL", style="bold reverse")  # the scenario's title would give it away
        if told.briefing.strip():
            markdown(screen, told.briefing)

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let some time pass: at once, where the clock of the drill is simulated."""
        if not self._scenario.simulated:
            return super().wait(place, ms, due)
        if (act := self._before(place)) is not None:
            return act
        if self._waited != (place.address, place.visit):
            self._waited = (place.address, place.visit)
            left = spoken(max(round((due - self._news.now()) / 1_000) * 1_000, 0))
            self._screen.say(Text(f"{left} to wait, which pass at once: this is a drill", style="dim"))
        self._clock.wait(ms)
        return self._keyboard.wanted()

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Wait as if others might still approve; whom the scenario names has been asked."""
        if self._at != (place.address, place.visit) or self._held is not None:
            return self._before(place)
        if self._skipping == sought.request:
            self._clock.wait(ms)
            return self._keyboard.wanted()
        typed = self._vigil.wait(place, sought, ms)
        if typed == SKIP and self._scenario.simulated:
            self._skipping = sought.request
            return None
        if isinstance(typed, str):
            self.correct(place, "nothing that is typed approves in a drill")
            return None
        return typed


def trainee(scenario: Scenario, clock: Clock) -> Makes:
    """What makes a trainee in that scenario."""
    return lambda screen, modes, interrupts: TerminalTrainee(screen, modes, interrupts, scenario, clock)
