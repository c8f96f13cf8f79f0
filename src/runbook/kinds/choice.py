"""The kind ``choice``: one of several ways to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.question import AskChoice, Option
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Asked):
    """One of several ways to go on, each with its own ``next``.

    Use it where the walk forks: what changed last, which of three repairs, one region or all. If every option has a
    ``when`` or is ``otherwise``, the machine takes the first that is true, and the one that is ``otherwise`` if none
    is; if none can be taken, the step fails. Else the person chooses, among the options whose ``when`` is true and
    those without one; ``otherwise`` is offered when no ``when`` is true. An option without ``next`` follows the step's.

    For example::

        kind: choice
        options:
          - {id: deployment, label: There was a deployment in the last two hours, next: roll_back}
          - {id: nothing, label: Nothing that we know of, next: escalate}
    """

    options: Sequence[Mapping[str, Resolved]]

    NAME: ClassVar[str] = "choice"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["options"],
        options={
            "type": "array",
            "items": fragments.closed(
                "One way to go on.",
                ["id", "label"],
                id=fragments.name("Its name, in answers and in `chosen`."),
                label=fragments.text("What it means, in a line."),
                help=fragments.text("More about it, in Markdown."),
                when=fragments.expression("It can be taken only if this is true."),
                otherwise={"const": True, "description": "It is taken when no `when` is true."},
                next=fragments.step_id("Where it leads; by default where the step leads."),
            ),
            "minItems": 1,
            "description": "The ways to go on.",
        },
    )
    TRAITS: ClassVar[Traits] = Traits(
        person=True,
        expressions={"options[].when": "bool"},
        jumps=("options[].next",),
        observes_failure=True,
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "chosen": Observed(type="string", text="The id of the option; empty if none could be.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "which_way",
            "title": "What changed last?",
            "kind": "choice",
            "options": [
                {"id": "deployment", "label": "There was a deployment in the last two hours"},
                {"id": "nothing", "label": "Nothing that we know of", "help": "Look at the deployments first."},
            ],
        },
        {
            "id": "by_size",
            "kind": "choice",
            "options": [
                {"id": "staging", "label": "It is staging", "when": 'environment.name == "staging"'},
                {"id": "elsewhere", "label": "It is not", "otherwise": True},
            ],
        },
    )

    @classmethod
    def asks(cls, fields: Mapping[str, Json]) -> bool:
        """A person chooses unless every option says when it is taken."""
        options = fields.get("options")
        return not all(_by_machine(o) for o in options if isinstance(o, dict)) if isinstance(options, list) else True

    def preview(self) -> Preview:
        """The ways to go on."""
        lines = [f"{o['id']}: {o['label']}" for o in self._open()]
        return Preview(line="take the first that is true" if self._automatic() else "choose", detail="\n".join(lines))

    def question(self) -> AskChoice | None:
        """The options that can be taken; None where the machine takes one, or where there is none."""
        if self._automatic() or not self._open():
            return None
        return AskChoice(
            options=tuple(
                Option(id=str(o["id"]), label=str(o["label"]), help=str(o.get("help", ""))) for o in self._open()
            )
        )

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """The option that the person chose, or the first that the machine can take."""
        del by
        ids = [str(o["id"]) for o in self._open()]
        if self.question() is None:
            return {"chosen": ids[0] if ids else ""}
        if answer.get("choose") not in ids:
            raise ValueError(f"choose one of {', '.join(ids)}")
        return {"chosen": answer["choose"]}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Whatever was chosen passes."""
        if observation["chosen"]:
            return Verdict(outcome=Outcome.PASSED)
        return Verdict(outcome=Outcome.FAILED, reason="no option is true, and none is `otherwise`")

    def _automatic(self) -> bool:
        return all(_by_machine(o) for o in self.options)

    def _open(self) -> list[Mapping[str, Resolved]]:
        """The options that can be taken now, in order."""
        holds = any(o.get("when") is True for o in self.options)
        return [o for o in self.options if (not holds if "otherwise" in o else o.get("when", True) is True)]


def _by_machine(option: Mapping[str, object]) -> bool:
    """Whether an option says itself when it is taken."""
    return "when" in option or "otherwise" in option
