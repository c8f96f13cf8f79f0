"""What is certain when a step is entered: which observations and saved values every path of the file has left behind.

A step's observation is certain at another when each path from the first step leaves it through an edge that proves it:

* passed, and a choice's options: the step was observed; but a change with a probe may have been unknown and settled,
  and then only the probe saw anything;
* failed: only where the kind observes failures too, and then only the fields that are there after one;
* skipped and unknown: nothing.

So each step is split: behind its entry stands a node for "it was observed", which only the proving edges leave. The
observation is certain exactly where that node dominates. A later visit that fails takes nothing from this: a path that
comes back and fails is also a path on which the first visit fails. An operator's skips and jumps are judged at entry.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from runbook.language.dominators import Dominators
from runbook.language.scope import secret_fields
from runbook.model.graph import FAILED, PASSED, Edge, edges_of
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook, Step

Proof: TypeAlias = Callable[[int, Edge], bool]
"""Whether an edge out of the step of that number proves something."""


class Leg(NamedTuple):
    """A step on a path, and the edge by which the path leaves it; empty at its end."""

    step: str
    via: str


class Flow:
    """The paths of a runbook from its first step. Steps are numbered as they stand in the file.

    Of steps in ``unknown`` it is not known where they lead: no path goes on from them, and the file's ``on_fail`` is
    left out, for it depends on all other edges for which steps it stands.
    """

    def __init__(self, runbook: Runbook, registry: Registry, unknown: frozenset[int] = frozenset()) -> None:
        self.runbook = runbook
        self.registry = registry
        self.number = {step.id: i for i, step in reversed(list(enumerate(runbook.steps)))}
        self.edges = edges_of(runbook)
        self.out: list[list[tuple[Edge, int]]] = [[] for _ in runbook.steps]
        for edge in self.edges:
            if edge.target in self.number and not (unknown and (edge.default or self.number[edge.source] in unknown)):
                self.out[self.number[edge.source]].append((edge, self.number[edge.target]))
        self._unproved: dict[str, frozenset[int]] = {}

    @property
    def sound(self) -> bool:
        """Whether every step has an id of its own, without which nothing can be said about paths."""
        return len(self.number) == len(self.runbook.steps)

    @cached_property
    def reachable(self) -> frozenset[int]:
        """The numbers of the steps that some path enters."""
        return self._reached([0])

    def reached_from(self, number: int) -> frozenset[int]:
        """The numbers of the steps that paths from a step enter, its own among them."""
        return self._reached([number])

    def leads_to(self, source: str, target: str) -> bool:
        """Whether some path enters one step and later another."""
        start, end = self.number[source], self.number[target]
        if start not in self.reachable:
            return False
        if start != end and self._dominators.dominates(3 * start, 3 * end):
            return True
        return end in self._reached([onward for _, onward in self.out[start]], until=end)

    def certain(self, step: str, at: str, *, after_failure: bool = False) -> bool:
        """Whether every path to a step has observed another; true where no path leads.

        :param after_failure: whether an observation of a failure will do.
        """
        seen, full = self._observed[self.number[step]]
        return self._dominators.dominates(seen if after_failure else full, 3 * self.number[at])

    def proved(self, name: str, proves: Proof, at: str) -> bool:
        """Whether on every path to a step some edge proves something; true where no path leads.

        :param name: what is proved, for it is looked at once for all steps.
        """
        if name not in self._unproved:
            self._unproved[name] = self._reached([0], proves)
        return self.number[at] not in self._unproved[name]

    def path(self, at: str, proves: Proof) -> Sequence[Leg]:
        """A shortest path to a step on which no edge proves something; empty if there is none."""
        end = self.number[at]
        came: dict[int, tuple[int, str]] = {0: (-1, "")}
        queue = [0]
        for number in queue:
            if end in came:
                break
            for edge, target in self.out[number]:
                if target not in came and not proves(number, edge):
                    came[target] = (number, edge.via)
                    queue.append(target)
        legs: list[Leg] = []
        via = ""
        while end in came:
            legs.append(Leg(self.runbook.steps[end].id, via))
            end, via = came[end]
        return legs[::-1]

    def observes(self, number: int, edge: Edge, *, after_failure: bool) -> bool:
        """Whether an edge out of the step of that number proves that it left an observation."""
        step = self.runbook.steps[number]
        if settled_otherwise(step):
            return False
        return _passes(edge) or (after_failure and edge.via == FAILED and self._observes_failure(step))

    def saves(self, number: int, edge: Edge, name: str) -> bool:
        """Whether an edge out of the step of that number proves that it saved a value under a name."""
        step = self.runbook.steps[number]
        if not _passes(edge) or step.for_each is not None:
            return False
        inside = not any(place.startswith("items") for place in self.registry[step.kind].TRAITS.nested)
        if name not in step.save and not (inside and any(name in inner.save for inner in step.nested.values())):
            return False
        return not settled_otherwise(step) or (step.probe is not None and name in step.probe.save)

    def makes(self, number: int, edge: Edge, name: str) -> bool:
        """Whether an edge out of the step of that number proves that it made a secret of a name."""
        step = self.runbook.steps[number]
        if not _passes(edge) or step.for_each is not None or settled_otherwise(step):
            return False
        return name in step.save_secret or name in secret_fields(step)

    def _observes_failure(self, step: Step) -> bool:
        """Whether every failed visit leaves an observation; one that finds its visits used up leaves none."""
        return self.registry[step.kind].TRAITS.observes_failure and step.max_visits is None

    @cached_property
    def _observed(self) -> Sequence[tuple[int, int]]:
        """For each step its node for "it left an observation", and the one for "it passed and left one"."""
        return [
            (3 * number + 1 if self._observes_failure(step) else 3 * number + 2, 3 * number + 2)
            for number, step in enumerate(self.runbook.steps)
        ]

    @cached_property
    def _dominators(self) -> Dominators:
        """Of the split graph: a step's entry, behind it the node that observations leave, and the one for passing."""
        successors: list[list[int]] = [[] for _ in range(3 * len(self.runbook.steps))]
        for number, (seen, full) in enumerate(self._observed):
            entry = 3 * number
            successors[entry].append(seen)
            if seen != full:
                successors[seen].append(full)
            for edge, target in self.out[number]:
                if self.observes(number, edge, after_failure=False):
                    successors[full].append(3 * target)
                elif self.observes(number, edge, after_failure=True):
                    successors[seen].append(3 * target)
                else:
                    successors[entry].append(3 * target)
        return Dominators(successors)

    def _reached(self, start: Sequence[int], proves: Proof | None = None, until: int = -1) -> frozenset[int]:
        """The steps that a path enters on which no edge proves something."""
        seen, todo = set(start), list(start)
        while todo and until not in seen:
            number = todo.pop()
            for edge, target in self.out[number]:
                if target not in seen and (proves is None or not proves(number, edge)):
                    seen.add(target)
                    todo.append(target)
        return frozenset(seen)


def _passes(edge: Edge) -> bool:
    return edge.via == PASSED or edge.via.startswith("option:")


def settled_otherwise(step: Step) -> bool:
    """Whether a visit may pass although nobody saw its result: its probe settles what was unknown."""
    return step.effect.changes and step.probe is not None
