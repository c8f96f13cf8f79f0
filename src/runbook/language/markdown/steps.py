"""Decides what each block of a section becomes: a step, a part of one, or a text beside one.

The order of the document is the order of the draft. A text waits for the step below it and becomes its description; at
the end of its section it becomes a step that a person does. Nothing is guessed about what a step does to the world.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook.language.markdown.blocks import Block, Lines, Sort
from runbook.language.markdown.checklists import TASK, Checks, has_task
from runbook.language.markdown.code import Commands, commands_in, no_command_in
from runbook.language.markdown.drafted import EFFECT, OUTCOME, Note, Step, counted, keys, literal, text_of
from runbook.language.markdown.placeholders import Placeholder, Placeholders, values_below
from runbook.language.markdown.sections import Section
from runbook.language.markdown.tables import Ways, contacts_in, ways_in
from runbook.language.markdown.words import RESERVED, Names, heading_of, plain, title_of, with_links
from runbook.language.templates import OPEN
from runbook.model.canonical import Json, JsonObject

_SHOWS_OUTPUT = re.compile(
    r"\b(?:output|results?|returns?|responses?|example|looks? like|should see|prints?|shows?)\b[^\n]{0,80}:$",
    re.IGNORECASE,
)
_TO_HERE = re.compile(r"\[[^\]]*\]\(#[^)]*\)")
_NO_TEXT = re.compile(r"<!--.*?(?:-->|\Z)|<[^>]*>", re.DOTALL)
_LONGEST_NAME = 60


class Steps:
    """The steps of a draft, made one section after the other.

    :param links: the document's definitions of links, by their normalized labels.
    """

    def __init__(self, links: Mapping[str, Any]) -> None:
        self.steps: list[Step] = []
        self.notes: list[Note] = []
        self.contacts: list[Mapping[str, str]] = []
        self.placeholders = Placeholders()
        self._links = links
        self._names = Names(*RESERVED)
        self._waiting: list[Block] = []
        self._joining: list[Step] = []
        self._headings: Sequence[str] = ()
        self._untitled = False  # whether no step has the section's heading as its title yet
        self._begun = 0  # how many steps there were when the section began

    def section(self, section: Section, *, goes_on: bool = False) -> None:
        """Make steps of what stands in a section; an empty one becomes a step as well, for its heading says something.

        :param goes_on: the next section stands below the same heading.
        """
        self._headings = [literal(heading_of(heading.text)) for heading in section.path]
        self._untitled = bool(self._headings)
        self._begun = len(self.steps)
        if section.path:
            self._note(section.path[-1].at, "heading", "section, or title of the step below")
        self.walk(section.blocks)
        self._say(section.path[-1] if section.path and not goes_on else None)

    def finish(self) -> None:
        """End the draft."""
        self._headings, self._untitled = (), False
        said = self._description()
        self._add("Done", "finish", {"outcome": "completed"}, description=said, decide=OUTCOME)

    def walk(self, blocks: Sequence[Block]) -> None:
        """Make steps of blocks, in their order."""
        shown = 0
        for position, block in enumerate(blocks):
            if position < shown:
                continue
            commands = commands_in(block.text, block.info) if block.sort is Sort.CODE else None
            if commands is not None:
                shown = position + 1 + _shown_by(blocks[position + 1 : position + 3])
                self._command(block, commands, blocks[position + 1 : shown])
            elif block.sort in {Sort.BULLETS, Sort.ORDERED} and has_task(block):
                Checks(self).list(block)
            elif block.sort is Sort.ORDERED and not _is_contents(block):
                *items, last = block.inside
                for item in items:
                    self._item(item)
                below = blocks[position + 1] if position + 1 < len(blocks) else None
                if below is not None and _goes_on(last, below):
                    shown = position + 2
                    self._item(replace(last, lines=[*last.lines, "", *below.lines], inside=[*last.inside, below]))
                else:
                    self._item(last)
            elif block.sort in {Sort.BULLETS, Sort.QUOTE} and does_something(block):
                for inner in block.inside:
                    self.walk(inner.inside if inner.sort is Sort.ITEM else [inner])
            elif block.sort is Sort.TABLE:
                self._table(block)
            else:
                self._waiting.append(block)

    def checklist(self, titles: Sequence[str], at: Lines) -> None:
        """Add a step that asks for each of several things whether it is so."""
        title, description = self._introduction()
        names = Names(*RESERVED)
        items: list[Json] = [{"id": names.give(plain(each), "item"), "title": literal(each)} for each in titles]
        description = values_below(description, self.placeholders.in_text("\n".join(titles)))
        step = self._add(title, "checklist", {"items": items}, description=description, otherwise="Checklist")
        self._note(at, counted(titles, "item") + " of a list with checkboxes", "checklist", step)

    def wait(self, block: Block) -> None:
        """Let a text wait for the step below it."""
        self._waiting.append(block)

    def _note(self, at: Lines, what: str, became: str, step: Step | None = None, decide: str = "") -> None:
        id_ = step.id if step else ""
        self.notes.append(Note(first=at[0], last=at[1], what=what, became=became, step=id_, decide=decide))

    def _add(
        self,
        title: str,
        kind: str,
        fields: JsonObject,
        *,
        description: str = "",
        otherwise: str = "Step",
        decide: str = "",
        after: str = "",
    ) -> Step:
        """Add a step; without a title it has the section's heading, if no step has it yet.

        :param description: in front of the step's own fields; ``after`` is one behind them.
        """
        headings = list(self._headings)
        if not title and self._untitled and headings:
            title, self._untitled = headings.pop(), False
        title = title or otherwise
        step = Step(
            fields=keys(
                id=self._names.give(title.replace(OPEN, ""), "step"),
                section=" › ".join(headings).replace(literal(OPEN), OPEN),
                title=title,
                description=description,
                kind=kind,
            )
            | fields
            | keys(description=description or after)
        )
        if decide:
            step.comments[next(iter(fields))] = [f"decide: {decide}"]
        for joining in self._joining:
            joining.fields["next"] = step.id
        self._joining = []
        self.steps.append(step)
        return step

    def _waiting_at(self) -> Lines:
        return self._waiting[0].first, self._waiting[-1].last

    def _title_of_waiting(self) -> str:
        text = next((block for block in self._waiting if block.sort is Sort.TEXT), None)
        return _title(text, next(block for block in self._waiting if not _is_silent(block)))

    def _description(self) -> str:
        """What waits, as the description of the step that is made of what stands below it."""
        text = with_links(text_of(self._waiting), self._links)
        for block in self._waiting:
            if block.sort is not Sort.RULE:
                self._note(block.at, block.sort.value, "description of the step below")
        self._waiting = []
        return values_below(literal(text), self.placeholders.in_text(text))

    def _introduction(self) -> tuple[str, str]:
        """The title and the description of a step that are made of what waits above it."""
        texts = [block for block in self._waiting if block.sort is Sort.TEXT]
        title = ""
        if texts:
            title, whole = title_of(texts[-1].text)
            title = literal(title.removesuffix(":"))
            if whole and len(self._waiting) == 1:
                self._note(texts[-1].at, "paragraph", "title of the step below")
                self._waiting = []
                return title, values_below("", self.placeholders.in_text(texts[-1].text))
            if not whole and self._untitled:
                title = ""
        return title, self._description()

    def _say(self, heading: Block | None) -> None:
        """Make a step of what waits at the end of a section; what says nothing to the reader waits on."""
        if not all(map(_is_silent, self._waiting)):
            title = "" if self._begun == len(self.steps) and self._untitled else self._title_of_waiting()
            self._manual(title, text_of(self._waiting), self._waiting_at(), "text")
            self._waiting = []
        elif heading is not None and self._begun == len(self.steps):
            self._manual("", heading_of(heading.text), heading.at, "heading with nothing below it")

    def _manual(self, title: str, text: str, at: Lines, what: str, *, description: str = "") -> Step:
        text = with_links(text, self._links)
        said = values_below(literal(text), self.placeholders.in_text(text))
        step = self._add(title, "manual", {"instructions": said}, description=description, decide=EFFECT)
        self._note(at, what, "manual step", step, "effect")
        return step

    def _item(self, item: Block) -> None:
        """An item of an ordered list is a step; one with commands in it is several."""
        if not any(line.strip() for line in item.lines):
            return
        if any(map(does_something, item.inside)):
            self.walk(item.inside)
            if not all(map(_is_silent, self._waiting)):
                self._manual(self._title_of_waiting(), text_of(self._waiting), self._waiting_at(), "text of an item")
                self._waiting = []
            return
        description = self._description()
        title = _title(item.inside[0] if item.inside else None, item)
        self._manual(title, text_of([item]), item.at, "item of an ordered list", description=description)

    def _command(self, block: Block, commands: Commands, output: Sequence[Block]) -> None:
        """Commands become a step; what a reader saw besides the script stands in its description."""
        language = f"{block.info.split()[0]} code" if block.info else "code"
        found = self.placeholders.in_script(commands.text)
        if found is None or OPEN in found[0]:
            self._waiting.append(block)
            title = "" if self._untitled else self._title_of_waiting()
            self._manual(title, text_of([*self._waiting, *output]), self._waiting_at(), language)
            self._waiting = []
            return
        script, placeholders = found
        title, description = self._introduction()
        as_it_was = not commands.whole or script != commands.text or len(block.info.split()) > 1
        if as_it_was or (description and output):
            passage = literal(text_of([block, *output]))
            description, after = "\n\n".join(filter(None, [description.rstrip("\n"), passage])), ""
        else:
            after = literal(text_of(output))
        fields = keys(script=script, env=_environment(placeholders))
        doubtful = no_command_in(commands.text)
        decide = f"{EFFECT}; and whether {doubtful!r} is a command" if doubtful else EFFECT
        otherwise = literal(_first_line(commands.text))
        step = self._add(
            title, "command", fields, description=description, otherwise=otherwise, decide=decide, after=after
        )
        self._note(block.at, language, "command step", step, "effect")
        for shown in output:
            self._note(shown.at, shown.sort.value, "description", step)

    def _table(self, table: Block) -> None:
        ways = ways_in(table)
        if ways is not None:
            self._ways(table, ways)
            return
        contacts = contacts_in(table, " ".join(self._headings))
        if contacts:
            self.contacts += contacts
            self._note(table.at, "table", counted(contacts, "contact"))
        self._waiting.append(table)

    def _ways(self, table: Block, ways: Ways) -> None:
        """A table of cases becomes a choice, and what is to be done in each of them a step."""
        names = Names(*RESERVED)
        options: list[Json] = []
        title, description = self._introduction() if self._waiting else (literal(ways.head), "")
        if title != literal(ways.head):
            description = "\n\n".join(filter(None, [description.rstrip("\n"), f"{literal(ways.head)}\n"]))
        choice = self._add(title, "choice", {"options": options}, description=description)
        self._note(table.at, "table", "choice", choice)
        joining = []
        for number, (case, rest) in enumerate(ways.rows):
            line = table.first + 2 + number
            title = literal(title_of(rest)[0])
            step = self._manual(title, rest, (line, line), "row of a table")
            self._joining = []  # until all are there
            joining.append(step)
            label = literal(heading_of(case))
            option = {"id": names.give(label, "case"), "label": label, "help": literal(rest), "next": step.id}
            options.append({**option})
        self._joining = joining


def does_something(block: Block) -> bool:
    """Whether commands, checkboxes or cases are in a block, so that it is more than a text."""
    return any(
        (each.sort is Sort.CODE and commands_in(each.text, each.info) is not None)
        or (each.sort is Sort.TEXT and TASK.match(each.text) is not None)
        or (each.sort is Sort.TABLE and ways_in(each) is not None)
        for each in block.all()
    )


def _goes_on(item: Block, below: Block) -> bool:
    """Whether code below the last item of a list is meant to stand in it: people forget the blanks in front of it."""
    text = item.inside[-1].text.rstrip() if item.inside else ""
    return (
        below.sort is Sort.CODE
        and bool(below.info or below.lines[0][:1] not in {" ", "\t"})
        and (text.endswith(":") or below.first == item.last + 1)
    )


def _is_contents(block: Block) -> bool:
    """Whether a list does nothing but lead to other places of the document."""
    texts = [each.text for each in block.all() if each.sort is Sort.TEXT]
    return bool(texts) and all(_TO_HERE.fullmatch(text.strip()) for text in texts)


def _is_silent(block: Block) -> bool:
    """Whether a reader sees nothing of a block."""
    match block.sort:
        case Sort.RULE | Sort.REST:
            return True
        case Sort.HTML:
            return not _NO_TEXT.sub("", "\n".join(block.lines)).strip()
        case _:
            return False


def _shown_by(below: Sequence[Block]) -> int:
    """How many of the blocks below commands show what they print."""
    for number, block in enumerate(below):
        if block.sort is Sort.CODE and commands_in(block.text, block.info) is None:
            return number + 1
        if number or block.sort is not Sort.TEXT or not _SHOWS_OUTPUT.search(block.text.strip()):
            return 0
    return 0


def _title(text: Block | None, otherwise: Block) -> str:
    """A title made from a paragraph, or from the first words of something else."""
    if text is not None and text.text:
        source = text.text
    elif otherwise.rows:
        source = " · ".join(filter(None, otherwise.rows[0]))
    else:
        first = next((each for each in otherwise.all() if each.text.strip()), otherwise)
        if first.sort is Sort.CODE:
            return literal(_first_line(first.text)) if first.text.strip() else ""
        source = first.text or otherwise.lines[0]
    return literal(title_of(source)[0].removesuffix(":"))


def _first_line(script: str) -> str:
    """The first line of a script as a title: what its comment says, or the command."""
    line = next(line.strip() for line in script.split("\n") if line.strip())
    words = line.lstrip("#! ").strip() or line
    return words if len(words) <= _LONGEST_NAME else f"{words[: _LONGEST_NAME - 1]}…"


def _environment(placeholders: Sequence[Placeholder]) -> JsonObject:
    return {each.variable: each.reference for each in placeholders}
