"""What a run of this version cannot do yet where workers perform it: refused where it is submitted, never ignored."""

from collections.abc import Iterator

from runbook.kinds.ask import Ask
from runbook.model.diagnostics import Code, Diagnostic
from runbook.model.runbook import Runbook

NOT_YET = Code(
    number="RB591",
    title="cannot be submitted yet",
    why="Workers perform the steps of a run that is submitted, and a person answers from another machine. What this "
    "runbook does needs something that this version cannot do from there. It is refused before anything begins; the "
    "runbook is walked as ever with `runbook run --store` on one machine.",
)


def not_yet(runbook: Runbook, file: str) -> Iterator[Diagnostic]:
    """Everything in a runbook that cannot be submitted yet."""
    for source in runbook.secrets.values():
        if source.kind == "prompt":
            yield _refused(f"the secret `{source.name}` would have to be typed", file)
    for step in runbook.steps:
        asked = step.fields.get("fields")
        if step.save_secret:
            yield _refused(f"`{step.id}` makes a secret", file)
        if (
            step.kind == Ask.NAME
            and isinstance(asked, dict)
            and any(isinstance(field, dict) and field.get("secret") is True for field in asked.values())
        ):
            yield _refused(f"`{step.id}` asks for a secret", file)
    for inner in runbook.included.values():
        yield from not_yet(inner, file)


def _refused(what: str, file: str) -> Diagnostic:
    message = f"{what}, which a run that is submitted cannot do yet"
    return Diagnostic(code=NOT_YET, message=message, file=file, help="walk it with `runbook run --store URL`")
