"""Judges SQL statements as far as that is possible without a database: that each is one, and has its parameters."""

from collections.abc import Iterator, Mapping, Sequence

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.near import nearest
from runbook.language.places import Path
from runbook.language.step_binding import own_fields
from runbook.language.templates import OPEN
from runbook.language.typed import mapping
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic
from runbook.model.kind import KindClass

NOT_ONE_STATEMENT = Code(
    number="RB260",
    title="not one statement",
    why="A step carries out one SQL statement in a transaction of its own, with its values bound by name. So there is "
    "no second one behind a semicolon, nothing that begins or ends a transaction, no quote that is never closed, and "
    "no parameter without a name.",
)
PARAMETERS = Code(
    number="RB261",
    title="statement and parameters do not agree",
    why="Every `:name` in a statement is bound to the value of that name under `params`. A name without a value would "
    "fail in the middle of an incident, and a value that the statement does not use is most likely a condition that "
    "somebody forgot: without it, the statement may mean every row. In quotes and comments nothing is a parameter.",
)


def statements(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Everything that is wrong with the statements of a file, in no particular order."""
    defaults = mapping(mapping(document.data).get("defaults"))
    for step in steps:
        for field, carrier in step.kind.TRAITS.statements.items():
            yield from _statement(document, step, field, carrier, defaults.get(step.kind.NAME))


def _statement(document: Document, step: Written, field: str, carrier: str, defaults: Json) -> Iterator[Diagnostic]:
    """What is wrong with one statement, at the place where it is."""
    fields = own_fields(step.raw, step.kind, defaults)
    source, params = fields.get(field), fields.get(carrier, {})
    if not isinstance(source, str) or OPEN in source:  # the one is missing, the other forbidden: both are told already
        return
    from runbook.model import sql  # few files have any

    path = _written_at(step.path, step.raw, field, step.kind)

    def at(offset: int, code: Code, message: str, help_: str) -> Diagnostic:
        line = source.count("\n", 0, offset) + 1
        column = offset - source.rfind("\n", 0, offset)
        span = document.inside(path, line, column)
        return Diagnostic(code=code, message=message, file=document.file, span=span, help=help_)

    try:
        read = sql.statement(source)
    except sql.NotOneStatement as problem:
        yield at(problem.offset, NOT_ONE_STATEMENT, str(problem), problem.help)
        return
    if not isinstance(params, dict):  # an expression yields them
        return
    for name, offset in dict(zip(reversed(read.names), reversed(read.offsets), strict=True)).items():
        if name not in params:
            meant = nearest(name, params.keys() - set(read.names))
            help_ = f"did you mean `:{meant}`?" if meant else f"add `{name}` to `{carrier}`"
            yield at(offset, PARAMETERS, f"`:{name}` has no value in `{carrier}`", help_)
    for name in params.keys() - set(read.names):
        key = (*_written_at(step.path, step.raw, carrier, step.kind), name)
        yield Diagnostic(
            code=PARAMETERS,
            message=f"`{name}` is not used by the `{field}`",
            file=document.file,
            span=document.key_span(key),
            help=f"write `:{name}` where its value belongs, outside of quotes, or take it out",
        )


def _written_at(path: Path, raw: Mapping[str, Json], field: str, kind: KindClass) -> Path:
    """Where a field stands in the file: in the step, or among the defaults of its kind."""
    return (*path, field) if field in raw else ("defaults", kind.NAME, field)
