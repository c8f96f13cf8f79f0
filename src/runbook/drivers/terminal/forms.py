"""Forms: each field asked by itself, its value looked at when it is typed, all shown once more before they count."""

from collections.abc import Sequence

from rich.text import Text

from runbook.drivers.operator import Hand, Place
from runbook.drivers.terminal.hands import Hands, Way
from runbook.drivers.terminal.keyboard import Keyboard
from runbook.drivers.terminal.screen import Screen, one_line, styled
from runbook.drivers.terminal.wording import markdown, spelled
from runbook.model.canonical import Json, JsonObject
from runbook.model.inputs import accepted
from runbook.model.runbook import Input

_HINTS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "url": "a URL, such as https://example.com",
    "duration": "a duration, such as 30s or 5m",
    "timestamp": "a time with its zone, such as 2026-11-21T09:00:00Z",
    "list": "values with commas between them",
}
_TRUTH = {"yes": "true", "y": "true", "no": "false", "n": "false"}


class Form:
    """Asks for the fields of a form, or for the inputs of a run."""

    def __init__(self, screen: Screen, keyboard: Keyboard, hands: Hands) -> None:
        self._screen = screen
        self._keyboard = keyboard
        self._hands = hands

    def ask(self, place: Place, fields: Sequence[Input], given: dict[str, Json]) -> JsonObject | Hand:
        """The fields by name, those of secrets among them; or a hand.

        :param given: what was answered so far; it is added to.
        """
        while True:
            for number, wanted in enumerate(fields, start=1):
                if wanted.name in given:
                    continue
                value = self.field(wanted, f"{number} of {len(fields)}", place)
                if isinstance(value, Taken):
                    given[wanted.name] = value.value
                else:
                    return value
            again = self._accept(place, fields, given) if len(fields) > 1 else 0
            if not isinstance(again, int):
                return again
            if again:
                given.pop(fields[again - 1].name)
                continue
            return {"fields": {name: value for name, value in given.items() if value is not None}}

    def field(self, wanted: Input, where: str, place: Place | None) -> "Taken | Hand":
        """The value of one field; asked until one fits.

        :param place: None before the run has begun, when there are no hands.
        """
        self._screen.say()
        lead = Text(f"{where}  ", style="dim")
        self._screen.say(styled(one_line(wanted.prompt or wanted.name), "bold"), first=lead)
        if wanted.description:
            markdown(self._screen, wanted.description, indent=2)
        choices = list(wanted.enum) if isinstance(wanted.enum, tuple) else []
        for number, choice in enumerate(choices, start=1):
            self._screen.say(str(choice), first=Text(f"{number:3}  ", style="bold"))
        self._screen.say(_hint(wanted, choices), style="dim", indent=2)
        brief = False
        while True:
            if wanted.secret or place is None:
                line: str | Hand = self._keyboard.ask(secret=wanted.secret)
            else:
                line = self._hands.ask(place, free=True, brief=brief)
            brief = True
            if not isinstance(line, str):
                return line
            try:
                value = accepted(wanted, _meant(line, wanted, choices))
            except ValueError as problem:
                said = f"`{wanted.name}` wants yes or no" if wanted.type == "boolean" else str(problem)
                self._screen.say(f"{said}.", style="yellow")
                continue
            if wanted.secret:
                self._screen.say("Taken; it is not shown.", style="dim")
            return Taken(value)

    def _accept(self, place: Place, fields: Sequence[Input], given: dict[str, Json]) -> int | Hand:
        """Show all values once more; the number of the one that is to be given again, 0 for none."""
        self._screen.say()
        for number, wanted in enumerate(fields, start=1):
            value = given[wanted.name]
            shown = "(not shown)" if wanted.secret else "(nothing)" if value is None else spelled(value)
            self._screen.say(f"{one_line(wanted.name)}: {shown}", first=Text(f"{number:3}  ", style="dim"))
        return ask_again(self._screen, self._hands, place, len(fields), "these are the values")


class Taken:
    """A value that was given; None where nothing was, and nothing must be."""

    def __init__(self, value: Json) -> None:
        self.value = value


def ask_again(screen: Screen, hands: Hands, place: Place, count: int, says: str) -> int | Hand:
    """Ask whether what is shown is right: 0 if it is, else the number of what is to be answered again; or a hand."""
    numbers = "1" if count == 1 else f"1-{count}"
    ways = (Way(key="", says=says), Way(key=numbers, says="answer that one again"))
    brief = False
    while True:
        line = hands.ask(place, ways, brief=brief)
        brief = True
        if not isinstance(line, str):
            return line
        if not line:
            return 0
        if line.strip().isdecimal() and 0 < int(line) <= count:
            return int(line)
        screen.say(f"Enter takes them; {numbers} answers one again.", style="yellow")


def _hint(wanted: Input, choices: Sequence[Json]) -> str:
    """What may be typed."""
    parts = ["its number or the value" if choices else _HINTS.get(wanted.type, "a text")]
    if wanted.pattern and not choices:
        parts.append(f"that matches {wanted.pattern}")
    if wanted.secret:
        parts.append("it is not shown, and kept nowhere")
    if wanted.default is not None:
        parts.append(f"Enter takes {spelled(wanted.default) or 'nothing'}")
    elif not wanted.required:
        parts.append("Enter leaves it empty")
    return "; ".join(parts)


def _meant(line: str, wanted: Input, choices: Sequence[Json]) -> Json:
    """What a typed line stands for."""
    if wanted.secret:
        return line
    text = line.strip()
    if text in {str(choice) for choice in choices}:
        return next(choice for choice in choices if str(choice) == text)
    if choices and text.isdecimal() and 0 < int(text) <= len(choices):
        return choices[int(text) - 1]
    return _TRUTH.get(text.casefold(), text) if wanted.type == "boolean" else text
