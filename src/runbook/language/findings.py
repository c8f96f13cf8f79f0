"""What YAML has and this language has not: one diagnostic for each, as the tree is built.

YAML can say the same thing in too many ways: by reference, with types written in front of values, with keys that are
no texts or that stand twice. A runbook is read at 3 a.m.; what it does must stand where it is read.
"""

import re

from yaml.events import AliasEvent, CollectionStartEvent, DocumentStartEvent, Event, NodeEvent, ScalarEvent

from runbook.language.characters import HIDDEN, described, effect_of, hidden_in
from runbook.language.lines import Lines
from runbook.language.scalars import place_inside
from runbook.language.scanning import offsets
from runbook.model.diagnostics import Code, Diagnostic, Span

EMPTY = Code(
    number="RB103",
    title="empty file",
    why="The file holds nothing, or nothing but comments. A runbook has at least `runbook: v1`, an `id` and `steps`.",
)
DUPLICATE = Code(
    number="RB112",
    title="key that stands twice",
    why="YAML readers take the last of two equal keys without a word, and the reader of the file the first. One of the "
    "two would be a rule that nobody keeps, so every key stands once in its mapping.",
)
REFERENCE = Code(
    number="RB113",
    title="anchor, alias or merge key",
    why="With anchors (`&name`), aliases (`*name`) and merge keys (`<<`) a step is put together from places all over "
    "the file, and a few lines can grow into gigabytes. What a step does is written where the step stands; what many "
    "steps share stands in `defaults`. A text that begins with `&` or `*` stands in quotes.",
)
TAG = Code(
    number="RB114",
    title="tag",
    why="A tag (`!name`, `!!int`) in front of a value tells YAML to make something else of it, up to running code. A "
    "value here is what is written. An expression that begins with `!` stands in quotes.",
)
SEVERAL = Code(
    number="RB115",
    title="directive or second document",
    why="A file is one runbook in one version of one language. A `%YAML` line would change how the file is read, and "
    "what stands behind a second `---` would be read by nobody.",
)
TOO_DEEP = Code(
    number="RB116",
    title="nested too deeply",
    why="No runbook needs mappings and lists nested in each other 64 times; a file made to exhaust its reader does.",
)
KEY = Code(
    number="RB117",
    title="key that is no text",
    why="Expressions and messages name keys, so keys are texts. `200:`, `true:` or `null:` would be a number, a truth "
    "value or nothing in YAML; in quotes they are the texts that they look like. A list or mapping can be no key.",
)
NUMBER = Code(
    number="RB118",
    title="number out of range",
    why="Whole numbers have 64 bits here and decimals are doubles, as in the expressions that compute with them. A "
    "longer one would silently become another number. Identifiers made of digits are texts: they stand in quotes.",
)
_SIGN_BEHIND_BLOCK = re.compile(r"[|>][-+0-9]*(?:#| *\t)")
_MOST = 100
_LONGEST = 40


def short(text: str) -> str:
    """A name as a message shows it: not more than the beginning of a long one."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class Stopped(Exception):  # noqa: N818 - the findings say what is wrong
    """Something after which the rest of a file means nothing."""


class Findings:
    """The diagnostics of one file, as they are found."""

    def __init__(self, lines: Lines, file: str) -> None:
        """Find nothing yet in a file of these lines."""
        self.lines = lines
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self._merging = 0  # the line of the last `<<`

    def add(self, code: Code, span: Span, message: str, help: str, label: str = "") -> None:  # noqa: A002 - as in a diagnostic
        """Remember a diagnostic; after very many the file is not worth reading on."""
        self.diagnostics.append(
            Diagnostic(code=code, message=message, file=self.file, span=span, label=label, help=help)
        )
        if len(self.diagnostics) == _MOST:
            raise Stopped

    def in_order(self) -> list[Diagnostic]:
        """All diagnostics in file order; those without a place come first."""
        return sorted(self.diagnostics, key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))

    def at(self, event: Event) -> Span:
        """Where an event stands."""
        return self.lines.span(*offsets(event))

    def nothing(self) -> None:
        """The file holds no value at all."""
        message = "the file is empty" if not self.lines.text.strip() else "the file holds nothing but comments"
        advice = "write a runbook into it; it begins with `runbook: v1`, an `id` and `steps`"
        self.diagnostics.append(Diagnostic(code=EMPTY, message=message, file=self.file, help=advice))
        raise Stopped

    def hidden(self, event: ScalarEvent, *, key: bool = False) -> None:
        """A quoted text spells, as an escape, a character that hides something."""
        index = hidden_in(event.value, key=key) or 0
        start, end = offsets(event)
        raw = self.lines.text[start:end]
        begin, end = place_inside(raw, event.value, index)
        character = event.value[index]
        where = "key" if key else "text"
        self.add(
            HIDDEN,
            self.lines.span(start + begin, start + end),
            f"the {where} holds {described(character)}, which {effect_of(character)}",
            "write the whole character itself" if "\ud800" <= character <= "\udfff" else "take it out",
        )

    def sign_behind_block(self, event: ScalarEvent) -> bool:
        """Whether ``#`` or a tab stands right behind the sign of a block text: the scanners differ about it."""
        return _SIGN_BEHIND_BLOCK.match(self.lines.text, offsets(event)[0]) is not None

    def duplicate_key(self, event: ScalarEvent, first: int) -> None:
        """A key stands in its mapping already, where the offset says."""
        line = self.lines.position(first)[0]
        message = f"the key `{short(event.value)}` stands twice, here and on line {line}"
        self.add(DUPLICATE, self.at(event), message, "keep one of the two", label=f"first on line {line}")

    def key_that_is_no_text(self, event: NodeEvent) -> None:
        """A key is a number, a truth value, nothing, or a mapping or list."""
        if isinstance(event, ScalarEvent) and event.value:
            word = event.value
            self.add(KEY, self.at(event), f"the key `{word}` is no text", f'write `"{word}":`')
        elif isinstance(event, ScalarEvent):
            self.add(KEY, self.at(event), "a key is missing", "write a key before the colon")
        else:
            self.add(KEY, self.at(event), "a mapping or list is no key", "write a text as the key; quote an expression")
            raise Stopped

    def merge_key(self, event: ScalarEvent) -> None:
        """A mapping wants another one merged into it."""
        advice = "write the keys out, or put what all steps of a kind share into `defaults`"
        self.add(REFERENCE, self.at(event), "`<<` merges mappings, and a runbook has none of that", advice)
        self._merging = self.at(event).line

    def alias(self, event: AliasEvent) -> None:
        """A value is put here by reference."""
        if self._merging == self.at(event).line:
            return  # what is merged is no mistake of its own
        name = event.anchor or ""
        advice = "write out here what it stands for"
        if f"&{name}" not in self.lines.text:
            advice = self._as_text(event) or advice
        self.add(REFERENCE, self.at(event), f"`*{short(name)}` is an alias, and a runbook has none", advice)

    def property(self, event: NodeEvent) -> None:
        """A value has an anchor or a tag."""
        if name := event.anchor:
            advice = "take it out, and write the value out where it is used"
            if isinstance(event, ScalarEvent) and f"*{name}" not in self.lines.text:
                advice = self._as_text(event) or advice
            self.add(REFERENCE, self.at(event), f"`&{short(name)}` is an anchor, and a runbook has none", advice)
        elif isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            written = self.lines.text[slice(*offsets(event))].split()[0]
            advice = "take it out; what a value is shows in how it is written"
            if isinstance(event, ScalarEvent) and not written.startswith("!!"):
                advice = self._as_text(event) or advice
            self.add(TAG, self.at(event), f"`{short(written)}` is a tag, and a runbook has none", advice)

    def _as_text(self, event: NodeEvent) -> str:
        """The help for an event that was probably meant as text: its line with quotes around what is written there."""
        from runbook.language.mending import as_meant, mended  # only where something is wrong

        line = as_meant(mended(self.lines.line(self.at(event).line)))
        return f"{line} if a text or an expression is meant" if line else ""

    def number(self, event: ScalarEvent) -> None:
        """A number is out of range."""
        word = event.value
        whole = "." not in word
        message = f"{short(word)} is {'beyond 64 bits' if whole else 'beyond what a double holds'}"
        self.add(NUMBER, self.at(event), message, "put it in quotes if it is a text, such as an identifier")

    def too_deep(self, event: Event, deepest: int) -> None:
        """One more mapping or list inside another."""
        message = f"mappings and lists are nested more than {deepest} levels deep"
        self.add(TOO_DEEP, self.at(event), message, "nest less, or put a text with brackets in quotes")
        raise Stopped

    def document(self, event: DocumentStartEvent, *, first: bool) -> None:
        """A line ``---``: nothing but comments may stand before the first one, and there is no second."""
        start = offsets(event)[0]
        before = self.lines.text.rfind("\n%", 0, start) + 1
        if not first:
            message = "the file holds a second document"
            self.add(SEVERAL, self.at(event), message, "keep one runbook in a file: move what follows into its own")
            raise Stopped
        if before or self.lines.text.startswith("%"):
            line = self.lines.position(before)[0]
            span = Span(line, 1, line, len(self.lines.line(line)) + 1)
            self.add(SEVERAL, span, "a line that begins with `%` is a directive, and a runbook has none", "take it out")
