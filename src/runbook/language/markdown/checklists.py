"""Makes checklists of lists with checkboxes: an item each, with what stands below it; commands stand between them."""

import re
from typing import TYPE_CHECKING

from runbook.language.markdown.blocks import Block, Sort
from runbook.language.markdown.drafted import source_of

if TYPE_CHECKING:
    from runbook.language.markdown.steps import Steps

TASK = re.compile(r"(?:\[[ xX]?\]|[☐☑☒✅⬜])(?:\s+|$)(?=\S)")
"""A checkbox, ticked or not, in front of something."""
_BEGINS = re.compile(r"(?=```|~~~|[-+*](?:[ \t]|$)|[>#])|[0-9]{1,9}(?=[.)](?:[ \t]|$))")
"""What would begin another block, were it not behind a checkbox."""


def has_task(block: Block) -> bool:
    """Whether there is a checkbox in a block."""
    return any(each.sort is Sort.TEXT and TASK.match(each.text) for each in block.all())


class Checks:
    """The items of a list, which go into one step until something else must stand between them."""

    def __init__(self, steps: "Steps") -> None:
        self._steps = steps
        self._begin()

    def list(self, block: Block) -> None:
        """Make steps of a list."""
        self._collect(block)
        self._flush()

    def _begin(self) -> None:
        self._titles: list[str] = []
        self._first = self._last = 0

    def _collect(self, block: Block) -> None:
        for item in block.inside:
            rest = list(item.inside)
            if rest and rest[0].sort is Sort.TEXT and (TASK.match(rest[0].text) or not has_task(item)):
                head = rest.pop(0)
                box = TASK.match(head.text)
                self._titles.append(_sentence(" ".join(head.text[box.end() if box else 0 :].split())))
                self._first, self._last = self._first or head.first, head.last
            for inner in rest:
                self._below(inner)

    def _below(self, block: Block) -> None:
        """What stands below an item: further items, commands, or more about it."""
        from runbook.language.markdown.steps import does_something  # each of the two knows the other

        if block.sort in {Sort.BULLETS, Sort.ORDERED} and has_task(block):
            self._collect(block)
        elif does_something(block):
            self._flush()
            self._steps.walk([block])
        elif self._titles:
            gap = "\n" if block.sort is Sort.BULLETS else "\n\n"
            self._titles[-1] += gap + source_of(block)
            self._last = block.last
        else:
            self._steps.wait(block)

    def _flush(self) -> None:
        if self._titles:
            self._steps.checklist(self._titles, (self._first, self._last))
        self._begin()


def _sentence(text: str) -> str:
    """A text that is a paragraph of Markdown by itself too."""
    begins = _BEGINS.match(text)
    return f"{text[: begins.end()]}\\{text[begins.end() :]}" if begins else text
