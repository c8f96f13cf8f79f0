"""Judges the graph of a runbook: every step can be reached, every path ends in a finish, every cycle has a bound.

Nothing here recurses, and everything is linear in the number of steps and edges, or close to it.
"""

from collections.abc import Collection, Iterator, Sequence

from runbook.language import places
from runbook.language.cycles import components, shortest_cycle
from runbook.language.doubt import NONE, Doubt
from runbook.language.explain import listed, meant
from runbook.language.flow import Flow
from runbook.language.places import Path
from runbook.language.source import Document
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span
from runbook.model.graph import SKIPPED, below, options_of
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook, Step

DUPLICATE = Code(
    number="RB200",
    title="id of two steps",
    why="Expressions, edges, answers files and logs name a step by its id, so no two steps can have the same.",
)
NO_SUCH_STEP = Code(
    number="RB201",
    title="edge to a step that does not exist",
    why="`next`, `on_fail`, `on_unknown`, the options of a choice and `needs` name steps of this file by their ids.",
)
UNREACHABLE = Code(
    number="RB202",
    title="step that nothing leads to",
    why="No path from the first step enters this one. In an incident nobody would ever see it, though its author "
    "meant it to be seen: an edge is missing or names another step.",
)
NO_NEXT = Code(
    number="RB203",
    title="own on_fail or on_unknown, and no next",
    why="What is read in order runs in order, and every other way is written. Where a step says where its failure "
    "leads, the step below it is easily mistaken for the handler; so such a step says where passing leads too.",
)
FALLS_INTO = Code(
    number="RB204",
    title="step that runs on into one that others jump to",
    why="The step below is the target of another step's edge, as a handler or a fix would be. Whether this step is "
    "meant to run on into it cannot be seen from the file unless it says so with `next`.",
)
NO_FINISH = Code(
    number="RB205",
    title="path that does not end in a finish",
    why="Every path ends in a `finish`, which says how the incident ended: resolved, mitigated, completed, "
    "escalated, failed or aborted. A run that simply stops would leave that open.",
)
UNBOUNDED = Code(
    number="RB206",
    title="cycle without a bound",
    why="A cycle of steps that a machine walks by itself goes on for ever when its way out never comes. It needs "
    "one of three: a step with a person in it (a kind that asks, or a confirmation), a `wait` with `for` or a "
    "`timeout`, or `max_visits` on one of its steps.",
)
SELF_EDGE = Code(
    number="RB207",
    title="step that leads to itself",
    why="A step that is to be tried again says so with `retry`, which has a number and a pause; one that is to be "
    "waited for is the `until` of a `wait`. An edge from a step to itself has neither.",
)
NEVER_RUN = Code(
    number="RB208",
    title="need of a step that can never have run",
    why="`needs` names steps that must have passed before this one starts. No path enters that step first, so this "
    "one could never start.",
)
SKIPPED_BOUND = Code(
    number="RB282",
    title="cycle whose bound may be skipped",
    why="What bounds a cycle bounds it only when it is entered: a person's step, a change or a `wait` that its `when` "
    "skips lets a run go round again by itself, at the full speed of the machine. `max_visits` on a step that the "
    "cycle cannot skip bounds it in any case.",
    severity=Severity.WARNING,
)
_EDGE_KEYS = ("next", "on_fail", "on_unknown")


_LOOKING_BACK = frozenset({"since", "of"})
"""The keys of ``undo`` that name steps and lead to none."""


def lint_graph(
    runbook: Runbook, document: Document, registry: Registry, flow: Flow, doubt: Doubt = NONE
) -> Iterator[Diagnostic]:
    """Every mistake in the graph of a runbook, in no particular order."""
    yield from _Graph(runbook, document, registry, flow, doubt).judge()


class _Graph:
    """One judgement of one graph."""

    def __init__(
        self, runbook: Runbook, document: Document, registry: Registry, flow: Flow, doubt: Doubt = NONE
    ) -> None:
        self.runbook = runbook
        self.document = document
        self.registry = registry
        self.flow = flow
        self.doubt = doubt
        self.below = below(runbook)
        self.stops = {number for number, step in enumerate(runbook.steps) if registry[step.kind].TRAITS.ends}

    def judge(self) -> Iterator[Diagnostic]:
        duplicates = list(self._duplicates())
        yield from duplicates
        broken = list(self._handler())
        open_ends: list[Diagnostic] = []
        for number, step in enumerate(self.runbook.steps):
            broken += self._targets(number, step)
            if number not in self.doubt.edges:
                open_ends += self._own_edges(number, step)
        yield from open_ends
        # A target that does not exist may be a step whose id is not known.
        yield from (found for found in broken if found.code is SELF_EDGE or not self.doubt.nameless)
        if duplicates:
            return  # nobody knows which of the two an edge leads to
        yield from self._falls()
        open_ = any(found.code is NO_NEXT for found in open_ends)
        if (
            not open_
            and not self.doubt.incomplete
            and not any(diagnostic.code is not SELF_EDGE for diagnostic in broken)
        ):
            # Where edges lead nowhere, what no path enters would be guesswork.
            for number, step in enumerate(self.runbook.steps):
                yield from self._needs(number, step)
            yield from self._unreachable()
        if not open_:
            yield from self._endless()
        yield from self._unbounded()

    def _at(self, code: Code, span: Span, message: str, help: str, label: str = "") -> Diagnostic:  # noqa: A002 - the word every diagnostic uses
        return Diagnostic(code=code, message=message, file=self.document.file, span=span, label=label, help=help)

    def _span(self, number: int, *path: str | int) -> Span:
        """The place of a piece of a step; of the step where the piece is not written in it."""
        whole: Path = ("steps", number, *path)
        return self.document.span(whole) if self.document.has(whole) else self.runbook.steps[number].span

    def _duplicates(self) -> Iterator[Diagnostic]:
        first: dict[str, Step] = {}
        for step in self.runbook.steps:
            other = first.setdefault(step.id, step)
            if other is not step:
                said = f"the id `{step.id}` is taken by the step in line {other.span.line}"
                yield self._at(DUPLICATE, step.span, said, "give one of the two another id")

    def _named(self, number: int, step: Step) -> Iterator[tuple[str, str, Span]]:
        """The steps that a step names: the key, the id, the place."""
        for key, named in zip(_EDGE_KEYS, (step.next, step.on_fail, step.on_unknown), strict=True):
            if named is not None and (named != "next" or key == "next"):
                yield key, named, self._span(number, key)
        for place in self.registry[step.kind].TRAITS.jumps:
            for path, target in places.found(place, step.fields):
                if isinstance(target, str):
                    yield str(path[-1] if isinstance(path[-1], str) else path[0]), target, self._span(number, *path)

    def _targets(self, number: int, step: Step) -> Iterator[Diagnostic]:
        for key, target, span in self._named(number, step):
            if target not in self.flow.number:
                help_ = meant(target, self.flow.number, f"name a step of this file: {listed(self.flow.number)}")
                yield self._at(NO_SUCH_STEP, span, f"`{key}` of `{step.id}` names no step: `{target}`", help_)
            elif target == step.id:
                help_ = "use `retry` to try it again, or the `until` of a `wait` to wait for it"
                yield self._at(SELF_EDGE, span, f"`{key}` of `{step.id}` leads back to itself", help_)
        for target, span in self._needed(number, step):
            if target not in self.flow.number:
                help_ = meant(target, self.flow.number, f"name a step of this file: {listed(self.flow.number)}")
                said = f"`{step.id}` needs a step that does not exist: `{target}`"
                yield self._at(NO_SUCH_STEP, span, said, help_)

    def _own_edges(self, number: int, step: Step) -> Iterator[Diagnostic]:
        written = [key for key in _EDGE_KEYS if getattr(step, key) is not None]
        if number in self.stops:
            return
        if written and step.next is None and self._falls_on(step):
            help_ = f"write `next: {self.below[step.id] or 'ID'}` beside it"
            said = f"`{step.id}` says where `{written[0]}` leads and not where passing leads"
            yield self._at(NO_NEXT, self._span(number, written[0]), said, help_)
        elif step.next is None and self.below[step.id] is None and self._falls_on(step):
            said = f"nothing comes after `{step.id}`, and it is no finish"
            yield self._at(NO_FINISH, step.span, said, "add a step of kind `finish`")

    def _needs(self, number: int, step: Step) -> Iterator[Diagnostic]:
        for need, span in self._needed(number, step):
            if number in self.flow.reachable and not self.flow.leads_to(need, step.id):
                said = f"`{step.id}` needs `{need}`, which can never have run before it"
                help_ = f"need a step on the way to `{step.id}`, or lead through this one"
                yield self._at(NEVER_RUN, span, said, help_)

    def _needed(self, number: int, step: Step) -> Iterator[tuple[str, Span]]:
        """The steps that a step needs, and where it says so."""
        for index, need in enumerate(step.needs):
            path = ("needs", index, "step")
            yield need.step, self._span(number, *(path if self.document.has(("steps", number, *path)) else path[:2]))

    def _handler(self) -> Iterator[Diagnostic]:
        target = self.runbook.on_fail
        if target is not None and target != "next" and target not in self.flow.number:
            span = self.document.span(("on_fail",))
            help_ = meant(target, self.flow.number, f"name a step of this file: {listed(self.flow.number)}")
            yield self._at(NO_SUCH_STEP, span, f"`on_fail` of the runbook names no step: `{target}`", help_)

    def _falls_on(self, step: Step) -> bool:
        """Whether passing or being skipped leads to the step below, or to `next`."""
        options = options_of(step)
        return step.when is not None or not options or any("next" not in option for option in options)

    def _falls(self) -> Iterator[Diagnostic]:
        jumps: dict[str, list[str]] = {}
        for number, step in enumerate(self.runbook.steps):
            for target in {target for key, target, _ in self._named(number, step) if key not in _LOOKING_BACK}:
                jumps.setdefault(target, []).append(step.id)
        if any(edge.default for edge in self.flow.edges) and self.runbook.on_fail is not None:
            jumps.setdefault(self.runbook.on_fail, []).append("on_fail")
        for number, step in enumerate(self.runbook.steps):
            following = self.below[step.id]
            if number in self.stops or step.next is not None or following is None or not self._falls_on(step):
                continue
            others = [source for source in jumps.get(following, ()) if source not in {step.id, following}]
            if others and number not in self.doubt.edges and step.on_fail is None and step.on_unknown is None:
                who = "the runbook's `on_fail`" if others[0] == "on_fail" else f"`{others[0]}`"
                yield self._at(
                    FALLS_INTO,
                    step.span,
                    f"`{step.id}` runs on into `{following}`, which {who} jumps to",
                    f"write `next: {following}`, or where else it leads",
                )

    def _unreachable(self) -> Iterator[Diagnostic]:
        covered = set(self.flow.reachable)
        for number, step in enumerate(self.runbook.steps):
            if number in covered or self.flow.number[step.id] != number:
                continue
            covered |= self.flow.reached_from(number)
            help_ = "name it in the `next`, `on_fail` or option of another step, or take it away"
            yield self._at(UNREACHABLE, step.span, f"nothing leads to `{step.id}`", help_)

    def _successors(self, kept: Sequence[bool], skipped: Collection[int] = ()) -> Sequence[Sequence[int]]:
        """For each kept step the kept ones that it leads to, itself excepted; some only where they are skipped."""
        return [
            [
                target
                for edge, target in out
                if kept[target] and target != number and (number not in skipped or edge.via == SKIPPED)
            ]
            if kept[number]
            else []
            for number, out in enumerate(self.flow.out)
        ]

    def _endless(self) -> Iterator[Diagnostic]:
        """Groups of steps that lead into one another and to no finish."""
        kept = [number in self.flow.reachable for number in range(len(self.runbook.steps))]
        successors = self._successors(kept)
        for group in components(successors):
            inside = set(group)
            leaves = any(target not in inside for number in group for target in successors[number])
            if len(group) > 1 and not leaves and not any(self._ends_or_asks(number) for number in group):
                first = min(group)
                said = f"no path from `{self.runbook.steps[first].id}` ends in a finish"
                cycle = self._told(shortest_cycle(first, successors, inside))
                help_ = "lead one of these steps to a `finish`"
                yield self._at(NO_FINISH, self.runbook.steps[first].span, said, help_, cycle)

    def _ends_or_asks(self, number: int) -> bool:
        """Whether a run can end here, or something that is reported elsewhere keeps it from going on."""
        step = self.runbook.steps[number]
        broken = any(target not in self.flow.number for _, target, _ in self._named(number, step))
        return number in self.stops or broken or (step.next is None and self.below[step.id] is None)

    def _unbounded(self) -> Iterator[Diagnostic]:
        bounds = {number for number, step in enumerate(self.runbook.steps) if self._bounds(step)}
        kept = [number in self.flow.reachable and number not in bounds for number in range(len(self.runbook.steps))]
        cycles = list(self._cycles(self._successors(kept)))
        for cycle in cycles:
            help_ = "give one of its steps `max_visits`, or put a person or a `wait` with a limit into it"
            span = self.runbook.steps[cycle[0]].span
            yield self._at(UNBOUNDED, span, f"nothing bounds the cycle {self._told(cycle)}", help_)
        steps = self.runbook.steps
        maybe = {number for number in bounds if steps[number].when is not None and steps[number].max_visits is None}
        if cycles or not maybe:
            return
        for number in maybe & self.flow.reachable:
            kept[number] = True
        for cycle in self._cycles(self._successors(kept, maybe)):
            first = next(number for number in cycle if number in maybe)
            said = f"when `{steps[first].id}` is skipped, nothing bounds the cycle {self._told(cycle)}"
            yield self._at(SKIPPED_BOUND, self._span(first, "when"), said, "give one of its other steps `max_visits`")

    def _cycles(self, successors: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
        """A shortest cycle of each group of steps that lead into one another, its first step first."""
        for group in components(successors):
            if len(group) > 1:
                yield shortest_cycle(min(group), successors, set(group))

    def _bounds(self, step: Step) -> bool:
        """Whether a cycle through this step has a bound."""
        if step.max_visits is not None or step.confirm is not None or step.effect.changes:
            return True
        if step.kind == "wait":
            return "for" in step.fields or step.timeout is not None
        return self.registry[step.kind].asks(step.fields)

    def _told(self, cycle: Sequence[int]) -> str:
        """A cycle as a line of ids, long ones shortened."""
        ids = [self.runbook.steps[number].id for number in (*cycle, cycle[0])]
        return " → ".join(ids if len(ids) <= 8 else [*ids[:4], "…", *ids[-3:]])
