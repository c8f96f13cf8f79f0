"""What a step wants to know, asked of a person: done, yes, a choice, a form, a checklist, whether something was sent.

Rules. What was answered so far is kept while notes are written in between, in memory only. A value is looked at when it
is typed, and a secret is not shown. Longer answers are shown once more before they count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from rich.text import Text

from runbook.drivers.operator import Hand, Place
from runbook.drivers.telling import Mark
from runbook.drivers.terminal.confirming import NO, REASON, YES, ask_exactly
from runbook.drivers.terminal.forms import Form, ask_again
from runbook.drivers.terminal.hands import Hands, Way
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.screen import Screen, styled
from runbook.drivers.terminal.wording import markdown, sign
from runbook.model.canonical import Json, JsonObject
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Item, Question

_ITEM_KEYS = {"y": "yes", "n": "no", "u": "not_verified"}
_ITEM_WORDS = {"yes": "y", "no": "n"}


@dataclass(slots=True, kw_only=True)
class Draft:
    """What was answered so far to the question of one visit; ``shown`` says that its texts were shown."""

    of: tuple[str, int]
    shown: bool = False
    answers: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


class Questions:
    """Asks the questions of steps.

    :param checked: how the machine's looks at the items of a checklist came out, by address.
    """

    def __init__(self, screen: Screen, keyboard: Keyboard, hands: Hands, checked: Mapping[str, str]) -> None:
        self._screen = screen
        self._hands = hands
        self._form = Form(screen, keyboard, hands)
        self._checked = checked
        self._draft = Draft(of=("", 0))

    def instructed(self, place: Place) -> None:
        """The instructions of a step have been shown already."""
        self._begin(place).shown = True

    def refused(self, question: Question | None) -> None:
        """An answer did not fit: what was typed in secret is asked for again, the rest is kept."""
        secret = (
            {wanted.name for wanted in question.fields if wanted.secret} if isinstance(question, AskForm) else set()
        )
        for name in secret:
            self._draft.answers.pop(name, None)

    def ask(self, place: Place, question: Question) -> JsonObject | Hand:
        """The answer, or a hand."""
        draft = self._begin(place)
        match question:
            case AskDone():
                answer = self._done(place, question, draft)
            case AskYes():
                answer = self._yes(place, question)
            case AskChoice():
                answer = self._choice(place, question)
            case AskForm():
                answer = self._form.ask(place, question.fields, draft.answers)
            case AskItems():
                answer = self._items(place, question, draft)
            case AskSent():
                answer = self._sent(place, question, draft)
            case _:
                assert_never(question)
        draft.shown = True
        return answer

    def _begin(self, place: Place) -> Draft:
        here = (place.address, place.visit)
        if self._draft.of != here:
            self._draft = Draft(of=here)
        return self._draft

    def _done(self, place: Place, question: AskDone, draft: Draft) -> JsonObject | Hand:
        if not draft.shown:
            # A change is shown when it is confirmed; where it was not, that was in an earlier sitting.
            begun = place.step.effect.changes
            self._screen.say(
                "CHANGES SOMETHING, BY HAND" if begun else "BY HAND", style="bold yellow" if begun else "bold"
            )
            markdown(self._screen, question.instructions, indent=2)
            if begun:
                warning = "It was confirmed and begun before the pause, and may be done, wholly or in part. Look first."
                self._screen.say(warning, style="yellow")
        else:
            self._screen.say("Do it now, then say how it went.", style="bold")
        ways = (Way(key="d", says="it is done", also=("done",)), Way(key="f", says="it failed", also=("failed",)))
        while True:
            key = self._hands.choose(place, ways)
            if not isinstance(key, str):
                return key
            said: str | Hand | None = ""
            if key == "f":
                said = self._hands.text(place, "It failed. What happened?")
            elif question.evidence != "none":
                required = question.evidence == "required"
                said = self._hands.text(
                    place, "Done. What shows it? A link, a line of output, a name.", needed=required
                )
            if said is None:
                continue
            if not isinstance(said, str):
                return said
            outcome = "done" if key == "d" else "failed"
            return {"outcome": outcome, "evidence": said} if said else {"outcome": outcome}

    def _yes(self, place: Place, question: AskYes) -> JsonObject | Hand:
        self._screen.say("A GATE: only yes goes on", style="bold")
        markdown(self._screen, question.question, indent=2)
        wanted = YES if question.phrase is None else question.phrase
        said = ask_exactly(self._screen, self._hands, place, wanted, does="it is so; the walk goes on")
        if not isinstance(said, str):
            return said
        why: str | Hand | None = ""
        if said == NO:
            why = self._hands.text(place, "Why not?")
        elif question.reason_required:
            why = self._hands.text(place, REASON, needed=True)
        if why is None:
            return self._yes(place, question)
        return {"confirm": said, "reason": why} if isinstance(why, str) else why

    def _choice(self, place: Place, question: AskChoice) -> JsonObject | Hand:
        ways = tuple(
            Way(key=str(number), says=option.label, also=(option.id,), more=option.help)
            for number, option in enumerate(question.options, start=1)
        )
        key = self._hands.choose(place, ways)
        return {"choose": question.options[int(key) - 1].id} if isinstance(key, str) else key

    def _items(self, place: Place, question: AskItems, draft: Draft) -> JsonObject | Hand:
        mine = [item for item in question.items if not item.checked]
        if not draft.shown:
            self._screen.say(f"{len(mine)} ITEM{'S' * (len(mine) != 1)} TO LOOK AT", style="bold")
        while True:
            for number, item in enumerate(mine, start=1):
                if item.id in draft.answers:
                    continue
                hand = self._item(place, question, item, f"{number} of {len(mine)}", draft)
                if hand is not None:
                    return hand
            accepted = self._accept(place, question, mine, draft)
            if accepted is not None:
                return accepted

    def _item(self, place: Place, question: AskItems, item: Item, where: str, draft: Draft) -> Hand | None:
        """Ask for one item; what is typed behind the key is a note on it."""
        yes, no, open_ = question.labels
        ways = (
            Way(key="y", says=yes, also=("yes",)),
            Way(key="n", says=f"{no}; `n TEXT` says why", also=("no",)),
            Way(key="u", says=f"{open_}; it stays open"),
        )
        self._screen.say()
        self._screen.say(styled(item.title, "bold"), first=Text(f"{where}  ", style="dim"))
        brief = False
        while True:
            line = self._hands.ask(place, ways, brief=brief)
            brief = True
            if not isinstance(line, str):
                return line
            typed, _, note = line.strip().partition(" ")
            key = _ITEM_WORDS.get(typed.casefold(), typed)
            if key in _ITEM_KEYS:
                draft.answers[item.id] = _ITEM_KEYS[key]
                draft.notes.pop(item.id, None)
                if note.strip():
                    draft.notes[item.id] = note.strip()
                return None
            said = f"`{line.strip()}` is no answer here." if line.strip() else "Enter alone does nothing here."
            self._screen.say(f"{said} Type y, n or u; `n blank page` says no, and why.", style="yellow")

    def _accept(self, place: Place, question: AskItems, mine: Sequence[Item], draft: Draft) -> JsonObject | Hand | None:
        """Show all answers once more; None where one is to be given again."""
        words = dict(zip(_ITEM_KEYS.values(), question.labels, strict=True))
        self._screen.say()
        for number, item in enumerate(mine, start=1):
            answer = str(draft.answers[item.id])
            note = f" ({draft.notes[item.id]})" if item.id in draft.notes else ""
            self._screen.say(f"{item.title}: {words[answer]}{note}", first=Text(f"{number:3}  ", style="dim"))
        for item in question.items:
            if item.checked:
                self._show_checked(place, item, question.labels)
        failing = "; with a no the step fails" if "no" in draft.answers.values() else ""
        again = ask_again(self._screen, self._hands, place, len(mine), f"these are the answers{failing}")
        if not isinstance(again, int):
            return again
        if again:
            draft.answers.pop(mine[again - 1].id)
            return None
        return {"items": dict(draft.answers), "notes": dict(draft.notes)}

    def _show_checked(self, place: Place, item: Item, labels: tuple[str, str, str]) -> None:
        """Show what a machine has found out about an item."""
        outcome = self._checked.get(f"{place.address}.{item.id}", "")
        passed = outcome == Mark.PASSED.value
        lead = Text("  ").append_text(sign(Mark.PASSED if passed else Mark.FAILED)).append(" ")
        self._screen.say(f"{item.title}: {labels[0] if passed else labels[1]}, looked at by the machine", first=lead)

    def _sent(self, place: Place, question: AskSent, draft: Draft) -> JsonObject | Hand:
        if not draft.shown:
            to = f" TO {question.audience}" if question.audience else ""
            self._screen.say(f"COPY THIS AND SEND IT{to}", style="bold")
            self._screen.say()
            self._screen.exactly(question.text)
            self._screen.say()
        ways = (Way(key="d", says="it is sent", also=("sent", "done")), Way(key="f", says="it could not be sent"))
        key = self._hands.choose(place, ways)
        if not isinstance(key, str):
            return key
        if key == "d":
            return {"outcome": "done"}
        said = self._hands.text(place, "Not sent. What happened?")
        if said is None:
            return self._sent(place, question, draft)
        if not isinstance(said, str):
            return said
        return {"outcome": "failed", "evidence": said} if said else {"outcome": "failed"}
