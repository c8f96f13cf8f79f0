"""What is wrong with answers and can be known before the walk begins: all of it at once, each at its place.

What depends on an expression is judged when its step is there; see :meth:`runbook.model.kind.Asked.observe`. An answer
to something that the step never asks is refused too: it could only be passed over in silence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from runbook.drivers.addressed import all_steps, goals, step_at
from runbook.language.near import nearest
from runbook.model.address import of_each, owner_of
from runbook.model.answers import Answer, Answers
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused, Span
from runbook.model.inputs import accepted, input_of
from runbook.model.kind import Registry
from runbook.model.runbook import Confirm, Input, Runbook, Step
from runbook.walk.approving import approvals_of
from runbook.walk.guarding import APPROVAL
from runbook.walk.looping import element_of, place_of
from runbook.walk.rules import is_gate, requirement
from runbook.walk.undoing import step_of
from runbook.world.secrets import SecretStore

RB300 = Code(
    number="RB300",
    title="answer for an unknown address",
    why="An answer names a step that is not in the runbook. It could never be used, and a run that counts on it would "
    "stop in the middle; so the walk does not begin. An address is a step's id, `ID.ITEM` for an item of a checklist, "
    "`ID.undo` for taking a change back, and `ID[2]` or `ID[2].undo` for an element of a step with `for_each`, counted "
    "from 0. What another runbook asks that a step walks stands behind a slash: `ID/INNER`.",
)
RB301 = Code(
    number="RB301",
    title="answer does not fit its step",
    why="An answer can never be the answer to what its step asks: a `yes` where a phrase must be typed, an option, an "
    "item or a field that the step does not have, a value of another type, a skip without a reason, an `outcome` where "
    "none is asked for. Confirmations fail closed and nothing is ignored in silence, so the walk does not begin with "
    "it. What depends on an expression is judged when the walk is there.",
)

ITEM_ANSWERS = ("yes", "no", "not_verified")
"""What may be said of an item of a checklist."""
_ASKED_BY: Mapping[str, frozenset[str]] = {
    "gate": frozenset({"confirm"}),
    "choice": frozenset({"choose"}),
    "ask": frozenset({"fields"}),
    "checklist": frozenset({"items", "notes"}),
    "manual": frozenset({"outcome"}),
    "message": frozenset({"outcome"}),
}
"""The keys that answer what a step of a kind asks."""
_SAYS = ("confirm", "choose", "fields", "items", "notes", "outcome", "do", "to", "settle", "approvals", "refusals")
"""The keys that say something; a reason and an evidence only go with one of them."""
_EXPLAINED = frozenset({"skip", "go_to", "abort", "override"})
"""What an operator may do with a reason only."""
_FEW = 12
"""So many steps are listed to somebody who names one that is not there."""
_WAYS = "`confirm: yes`, `no` or `not_verified`"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with an answer: the key that is meant, a message, and what to do."""

    key: str
    message: str
    help: str


def look_over(answers: Answers, runbook: Runbook, registry: Registry) -> list[Diagnostic]:
    """What is wrong with answers before the walk begins, in file order."""
    found: list[Diagnostic] = []
    for entry in answers.entries:
        found_at = step_at(entry.step, runbook)
        book, step = found_at or (runbook, None)
        rest = entry.step.rpartition("/")[2]
        owner, part = owner_of(rest), rest.partition(".")[2]
        if step is None or (part and part not in _parts(step)):
            code, misfits = RB300, _nowhere(entry, runbook)
        elif part == "undo" and owner == step.id and step.for_each is not None:
            code, misfits = RB300, _not_as_a_whole(entry, step)
        elif part and part != "undo":
            code, misfits = RB301, _of_part(entry, step, part)
        else:
            code, misfits = RB301, _of_step(entry, _walked_at(rest, step), book, registry, goals(entry.step, runbook))
        found += [
            Diagnostic(
                code=code,
                message=misfit.message,
                file=answers.file,
                span=entry.spans.get(misfit.key, entry.span),
                help=misfit.help,
            )
            for misfit in misfits
        ]
    return [shown(one, answers, runbook) for one in sorted(found, key=lambda one: one.span or Span(0, 0, 0, 0))]


def shown(diagnostic: Diagnostic, answers: Answers, runbook: Runbook) -> Diagnostic:
    """A diagnostic about an answers file as it may be shown: a line that holds a form's secret is named only."""
    span = diagnostic.span
    fields = {name: list(_form(step.fields.get("fields"))) for name, step in all_steps(runbook) if step.kind == "ask"}
    secrets = [
        entry.spans[key]
        for entry in answers.entries
        for wanted in fields.get(of_each(entry.step), ())
        if wanted.secret and (key := f"fields.{wanted.name}") in entry.spans
    ]
    if span is None or not any(secret.line <= span.line <= secret.end_line for secret in secrets):
        return diagnostic
    return replace(diagnostic, message=f"{diagnostic.message} (line {span.line})", span=None)


def items_of(step: Step) -> Mapping[str, bool]:
    """The items of a checklist by id, and whether a machine looks at each; empty for every other kind."""
    items = step.fields.get("items") if step.kind == "checklist" else None
    return {str(i["id"]): "check" in i for i in items if isinstance(i, dict)} if isinstance(items, list) else {}


def _walked_at(address: str, step: Step) -> Step:
    """The step that is walked at an address: the file's own, an element of it, or what takes a change of it back."""
    owner = owner_of(address)
    part = step if owner == step.id else element_of(step, place_of(owner))
    if address.endswith(".undo") and step.undo is not None:
        return step_of(step, step.undo, address)
    return part


def _not_as_a_whole(entry: Answer, step: Step) -> Iterator[Misfit]:
    message = f"`{step.id}` is taken back element by element, and `{entry.step}` is never asked"
    yield Misfit("step", message, f"write an answer for each: `{step.id}[0].undo` and so on")


def _parts(step: Step) -> set[str]:
    """What the address of a part of a step may end in."""
    nested = {name for name, inner in (("undo", step.undo), ("probe", step.probe)) if inner is not None}
    return {*items_of(step), *step.nested, *nested}


def _nowhere(entry: Answer, runbook: Runbook) -> Iterator[Misfit]:
    """What is wrong with an answer for an address that the runbook does not have."""
    steps = dict(all_steps(runbook))
    near = nearest(entry.step, [*steps, *(f"{name}.{item}" for name, step in steps.items() for item in items_of(step))])
    known = f"the steps are {', '.join(steps)}" if len(steps) <= _FEW else "name a step of the runbook"
    help_ = f"did you mean `{near}`?" if near else known
    yield Misfit("step", f"there is no step `{entry.step}` in `{runbook.id}`", help_)


def _given(entry: Answer) -> list[str]:
    """The keys with which an entry says something; a form may be left as it is, with every default."""
    return [key for key in _SAYS if getattr(entry, key) or (key == "fields" and entry.fields is not None)]


def _of_part(entry: Answer, step: Step, part: str) -> Iterator[Misfit]:
    """What is wrong with an answer for a part of a step: only an item of a checklist asks something."""
    if items_of(step).get(part, True):
        yield Misfit("step", f"a machine looks at `{entry.step}`, and nothing is asked there", "take the answer out")
        return
    for key in _given(entry):
        if key != "confirm":
            yield Misfit(key, f"`{key}` is no answer to the item `{entry.step}`", f"write {_WAYS}")
    if entry.confirm not in ITEM_ANSWERS:
        yield Misfit("confirm", f"the item `{entry.step}` is answered in no way that it takes", f"write {_WAYS}")


def _of_step(entry: Answer, step: Step, runbook: Runbook, registry: Registry, to: frozenset[str]) -> Iterator[Misfit]:
    """What is wrong with an answer for a step."""
    given, asked = _given(entry), _asked(step, runbook, registry)
    if not given:
        yield Misfit("step", f"the answer for `{entry.step}` says nothing", f"answer with {' or '.join(asked)}")
    for key in given:
        if key not in asked:
            yield Misfit(key, f"`{entry.step}` never asks for `{key}`", f"it is answered with {', '.join(asked)}")
        elif key in _LOOKS:
            yield from _LOOKS[key](entry, step)
    if "confirm" in given and "confirm" in asked:
        yield from _confirm(entry, step, runbook)
    if "do" in given or "to" in given:
        yield from _do(entry, step, runbook, registry, to)


def _asked(step: Step, runbook: Runbook, registry: Registry) -> list[str]:
    """The keys that can answer something which a step asks, or the walk at it, in their order."""
    keys = {"do", "to"}
    if _required(step, runbook) is not None:
        keys.add("confirm")
    if step.effect.changes and step.on_unknown is None:
        keys.add("settle")
    if approvals_of(step) is not None or any(guard.override == APPROVAL for guard in step.guards):
        keys |= {"approvals", "refusals"}
    if registry[step.kind].asks(step.fields):
        keys |= _ASKED_BY.get(step.kind, frozenset(_SAYS))
    return [key for key in _SAYS if key in keys]


def _required(step: Step, runbook: Runbook) -> Confirm | None:
    """What is confirmed at a step; at an element of a loop only where the file wants each confirmed."""
    each = step.confirm is not None and step.confirm.each
    return None if step.id.endswith("]") and not each else requirement(step, runbook)


def _confirm(entry: Answer, step: Step, runbook: Runbook) -> Iterator[Misfit]:
    asked = step.confirm if step.kind == "gate" else _required(step, runbook)
    if asked is None or entry.confirm == "no":
        return
    if entry.confirm == "yes" and asked.phrase not in (None, "yes"):
        message = f"`{entry.step}` wants its phrase typed, and `yes` is given"
        yield Misfit("confirm", message, f"write the phrase: {asked.phrase}")
    if asked.reason and not (entry.reason or "").strip():
        yield Misfit("confirm", f"`{entry.step}` is confirmed with a reason only, and none is given", "add a `reason`")


def _do(entry: Answer, step: Step, runbook: Runbook, registry: Registry, to: frozenset[str]) -> Iterator[Misfit]:
    ids = [other.id for other in runbook.steps]
    if entry.do == "go_to" and entry.to not in to:
        near = nearest(entry.to or "", sorted(to))
        help_ = f"did you mean `{near}`?" if near else "write `to:` with the id of a step"
        where = f"to `{entry.to}`, which is no step" if entry.to else "and says no step to go to"
        yield Misfit("to" if entry.to else "do", f"`do: go_to` at `{entry.step}` leads {where}", help_)
    if entry.to is not None and entry.do != "go_to":
        yield Misfit("to", f"`to` at `{entry.step}` says where to go, and nothing goes there", "write `do: go_to`")
    if entry.do in {"undo", "go_to"} and step.id not in ids:
        message = f"`do: {entry.do}` is not possible at `{entry.step}`, which is a part of another step"
        yield Misfit("do", message, "write `do: skip` to leave it as it is, or `do: abort`")
    elif entry.do == "undo" and not any(other.undo for other in runbook.steps):
        message = f"`do: undo` at `{entry.step}` has nothing to take back: no step of `{runbook.id}` has an `undo`"
        yield Misfit("do", message, "write `do: skip`, `do: go_to` or `do: abort`")
    if entry.do == "skip" and (is_gate(step, registry) or registry[step.kind].TRAITS.ends):
        what = "the end of the run" if registry[step.kind].TRAITS.ends else "a gate"
        yield Misfit("do", f"`{entry.step}` is {what} and cannot be skipped", "abort, or go to another step")
    if entry.do == "override" and not any(guard.override for guard in step.guards):
        message = f"`do: override` at `{entry.step}`, whose guards the file lets nobody override"
        yield Misfit("do", message, "write `override: reason` or `override: approval` at the guard, or wait")
    if entry.do in _EXPLAINED and not (entry.reason or "").strip():
        yield Misfit("do", f"`do: {entry.do}` at `{entry.step}` is done with a reason only", "add a `reason`")


def _choose(entry: Answer, step: Step) -> Iterator[Misfit]:
    options = step.fields.get("options")
    ids = [str(o["id"]) for o in options if isinstance(o, dict)] if isinstance(options, list) else []
    if entry.choose not in ids:
        near = nearest(entry.choose or "", ids)
        help_ = f"did you mean `{near}`?" if near else f"choose one of {', '.join(ids)}"
        yield Misfit("choose", f"`{entry.step}` has no option `{entry.choose}`", help_)


def _items(entry: Answer, step: Step) -> Iterator[Misfit]:
    for item in entry.items:
        yield from _item(f"items.{item}", item, entry, step)
        if items_of(step).get(item):
            message = f"a machine looks at the item `{item}` of `{entry.step}`, and answers it"
            yield Misfit(f"items.{item}", message, "take the answer out")


def _notes(entry: Answer, step: Step) -> Iterator[Misfit]:
    for item in entry.notes:
        yield from _item(f"notes.{item}", item, entry, step)


def _item(key: str, item: str, entry: Answer, step: Step) -> Iterator[Misfit]:
    known = items_of(step)
    if item not in known:
        near = nearest(item, known)
        help_ = f"did you mean `{near}`?" if near else f"its items are {', '.join(known)}"
        yield Misfit(key, f"`{entry.step}` has no item `{item}`", help_)


def _outcome(entry: Answer, step: Step) -> Iterator[Misfit]:
    wanted = step.fields.get("evidence") == "required"
    if wanted and entry.outcome == "done" and not (entry.evidence or "").strip():
        message = f"`{entry.step}` is done with evidence only, and none is given"
        yield Misfit("outcome", message, "add an `evidence`: what shows that it was done")


def _fields(entry: Answer, step: Step) -> Iterator[Misfit]:
    known = {wanted.name: wanted for wanted in _form(step.fields.get("fields"))}
    given = entry.fields or {}
    for name in given:
        if name not in known:
            near = nearest(name, known)
            help_ = f"did you mean `{near}`?" if near else f"its fields are {', '.join(known)}"
            yield Misfit(f"fields.{name}", f"`{entry.step}` has no field `{name}`", help_)
    for name, wanted in known.items():
        if problem := _problem(wanted, given.get(name)):
            missing = name not in given
            help_ = f"add `{name}` to the `fields`" if missing else f"give another value for `{name}`"
            message = f"the answer for `{entry.step}` does not fit: {problem}"
            yield Misfit("fields" if missing else f"fields.{name}", message, help_)


def _form(fields: Json) -> Iterator[Input]:
    """The fields of a form as far as they are known before the walk: what an expression says is left open."""
    for name, raw in fields.items() if isinstance(fields, dict) else ():
        if isinstance(raw, dict):
            wanted = input_of(name, raw)
            if not isinstance(wanted.enum, tuple) or _open(*wanted.enum):
                wanted = replace(wanted, enum=None)
            if _open(wanted.pattern):
                wanted = replace(wanted, pattern=None)
            yield replace(wanted, default=None, required=False) if _open(wanted.default) else wanted


def _open(*values: Json) -> bool:
    return any(isinstance(value, str) and "${{" in value for value in values)


def _problem(wanted: Input, given: Json) -> str:
    """Why a value is none of a field; empty if it is one."""
    try:
        value = accepted(wanted, given)
        if wanted.secret and value is not None:
            SecretStore({}, register=lambda *_: None).keep(wanted.name, str(value))
    except (ValueError, Refused) as error:
        return " ".join(str(error).split())
    return ""


_LOOKS: Mapping[str, Callable[[Answer, Step], Iterator[Misfit]]] = {
    "choose": _choose,
    "items": _items,
    "notes": _notes,
    "outcome": _outcome,
    "fields": _fields,
}
