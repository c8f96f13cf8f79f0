"""The keys that are there at every question: skip, note, go to, pause, abort, contacts, help, each with what it does.

Rules. A key is typed and sent with Enter, by its letter or its word; where the question itself wants that letter, or
any text, the key begins with a colon. Nothing that a key does happens without a second word from the operator, but a
pause, which loses nothing. What it leads to is said before anything is asked, and every question has a way back. What
comes of a key is an act or a note; the session carries it out and asks again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from runbook.drivers.operator import Act, Hand, Note, Place
from runbook.drivers.stopping import shortly, why_lasting
from runbook.drivers.terminal.jumping import goals_of, objections, show_goals
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.leaning import leaning_on
from runbook.drivers.terminal.screen import Screen, styled
from runbook.drivers.terminal.taking_back import TakingBack
from runbook.drivers.terminal.wording import markdown, named, show_contacts, show_table
from runbook.language.near import nearest
from runbook.model.graph import SKIPPED
from runbook.model.runbook import Step
from runbook.walk.outlook import outlook
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

NOTES = {"note": "note", "d": "decision", "h": "hypothesis", "c": "communication"}
"""Kinds of a note by the letter that is typed for them."""


_NOTE_KEYS = (("Enter", "a note"), ("d", "a decision"), ("h", "a hypothesis"), ("c", "a communication"), (":b", "back"))
_WIDEST_KEY = 12
_BACK = frozenset({":b", ":back"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Something that can be typed, and what comes of it; ``more`` in Markdown. ``key`` empty: Enter alone."""

    key: str
    says: str
    also: tuple[str, ...] = ()
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """A key that is there at every question."""

    key: str
    word: str
    short: str
    says: str


HANDLES = (
    Handle(key="s", word="skip", short="skip", says="pass over this step; asks why, recorded as a deviation"),
    Handle(key="g", word="goto", short="go to", says="go on at another step; asks why, recorded as a deviation"),
    Handle(key="n", word="note", short="note", says="write a note, decision, hypothesis or communication into the log"),
    Handle(key="p", word="pause", short="pause", says="stop here; nothing is lost, and the run can be resumed"),
    Handle(key="a", word="abort", short="abort", says="end the run for good; asks why and asks again"),
    Handle(key="c", word="contacts", short="contacts", says="whom to call, and where to look"),
    Handle(
        key="u",
        word="undo",
        short="undo",
        says="take back what this run has changed; shows the list first, and asks for each",
    ),
    Handle(key="?", word="help", short="help", says="this list"),
)


class Hands:
    """Asks, and does what the keys say that are no answer."""

    def __init__(
        self, screen: Screen, keyboard: Keyboard, walks: Callable[[], Sequence[Walk]], now: Callable[[], int]
    ) -> None:
        """Ask nothing yet; ``walks`` are the run's and those inside it, the one under way last, ``now`` its clock."""
        self._screen = screen
        self._keyboard = keyboard
        self._walks = walks
        self._now = now
        self._back = TakingBack(screen, keyboard, walks)

    def _walk(self) -> Walk:
        """The walk whose step is under way."""
        return self._walks()[-1]

    def ask(
        self,
        place: Place,
        ways: tuple[Way, ...] = (),
        *,
        described: tuple[Way, ...] = (),
        free: bool = False,
        guarded: bool = False,
        brief: bool = False,
    ) -> str | Hand:
        """What is typed in answer to a question, or a hand.

        :param ways: what can be typed; shown one a line.
        :param described: keys of the hands that deserve a line of their own here.
        :param free: any text is an answer, so that keys begin with a colon.
        :param guarded: as :meth:`Keyboard.ask` has it.
        :param brief: what can be typed has just been shown.
        """
        while True:
            if not brief:
                self.offer(place, ways, described, free=free)
            line = self._keyboard.ask(guarded=guarded)
            if not isinstance(line, str):
                return line
            handle, rest = handle_of(line, ways, free=free)
            if handle is None:
                return line
            hand = self.take(handle, place, rest)
            if hand is not None:
                return hand
            brief = False

    def choose(
        self, place: Place, ways: tuple[Way, ...], *, described: tuple[Way, ...] = (), guarded: bool = False
    ) -> str | Hand:
        """The key of one of these ways, or a hand; anything else is asked again."""
        brief = False
        while True:
            line = self.ask(place, ways, described=described, guarded=guarded, brief=brief)
            brief = True
            if not isinstance(line, str):
                return line
            for way in ways:
                if line == way.key or line in way.also:
                    return way.key
            *some, last = [f"`{way.key}`" if way.key else "Enter" for way in (*ways, *described)]
            known = f"{', '.join(some)} or {last}" if some else f"{last}, or another key of the list"
            said = f"`{line}` is no key here." if line.strip() else "Enter alone does nothing here."
            self._screen.say(f"{said} Type {known}.", style="yellow")

    def text(self, place: Place, question: str, *, needed: bool = False) -> str | Hand | None:
        """A text that is typed in answer to a question of one line; None for the way back, or a hand.

        :param needed: nothing happens without it, and Enter alone goes back too; else that is the empty text.
        """
        enter = "goes back" if needed else "nothing to add"
        keys = [("Enter", enter), (":b", "back"), (":n", "note"), (":p", "pause"), (":?", "help")]
        while True:
            text = self._line(place, question, [key for key in keys if not (needed and key[0] == ":b")])
            if not isinstance(text, str):
                return text
            if needed and not text:
                return None
            if not self._is_key(text):
                return text

    def _line(self, place: Place, question: str, keys: Iterable[tuple[str, str]]) -> str | Hand | None:
        """What is typed in answer to a question of one line, None for the way back, or a hand."""
        while True:
            self._screen.say(question)
            self._screen.items([Text.assemble((key, "bold"), f" {says}") for key, says in keys], style="dim")
            line = self._keyboard.ask()
            if not isinstance(line, str):
                return line
            if line.strip().casefold() in _BACK:
                return None
            handle, rest = handle_of(line, (), free=True)
            if handle is None:
                return line.strip()
            hand = self.take(handle, place, rest)
            if hand is not None:
                return hand

    def _is_key(self, text: str) -> bool:
        """Say so where a text is only the letter of a key, which was hardly meant to be the text."""
        found = any(text == handle.key for handle in HANDLES)
        if found:
            self._screen.say(f"`{text}` alone is no text. The key here is `:{text}`.", style="yellow")
        return found

    def take(self, handle: str, place: Place, rest: str = "") -> Hand | None:
        """Do what a key says; None where nothing came of it."""
        match handle:
            case "s":
                return self._skip(place)
            case "g":
                return self._go_to(place)
            case "n":
                return self._note(place, rest)
            case "p":
                return Act(do="pause", reason="the operator paused it")
            case "a":
                return self._abort(place)
            case "c":
                contacts, links = named(self._walks())
                if not contacts and not links:
                    self._screen.say("The runbook names nobody.")
                show_contacts(self._screen, contacts, links)
            case "u":
                return self._back.ask(place)
            case _:
                self._help(place)
        return None

    def may_leave(self, step: Step) -> bool:
        """Whether the walk may leave a step now, before it is over: not while nobody knows what became of a change."""
        visit = self._walk().visit_of(step.id)
        if visit is None or visit.phase in {Phase.UNKNOWN, Phase.DONE}:
            return False
        return not (step.effect.changes and visit.phase in {Phase.RUNNING, Phase.WAITING})

    def _available(self, place: Place) -> Iterator[Handle]:
        """The keys that are worth showing here."""
        leaves = self.may_leave(place.step)
        for handle in HANDLES:
            if handle.key == "s" and not (leaves and self._walk().may_skip(place.step)):
                continue
            if handle.key == "g" and not (leaves and place.step.id in self._walk().steps):
                continue
            if handle.key == "u" and self._back.why_not(place) is not None:
                continue
            yield handle

    def offer(
        self, place: Place, ways: tuple[Way, ...], described: tuple[Way, ...] = (), *, free: bool = False
    ) -> None:
        """Show what can be typed."""
        self._screen.say()
        widest = max((len(way.key or "Enter") for way in ways), default=0)
        for way in (*ways, *described):
            key = way.key or "Enter"
            self._screen.say(way.says, first=styled(f"{key:{min(widest, _WIDEST_KEY)}}  ", "bold"))
            if way.more:
                markdown(self._screen, way.more, indent=4)
        taken = {key for way in ways for key in (way.key, *way.also)}
        mine = {way.key for way in described}
        items = []
        for handle in self._available(place):
            if handle.key not in mine:
                key = f":{handle.key}" if free or handle.key in taken else handle.key
                items.append(Text.assemble((key, "bold"), f" {handle.short}"))
        self._screen.items(items, style="dim")

    def _skip(self, place: Place) -> Hand | None:
        walk, step = self._walk(), place.step
        if not walk.may_skip(step) or not self.may_leave(step):
            self._screen.say(f"`{step.id}` cannot be skipped: {self._why_not(step)}.", style="yellow")
            return None
        if step.id in walk.steps:
            then = walk.target(step.id, SKIPPED)
            self._screen.say(f"`{step.id}` is then not done, and the walk goes on at `{then}`.")
        else:
            self._screen.say(f"{self.skipping(step).capitalize()}.")
        for sentence in leaning_on(walk, step) if step.id in walk.steps else ():
            self._screen.say(sentence, first=Text("  ! ", style="yellow"))
        reason = self.text(place, "Why skip it? It is recorded as a deviation.", needed=True)
        return Act(do="skip", reason=reason) if isinstance(reason, str) else reason

    def skipping(self, step: Step) -> str:
        """What comes of skipping a step, an undo or an element."""
        walk = self._walk()
        visit = walk.visit
        if step.id in walk.steps:
            return f"skip it and go on at `{walk.target(step.id, SKIPPED)}`"
        if visit is not None and visit.undoes is not None:
            return f"leave it as it is: `{visit.undoes.step}` stays changed, and the next one is taken back"
        return f"leave this one out: `{step.id}` is not done, and the next one is"

    def _why_not(self, step: Step) -> str:
        if not self.may_leave(step):
            return "first it must be known what became of it"
        if step.id not in self._walk().steps:
            return "this is a part of another step; leave it out with `s`, or abort"
        if self._walk().target(step.id, SKIPPED) is None:
            return "nothing comes after it"
        return "others have to approve it" if step.confirm and step.confirm.approvals else "it is a gate"

    def _go_to(self, place: Place) -> Hand | None:
        walk, step = self._walk(), place.step
        if not self.may_leave(step) or step.id not in walk.steps:
            self._screen.say(f"Not from here: {self._why_not(step)}.", style="yellow")
            return None
        self._screen.say(f"The walk leaves `{step.id}` and goes on at the step that you name. Asks why.")
        goals = goals_of(self._walks())
        show_goals(self._screen, goals, walk, step, self._now())
        ids, target = list(goals), ""
        while target not in goals:
            typed = self.text(place, "Go to which step? Its number or id.", needed=True)
            if not isinstance(typed, str):
                return typed
            target = ids[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(ids) else typed
            target = target.removeprefix(walk.prefix)
            if target not in goals:
                near = nearest(target, ids)
                hint = f"; did you mean `{near}`?" if near else "."
                self._screen.say(f"There is no step `{target}`{hint}", style="yellow")
        for objection in objections(goals[target], target, self._now()):
            self._screen.say(f"Not there now: {objection}.", style="yellow")
            return None
        reason = self.text(place, f"Why go to `{target}`? It is recorded as a deviation.", needed=True)
        return Act(do="go_to", to=target, reason=reason) if isinstance(reason, str) else reason

    def _note(self, place: Place, rest: str) -> Hand | None:
        kind: str | None = "note"
        while not rest:
            typed = self._line(place, "What is it?", _NOTE_KEYS)
            if not isinstance(typed, str):
                return typed
            word = typed.casefold() or "note"
            kind = NOTES.get(word) or (word if word in NOTES.values() else None)
            said: str | Hand | None = typed
            if kind is not None:
                said = self.text(place, f"The {kind}:", needed=True)
            elif self._is_key(typed):
                continue
            if said is not None and not isinstance(said, str):
                return said
            rest = said or ""
        return Note(kind=kind or "note", text=rest)

    def _abort(self, place: Place) -> Hand | None:
        self._screen.say(
            "An aborted run is over for good: it cannot be resumed. To go on later, pause. It asks why, and it is "
            "only done when you have typed `abort` after that."
        )
        run = self._walks()[0]
        ahead = outlook(run)
        if ahead.undoable:
            left = shortly(change.step for change in ahead.undoable)
            first = " (`u` takes it back first)" if self._back.why_not(place) is None else ""
            self._screen.say(f"What could be taken back stays changed: {left}{first}.", style="yellow")
        for why in dict.fromkeys(why_lasting(run, change) for change in ahead.lasting):
            self._screen.say(f"Cannot be taken back: {why}.", style="yellow")
        reason = self.text(place, "Why abort it? It is recorded.", needed=True)
        if not isinstance(reason, str):
            return reason
        self._screen.say("Type `abort` to end the run. Anything else goes back.")
        word = self._keyboard.ask(guarded=True)
        if isinstance(word, str) and word != "abort":
            self._screen.say("Not aborted.")
            return None
        return Act(do="abort", reason=reason) if isinstance(word, str) else word

    def _help(self, place: Place) -> None:
        rows: Iterable[tuple[str, str]] = [(f"{h.key}, {h.word}", h.says) for h in self._available(place)]
        rows = [*rows, ("n TEXT", "write a note at once")]
        rows += [
            ("Ctrl-C", "at a question: pause. While something runs: stop that first, twice insists, thrice kills"),
            ("Ctrl-D", "on an empty line: pause"),
            ("Ctrl-Z", "suspend; `fg` brings the walk back"),
        ]
        show_table(self._screen, rows)
        self._screen.say(
            "Keys are sent with Enter. Where any text is an answer they begin with a colon (:p). A change starts only "
            "when the word or phrase it asks for is typed exactly; what was typed before it asked does not count."
        )


def handle_of(line: str, ways: tuple[Way, ...], *, free: bool) -> tuple[str | None, str]:
    """The key that a line is, if it is one and no answer, and what follows it."""
    if any(line == way.key or line in way.also for way in ways):
        return None, ""
    word = line.strip()
    colon = word.startswith(":")
    if free and not colon:
        return None, ""
    word = word.removeprefix(":").casefold()
    for handle in HANDLES:
        if word in {handle.key, handle.word}:
            return handle.key, ""
    first, _, rest = line.strip().removeprefix(":").partition(" ")
    taken = any(way.key == "n" or "n" in way.also for way in ways) and not colon
    if first.casefold() in {"n", "note"} and rest.strip() and not taken:
        return "n", rest.strip()
    return None, ""
