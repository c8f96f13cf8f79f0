"""A line that is being typed: its text, where the cursor stands, and what each key does to it. It shows nothing."""

from dataclasses import dataclass, field

from rich.cells import cell_len

from runbook.audit.escapes import inert
from runbook.drivers.terminal.keys import Key, is_text

LONGEST = 4_000
"""Characters that a line takes; a note of that length is a document and belongs elsewhere."""


@dataclass(slots=True)
class Line:
    """The text in characters, and how many of them stand before the cursor."""

    characters: list[str] = field(default_factory=list)
    cursor: int = 0

    @property
    def text(self) -> str:
        """What has been typed."""
        return "".join(self.characters)

    def insert(self, text: str) -> None:
        """Put text in at the cursor: a control is left out, a tab is a space."""
        room = LONGEST - len(self.characters)
        typed = [c for c in text.replace("\t", " ") if is_text(c)][:room]
        self.characters[self.cursor : self.cursor] = typed
        self.cursor += len(typed)

    def press(self, key: Key) -> None:
        """Do what a key does to a line; one that does nothing to it does nothing."""
        match key:
            case Key.BACKSPACE:
                self._cut(self._before())
            case Key.DELETE:
                after = self._after()
                del self.characters[self.cursor : after]
            case Key.LEFT:
                self.cursor = self._before()
            case Key.RIGHT:
                self.cursor = self._after()
            case Key.HOME:
                self.cursor = 0
            case Key.END:
                self.cursor = len(self.characters)
            case Key.KILL_LINE:
                self._cut(0)
            case Key.KILL_WORD:
                start = self.cursor
                while start and self.characters[start - 1].isspace():
                    start -= 1
                while start and not self.characters[start - 1].isspace():
                    start -= 1
                self._cut(start)
            case Key.ENTER | Key.END_OF_INPUT:
                pass

    def window(self, width: int) -> tuple[str, int]:
        """The part of the line that fits into so many cells with the cursor in it, and the cursor's cell in it.

        What is cut off at an end is marked with ``…``.
        """
        cells = [cell_len(inert(character)) for character in self.characters]
        if sum(cells) < width:
            return inert(self.text), sum(cells[: self.cursor])
        start = self.cursor
        used = 0
        while start and used + cells[start - 1] < width * 2 // 3:
            start -= 1
            used += cells[start]
        end = start
        room = width - 2 if start else width - 1
        shown = 0
        while end < len(cells) and shown + cells[end] < room:
            shown += cells[end]
            end += 1
        left = "…" if start else ""
        right = "…" if end < len(cells) else ""
        return left + inert("".join(self.characters[start:end])) + right, len(left) + sum(cells[start : self.cursor])

    def _before(self) -> int:
        """Where the character before the cursor begins, with the marks that stand on it."""
        place = self.cursor
        while place and cell_len(inert(self.characters[place - 1])) == 0:
            place -= 1
        return max(0, place - 1)

    def _after(self) -> int:
        """Where the character behind the cursor ends."""
        place = min(self.cursor + 1, len(self.characters))
        while place < len(self.characters) and cell_len(inert(self.characters[place])) == 0:
            place += 1
        return place

    def _cut(self, start: int) -> None:
        del self.characters[start : self.cursor]
        self.cursor = start
