"""The operator at a terminal, as a session sees one: shows what is, asks, and hands back what the person wants.

Rules. Everything that is shown stays in the scrollback. A step that has not been shown in this sitting is shown before
anything is asked about it. What a person does is returned as an act or a note; nothing is done here.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from rich.text import Text

from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Act, Hand, Idle, No, Place, Request, Settle, Shown, Sought, Yes
from runbook.drivers.stopping import sentences, shortly
from runbook.drivers.telling import announced
from runbook.drivers.terminal.approval import Vigil
from runbook.drivers.terminal.confirming import (
    LIST,
    ask_confirmation,
    ask_exactly,
    ask_to_settle,
    heading_of,
    show_what,
)
from runbook.drivers.terminal.forms import Form, Taken
from runbook.drivers.terminal.hands import Hands, Way
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.modes import Modes
from runbook.drivers.terminal.news import News
from runbook.drivers.terminal.presence import Presence
from runbook.drivers.terminal.questions import Questions
from runbook.drivers.terminal.repeated import hides, show_list, show_rest
from runbook.drivers.terminal.screen import Screen, styled
from runbook.drivers.terminal.showing import ask_as_what
from runbook.drivers.terminal.waiting import Countdown
from runbook.drivers.terminal.wording import named, show_action, show_conditions, show_contacts
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import Preview
from runbook.model.question import Question
from runbook.model.runbook import Mode, Outcome, Runbook
from runbook.walk import events as e
from runbook.walk import including
from runbook.walk import run_events as r
from runbook.walk.actions import AskOperator, Choice
from runbook.walk.guarding import APPROVAL
from runbook.walk.outlook import ends_badly_with_changes, no_return, outlook
from runbook.walk.results import Visit
from runbook.walk.run_events import Event
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

NOT_TYPED = Code(
    number="RB304",
    title="nothing was typed",
    why="A person was asked for a value, and paused or left in place of typing it. Nothing was started with it. Walk "
    "again and type it, or give it beforehand: an input with `-i NAME=VALUE`, a secret by another source.",
)


@contextmanager
def seated(presence: Presence, interrupts: Interrupts, makes: "Makes | None" = None) -> Iterator["TerminalOperator"]:
    """The operator at this terminal, for as long as the terminal is held.

    :param makes: makes an operator of another class.
    """
    modes = Modes(presence)
    interrupts.on_wake(modes.wake)
    screen = Screen(presence)
    with modes.held():
        try:
            yield (makes or TerminalOperator)(screen, modes, interrupts)
        finally:
            screen.drop_row()


class TerminalOperator:
    """Somebody at a terminal."""

    def __init__(self, screen: Screen, modes: Modes, interrupts: Interrupts) -> None:
        self._screen = screen
        self._interrupts = interrupts
        self._thread = threading.get_ident()
        self._keyboard = Keyboard(modes, screen, interrupts)
        self._news = News(screen, modes, interrupts)
        self._hands = Hands(screen, self._keyboard, lambda: including.chain(self._run), self._news.now)
        self._questions = Questions(screen, self._keyboard, self._hands, self._news.checked)
        self._countdown = Countdown(screen, self._keyboard, self._hands, self._news.now)
        self._vigil = Vigil(screen, self._keyboard, self._hands, self._news.now)
        self._at: tuple[str, int] | None = None
        self._asked: Question | None = None
        self._held: Act | None = None

    @property
    def source(self) -> str:
        """Where the answers come from."""
        return "terminal"

    @property
    def _run(self) -> Walk:
        """The walk of the whole run."""
        if self._news.walk is None:  # pragma: no cover - a session attaches its walk first
            raise AssertionError("no walk")
        return self._news.walk

    @property
    def _walk(self) -> Walk:
        """The walk whose step is under way, inside that of the run perhaps."""
        return including.chain(self._run)[-1]

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Meet the walk."""
        self._news.walk = walk
        self._keyboard.idle = idle

    def show(self, event: Event) -> None:
        """Show what has happened, above a line that is being typed."""
        over = isinstance(event, e.WaitEnded | r.RunPaused | r.RunFinished | e.StepRefused)
        if over or (isinstance(event, e.StepStarted) and "." not in event.step):
            self._countdown.end()
            self._vigil.end()
        over = isinstance(event, e.StepFinished | e.StepUnknown | e.StepCancelled)
        if over and not self._run.in_flight():
            self._interrupts.clear()  # they were for what ran
            if not self._countdown.going:
                self._screen.drop_row()
                self._keyboard.forget()
        self._news.show(event)

    def arrive(self, place: Place) -> None:
        """Show the step that was entered."""
        self._countdown.end()
        self._screen.drop_row()
        self._keyboard.forget()
        self._at = (place.address, place.visit)
        self._news.previewed = None
        self._news.arrive(including.chain(self._run), place)

    def ready(self, place: Place, preview: Preview) -> Hand | None:
        """May it start? It changes nothing, so Enter is enough."""
        if (act := self._before(place)) is not None:
            return act
        if self._news.previewed != preview:
            show_what(self._screen, place.step, preview)
            words, style = heading_of(place.step.effect)
            if ends_badly_with_changes(self._walk, place.step):
                words, style = "ends the run for good; what is changed stays so unless you take it back first", "bold"
            if place.step.kind == "runbook":
                words, style = "each of its steps is shown, and each change asked about, by itself", "dim"
            self._screen.say(Text(words.lower(), style=style), indent=2)
            show_conditions(self._screen, place.step)
            self._news.previewed = preview
        ending = ends_badly_with_changes(self._walk, place.step)
        does = "end the run" if ending else "run it"
        ways: tuple[Way, ...] = (Way(key="", says=does, also=("r", "run")),)
        described: tuple[Way, ...] = ()
        if ending:
            names = shortly(change.step for change in outlook(self._walk).undoable)
            described = (Way(key="u", says=f"take back first what was changed: {names}; shows the list first"),)
        if hides(place.step, preview):
            ways += (LIST,)
        while (said := self._hands.choose(place, ways, described=described)) == LIST.key:
            show_list(self._screen, preview, whole=True)
        return None if isinstance(said, str) else said

    def take(self, place: Place, shown: Shown) -> Outcome | Hand:
        """Show what a dry run does not do, and ask as what it is taken."""
        if (act := self._before(place)) is not None:
            return act
        self._news.previewed = shown.preview
        self._questions.instructed(place)
        return ask_as_what(self._screen, self._hands, place, shown, environment=self._run.environment)

    def go_on(self, place: Place, left: Sequence[str]) -> Hand | None:
        """A loop was stopped in the middle: may it go on? What changes something wants a typed word again."""
        if (act := self._before(place)) is not None:
            return act
        visit = self._walk.visit
        if visit is None:  # pragma: no cover - a loop is visited
            return None
        changes = place.step.effect.changes
        of = len(visit.elements)
        self._screen.say(f"STOPPED: {of - len(left)} of {of} over, {len(left)} left.", style="bold yellow")
        show_rest(self._screen, self._walk, visit)
        if not changes:
            said = self._hands.choose(place, (Way(key="", says="go on with them", also=("r", "run")),))
            return None if isinstance(said, str) else said
        word = ask_exactly(self._screen, self._hands, place, "yes", does="go on with them")
        if not isinstance(word, str):
            return word
        return None if word == "yes" else Act(do="pause", reason="the operator did not want the rest now")

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Ask for a confirmation."""
        if (act := self._before(place)) is not None:
            return act
        self._news.previewed = request.preview
        self._questions.instructed(place)
        walk = self._walk
        last = no_return(place.step) and walk.visit is not None and walk.visit.undoes is None
        stopping = [*sentences(self._run, outlook(self._run))] if last else []
        return ask_confirmation(
            self._screen,
            self._hands,
            place,
            request,
            environment=self._run.environment,
            roles=walk.runbook.roles,
            stopping=stopping,
        )

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Wait for others to approve; what they signed may be pasted here."""
        if self._at != (place.address, place.visit) or self._held is not None:
            return self._before(place)
        return self._vigil.wait(place, sought, ms)

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Ask what the step wants to know."""
        if (act := self._before(place)) is not None:
            return act
        self._asked = question
        return self._questions.ask(place, question)

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Ask what to do where the walk cannot go on by itself."""
        if (act := self._before(place)) is not None:
            return act
        self._screen.say()
        visit = self._walk.visit_of(place.step.id)
        why = {Phase.UNKNOWN: "NOBODY SAW THE RESULT", Phase.REFUSED: "NOT STARTED"}
        words = why.get(visit.phase if visit else Phase.STUCK, "THE FILE NAMES NO WAY ON FROM HERE")
        if self._run.mode is Mode.DRY and words == why[Phase.UNKNOWN]:
            words = "DRY RUN: NOTHING WAS DONE, AND IT IS TAKEN AS UNKNOWN"
        earlier = visit is not None and visit.phase is Phase.REFUSED and visit.refused_by != "undo"
        because = f"{', as it was then' if earlier else ''}: {asked.because}"
        said = "" if asked.because in self._news.last else because
        self._screen.say(Text.assemble((words, "bold yellow"), styled(said)))
        settles = Choice.SETTLE in asked.choices
        action = announced(visit.what) if visit is not None and settles else None
        if action is not None:
            show_action(self._screen, action.preview, place.step.kind)
        contacts, _ = named(including.chain(self._run))
        if visit is not None and visit.phase in {Phase.STUCK, Phase.UNKNOWN} and contacts:
            self._screen.say("Who can help:", style="dim")
            show_contacts(self._screen, contacts)
        described = tuple(self._described(place, asked))
        if settles:
            return ask_to_settle(self._screen, self._hands, place, described=described)
        overrides = Choice.OVERRIDE in asked.choices
        return self._retry_or_leave(
            place, described, overrides=overrides, stuck=visit is not None and visit.phase is Phase.STUCK
        )

    def correct(self, place: Place, problem: str) -> None:
        """Say that it does not fit; what has happened is nothing."""
        del place
        self._countdown.end()
        self._questions.refused(self._asked)
        self._screen.say(f"Not possible: {problem}.", style="yellow")

    def notice(self, text: str) -> None:
        """Say it in a line of its own."""
        self._countdown.end()
        self._screen.say(text, style="yellow")

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let some time pass, counted down."""
        resumed = self._at != (place.address, place.visit)
        if (act := self._before(place, waits=True)) is not None:
            return act
        visit = self._walk.visit
        if resumed and visit is not None and (action := announced(visit.what)) is not None:
            self._screen.say(action.preview.line, style="bold", indent=2)
            self._news.show_looks(place.step, action)
        return None if visit is None else self._countdown.wait(place, visit, ms, due)

    def output(self, stream: str, chunk: bytes) -> None:
        """Show output of what is being performed."""
        self._news.output(stream, chunk)

    def working(self, elapsed_ms: int) -> None:
        """Show that something still runs."""
        self._news.working(elapsed_ms)

    def ask_secret(self, name: str, question: str) -> str:
        """A secret of the runbook, typed without echo.

        :raises Refused: if nobody types it.
        """
        if threading.get_ident() != self._thread:
            raise _not_typed(f"the secret `{name}` was not typed in time", "walk the step again")
        self._countdown.end()
        self._screen.say()
        self._screen.say(question or f"The secret `{name}`?", style="bold")
        self._screen.say("It is not shown, not logged, and forgotten at the end.", style="dim")
        typed = self._keyboard.ask(secret=True)
        if isinstance(typed, Act):
            self._held = typed
            raise _not_typed(f"the secret `{name}` was not typed", "walk the step again, and type it")
        return typed

    def ask_inputs(self, runbook: Runbook, given: Mapping[str, Json]) -> Mapping[str, Json]:
        """The inputs that were given, and those that a person types because they are missing.

        :raises Refused: if nobody types them.
        """
        inputs = dict(given)
        missing = [i for i in runbook.inputs.values() if i.name not in given and i.required and i.default is None]
        form = Form(self._screen, self._keyboard, self._hands)
        for number, wanted in enumerate(missing, start=1):
            value = form.field(wanted, f"{number} of {len(missing)}", None)
            if not isinstance(value, Taken):
                raise _not_typed(f"the input `{wanted.name}` is not given", f"give it with -i {wanted.name}=VALUE")
            inputs[wanted.name] = value.value
        return inputs

    def _before(self, place: Place, *, waits: bool = False) -> Act | None:
        """Show the step if this sitting has not shown it; an act that was wanted while nobody could take it."""
        if not waits:
            self._countdown.end()
            self._screen.drop_row()
        if self._at != (place.address, place.visit):
            self.arrive(place)
        held, self._held = self._held, None
        return held

    def _described(self, place: Place, asked: AskOperator) -> Iterator[Way]:
        """The ways on from here, each with what comes of it."""
        walk, step = self._walk, place.step
        if Choice.SKIP in asked.choices:
            yield Way(key="s", says=f"{self._hands.skipping(step)}; asks why")
        if Choice.GO_TO in asked.choices:
            yield Way(key="g", says="go to a step that you name; asks why")
        if Choice.UNDO in asked.choices:
            names = shortly(change.step for change in outlook(walk).undoable)
            yield Way(key="u", says=f"take back what was changed: {names}; shows the list first")
        if Choice.ABORT in asked.choices:
            left = "; what is not taken back yet stays changed" if walk.undoing is not None else ""
            yield Way(key="a", says=f"abort: the run is over for good{left}; asks why, and asks again")

    def _retry_or_leave(self, place: Place, described: tuple[Way, ...], *, overrides: bool, stuck: bool) -> Hand:
        part = place.step.id not in self._walk.steps
        visit = self._walk.visit_of(place.step.id)
        what = "try again: confirmed anew" if part else "try again: a new visit, and confirmed anew"
        most = place.step.max_visits
        if not part and most is not None and place.visit >= most:
            what = f"try again: that is one visit more than the file allows ({most}), so it fails without a start"
        if visit is not None and visit.refused_by == "undo":
            what = "take it back all the same: shown and confirmed first"
        ways: tuple[Way, ...] = (Way(key="r", says=what + ("; asks why" if stuck else "")),)
        if overrides:
            ways += (Way(key="o", says=_overriding(visit)),)
        maybe = any(c.step == place.step.id and c.changed == "maybe" for c in self._walk.changes)
        if maybe and stuck:
            self._screen.say("It may have changed something. Look before you try again.", style="bold yellow")
        while True:
            key = self._hands.choose(place, ways, described=described)
            if not isinstance(key, str):
                return key
            if key == "o":
                reason = self._hands.text(place, "Why may it start all the same? It is recorded.", needed=True)
                if reason is not None:
                    return Act(do="override", reason=reason) if isinstance(reason, str) else reason
                continue
            if not stuck:
                return Act(do="retry")
            reason = self._hands.text(place, "Why try again? It is recorded as a deviation.", needed=True)
            if reason is not None:
                return Act(do="retry", reason=reason) if isinstance(reason, str) else reason


def _overriding(visit: Visit | None) -> str:
    """What comes of overriding the guards that refuse a visit."""
    kinds = {visit.step.guards[place].override for place in visit.refusing} if visit is not None else set()
    then = "then others have to approve that" if APPROVAL in kinds else "then it is asked as ever whether to start"
    return f"override what refuses it, this once; asks why, recorded as a deviation; {then}"


def _not_typed(message: str, help_: str) -> Refused:
    return Refused(Diagnostic(code=NOT_TYPED, message=message, help=help_))


Makes: TypeAlias = Callable[[Screen, Modes, Interrupts], TerminalOperator]
"""Makes an operator at a terminal."""
