"""What a draft is made of, before it is written: steps with their comments, and what became what."""

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, field

from runbook.language.markdown.blocks import Block, Sort
from runbook.language.templates import OPEN
from runbook.model.canonical import Json, JsonObject

EFFECT = "effect: none, change or irreversible"
"""What is to be decided about every step that may change something."""
OUTCOME = "outcome: completed, resolved or mitigated"
"""What is to be decided about the end."""


@dataclass(slots=True, kw_only=True)
class Step:
    """A step of the draft: its keys in the order in which they are written, and comments above some of them."""

    fields: JsonObject
    comments: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.fields["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What some lines of the document became, in which step if in one, and what the author is to decide about it."""

    first: int
    last: int
    what: str
    became: str
    step: str = ""
    decide: str = ""

    def as_json(self) -> JsonObject:
        """The form in which it is told to programs."""
        return {
            "line": self.first,
            "end_line": self.last,
            "what": self.what,
            "became": self.became,
            "step": self.step or None,
            "decide": self.decide or None,
        }


def literal(text: str) -> str:
    """A text in which ``${{`` is no expression but stands for itself."""
    return text.replace(OPEN, f'{OPEN} "{OPEN}" }}}}')


def text_of(blocks: Iterable[Block]) -> str:
    """Blocks as Markdown, without rules at their edges; it ends with a line feed unless it is one line."""
    kept = [*blocks]
    while kept and kept[0].sort is Sort.RULE:
        kept.pop(0)
    while kept and kept[-1].sort is Sort.RULE:
        kept.pop()
    text = "\n\n".join(map(source_of, kept)).strip("\n")
    return f"{text}\n" if "\n" in text else text


def source_of(block: Block) -> str:
    """A block as Markdown: its lines, those of a quotation with their signs."""
    sign = "> " if block.sort is Sort.QUOTE else ""
    return "\n".join(f"{sign}{line}".rstrip() if sign else line for line in block.lines)


def keys(**fields: Json) -> JsonObject:
    """Keys with their values, but for those that say nothing."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {})}


def counted(things: Sized, name: str) -> str:
    """How many things there are, with their name: ``1 contact``, ``2 contacts``."""
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
