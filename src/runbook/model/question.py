"""What a person may be asked, as data; drivers ask, and any of them may: a terminal, an answers file, a drill.

An answer is a JSON object with the keys of an answers file: ``outcome`` and ``evidence``, ``confirm`` and ``reason``,
``choose``, ``fields``, or ``items``.
"""

from dataclasses import dataclass
from typing import TypeAlias

from runbook.model.runbook import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDone:
    """Was it done, or did it fail? Answer: ``{outcome: done|failed, evidence?}``."""

    instructions: str
    evidence: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskYes:
    """A question to be answered yes or no. Answer: ``{confirm: yes|no, reason?}``.

    Where there is a ``phrase``, it is the yes: ``{confirm: PHRASE|no, reason?}``.
    """

    question: str
    phrase: str | None = None
    reason_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to go on."""

    id: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskChoice:
    """Which of these? Answer: ``{choose: ID}``."""

    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForm:
    """A typed form. Answer: ``{fields: {NAME: VALUE}}``; a value of a secret field never stands in the answer."""

    fields: tuple[Input, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of a checklist; ``checked`` says that a machine answers it."""

    id: str
    title: str
    checked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskItems:
    """A checklist. Answer: ``{items: {ID: yes|no|not_verified}, notes?: {ID: TEXT}}``. ``labels`` words the three."""

    items: tuple[Item, ...]
    labels: tuple[str, str, str] = ("yes", "no", "not verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSent:
    """A prepared message to be copied and sent by hand. Answer: ``{outcome: done|failed, evidence?}``."""

    text: str
    audience: str


Question: TypeAlias = AskDone | AskYes | AskChoice | AskForm | AskItems | AskSent
