"""A step in words: what it does, what it asks for, what it checks, how it is taken back, and where it leads."""

import json
from collections.abc import Iterator, Mapping, Sequence

from runbook.model.canonical import Json, canonical
from runbook.model.durations import spoken
from runbook.model.graph import options_of
from runbook.model.kind import Preview
from runbook.model.runbook import Effect, Guard, Nested, Runbook, Step
from runbook.report.plan.content import Block, Exact, Fact, Item, Items, Onward, PlannedStep, PreviewOf, Said

_STRENGTH = list(Effect).index


def planned(number: int, step: Step, runbook: Runbook, ways: tuple[Onward, ...], preview_of: PreviewOf) -> PlannedStep:
    """A step in words.

    :param number: which it is in the file, from 1.
    """
    inside = _effect_of(runbook.included[step.id]) if step.id in runbook.included else Effect.NONE
    return PlannedStep(
        number=number,
        id=step.id,
        title=step.title or step.id,
        kind=step.kind,
        section=step.section,
        effect=max(step.effect, inside, key=_STRENGTH),
        inside=inside is not Effect.NONE,
        ends=step.kind == "finish",
        asks=tuple(_asks(step, runbook)),
        description=step.description,
        blocks=tuple(_blocks(step, ways, preview_of)),
        facts=tuple(_facts(step, preview_of)),
        ways=ways,
    )


def _effect_of(runbook: Runbook) -> Effect:
    """The strongest effect of the steps of a runbook, and of those that it walks."""
    own = [step.effect for step in runbook.steps]
    return max(*own, *map(_effect_of, runbook.included.values()), key=_STRENGTH)


def _asks(step: Step, runbook: Runbook) -> Iterator[str]:
    """What must be given before a step starts, as :func:`runbook.walk.rules.requirement` demands it."""
    confirm = step.confirm
    if step.effect is Effect.IRREVERSIBLE:
        default = "${{ environment.name }}" if runbook.environments else step.id
        yield f"type “{(confirm and confirm.phrase) or default}”"
        yield "give a reason"
    elif confirm is not None and confirm.phrase:
        yield f"type “{confirm.phrase}”"
    elif step.kind != "gate" and (confirm is not None or step.effect is Effect.CHANGE):
        yield "say yes"
    if confirm is not None:
        if confirm.reason and step.effect is not Effect.IRREVERSIBLE:
            yield "give a reason"
        if confirm.approvals is not None:
            yield f"have {confirm.approvals.count} of {', '.join(confirm.approvals.roles)} approve"
        if confirm.each:
            yield "one by one"


# What it does


def _blocks(step: Step, ways: Sequence[Onward], preview_of: PreviewOf) -> Iterator[Block]:
    fields = step.fields
    match step.kind:
        case "manual":
            yield Said(text=_text(fields, "instructions"))
            if fields.get("evidence") in {"required", "optional"}:
                yield Said(text=f"Evidence is {fields['evidence']}.")
        case "gate":
            yield Said(text=f"**{_text(fields, 'question')}**")
        case "choice":
            targets = [way.target for way in ways if way.option]
            pairs = zip(options_of(step), targets, strict=True)
            yield Items(items=tuple(_option(option, target) for option, target in pairs))
        case "ask":
            yield Items(label="Fill in", items=tuple(_field(*each) for each in _mapping(fields, "fields").items()))
        case "checklist":
            yield Items(items=tuple(_items(step, preview_of)))
        case "message":
            whom, webhook = _text(fields, "audience"), fields.get("webhook")
            how = "sent by a webhook" if webhook else "copied and sent by hand"
            yield Said(label=f"To {whom}, {how}" if whom else how.capitalize(), text=_quoted(_text(fields, "text")))
        case "assert":
            yield Exact(label="Goes on only if", text=_text(fields, "that"))
            if fields.get("reason"):
                yield Said(text=_text(fields, "reason"))
        case "wait":
            yield from _wait(step, preview_of)
        case "parallel":
            inner = (
                Item(text=nested.title or name, note=_line(nested, preview_of)) for name, nested in step.nested.items()
            )
            yield Items(label="Side by side", items=tuple(inner))
        case "finish":
            yield Said(text=f"The run ends as **{_text(fields, 'outcome')}**.")
            if fields.get("summary"):
                yield Said(text=_text(fields, "summary"))
        case _:
            yield from _previewed(preview_of(step.kind, fields))


def _previewed(preview: Preview) -> Iterator[Block]:
    yield Exact(text="\n".join(part for part in (preview.line, preview.detail) if part))


def _option(option: Mapping[str, Json], target: str) -> Item:
    when = (
        "if nothing else is true"
        if option.get("otherwise")
        else f"if {_code(option['when'])}"
        if "when" in option
        else ""
    )
    note = "; ".join(str(part) for part in (option.get("help"), when) if part)
    return Item(text=str(option.get("label", option["id"])), note=note, target=target, box="when" not in option)


def _field(name: str, wanted: Json) -> Item:
    about = wanted if isinstance(wanted, dict) else {}
    kind = str(about.get("type", "string"))
    says = [f"matches {about['pattern']}"] if "pattern" in about else []
    enum, default = about.get("enum"), about.get("default")
    says += [f"one of {', '.join(map(_value, enum))}"] if isinstance(enum, list) else []
    says += [f"otherwise {_value(default)}"] if default is not None else []
    says += ["may be left out"] if about.get("required") is False else []
    return Item(text=str(about.get("prompt") or name), note=", ".join([name, kind, *says]), box=True)


def _value(value: Json) -> str:
    return value if isinstance(value, str) else canonical(value)


def _items(step: Step, preview_of: PreviewOf) -> Iterator[Item]:
    for item in _sequence(step.fields, "items"):
        if isinstance(item, dict):
            name = str(item["id"])
            check = step.nested.get(name)
            looked = f"the machine looks: {_line(check, preview_of)}" if check is not None else ""
            yield Item(text=str(item.get("title", name)), note=looked, box=True)


def _wait(step: Step, preview_of: PreviewOf) -> Iterator[Block]:
    if "for" in step.fields:
        yield Said(text=f"Wait {step.fields['for']}.")
        return
    until = step.nested.get("until")
    limit = f", for {spoken(step.timeout)} at most" if step.timeout else ""
    yield Said(text=f"Look every {step.fields.get('every')} until it passes{limit}.")
    if until is not None:
        yield from _previewed(preview_of(until.kind, until.fields))
        yield from _expected(until)


def _expected(nested: Nested) -> Iterator[Block]:
    if nested.expect is not None:
        yield Exact(label="It passes if", text=nested.expect)


def _line(nested: Nested, preview_of: PreviewOf) -> str:
    """A step inside a step on one line."""
    line = preview_of(nested.kind, nested.fields).line
    return line + _expecting(nested)


def _expecting(nested: Nested) -> str:
    return f", expecting {_code(nested.expect)}" if nested.expect else ""


def _code(expression: Json) -> str:
    """An expression within a sentence, marked as code where it can be."""
    text = " ".join(str(expression).split())
    return text if "`" in text else f"`{text}`"


# What holds for it


def _facts(step: Step, preview_of: PreviewOf) -> Iterator[Fact]:
    if step.when is not None:
        yield Fact(name="Only if", exact=step.when)
    if step.for_each is not None:
        at_once = f", {step.for_each.at_once} at a time" if step.for_each.at_once > 1 else ", one after the other"
        borne = f", until more than {step.for_each.max_failures} failed" if step.for_each.max_failures else ""
        yield Fact(name="For each of", exact=step.for_each.source, text=at_once + borne)
    for need in step.needs:
        within = f", at most {spoken(need.within)} ago" if need.within is not None else ""
        yield Fact(name="Needs", exact=need.step, text=f" to have passed{within}")
    for guard in step.guards:
        yield Fact(name="Refused", text=_guard(guard))
    if step.expect is not None:
        yield Fact(name="Passes if", exact=step.expect)
    if step.retry is not None:
        yield Fact(
            name="Tried", text=f"{step.retry.attempts} times, {spoken(step.retry.delay)} after the first failure"
        )
    if step.timeout is not None and step.kind != "wait":
        yield Fact(name="Gives up", text=f"after {spoken(step.timeout)}")
    if step.max_visits is not None:
        yield Fact(name="Visited", text=f"{step.max_visits} times at most")
    for name in step.save:
        yield Fact(name="Keeps", exact=f"saved.{name}")
    if step.site is not None:
        yield Fact(name="Performed at", text=step.site)
    if step.undo is not None:
        shown = preview_of(step.undo.kind, step.undo.fields)
        yield Fact(name="Taken back", text=step.undo.title, exact=_one(shown))
    elif step.effect.changes and step.because:
        yield Fact(name="Cannot be taken back", text=step.because)
    if step.probe is not None:
        looks = preview_of(step.probe.kind, step.probe.fields).line
        yield Fact(name="If nobody knows, look", exact=looks, text=_expecting(step.probe))


def _guard(guard: Guard) -> str:
    rule = guard.rule
    match guard.kind:
        case "cooldown":
            said = f"within {rule['cooldown']} of another start"
        case _:
            wanted = rule.get(guard.kind)
            about = wanted if isinstance(wanted, dict) else {}
            parts = [f"{key} {value}" for key, value in about.items()]
            said = f"unless there was a run with {', '.join(parts)}" if parts else f"by {guard.kind}"
    when = f", if {_code(guard.when)}" if guard.when else ""
    way = {None: "", "approval": "; others may approve an override"}.get(guard.override, "; overridden with a reason")
    return f"{said}{when}{way}"


def _one(preview: Preview) -> str:
    """A preview on one line: its line, or what it is about where that says nothing by itself."""
    return preview.detail if preview.line == "by hand" else preview.line


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping(fields: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _sequence(fields: Mapping[str, Json], name: str) -> Sequence[Json]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _quoted(text: str) -> str:
    """A text as a quotation of Markdown."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
