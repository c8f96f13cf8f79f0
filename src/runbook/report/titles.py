"""The titles of steps as the operator read them: what they say of the moment is filled in from the log."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from runbook.audit.record import Record
from runbook.model.address import of_each, owner_of
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Runbook
from runbook.report.fields import parsed, step_of, text

if TYPE_CHECKING:
    from runbook.language.expressions import Cel

_OPEN = "${{"


class Titles:
    """Follows a log, and renders the titles of the steps that it enters.

    :param runbook: None where its file is not there; a title is then the step's id.
    """

    def __init__(self, runbook: Runbook | None) -> None:
        self._runbook = runbook
        self._inside: dict[str, Titles] = {}
        self._steps = {step.id: step for step in runbook.steps} if runbook else {}
        self._environments: Mapping[str, Mapping[str, Json]] = runbook.environments if runbook else {}
        self._known: dict[str, JsonObject] = {name: {} for name in ("inputs", "environment", "run", "saved", "last")}
        self._about: JsonObject = {step: {"outcome": "not_run", "reason": "", "visits": 0} for step in self._steps}
        self._cel: Cel | None = None
        self._items: dict[str, list[Json]] = {}

    def follow(self, record: Record) -> None:
        """Know what a record says."""
        step = step_of(record)
        head, slash, rest = text(record, "step").partition("/")
        if slash:
            if head in self._inside:
                self._inside[head].follow(replace(record, fields={**record.fields, "step": rest}))
            return
        match record.type:
            case "step.started":
                self._walk_inside(record, step)
                self._items_of(step, record)
            case "run.started":
                self._begin(record)
            case "run.handed_over":
                self._known["run"]["operator"] = text(record, "to")
            case "step.entered":
                self._known["run"]["now"] = record.ts
                self._tell(step, {"visits": record.fields.get("visit")})
            case "step.finished":
                seen = parsed(record, "obs") or {}
                self._known["saved"].update(parsed(record, "saved") or {})
                if text(record, "step") == step:
                    self._known["last"][step] = seen
                    self._tell(step, {**seen, "outcome": text(record, "outcome"), "reason": text(record, "reason")})
            case "step.skipped" | "step.unknown" | "step.settled":
                outcome = {"step.skipped": "skipped", "step.unknown": "unknown"}.get(record.type)
                self._tell(step, {"outcome": outcome or text(record, "outcome")})
            case _:
                pass

    def of(self, step: str) -> str:
        """The title of a step now; as it was written where a value is not to be had, its id where it has none."""
        head, slash, rest = step.partition("/")
        if slash:
            inside = self._inside.get(head)
            return step if inside is None else self._of_element(head, inside.of(rest))
        owner = owner_of(step)
        if step != owner:
            return f"Take back: {self.of(owner)}"
        found = self._steps.get(of_each(step))
        title = found.title if found is not None and found.title else step
        item = self._item_of(step)
        if _OPEN not in title:
            return title if item is None else f"{title}: {item if isinstance(item, str) else canonical(item)}"
        from runbook.language.expressions import Cel

        self._cel = self._cel or Cel({})
        scope: dict[str, Json] = {**self._known, "steps": self._about, **({} if item is None else {"item": item})}
        try:
            return str(self._cel.render(title, scope))
        except ExpressionError:
            return title

    def _of_element(self, head: str, title: str) -> str:
        """A title inside an element of a loop, with what the element is about unless it says so itself."""
        item = self._item_of(head)
        name = item if isinstance(item, str) else canonical(item)
        return title if item is None or name in title else f"{title}: {name}"

    def _items_of(self, step: str, record: Record) -> None:
        """Know the elements of a step that is repeated, which it announces when it starts."""
        each = (parsed(record, "what") or {}).get("for_each")
        if isinstance(each, list):
            self._items[step] = [element.get("item") if isinstance(element, dict) else None for element in each]

    def _item_of(self, address: str) -> Json:
        """The element that an address is about; None if it is about none."""
        items = self._items.get(of_each(address), [])
        place = int(address.rpartition("[")[2].rstrip("]")) if address.endswith("]") else len(items)
        return items[place] if place < len(items) else None

    def _begin(self, record: Record) -> None:
        environment = text(record, "environment")
        about: JsonObject = {name: text(record, name) for name in ("mode", "incident", "operator")}
        self._known["run"] = {"id": text(record, "run"), "now": record.ts, **about}
        self._known["inputs"] = parsed(record, "inputs") or {}
        self._known["environment"] = {"name": environment, **self._environments.get(environment, {})}

    def _walk_inside(self, record: Record, step: str) -> None:
        """A step has started: perhaps one that walks another runbook, under the address of the visit."""
        inner = self._runbook.included.get(step.partition("[")[0]) if self._runbook else None
        if inner is None:
            return
        inside = Titles(inner)
        name = str(self._known["environment"].get("name", ""))
        fields = (parsed(record, "what") or {}).get("fields")
        inputs = fields.get("inputs") if isinstance(fields, dict) else None
        inside._known["run"] = self._known["run"]
        inside._known["inputs"] = inputs if isinstance(inputs, dict) else {}
        inside._known["environment"] = {"name": name, **inner.environments.get(name, {})}
        self._inside[text(record, "step")] = inside

    def _tell(self, step: str, said: JsonObject) -> None:
        before = self._about.get(step)
        self._about[step] = {**(before if isinstance(before, dict) else {}), **said}
