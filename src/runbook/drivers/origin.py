"""Which program wrote a log: what ``run.started`` says of the kinds that a runbook uses, and whether it can be."""

from runbook import VERSION
from runbook.language.inputs import bind_inputs
from runbook.model.address import RUN_ID
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import RunStarted

DISTRIBUTION = "runbook-walk"


def kinds_of(runbook: Runbook, registry: Registry) -> JsonObject:
    """Each kind that a runbook uses, as ``run.started`` names it: distribution, version, judge number."""
    return {
        name: {"distribution": DISTRIBUTION, "version": VERSION, "judge": registry[name].JUDGE}
        for name in sorted(_names(runbook))
    }


def _names(runbook: Runbook) -> set[str]:
    """The kinds that a runbook uses, and all that it walks."""
    names = {step.kind for step in runbook.steps}
    for step in runbook.steps:
        inside = [*step.nested.values(), *(nested for nested in (step.undo, step.probe) if nested)]
        names |= {nested.kind for nested in inside}
    return names.union(*map(_names, runbook.included.values()))


def look_at(started: RunStarted, runbook: Runbook, registry: Registry) -> None:
    """Look at what a run says that it began with.

    :raises IllegalEvent: if this program would have said otherwise, or no program could.
    """
    if RUN_ID.fullmatch(started.run) is None:
        raise IllegalEvent("run", "the id of the run is none")
    ours = kinds_of(runbook, registry)
    if started.tool == VERSION:
        if dict(started.kinds) != ours:
            raise IllegalEvent("kinds", f"version {VERSION} has other kinds than the log says")
    else:
        for name in ours:
            match started.kinds.get(name):
                case {"distribution": str() as of, "version": str() as version, "judge": int()} if (
                    of != DISTRIBUTION or version == started.tool
                ):
                    pass
                case _:
                    raise IllegalEvent("kinds", f"the log does not say which `{name}` was walked")
    inputs = parsed(started.inputs, "inputs") or {}
    try:
        bound = bind_inputs(runbook, inputs)
    except Refused as refused:
        raise IllegalEvent("inputs", refused.diagnostics[0].message) from None
    if bound != inputs:
        raise IllegalEvent("inputs", "the inputs are not those that the runbook makes of them")
