"""Secrets as the core knows them: by reference. Their bytes exist only in the outermost layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from runbook.model.canonical import Json, JsonObject


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Stands for the value of the secret of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text with secrets in it that nobody has looked up yet: ``Bearer ${{ secrets.admin_token }}``."""

    parts: tuple[str | SecretRef, ...]

    def names(self) -> tuple[str, ...]:
        """The names of the secrets in it, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, SecretRef))

    def reference(self) -> JsonObject:
        """Its JSON form in an action: ``{"$secret": NAME}``, or ``{"$text": [TEXT, {"$secret": NAME}, …]}``."""
        shown: list[Json] = [{"$secret": p.name} if isinstance(p, SecretRef) else p for p in self.parts]
        only = shown[0]
        return only if len(shown) == 1 and isinstance(only, dict) else {"$text": shown}

    def resolve(self, value_of: Callable[[str], str]) -> str:
        """The text with each secret looked up; only the outermost layer calls this."""
        return "".join(value_of(p.name) if isinstance(p, SecretRef) else p for p in self.parts)


Text: TypeAlias = str | SecretText
"""A text that may hold secrets."""
Resolved: TypeAlias = "bool | int | float | str | SecretText | list[Resolved] | dict[str, Resolved] | None"
"""A field of a step after its expressions are evaluated: JSON in which a text may still hold secret references."""


def referenced(value: Resolved) -> Json:
    """A resolved value as plain JSON, secrets as references."""
    if isinstance(value, SecretText):
        return value.reference()
    if isinstance(value, list):
        return [referenced(item) for item in value]
    if isinstance(value, dict):
        return {key: referenced(item) for key, item in value.items()}
    return value


def dereferenced(value: Json) -> Resolved:
    """What :func:`referenced` made plain, as it was: an action read from a log."""
    match value:
        case {"$secret": str() as name, **rest} if not rest:
            return SecretText((SecretRef(name),))
        case {"$text": list() as shown, **rest} if not rest:
            return SecretText(tuple(SecretRef(str(p["$secret"])) if isinstance(p, dict) else str(p) for p in shown))
        case list():
            return [dereferenced(item) for item in value]
        case dict():
            return {key: dereferenced(item) for key, item in value.items()}
        case _:
            return value


def secret_names(value: Resolved) -> frozenset[str]:
    """The names of all secrets that a resolved value refers to."""
    if isinstance(value, SecretText):
        return frozenset(value.names())
    if isinstance(value, list):
        return frozenset().union(*map(secret_names, value))
    if isinstance(value, dict):
        return frozenset().union(*map(secret_names, value.values()))
    return frozenset()
