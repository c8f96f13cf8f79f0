"""Judges what a whole runbook means: its graph, and its expressions."""

from runbook.language.dead_ends import dead_ends
from runbook.language.doubt import NONE, Doubt
from runbook.language.flow import Flow
from runbook.language.lint_graph import lint_graph
from runbook.language.lint_types import lint_types
from runbook.language.repeating import bearing, taking_back
from runbook.language.source import Document
from runbook.model.diagnostics import Diagnostic, Severity
from runbook.model.kind import Registry
from runbook.model.runbook import Nested, Runbook, Step


def lint(runbook: Runbook, document: Document, registry: Registry, doubt: Doubt = NONE) -> list[Diagnostic]:
    """Every mistake in the graph and in the expressions of a runbook, in no particular order.

    :param doubt: what is not known of the file; what might follow from it alone is left out.
    """
    kinds = {name: registry[name] for name in _kinds(runbook)}
    flow = Flow(runbook, kinds, doubt.edges)
    found = [*lint_graph(runbook, document, kinds, flow, doubt), *lint_types(runbook, document, kinds, flow, doubt)]
    if doubt is not NONE:
        return found
    found += [*taking_back(runbook, document), *bearing(runbook, document, kinds)]
    wrong = any(each.severity is Severity.ERROR for each in found)
    return found if wrong else [*found, *dead_ends(runbook, document, kinds, flow)]


def _kinds(runbook: Runbook) -> set[str]:
    """The names of the kinds that a runbook uses: each is asked for once, as a registry may have to import it."""
    used: set[str] = set()
    todo: list[Step | Nested] = list(runbook.steps)
    while todo:
        step = todo.pop()
        used.add(step.kind)
        inside = (step.undo, step.probe, *step.nested.values()) if isinstance(step, Step) else (step.probe,)
        todo += [nested for nested in inside if nested is not None]
    return used
