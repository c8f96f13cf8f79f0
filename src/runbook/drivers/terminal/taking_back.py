"""Taking back what a run has changed, as the operator begins it: the whole list is shown before anything is asked.

Rules. It begins with a typed word, and then asks for each. What cannot be taken back is in the list too, with why.
"""

from collections.abc import Callable, Sequence

from rich.text import Text

from runbook.drivers.operator import Act, Hand, Place
from runbook.drivers.stopping import shortly, why_lasting
from runbook.drivers.telling import announced
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.screen import Screen
from runbook.model.canonical import canonical
from runbook.walk import undoing
from runbook.walk.results import Change
from runbook.walk.tables import HANDS
from runbook.walk.walk import Walk

_FEW_CHANGES = 8
UNDO_FROM = HANDS["undo"]
"""The phases from which changes are taken back."""


class TakingBack:
    """What the key for it does."""

    def __init__(self, screen: Screen, keyboard: Keyboard, walks: Callable[[], Sequence[Walk]]) -> None:
        """Take nothing back yet; ``walks`` are the run's and those inside it, the one under way last."""
        self._screen = screen
        self._keyboard = keyboard
        self._walks = walks

    def _walk(self) -> Walk:
        return self._walks()[-1]

    def why_not(self, place: Place) -> str | None:
        """Why nothing can be taken back from here now; None if something can."""
        walk = self._walk()
        visit = walk.visit
        if walk.undoing is not None:
            return "changes are being taken back already; `s` leaves this one as it is"
        if not any(undoing.reversible(walk, change) for change in walk.changes):
            if outside := self._outside():
                return f"`{walk.prefix[:-1]}` has changed nothing that can be. {outside}"
            return "this run has changed nothing that the file says how to take back"
        if visit is None or place.step.id != visit.step.id or visit.phase not in UNDO_FROM:
            return "finish this step first, or answer no; then it can be taken back"
        return None

    def _outside(self) -> str:
        """What was changed outside of the runbook that is under way, and can be taken back there; empty if nothing."""
        run, walk = self._walks()[0], self._walk()
        found = [change for change in undoing.changes_of(run) if undoing.reversible(run, change)]
        names = [change.step for change in found if not change.step.startswith(walk.prefix)]
        if not names:
            return ""
        inside = f"`{walk.prefix[:-1]}`"
        return f"What was changed outside of {inside} is taken back there, after it or by `g`: {shortly(names)}"

    def ask(self, place: Place) -> Hand | None:
        """Show what would be taken back, what would not and why, and ask; None where nothing came of it."""
        walk = self._walk()
        if (why := self.why_not(place)) is not None:
            self._screen.say(f"Nothing is taken back from here: {why}.", style="yellow")
            return None
        changes = undoing.changes_of(walk)
        able = [change for change in changes if undoing.reversible(walk, change)]
        self._screen.say(f"TAKE BACK {len(able)}, the newest first; each is confirmed by itself:", style="bold yellow")
        self._show(able, all_of=len(able) <= _FEW_CHANGES)
        for why in dict.fromkeys(why_lasting(walk, change) for change in changes if change not in able):
            self._screen.say(f"{why}; it stays", first=Text("  – ", style="yellow"), indent=4)
        if outside := self._outside():
            self._screen.say(f"{outside}.", style="yellow")
        leads = f"`{place.step.id}` is asked about again" if place.step.id in walk.steps else "the walk goes on"
        self._screen.say(f"Afterwards {leads}.", style="dim")
        ways = "Type `undo` to begin; anything else goes back."
        while True:
            self._screen.say(ways + (" `l` lists them all." if len(able) > _FEW_CHANGES else ""))
            word = self._keyboard.ask(guarded=True)
            if not isinstance(word, str):
                return word
            if word == "undo":
                return Act(do="undo")
            if word != "l":
                self._screen.say("Nothing is taken back.")
                return None
            self._show(able, all_of=True)

    def _show(self, changes: Sequence[Change], *, all_of: bool) -> None:
        """Show changes and how each would be taken back; of many the first and the last."""
        for number, change in enumerate(changes, start=1):
            if not all_of and _FEW_CHANGES - 2 < number < len(changes):
                if number == _FEW_CHANGES - 1:
                    self._screen.say(f"… {len(changes) - _FEW_CHANGES + 1} more …", style="bold", indent=5)
                continue
            line = Text(change.step, style="bold")
            if change.changed != "yes":
                line.append("  ? nobody knows whether it changed anything; you are asked first", style="bold magenta")
            self._screen.say(line, first=Text(f"{number:3}  ", style="bold"))
            action = announced(canonical(change.undo)) if change.undo else None
            if action is not None:
                self._screen.exactly(action.preview.line, style="dim", indent=5)
