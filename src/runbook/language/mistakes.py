"""What a validator found and what is said about it: the two forms between which the complaints translate."""

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.language.places import Path
from runbook.language.written import short
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One keyword of the schema that a value does not keep.

    ``wanted`` is what stands at the keyword, ``schema`` the piece of schema that it stands in. ``name`` says that
    the value is a key of the mapping at ``path``, not something in it. ``or_mapping`` says that a mapping can stand in
    its place, ``or_template`` that one ``${{ }}`` can.
    """

    path: Path
    keyword: str
    wanted: Json
    value: Json
    schema: Mapping[str, Json]
    name: bool = False
    or_mapping: bool = False
    or_template: bool = False

    @property
    def place(self) -> str:
        """How a message calls the place: the last key on the way to it."""
        keys = [key for key in self.path if isinstance(key, str)]
        if not keys:
            return "the file"
        name = f"`{short(keys[-1])}`"
        return name if isinstance(self.path[-1], str) else f"an element of {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is said about a mistake, before it has a place in a text.

    ``at_key`` points at the key that leads to the path; else at the value there. ``key`` is one that is missing there.
    """

    code: Code
    path: Path
    message: str
    help: str
    label: str = ""
    at_key: bool = False
    key: str = ""
