"""The kind ``ask``: a typed form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.inputs import CEL_TYPES, accepted, input_of
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.question import AskForm
from runbook.model.runbook import Input, Outcome
from runbook.model.secrets import Resolved, referenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Asked):
    """A form that the operator fills in; each field is typed, and is observed under its own name.

    Use it for what only a person can find out and later steps need: an id from a ticket, a time from a dashboard,
    one of several hosts. Fields are written as the inputs of a runbook are. ``enum`` may be an expression that yields
    the values that are allowed. A field with ``secret: true`` makes a secret of that name, which is neither shown nor
    logged nor observed; use it as ``${{ secrets.NAME }}``.

    For example::

        kind: ask
        fields:
          since: {type: timestamp, prompt: "Since when?"}
          host: {enum: steps.hosts.lines}
    """

    fields: Mapping[str, Mapping[str, Resolved]]

    NAME: ClassVar[str] = "ask"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["fields"],
        fields=fragments.form_fields("The fields by name, written as the inputs of a runbook are."),
    )
    TRAITS: ClassVar[Traits] = Traits(person=True, expressions={"fields.*.enum": "list"})
    OBSERVES: ClassVar[Mapping[str, Observed]] = {}
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "details",
            "title": "What do we know?",
            "kind": "ask",
            "fields": {
                "since": {"type": "timestamp", "prompt": "Since when?"},
                "affected": {"type": "integer", "prompt": "How many users are affected?", "default": 0},
                "region": {"enum": ["europe", "america"], "prompt": "In which region?"},
            },
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """A field for each one of the form that is no secret; one that may stay empty is not always there."""
        return {
            wanted.name: Observed(
                type=CEL_TYPES[wanted.type],
                text=wanted.prompt or wanted.description or wanted.name,
                always=wanted.required or wanted.default is not None,
            )
            for wanted in _inputs(fields.get("fields"))
            if not wanted.secret
        }

    def preview(self) -> Preview:
        """What is asked."""
        lines = [f"{wanted.name} ({wanted.type}): {wanted.prompt}".removesuffix(": ") for wanted in self._wanted()]
        return Preview(line=f"ask for {', '.join(self.fields)}", detail="\n".join(lines))

    def question(self) -> AskForm:
        """The form."""
        return AskForm(fields=self._wanted())

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """The values by name, each of its type; secrets are not among them."""
        del by
        given = answer.get("fields", {})
        if not isinstance(given, dict):
            raise ValueError("the answer has no `fields`")  # noqa: TRY004 - it does not fit the question
        for name in given:
            if name not in self.fields:
                raise ValueError(f"`{name}` is no field of this form")
        observation: JsonObject = {}
        for wanted in self._wanted():
            if wanted.secret:
                if wanted.name in given:
                    raise ValueError(f"`{wanted.name}` is a secret, and no answer may hold it")
            elif (value := accepted(wanted, given.get(wanted.name))) is not None:
                observation[wanted.name] = value
        return observation

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """A form that is filled in passes."""
        del observation
        return Verdict(outcome=Outcome.PASSED)

    def _wanted(self) -> tuple[Input, ...]:
        return _inputs(referenced({name: dict(field) for name, field in self.fields.items()}))


def _inputs(fields: Json) -> tuple[Input, ...]:
    """The fields of a form, in their order."""
    entries = fields.items() if isinstance(fields, dict) else ()
    return tuple(input_of(name, raw) for name, raw in entries if isinstance(raw, dict))
