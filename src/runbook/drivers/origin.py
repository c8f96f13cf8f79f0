"""Which program wrote a log: what ``run.started`` says of the kinds that a runbook uses, and whether it can be."""

from runbook.kinds.registry import brought
from runbook.language.inputs import bind_inputs
from runbook.model.address import RUN_ID
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook
from runbook.version import VERSION
from runbook.walk.rules import IllegalEvent, parsed
from runbook.walk.run_events import RunStarted

DISTRIBUTION = "runbook-walk"
GUEST_MISSING = Code(
    number="RB602",
    title="kind of a package that is not installed",
    why="The runbook of this log has a kind of step that another package brought when it was walked. Without that "
    "package nobody can say what such a step does, nor whether its verdict follows from what it saw.",
)


def kinds_of(runbook: Runbook, registry: Registry) -> JsonObject:
    """Each kind that a runbook uses, as ``run.started`` names it: distribution, version, judge number."""
    return {name: _origin(name, registry) for name in sorted(_names(runbook))}


def _origin(name: str, registry: Registry) -> JsonObject:
    guest = brought(name)
    return {
        "distribution": guest.distribution if guest else DISTRIBUTION,
        "version": guest.version if guest else VERSION,
        "judge": registry[name].JUDGE,
    }


def not_installed(started: RunStarted, registry: Registry) -> Diagnostic | None:
    """What is missing to read a log whose runbook uses kinds of other packages; None where nothing is."""
    for name, about in started.kinds.items():
        if name not in registry and isinstance(about, dict) and about.get("distribution") != DISTRIBUTION:
            package = f"{about.get('distribution')} {about.get('version')}"
            return Diagnostic(
                code=GUEST_MISSING,
                message=f"the runbook uses the kind `{name}` of {package}, which is not installed here",
                help=f"install {package}, and verify again",
            )
    return None


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
    _look_at_kinds(started, kinds_of(runbook, registry))
    inputs = parsed(started.inputs, "inputs") or {}
    try:
        bound = bind_inputs(runbook, inputs)
    except Refused as refused:
        raise IllegalEvent("inputs", refused.diagnostics[0].message) from None
    if bound != inputs:
        raise IllegalEvent("inputs", "the inputs are not those that the runbook makes of them")


def _look_at_kinds(started: RunStarted, ours: JsonObject) -> None:
    """Look at which kinds a log says that it was walked with; of this very version our own are known exactly.

    :raises IllegalEvent: if they cannot be those.
    """
    if started.tool == VERSION and started.kinds.keys() != ours.keys():
        raise IllegalEvent("kinds", f"version {VERSION} has other kinds than the log says")
    for name, about in ours.items():
        match started.kinds.get(name):
            case {"distribution": str() as of, "version": str() as version, "judge": int()} as said if (
                of != DISTRIBUTION or version == started.tool
            ):
                if started.tool == VERSION and brought(name) is None and said != about:
                    raise IllegalEvent("kinds", f"version {VERSION} has another kind `{name}` than the log says")
            case _:
                raise IllegalEvent("kinds", f"the log does not say which `{name}` was walked")
