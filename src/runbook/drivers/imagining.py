"""What a step might see so that it passes, or fails: looked for among the values that the runbook itself speaks of.

Rules. Nothing is known of the real world. A field has a value of its declared type, or one that an expression holds it
against. What is found was judged as a walk judges it, so it comes out as it is wanted.
"""

import copy
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from runbook.drivers.judging import ROOTS, Judge, Seen
from runbook.drivers.preparing import Renderer
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Performs
from runbook.model.kind import Kind
from runbook.model.runbook import Effect, Nested, Outcome, Runbook, Step
from runbook.walk import looping
from runbook.walk.results import Visit
from runbook.walk.walk import Walk

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?\b")
_PATH = re.compile(r"(?<![\w.])([a-z_]\w*)\b(?!\()((?:\.[A-Za-z_]\w*\b(?!\()|\[\d+\])*)")
_EACH = re.compile(r"([a-z_][\w.]*)\.(?:exists|all|filter|map|exists_one)\(\s*(\w+)\s*,")
_PART = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_DEFAULTS: Mapping[str, Json] = {"int": 0, "double": 0.0, "string": "", "bool": False, "dyn": {}}
_USUAL: Mapping[str, JsonObject] = {
    "http": {"status": 200},
    "command": {"exit_code": 0},
    "ssh": {"exit_code": 0},
    "revisions": {
        "current": "rev-2",
        "previous": "rev-1",
        "revisions": [{"id": "rev-2", "serving": True}, {"id": "rev-1", "serving": False}],
    },
    "activate": {"current": "rev-1", "previous": "rev-2"},
}
_AMISS: Mapping[str, Sequence[JsonObject]] = {
    "http": ({"status": 500}, {"status": 404}),
    "command": ({"exit_code": 1},),
    "ssh": ({"exit_code": 1},),
    "env": ({"missing": ["SOMETHING"]},),
    "revisions": ({"problem": "it cannot be listed"},),
    "activate": ({"current": "rev-2", "problem": "it was refused"},),
}
_MOST = 400
_ENOUGH = 6
_LONGEST = 256

Path = tuple[str | int, ...]


class Imagination:
    """Makes up observations for one walk and those inside it, whose expressions have names of their own.

    :param renderer: makes what renders the steps of a runbook.
    :param text: the runbook's file, for what other steps read of a step.
    :param chance: chooses among several that would do; None takes the first.
    """

    def __init__(self, renderer: Callable[[Runbook], Renderer], text: str, chance: random.Random | None) -> None:
        self._made = renderer
        self._renderers: dict[int, Renderer] = {}
        self._text = text
        self._chance = chance

    def observation(
        self,
        walk: Walk,
        visit: Visit,
        step: Step | Nested,
        performed: Performs,
        *,
        wanted: Outcome,
        later: Sequence[tuple[str, bool]] = (),
    ) -> JsonObject | None:
        """An observation with which an attempt comes out as it is wanted; None if none is found.

        :param later: conditions of later steps, and whether they should hold; one with which more of them do is better.
        """
        kind: Kind = performed  # type: ignore[assignment]  # what is performed is a kind
        mine = re.compile(rf"\bsteps\.{re.escape(visit.step.id)}\.")
        conditions = [(mine.sub("", each), holds) for each, holds in later if mine.search(each)]
        found: list[JsonObject] = []
        seen: set[str] = set()
        most = 0
        for tried in itertools.islice(self._candidates(walk, visit, step, kind, [c for c, _ in conditions]), _MOST):
            text = canonical(tried)  # for 0 and false are equal in Python
            if text in seen or self._comes_out(walk, visit, step, kind, tried) is not wanted:
                continue
            seen.add(text)
            met = sum(self._holds(walk, visit, step, tried, each) is holds for each, holds in conditions)
            if met > most:
                found, most = [], met
            found += [tried] if met == most else []
            if most == len(conditions) and (self._chance is None or len(found) == _ENOUGH):
                break
        if not found:
            return None
        return found[0] if self._chance is None else self._chance.choice(found)

    def _renderer(self, walk: Walk) -> Renderer:
        """What renders the steps of a walk."""
        key = id(walk.runbook)  # it lives as long as the walk does
        if key not in self._renderers:
            self._renderers[key] = self._made(walk.runbook)
        return self._renderers[key]

    def _holds(self, walk: Walk, visit: Visit, step: Step | Nested, tried: JsonObject, condition: str) -> bool | None:
        """Whether a condition holds of an observation; None where that cannot be told yet."""
        try:
            scope = Seen(text=canonical(tried), value=tried).scope(walk).beside(looping.own_of(walk, visit))
            return self._renderer(walk).value(condition, scope, "bool", step) is True
        except (ExpressionError, KeyError, TypeError, ValueError):
            return None

    def _comes_out(
        self, walk: Walk, visit: Visit, step: Step | Nested, kind: Kind, tried: JsonObject
    ) -> Outcome | None:
        try:
            seen = Seen(text=canonical(tried), value=tried)
            scope = seen.scope(walk).beside(looping.own_of(walk, visit))
            return Judge(self._renderer(walk)).judge(step, kind, seen, scope, Effect.NONE).outcome
        except (ExpressionError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None

    def _candidates(
        self, walk: Walk, visit: Visit, step: Step | Nested, kind: Kind, conditions: Sequence[str]
    ) -> Iterator[JsonObject]:
        base = self._base(step, kind)
        sources = [step.expect or "", *step.save.values(), *conditions]
        read = [*self._read_by_others(visit.step.id)] if isinstance(step, Step) else []
        pool = self._pool(walk, visit, [*sources, *(line for _, line in read)])
        paths = list(dict.fromkeys([*(path for source in sources for path in _paths(source)), *(of for of, _ in read)]))
        observes = kind.observes(step.fields)
        types = {name: observed.type for name, observed in observes.items()}
        values = {path: [value for value in pool if _fits(types.get(_dotted(path), "dyn"), value)] for path in paths}
        about = " ".join([*sources, *(line for _, line in read)])
        for path in paths:
            if re.search(rf"\b{path[-1]}\.(?:join|exists|exists_one|all|map|filter)\(", about):
                texts: list[Json] = [[value] for value in pool if isinstance(value, str) and value]
                values[path] = [*(value for value in pool if isinstance(value, list)), *texts]
        paths = [path for path in paths if values[path]]
        # What only some answers have, such as why a source could not be read, is left out first.
        seldom = {path for path in paths if (seen := observes.get(_dotted(path))) is not None and not seen.always}
        for path in paths:
            base = base if path in seldom else _with(base, path, _usual(base, path, values[path]))
        bases = [base, *({**base, **amiss} for amiss in _AMISS.get(kind.NAME, ()))]
        yield from bases
        for one in bases:
            yield from (_with(one, path, value) for path in paths for value in values[path])
        chance = self._chance or random.Random(0)  # noqa: S311 - it chooses among examples
        while paths:
            tried = chance.choice(bases)
            for path in paths:
                if path not in seldom or chance.random() < 0.5:
                    tried = _with(tried, path, chance.choice(values[path]))
            yield tried

    def _base(self, step: Step | Nested, kind: Kind) -> JsonObject:
        """An observation of the declared types, of which nothing is known."""
        base: JsonObject = {}
        for name, observed in kind.observes(step.fields).items():
            value = copy.deepcopy(_DEFAULTS.get(observed.type, [] if observed.type.startswith("list") else {}))
            if "." not in name and observed.always:
                base[name] = value
        base |= copy.deepcopy(dict(_USUAL.get(kind.NAME, {})))
        revision = getattr(kind, "revision", None)
        if kind.NAME == "activate" and isinstance(revision, str):
            base["current"] = revision
        return base

    def _read_by_others(self, step: str) -> Iterator[tuple[Path, str]]:
        """The fields of a step that are read elsewhere in the file, each with the line that reads it."""
        mine = re.compile(rf"\b(?:steps|last)\.{re.escape(step)}\.(?!(?:outcome|reason|visits|undone)\b)")
        for line in self._text.splitlines():
            for found in mine.finditer(line):
                yield from ((path, line) for path in itertools.islice(_paths(line[found.end() :]), 1))

    def _pool(self, walk: Walk, visit: Visit, sources: Sequence[str]) -> list[Json]:
        """The values that the expressions speak of, and some that anything may have."""
        found: list[Json] = []
        for source in sources:
            found += [first or second for first, second in _STRING.findall(source)]
            for number in _NUMBER.findall(_STRING.sub('""', source)):
                value = float(number) if "." in number else int(number)
                found += [value, value + 1, value - 1]
                found += ["x" * value] if isinstance(value, int) and 1 < value <= _LONGEST else []
        renderer = self._renderer(walk)
        scope = renderer.scope(walk, visit)
        for mentioned in re.findall(r"\b(?:steps|inputs|environment|saved|item|last)\b[\w.]*", " ".join(sources)):
            try:
                found.append(renderer.value(mentioned, scope, "dyn"))
            except (ExpressionError, KeyError):
                continue
        found += [True, False, "x", "", 0, 1, [], ["x"], {}, 100_000]
        return [value for place, value in enumerate(found) if value not in found[:place] or isinstance(value, bool)]


def _paths(source: str) -> Iterator[Path]:
    """The fields that an expression reads at its root, those of the elements of a list as of its first."""
    bare = _STRING.sub('""', source)
    variables: dict[str, Path] = {}
    for listed, variable in _EACH.findall(bare):
        head, *rest = listed.split(".")
        variables[variable] = (head, *rest, 0)
    for root, rest in _PATH.findall(bare):
        parts: Path = tuple(name or int(index) for name, index in _PART.findall(rest))
        if root in variables:
            yield (*variables[root], *parts)
        elif root not in ROOTS | {"true", "false", "null", "in"}:  # what is called is no path
            yield (root, *parts)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _fits(declared: str, value: Json) -> bool:
    """Whether a value is one of a declared type."""
    if declared.startswith("list"):
        return isinstance(value, list)
    if declared.startswith("map"):
        return isinstance(value, dict)
    if declared in {"int", "double"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return {"string": isinstance(value, str), "bool": isinstance(value, bool)}.get(declared, True)


def _usual(base: JsonObject, path: Path, pool: Sequence[Json]) -> Json:
    """What stands at a path, or the first value that might."""
    value: Json = base
    for part in path:
        match value, part:
            case dict(), str() if part in value:
                value = value[part]
            case list(), int() if part < len(value):
                value = value[part]
            case _:
                return pool[0]
    return value


def _with(base: JsonObject, path: Path, value: Json) -> JsonObject:
    """The same with another value at a path; what is in its way gives way."""
    made = copy.deepcopy(base)
    at: Json = made
    for place, part in enumerate(path):
        last = place == len(path) - 1
        below: Json = [] if not last and isinstance(path[place + 1], int) else {}
        if isinstance(at, dict) and isinstance(part, str):
            if last:
                at[part] = copy.deepcopy(value)
            elif not isinstance(at.get(part), type(below)):
                at[part] = below
            at = at[part]
        elif isinstance(at, list) and isinstance(part, int):
            at += [{} for _ in range(part + 1 - len(at))]
            if last:
                at[part] = copy.deepcopy(value)
            elif not isinstance(at[part], type(below)):
                at[part] = below
            at = at[part]
    return made
