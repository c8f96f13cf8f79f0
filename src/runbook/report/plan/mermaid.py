"""A runbook's graph as a Mermaid flowchart, for pages that draw those (the syntax of Mermaid 11)."""

from collections.abc import Iterator

from runbook.audit.escapes import inert
from runbook.model.runbook import Effect
from runbook.report.plan.content import Onward, Plan, PlannedStep

_SHAPES = {"choice": ("{{", "}}"), "gate": ("{", "}"), "finish": ("([", "])"), "runbook": ("[[", "]]")}
_PLAIN = frozenset(" .,:!?'/()-_→“”‹›=+*%")
_STYLES = (
    "classDef change fill:#fdf1dc,stroke:#8a5200,color:#1b1f24",
    "classDef irreversible fill:#fdeaea,stroke:#b01e1e,stroke-width:3px,color:#1b1f24",
    "classDef finish fill:#eceff2,stroke:#59636e,color:#1b1f24",
)


def mermaid(plan: Plan) -> str:
    """The graph: steps that change something stand out, ways that are taken after a failure are dotted."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    # Ids of steps could be words of Mermaid, such as `end`; their numbers cannot.
    names = {step.id: f"s{step.number}" for step in plan.steps}
    yield "flowchart TD"
    for step in plan.steps:
        yield f"    {names[step.id]}{_node(step)}"
    for step in plan.steps:
        for way in step.ways:
            yield f"    {names[step.id]} {_arrow(step, way)} {names[way.target]}"
    for style in _STYLES:
        yield f"    {style}"


def _node(step: PlannedStep) -> str:
    opens, closes = _SHAPES.get(step.kind, ("[", "]"))
    asks = f"<br>{_text('; '.join((step.does, *step.asks)))}" if step.effect.changes else ""
    return f'{opens}"{_text(step.title)}{asks}"{closes}{_class(step)}'


def _class(step: PlannedStep) -> str:
    if step.effect is not Effect.NONE:
        return f":::{step.effect.value}"
    return ":::finish" if step.ends else ""


def _arrow(step: PlannedStep, way: Onward) -> str:
    if way.fails:
        return f'-. "{_text(way.words)}" .->'
    only = sum(not other.fails for other in step.ways) == 1
    return "-->" if way.plain and only else f'-->|"{_text(way.words)}"|'


def _text(text: str) -> str:
    """A text within quotes: what could end it, or be markup, stands as an entity."""
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in " ".join(inert(text).split()))
