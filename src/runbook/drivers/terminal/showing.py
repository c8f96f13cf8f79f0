"""What a dry run shows in place of doing it, and the question as what it is taken."""

from runbook.drivers.operator import Hand, Place, Request, Shown
from runbook.drivers.terminal.confirming import heading_of, show_what
from runbook.drivers.terminal.hands import Hands, Way
from runbook.drivers.terminal.screen import Screen
from runbook.drivers.terminal.wording import show_conditions, show_undo
from runbook.model.runbook import Outcome

WAYS = (
    Way(key="", says="go on as if it had been done", also=("passed",)),
    Way(key="f", says="go on as if it had failed", also=("failed",)),
    Way(key="x", says="go on as if nobody had seen the result", also=("unknown",)),
)
_TAKEN = {"f": Outcome.FAILED, "failed": Outcome.FAILED, "x": Outcome.UNKNOWN, "unknown": Outcome.UNKNOWN}


def ask_as_what(screen: Screen, hands: Hands, place: Place, shown: Shown, *, environment: str | None) -> Outcome | Hand:
    """Show what a live run would do and ask for, and ask as what it is taken."""
    words, style = heading_of(place.step.effect)
    where = f" · {environment}" if environment else ""
    screen.say(f"WOULD BE DONE, AND IS NOT ({words.lower()}){where}", style=style)
    show_what(screen, place.step, shown.preview)
    undo = Request(
        preview=shown.preview, undo=shown.undo, irreversible=shown.irreversible, phrase=None, reason_required=False
    )
    show_undo(screen, place.step, undo)
    show_conditions(screen, place.step)
    if shown.demands:
        screen.say(f"A live run asks for {', '.join(shown.demands)}.", style="dim", indent=2)
    said = hands.choose(place, WAYS)
    return _TAKEN.get(said, Outcome.PASSED) if isinstance(said, str) else said
