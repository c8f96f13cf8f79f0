"""What an expression may see at a moment of a walk: flat dotted names, looked up when they are asked for."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from runbook.model.canonical import Json, JsonObject
from runbook.walk import undoing
from runbook.walk.results import Result

if TYPE_CHECKING:
    from runbook.walk.walk import Walk

_ABOUT_STEP = {"outcome", "reason", "visits"}
_ABOUT_RUN = ("id", "mode", "incident", "operator", "now")


class Scope(Mapping[str, Json]):
    """The names of one moment: ``inputs.NAME``, ``environment.KEY``, ``steps.ID.FIELD`` and the others.

    A name that is not set is missing from the mapping. Built in no time: nothing is looked up before it is asked for.

    :param own: the fields of the observation being judged, which stand at the root.
    :param masked: paths in it that are masked; ``truncated`` those that are cut.
    """

    def __init__(
        self,
        walk: "Walk",
        own: JsonObject | None = None,
        *,
        masked: tuple[str, ...] = (),
        truncated: tuple[str, ...] = (),
    ) -> None:
        self._walk = walk
        self._own = {} if own is None else own
        self._spoiled = {"masked": masked, "cut": truncated}

    @property
    def shown(self) -> bool:
        """Whether the names are those of a dry run that has only shown something that would set more of them."""
        return self._walk.shown

    def beside(self, own: JsonObject) -> "Scope":
        """The scope with these fields at its root, too."""
        return Scope(self._walk, {**self._own, **own}, masked=self._spoiled["masked"], truncated=self._spoiled["cut"])

    def __getitem__(self, name: str) -> Json:
        root, _, rest = name.partition(".")
        walk = self._walk
        match root:
            case "inputs":
                return walk.inputs[rest]
            case "environment":
                if walk.environment is None:
                    raise KeyError(name)
                return walk.environment if rest == "name" else walk.runbook.environments[walk.environment][rest]
            case "saved":
                return walk.saved[rest]
            case "run" if walk.started is not None:
                return self._run(rest)
            case "last":
                walk.steps[rest]
                result = walk.results.get(rest)
                return {} if result is None else result.observation or {}
            case "steps":
                step, _, field = rest.partition(".")
                walk.steps[step]
                return self._step(step, field)
            case _:
                return inside(self._own, name)

    def _run(self, field: str) -> Json:
        walk = self._walk
        started = walk.started
        if started is None:
            raise KeyError(field)
        values: dict[str, Json] = {
            "id": started.run,
            "mode": walk.mode.value,
            "incident": started.incident or "",
            "operator": walk.operator,
            "now": walk.visit.entered if walk.visit else started.ts,
        }
        return values[field]

    def _step(self, step: str, field: str) -> Json:
        result = self._walk.results.get(step)
        match field:
            case "outcome":
                return "not_run" if result is None else result.outcome.value
            case "reason":
                return "" if result is None else result.reason
            case "visits":
                return self._walk.visits.get(step, 0)
            case "undone" if self._speaks_of_undo(step):
                return undoing.is_undone(self._walk, step)
            case _:
                if result is None or result.observation is None:
                    raise KeyError(field)
                return inside(result.observation, field)

    def _speaks_of_undo(self, step: str) -> bool:
        """Whether ``undone`` is what is known of every step, and not a field of that name that this one observes."""
        result = self._walk.results.get(step)
        seen = result.observation if result is not None else None
        return self._walk.steps[step].kind != "undo" and "undone" not in (seen or {})

    def __iter__(self) -> Iterator[str]:
        walk = self._walk
        yield from self._own
        yield from (f"inputs.{name}" for name in walk.inputs)
        if walk.environment is not None:
            yield "environment.name"
            yield from (f"environment.{name}" for name in walk.runbook.environments[walk.environment])
        yield from (f"saved.{name}" for name in walk.saved)
        yield from (f"run.{name}" for name in _ABOUT_RUN)
        for step in walk.steps:
            yield f"last.{step}"
            yield from (f"steps.{step}.{name}" for name in sorted(_ABOUT_STEP))
            if self._speaks_of_undo(step):
                yield f"steps.{step}.undone"
            result = walk.results.get(step)
            yield from (f"steps.{step}.{name}" for name in (result.observation if result else None) or {})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def spoiled(self, name: str) -> str | None:
        """Why a name does not hold what was seen: ``masked`` or ``cut``; None if it does.

        :param name: a dotted name as an expression writes it, with what follows the field: ``steps.a.body.token``.
        """
        parts = name.split(".")
        spoiled, path = self._spoiled, name
        if parts[0] in {"steps", "last"} and len(parts) > 1:
            result: Result | None = self._walk.results.get(parts[1])
            spoiled = {"masked": result.masked, "cut": result.truncated} if result else {}
            path = ".".join(parts[2:])
        elif parts[0] not in self._own:
            return None
        for word, paths in spoiled.items():
            if any(overlaps(path, other) for other in paths):
                return word
        return None


def overlaps(path: str, other: str) -> bool:
    """Whether one of two dotted paths (``body.items[0].name``) is the other, or a part of it."""
    shorter, longer = sorted((path, other), key=len)
    if not shorter:
        return True
    return longer.startswith(shorter) and longer[len(shorter) : len(shorter) + 1] in {"", ".", "["}


def inside(value: JsonObject, path: str) -> Json:
    """What stands at a dotted path of an observation.

    :raises KeyError: if nothing does.
    """
    found: Json = value
    for part in path.split("."):
        if not isinstance(found, dict):
            raise KeyError(path)
        found = found[part]
    return found
