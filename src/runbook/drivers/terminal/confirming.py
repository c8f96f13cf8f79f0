"""Confirmations: what would be done, exactly, and a word or a phrase that only a person who has read it types.

Rules. ``yes`` is typed out: no ``y``, no Enter, no ``YES``, no space behind it. A phrase is typed character by
character as it stands. Whatever is neither that nor a no is said to be neither, and asked again; nothing has started.
"""

from collections.abc import Iterable, Mapping, Sequence

from runbook.drivers.operator import Hand, No, Place, Request, Settle, Yes
from runbook.drivers.terminal.hands import Hands, Way
from runbook.drivers.terminal.phrases import difference
from runbook.drivers.terminal.repeated import hides, is_list, show_list
from runbook.drivers.terminal.screen import Screen
from runbook.drivers.terminal.wording import show_action, show_conditions, show_table, show_undo
from runbook.model.kind import Preview
from runbook.model.runbook import Effect, Outcome, Step

YES, NO = "yes", "no"
LIST = Way(key="l", says="list all that would be done")
REASON = "Why? The reason is recorded; without one nothing is confirmed."


def heading_of(effect: Effect) -> tuple[str, str]:
    """What an action does to the world, and in which colour that is said."""
    match effect:
        case Effect.NONE:
            return "READS ONLY, CHANGES NOTHING", "green"
        case Effect.CHANGE:
            return "CHANGES SOMETHING", "bold yellow"
        case Effect.IRREVERSIBLE:
            return "CHANGES SOMETHING THAT CANNOT BE UNDONE", "bold red"


def ask_confirmation(
    screen: Screen,
    hands: Hands,
    place: Place,
    request: Request,
    *,
    environment: str | None,
    roles: Mapping[str, Sequence[str]],
    stopping: Iterable[tuple[str, str]] = (),
) -> Yes | No | Hand:
    """Show what is to be confirmed, and where, and ask for the word or the phrase.

    :param roles: who has which role; those who may approve the step are named.
    :param stopping: what would become of the run if it stopped now; shown before what cannot be taken back.
    """
    step = place.step
    if request.stale:
        screen.say(f"Asked again: {request.stale}. The earlier confirmation does not count.", style="bold yellow")
    words, style = heading_of(step.effect)
    screen.say(f"{words} · {environment}" if environment and step.effect.changes else words, style=style)
    show_what(screen, step, request.preview)
    show_undo(screen, step, request)
    show_conditions(screen, step)
    if step.confirm is not None and (approvals := step.confirm.approvals) is not None:
        named = (f"{role} ({', '.join(roles.get(role, ()))})" for role in approvals.roles)
        who = f"{approvals.count} with the role {' or '.join(named)}"
        screen.say(f"You confirm it first; then others must approve it: {who}.", style="yellow", indent=2)
    if found := list(stopping):
        screen.say("If you stop now:", style="bold")
        show_table(screen, found)
    wanted = YES if request.phrase is None else request.phrase
    long = hides(step, request.preview)
    does = "do it now" + ("; asks why first" if request.reason_required else "")
    while True:
        asked = ask_exactly(screen, hands, place, wanted, does=does, more=(LIST,) if long else ())
        if not isinstance(asked, str):
            return asked
        if asked == LIST.key:
            show_list(screen, request.preview, whole=True)
            show_undo(screen, step, request, whole=True)
            continue
        if asked == NO:
            return No(reason="the operator said no")
        if not request.reason_required:
            return Yes()
        reason = hands.text(place, REASON, needed=True)
        if reason is not None:
            return Yes(reason=reason) if isinstance(reason, str) else reason


def show_what(screen: Screen, step: Step, preview: Preview) -> None:
    """Show what would be done; of a list as much as can be read."""
    if not is_list(step):
        show_action(screen, preview, step.kind)
        return
    screen.exactly(preview.line, style="bold", indent=2)
    show_list(screen, preview)
    if step.for_each is not None:
        screen.say(how_repeated(step), style="dim", indent=2)


def how_repeated(step: Step) -> str:
    """How many elements at a time, and when the rest is left."""
    each = step.for_each
    if each is None:
        return ""
    most = each.max_failures
    bears = "the first that does not pass" if most == 0 else f"more than {most} that do not pass"
    return f"{'one after the other' if each.at_once == 1 else f'up to {each.at_once} at once'}; {bears} ends it"


def ask_exactly(
    screen: Screen, hands: Hands, place: Place, wanted: str, *, does: str, more: tuple[Way, ...] = ()
) -> str | Hand:
    """The wanted word exactly, or ``no``, or a hand; everything else is asked again.

    :param does: what comes of the wanted word.
    :param more: other keys, which are returned.
    """
    said = does if wanted == YES else f"(typed exactly so) {does}"
    ways = (
        Way(key=wanted, says=said),
        Way(key=NO, says="leave it; then you are asked what to do", also=("n",)),
        *(way for way in more if way.key != wanted),
    )
    brief = False
    while True:
        line = hands.ask(place, ways, guarded=True, brief=brief)
        brief = True
        if not isinstance(line, str) or line == wanted:
            return line
        if line in {NO, "n"}:
            return NO
        if line in {way.key for way in more}:
            return line
        how = difference(line, wanted)
        if not line:
            screen.say(f"Enter alone does nothing. Type `{wanted}` or `no`.", style="yellow")
        else:
            hint = f": {how}" if how else ""
            screen.say(f"Not confirmed, nothing was started. That is not exactly `{wanted}`{hint}.", style="yellow")


def ask_to_settle(screen: Screen, hands: Hands, place: Place, *, described: tuple[Way, ...]) -> Settle | Hand:
    """Ask what became of a change whose result nobody saw."""
    screen.say(
        "It may have happened, or not, and it is not repeated. Look where it would show, then say what you found."
    )
    ways = (
        Way(key=Outcome.PASSED.value, says="it happened, and all of it"),
        Way(key=Outcome.FAILED.value, says="it surely did not happen"),
        Way(key=Outcome.UNKNOWN.value, says="nobody can tell, even now"),
    )
    while True:
        line = hands.choose(place, ways, described=described, guarded=True)
        if not isinstance(line, str):
            return line
        question = "Where have you looked?" if line == Outcome.UNKNOWN.value else "How do you know?"
        evidence = hands.text(place, f"{line.capitalize()}. {question} It is recorded.", needed=True)
        if isinstance(evidence, str):
            return Settle(outcome=Outcome(line), evidence=evidence)
        if evidence is not None:
            return evidence
