"""How a step makes secrets of what it observes, so that it can be done where that is whole: where it is performed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from runbook.language.expressions import Cel
from runbook.language.scope import own_types, types_of
from runbook.language.tokens import read
from runbook.language.traps import mentioned
from runbook.model.canonical import Json, JsonObject
from runbook.model.runbook import Step
from runbook.walk.scope import Scope, inside
from runbook.walk.walk import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An expression with all that it mentions: the types of its names, those of the observation's ``own`` apart.

    ``values`` are what the names stand for, ``spoiled`` why those do not that were masked or cut.
    """

    source: str
    types: Mapping[str, str]
    own: Mapping[str, str]
    values: JsonObject
    spoiled: Mapping[str, str]


Recipes = Callable[[], Mapping[str, Recipe]]
"""Makes the expressions of the secrets that a step makes, by name."""


def recipes_of(walk: Walk, step: Step, scope: Scope) -> Mapping[str, Recipe]:
    """The expressions of the secrets that a step makes of what it observes."""
    types = types_of(walk.runbook, walk.registry)
    own = own_types(step, walk.registry, walk.runbook.included)
    return {name: _recipe(source, scope, types, own) for name, source in step.save_secret.items()}


def _recipe(source: str, scope: Scope, types: Mapping[str, str], own: Mapping[str, str]) -> Recipe:
    mentions = read(source).mentions
    used = mentioned(read(source), types)
    roots = {mention.parts[0] for mention in mentions if mention.longest(types) is None} - own.keys()
    chains = (".".join(mention.parts) for mention in mentions)
    return Recipe(
        source=source,
        types=used,
        own=own,
        values={name: scope[name] for name in (*used, *sorted(roots)) if name in scope},
        spoiled={chain: word for chain in chains if (word := scope.spoiled(chain)) is not None},
    )


def value_of(recipe: Recipe, raw: JsonObject) -> str:
    """The text that an expression yields.

    :param raw: what was observed.
    :raises ExpressionError: if it yields none.
    """
    return str(Cel(recipe.types).evaluate(recipe.source, _There(recipe, raw), "string", own=recipe.own))


class _There(Mapping[str, Json]):
    """The names of an expression, where it has arrived."""

    def __init__(self, recipe: Recipe, raw: JsonObject) -> None:
        self._recipe = recipe
        self._raw = raw

    def __getitem__(self, name: str) -> Json:
        values = self._recipe.values
        return values[name] if name in values else inside(self._raw, name)

    def __iter__(self) -> Iterator[str]:
        yield from {**self._recipe.values, **self._raw}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def spoiled(self, chain: str) -> str | None:
        """Why a chain of names does not hold what was seen; None if it does."""
        return self._recipe.spoiled.get(chain)
