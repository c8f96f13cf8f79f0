"""Takes out of a file's data what the schema has refused, so that the rest can be judged in the same round.

What was refused is struck, what is missing is filled with the smallest value that will do, and a step of an unknown
kind is replaced by one that leads nowhere. What that leaves unknown is told as a :class:`Doubt`: better nothing is said
than something that mending the first mistake would make untrue.
"""

import copy
from collections.abc import Iterable, Mapping

from runbook.language.document import Document
from runbook.language.doubt import Doubt
from runbook.language.envelope import STEP
from runbook.language.every_step import every_step
from runbook.language.habits import key_meant
from runbook.language.key_complaints import MISSING_KEY, UNKNOWN_KEY
from runbook.language.mistakes import Complaint
from runbook.language.places import Path
from runbook.language.schema import compose, must_say_effect
from runbook.language.typed import elements, mapping, text
from runbook.language.validation import completed, is_valid
from runbook.language.value_complaints import is_newer
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Registry

_EDGES = frozenset(
    {
        "next",
        "on_fail",
        "on_unknown",
        "options",
        "max_visits",
        "confirm",
        "timeout",
        "for",
        "effect",
        "probe",
        "for_each",
    }
)
"""Keys that decide where a step leads, or whether a cycle through it has a bound."""
_SAFETY = frozenset(
    {"effect", "because", "undo", "idempotent", "confirm", "retry", "probe", "on_unknown"}
    | {"method", "webhook", "statement", "params"}
)
"""Keys that the rules of safety speak of: those of every step, and those of kinds that say what a step does."""
_JUDGED = frozenset({"environments", "roles", "id", "defaults", "last_reviewed", "review_every"})
"""Keys of the file that other rules speak of than those of steps, edges and expressions."""
_SAVES = {"save": "saved", "save_secret": "secrets"}
_LEADING_NOWHERE: JsonObject = {"kind": "finish", "outcome": "completed"}
_STEP = 2
"""How long the way to a step is: `steps`, and its number."""


def salvaged(document: Document, complaints: Iterable[Complaint], registry: Registry) -> tuple[Document, Doubt] | None:
    """A file without what was refused, and what is not known of it; None if too little is left to judge."""
    return _Salvage(document, registry).of(list(complaints))


class _Salvage:
    def __init__(self, document: Document, registry: Registry) -> None:
        self.document = document
        self.registry = registry
        self.data: JsonObject = copy.deepcopy(document.data) if isinstance(document.data, dict) else {}
        self.touched: dict[int, set[str]] = {}
        self.lost: set[int] = set()
        self.nameless = False
        self.top: set[str] = set()

    def of(self, complaints: list[Complaint]) -> tuple[Document, Doubt] | None:
        steps = self.data.get("steps")
        if not isinstance(steps, list) or not steps or is_newer(self.data.get("runbook")):
            return None
        if any(
            complaint.path[:1] in {("defaults",), ("steps",)} and not complaint.path[1:] for complaint in complaints
        ):
            return None
        for complaint in complaints:
            if complaint.path[:1] == ("steps",) and len(complaint.path) >= _STEP:
                self._note(complaint, int(complaint.path[1]))
            else:
                self.top.add(str(complaint.path[0]) if complaint.path else complaint.key)
        for complaint in complaints:
            self._strike(complaint)
        self._replace(steps)
        self._fill()
        if not is_valid(compose(self.registry), completed(self.data, self.registry)):
            return None
        return self.document.judged(self.data), self._doubt(steps)

    def _note(self, complaint: Complaint, number: int) -> None:
        """Remember which key of a step a complaint is about, or that nothing is known of the step."""
        path = complaint.path
        key = str(path[_STEP]) if path[_STEP:] else complaint.key
        touched = self.touched.setdefault(number, set())
        if not key or key in {"kind", "id"}:
            self.lost.add(number)
            self.nameless = self.nameless or key != "kind"
        elif complaint.code is UNKNOWN_KEY and len(path) == _STEP + 1:
            touched |= set(self._meant(key, number)) or {*_EDGES, *_SAFETY, *_SAVES, ""}
        else:
            touched.add(key)

    def _meant(self, key: str, number: int) -> tuple[str, ...]:
        raw = mapping(elements(self.data["steps"])[number])
        kind = self.registry.get(text(raw.get("kind")))
        own = mapping(kind.SCHEMA["properties"]) if kind is not None else {}
        return key_meant(key, [*STEP, *own], raw)

    def _strike(self, complaint: Complaint) -> None:
        """Take what was refused out of the data."""
        path = complaint.path
        if complaint.code is MISSING_KEY and (not path or self._fillable(path, complaint.key)):
            return
        if path[_STEP + 1 :] and path[-1] == "kind":
            path = path[:-1]
        if complaint.code is not UNKNOWN_KEY:
            begin = _STEP if path[:1] == ("steps",) else 0
            path = next((path[:i] for i in range(begin, len(path)) if isinstance(path[i], int)), path)
        inner: Json = self.data
        for part in path[:-1]:
            match inner, part:
                case dict(), str():
                    inner = inner.get(part)
                case list(), int():
                    inner = inner[part]
        if isinstance(inner, dict) and path:
            inner.pop(str(path[-1]), None)

    def _fillable(self, path: Path, key: str) -> bool:
        """Whether a missing key is one that a step, or one inside it, must have for its kind."""
        if path[:1] == ("steps",) and len(path) == _STEP:
            return True
        return key != "kind" and any(step.path == path for step in every_step(self.document.data, self.registry))

    def _replace(self, steps: list[Json]) -> None:
        """Let a step of which nothing is known lead nowhere, under its own id where it has one."""
        taken = {text(mapping(step).get("id")) for step in steps}
        for number in self.lost:
            name = text(mapping(steps[number]).get("id"))
            if not name or self._misnamed(number):
                self.nameless = True
                name = f"unnamed_{number}"
                while name in taken:
                    name += "_"
            steps[number] = {"id": name, **_LEADING_NOWHERE}

    def _misnamed(self, number: int) -> bool:
        return not self.document.has(("steps", number, "id")) or "id" not in mapping(
            elements(self.data["steps"])[number]
        )

    def _fill(self) -> None:
        """Give every mapping that lacks a key the smallest value that will do."""
        definitions = mapping(compose(self.registry)["$defs"])
        for key in ("runbook", "id"):
            self.data.setdefault(key, "v1" if key == "runbook" else "unnamed")
        defaults = mapping(self.data.get("defaults"))
        for step in list(every_step(self.data, self.registry)):
            given = {**mapping(defaults.get(step.kind.NAME)), **step.raw}
            pieces = mapping(step.kind.SCHEMA["properties"])
            raw = step.raw
            if not isinstance(raw, dict):
                continue
            for name in map(text, elements(step.kind.SCHEMA.get("required"))):
                if name not in given:
                    raw[name] = _smallest(pieces[name], definitions)
            if step.place == "step" and must_say_effect(step.kind):
                raw.setdefault("effect", "none")

    def _doubt(self, steps: list[Json]) -> Doubt:
        known = self.registry
        edges = {number for number, keys in self.touched.items() if keys & _EDGES} | self.lost
        vague = {
            text(mapping(steps[number]).get("id"))
            for number, keys in self.touched.items()
            if number in self.lost or not keys <= STEP.keys()
        }
        families = {root for keys in self.touched.values() for key, root in _SAVES.items() if key in keys}
        if self.lost:
            families |= set(_SAVES.values())
        roots = {"environments": "environment", "inputs": "inputs", "secrets": "secrets"}
        unknown = {key for key in self.top if key not in mapping(compose(known)["properties"])}
        families |= {root for key, root in roots.items() if key in self.top or unknown}
        return Doubt(
            steps=frozenset(self.touched),
            edges=frozenset(edges),
            incomplete=bool(edges or self.nameless or unknown or "on_fail" in self.top),
            vague=frozenset(vague),
            nameless=self.nameless,
            families=frozenset(families),
            unsafe=frozenset(n for n, keys in self.touched.items() if keys & _SAFETY or n in self.lost),
            top=bool(unknown or self.top & _JUDGED),
        )


def _smallest(piece: Json, definitions: Mapping[str, Json]) -> Json:
    """The smallest value that a piece of schema takes."""
    schema = mapping(piece)
    if "$ref" in schema:
        name = text(schema["$ref"]).rpartition("/")[2]
        given = _SMALLEST.get(name)
        return copy.deepcopy(given) if given is not None else _smallest(definitions.get(name), definitions)
    if words := elements(schema.get("enum")):
        return words[0]
    if "if" in schema and "type" not in schema:
        return _smallest(schema.get("else"), definitions)
    match schema.get("type"):
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "array":
            return [_smallest(schema.get("items"), definitions)] if "minItems" in schema else []
        case "object":
            pieces = mapping(schema.get("properties"))
            return {key: _smallest(pieces.get(key), definitions) for key in map(text, elements(schema.get("required")))}
        case _:
            return "-"


_READ: JsonObject = {"kind": "http", "url": "-"}
_SMALLEST: JsonObject = {
    "expression": "true", "duration": "1s", "time": "1s", "name": "x", "variable": "x", "step_id": "x",
    "read": _READ, "probe": _READ, "undo": _READ, "member": {"id": "x", **_READ}, "form_fields": {"x": {}},
}  # fmt: skip
