"""Judges where a runbook's failures end: that an outcome leads somewhere, and that there is somebody to call.

Only said of a file whose graph is known whole; each rule is linear in the number of steps.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from runbook.language.document import Document
from runbook.language.flow import Flow
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span
from runbook.model.graph import FAILED, options_of
from runbook.model.kind import Registry
from runbook.model.runbook import Finish, Runbook, Step

NO_EDGE = Code(
    number="RB273",
    title="outcome that leads nowhere",
    why="A failure without an edge stops the walk with a question, and without anybody to ask the run pauses. Two are "
    "easily overlooked. A `choice` that the machine makes fails when no `when` is true, unless one option is "
    "`otherwise`. And the `on_fail` of the file does not stand for the steps that only it leads to, or a handler that "
    "fails would be its own handler: such a step says itself where its failure leads.",
    severity=Severity.WARNING,
)
NOBODY_TO_CALL = Code(
    number="RB279",
    title="failure that ends without contacts",
    why="A run that ends `escalated` or `failed` is handed to somebody. Whom to call, and how, is shown when a step "
    "fails and stands in the report, if the file says so under `contacts`; at three in the morning nobody looks it up.",
    severity=Severity.WARNING,
)
_TO_SOMEBODY = frozenset({Finish.ESCALATED.value, Finish.FAILED.value})
_OPPOSITES = (("==", "!="), ("<", ">="), (">", "<="))
_OF_ENVIRONMENT = re.compile(r"""environment\.name\s*==\s*["'](\w+)["']""")


def dead_ends(runbook: Runbook, document: Document, registry: Registry, flow: Flow) -> Iterator[Diagnostic]:
    """Every failure of a runbook that ends nowhere, in no particular order."""
    for number in flow.reachable:
        step = runbook.steps[number]
        fails = any(edge.via == FAILED for edge, _ in flow.out[number])
        if fails or registry[step.kind].TRAITS.ends:
            continue
        options = options_of(step)
        if options and not registry[step.kind].asks(step.fields):
            if not _exhaustive(options, runbook):
                span = document.key_span(("steps", number, "options"))
                message = f"when none of the options of `{step.id}` is true, it fails, and that leads nowhere"
                yield _at(document, NO_EDGE, step, message, "make the last one `otherwise: true`", span=span)
        elif runbook.on_fail is not None and not registry[step.kind].asks(step.fields):
            message = f"`{step.id}` is led to by the file's `on_fail` alone, which does not stand for its own failure"
            yield _at(document, NO_EDGE, step, message, "add `on_fail: next`, or where else it leads, and `next`")
    if not runbook.contacts:
        ends = (step for step in runbook.steps if step.fields.get("outcome") in _TO_SOMEBODY and step.kind == "finish")
        for step in [*ends][:1]:
            message = f"`{step.id}` ends the run {step.fields['outcome']}, and the file does not say whom to call"
            yield _at(document, NOBODY_TO_CALL, step, message, "add `contacts: [{name: …, reach: …}]` at the top")


def _at(
    document: Document, code: Code, step: Step, message: str, help_: str, *, span: Span | None = None
) -> Diagnostic:
    return Diagnostic(code=code, message=message, file=document.file, span=span or step.span, help=help_)


def _exhaustive(options: Sequence[Mapping[str, Json]], runbook: Runbook) -> bool:
    """Whether one of the options can be taken in any case, as far as their texts show it."""
    if any("otherwise" in option for option in options):
        return True
    conditions = {str(option["when"]).strip() for option in options}
    names = {found[1] for condition in conditions if (found := _OF_ENVIRONMENT.fullmatch(condition))}
    if "true" in conditions or (names and names >= runbook.environments.keys()):
        return True
    return any(_opposite(one, other) for one in conditions for other in conditions)


def _opposite(one: str, other: str) -> bool:
    """Whether one condition is written as the opposite of another."""
    if other in {f"!{one}", f"!({one})"}:
        return True
    return any(one.count(sign) == 1 and one.replace(sign, no) == other for sign, no in _OPPOSITES)
