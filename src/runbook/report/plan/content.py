"""What a runbook says, in the words of a person who reads it before an incident; every format renders this.

Nothing is evaluated: values that only a walk knows stand as the file has them, ``${{ }}`` and all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from runbook.model.canonical import Json
from runbook.model.kind import Preview
from runbook.model.runbook import Contact, Effect, Link

PreviewOf: TypeAlias = Callable[[str, Mapping[str, Json]], Preview]
"""What a kind of that name would do with these fields, as they are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something the author says, which is Markdown; ``label`` says what it is, where that is not plain."""

    text: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Something that is read letter by letter."""

    text: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of a list: ``text`` is the author's, ``target`` the step that it leads to.

    ``box``: a person ticks it, on paper too.
    """

    text: str
    note: str = ""
    target: str = ""
    box: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    items: tuple[Item, ...]
    label: str = ""


Block: TypeAlias = Said | Exact | Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it is; ``exact`` is read letter by letter, ``parts`` are names and values within."""

    name: str
    text: str = ""
    exact: str = ""
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """A way that leads on from a step. ``words`` say how it is taken; ``default``: by the file's own ``on_fail``."""

    words: str
    target: str
    fails: bool
    default: bool
    option: bool
    """Whether a choice has it."""

    @property
    def plain(self) -> bool:
        """Whether it is taken when nothing special happens: it needs no word where it runs straight down."""
        return not self.fails and not self.option


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step as it is read. ``asks`` is what must be given before it starts, in words.

    ``inside``: the effect is that of a step of the runbook that it walks.
    """

    number: int
    id: str
    title: str
    kind: str
    section: str
    effect: Effect
    inside: bool
    ends: bool
    asks: tuple[str, ...]
    description: str
    blocks: tuple[Block, ...]
    facts: tuple[Fact, ...]
    ways: tuple[Onward, ...]

    @property
    def does(self) -> str:
        """What it does to the world, in words; empty where that is nothing."""
        said = {Effect.NONE: "", Effect.CHANGE: "changes something", Effect.IRREVERSIBLE: "irreversible"}[self.effect]
        return f"{said} inside" if said and self.inside else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A runbook as it is read. ``handler`` is where a step leads that fails and names no other way."""

    id: str
    title: str
    description: str
    tags: tuple[str, ...]
    symptoms: tuple[str, ...]
    facts: tuple[Fact, ...]
    contacts: tuple[Contact, ...]
    links: tuple[Link, ...]
    needs: tuple[Fact, ...]
    """What must be at hand: environments, inputs, secrets, roles."""
    reminders: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    handler: str | None
