"""One JSON Schema of the language, composed of the envelope and the kinds' fragments.

Its shape gives one right error per mistake in every validator and editor that it was tried with: ``kind`` is an
enumeration with a text per kind; then, by ``if`` and ``then``, each kind has a closed schema of its own, which refers
to the envelope. The outer schema of a step says nothing else, for whatever it said would be reported twice.
The ``if`` demands an object with a kind, or a step that is a text would give an error for every kind.
"""

import inspect
from collections.abc import Callable, Mapping

from runbook.language.envelope import NESTED, NESTED_TEXT, PARTS, STEP, TOP, TOP_REQUIRED, VALUES
from runbook.language.places import root_of
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Automated, KindClass, Registry
from runbook.model.runbook import Effect

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def compose(registry: Registry) -> JsonObject:
    """The schema of a runbook whose steps are of these kinds."""
    steps = _Union("step", "One step of the runbook.", STEP, ["id"], lambda _: True)
    nested = [
        _Union(place, NESTED_TEXT[place], keys, ["id"] if "id" in keys else [], _fits(place))
        for place, keys in NESTED.items()
    ]
    definitions: JsonObject = {
        **VALUES,
        **{name: _titled(name, piece) for name, piece in PARTS.items()},
        **{f"envelope_{key}": _titled(key, piece) for key, piece in STEP.items()},
    }
    for union in (steps, *nested):
        definitions |= union.definitions(registry)
    return {
        "$schema": DIALECT,
        "title": "Runbook",
        "description": "A runbook: a graph of steps that an operator walks through.",
        "type": "object",
        "properties": {
            **TOP,
            "defaults": _defaults(registry),
            "steps": {
                "type": "array",
                "items": {"$ref": "#/$defs/step"},
                "minItems": 1,
                "description": "The steps. Each leads to the one below it unless it says otherwise.",
            },
        },
        "required": TOP_REQUIRED,
        "additionalProperties": False,
        "$defs": definitions,
    }


def _titled(name: str, piece: JsonObject) -> JsonObject:
    """A mapping with a title, without which an editor would offer it by the name of its definition."""
    return {"title": name.replace("_", " "), **piece} if "properties" in piece else piece


def reference_text(kind: KindClass) -> str:
    """The first sentence of a kind's reference page, on one line."""
    paragraph = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def plain_fields(kind: KindClass) -> Mapping[str, Json]:
    """The schema of the fields that ``defaults`` may fill: no steps, no expressions, nothing that names a step."""
    traits = kind.TRAITS
    special = {root_of(path) for path in (*traits.nested, *traits.jumps, *traits.expressions)}
    return {name: piece for name, piece in _properties(kind).items() if name not in special}


def must_say_effect(kind: KindClass) -> bool:
    """Whether every step of a kind must say what it does to the world."""
    return kind.TRAITS.effect is None and kind.effect_of({}) is None


def _fits(place: str) -> Callable[[KindClass], bool]:
    """Which kinds may stand inside another step: for an undo those that change, for all else those that look."""

    def looks(kind: KindClass) -> bool:
        traits = kind.TRAITS
        return Automated in kind.__mro__ and not traits.person and traits.effect in {Effect.NONE, None}

    def changes(kind: KindClass) -> bool:
        return kind.TRAITS.effect is not Effect.NONE

    def simple(kind: KindClass) -> bool:
        traits = kind.TRAITS
        return not (traits.nested or traits.jumps or traits.ends or traits.gate)

    fits = changes if place == "undo" else looks
    return lambda kind: simple(kind) and fits(kind)


def _properties(kind: KindClass) -> Mapping[str, Json]:
    """The schema of each of a kind's own fields."""
    properties = kind.SCHEMA["properties"]
    if not isinstance(properties, dict):
        message = f"the schema of the kind {kind.NAME} has no properties"
        raise TypeError(message)
    return properties


def _required(kind: KindClass) -> list[Json]:
    """The names of the fields that a kind cannot be without."""
    required = kind.SCHEMA.get("required", [])
    return required if isinstance(required, list) else []


class _Union:
    """A step in one place: an enumeration of kinds, and a closed schema for each."""

    def __init__(
        self,
        name: str,
        text: str,
        keys: Mapping[str, JsonObject],
        required: list[Json],
        fits: Callable[[KindClass], bool],
    ) -> None:
        """Describe the place: its definition's name, a sentence, the envelope's keys there, and which kinds fit."""
        self.name = name
        self.text = text
        self.keys = keys
        self.required = required
        self.fits = fits

    def definitions(self, registry: Registry) -> JsonObject:
        """The union's own definition, and one for each kind that fits."""
        kinds = {name: kind for name, kind in registry.items() if self.fits(kind)}
        whole: JsonObject = {self.name: self._outer(kinds)}
        return whole | {f"{self.name}_{name}": self._closed(kind) for name, kind in kinds.items()}

    def _outer(self, kinds: Registry) -> JsonObject:
        names: list[Json] = list(kinds)
        properties: JsonObject = {
            key: {"description": self.keys[key]["description"]}
            for key in ("id", "title", "description")
            if key in self.keys
        }
        properties["kind"] = {
            "enum": names,
            "description": "What the step is.",
            "enumDescriptions": [reference_text(kind) for kind in kinds.values()],
            "markdownEnumDescriptions": [_markdown(kind) for kind in kinds.values()],
        }
        branches: list[Json] = [
            {
                "if": {"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{self.name}_{name}"},
            }
            for name in names
        ]
        whole: JsonObject = {
            "title": "step",
            "description": self.text,
            "type": "object",
            "required": ["kind"],
            "properties": properties,
        }
        return whole | ({"allOf": branches} if branches else {})

    def _closed(self, kind: KindClass) -> JsonObject:
        required: list[Json] = [*self.required, "kind", *_required(kind)]
        if self.name == "step" and must_say_effect(kind):
            required.append("effect")
        return {
            "title": f"{kind.NAME} step",
            "description": reference_text(kind),
            "type": "object",
            "properties": {
                **{key: self._envelope(key, piece) for key, piece in self.keys.items()},
                "kind": {
                    "const": kind.NAME,
                    "description": reference_text(kind),
                    "markdownDescription": _markdown(kind),
                },
                **_properties(kind),
            },
            "required": required,
            "additionalProperties": False,
        }

    @staticmethod
    def _envelope(key: str, piece: JsonObject) -> Json:
        return {"$ref": f"#/$defs/envelope_{key}"} if key in STEP else piece


def _markdown(kind: KindClass) -> str:
    """A kind as an editor shows it: its sentence, and what it cannot be without."""
    required = ", ".join(f"`{name}`" for name in _required(kind)) or "nothing"
    return f"**`{kind.NAME}`** {reference_text(kind)}\n\nRequired: {required}."


def _defaults(registry: Registry) -> JsonObject:
    """The schema of ``defaults``: for each kind its plain fields, none of them required."""
    return {
        "type": "object",
        "properties": {
            name: {
                "type": "object",
                "properties": dict(plain_fields(kind)),
                "additionalProperties": False,
                "description": f"What every {name} step says that does not say otherwise.",
            }
            for name, kind in registry.items()
        },
        "additionalProperties": False,
        "description": "Values for the fields of a kind, wherever a step of it, also a nested one, names none.",
    }
