"""Puts a runbook into words: what it is for, what must be at hand, and each of its steps."""

from collections.abc import Iterator

from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.model.graph import FAILED, PASSED, SKIPPED, UNKNOWN, Edge, edges_of
from runbook.model.runbook import Effect, Input, Runbook, SecretSource
from runbook.report.plan.content import Fact, Onward, Plan, PlannedStep, PreviewOf
from runbook.report.plan.steps import planned


def plan(runbook: Runbook, preview_of: PreviewOf) -> Plan:
    """Put a runbook into words."""
    ways: dict[str, list[Edge]] = {step.id: [] for step in runbook.steps}
    for edge in edges_of(runbook):
        ways[edge.source].append(edge)
    steps = tuple(
        planned(number, step, runbook, tuple(_onward(ways[step.id], runbook)), preview_of)
        for number, step in enumerate(runbook.steps, 1)
    )
    return Plan(
        id=runbook.id,
        title=runbook.title,
        description=runbook.description,
        tags=runbook.tags,
        symptoms=runbook.symptoms,
        facts=tuple(_facts(runbook, steps)),
        contacts=runbook.contacts,
        links=runbook.links,
        needs=tuple(_needs(runbook)),
        reminders=tuple(
            f"every {spoken(each.every)}: {each.say}" if each.every else f"after {spoken(each.after or 0)}: {each.say}"
            for each in runbook.reminders
        ),
        steps=steps,
        handler=runbook.on_fail if runbook.on_fail != "next" else None,
    )


def _onward(edges: list[Edge], runbook: Runbook) -> Iterator[Onward]:
    labels = {
        (step.id, option["id"]): str(option.get("label", option["id"]))
        for step in runbook.steps
        if step.kind == "choice" and isinstance(options := step.fields.get("options"), list)
        for option in options
        if isinstance(option, dict)
    }
    words = {PASSED: "then", SKIPPED: "if skipped", FAILED: "if it fails", UNKNOWN: "if nobody knows"}
    for edge in edges:
        option = edge.via.removeprefix("option:")
        yield Onward(
            words=words.get(edge.via) or f"“{labels.get((edge.source, option), option)}”",
            target=edge.target,
            fails=edge.via in {FAILED, UNKNOWN},
            default=edge.default,
            option=edge.via.startswith("option:"),
        )


def _facts(runbook: Runbook, steps: tuple[PlannedStep, ...]) -> Iterator[Fact]:
    yield Fact(name="Id", exact=runbook.id)
    if runbook.owner:
        yield Fact(name="Owner", text=runbook.owner)
    if runbook.tags:
        yield Fact(name="Tags", text=", ".join(runbook.tags))
    if runbook.last_reviewed:
        due = f", due again after {spoken(runbook.review_every)}" if runbook.review_every else ""
        yield Fact(name="Last reviewed", text=f"{runbook.last_reviewed}{due}")
    own = [step.effect for step in steps if not step.inside]
    changing = sum(effect.changes for effect in own)
    final = own.count(Effect.IRREVERSIBLE)
    of_which = f", {final} of them irreversible" if final else ""
    said = f"{changing} may change something{of_which}" if changing else "none changes anything by itself"
    if any(step.inside for step in steps):
        said += "; the runbooks that are walked inside may change something"
    yield Fact(name="Steps", text=f"{len(steps)}; {said}")


def _needs(runbook: Runbook) -> Iterator[Fact]:
    for name, settings in runbook.environments.items():
        yield Fact(
            name="Environment",
            exact=name,
            parts=tuple((key, _setting(value)) for key, value in settings.items()),
        )
    for name, wanted in runbook.inputs.items():
        yield Fact(name="Input", exact=name, text=_input(wanted))
    for name, source in runbook.secrets.items():
        yield Fact(name="Secret", exact=name, text=_source(source))
    for name, members in dict.fromkeys(_roles(runbook)):
        yield Fact(name="Role", exact=name, text=", ".join(members))


def _roles(runbook: Runbook) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The roles of a runbook, and of those that it walks: somebody has to be reached for their approvals too."""
    yield from runbook.roles.items()
    for included in runbook.included.values():
        yield from _roles(included)


def _setting(value: Json) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _input(wanted: Input) -> str:
    said = wanted.prompt or wanted.description
    default = "" if wanted.default is None else f"; unless given, {_setting(wanted.default) or 'empty'}"
    given = default or ("" if wanted.required else "; may be left out")
    return f"{wanted.type}{given}{f': {said}' if said else ''}"


def _source(source: SecretSource) -> str:
    value = source.value if isinstance(source.value, str) else " ".join(source.value)
    match source.kind:
        case "env":
            return f"from the variable {value}"
        case "file":
            return f"from the file {value}"
        case "command":
            return f"from the command {value}"
        case _:
            return "asked for when it is needed"
