"""Whether what an expression mentions is set wherever its step is entered; where it is not, on which path."""

from collections.abc import Iterator, Sequence

from runbook.language import problems
from runbook.language.explain import listed, meant
from runbook.language.expression_places import Place
from runbook.language.flow import Flow, Leg, settled_otherwise
from runbook.language.problems import Problem, at
from runbook.language.scope import Names, always
from runbook.language.tokens import Mention
from runbook.model.graph import FAILED, PASSED, SKIPPED, UNKNOWN, Edge
from runbook.model.runbook import Runbook, Step

_LEFT_BY = {FAILED: " fails", SKIPPED: " is skipped", UNKNOWN: " is unknown"}
_SHOWN = 7


class Sets:
    """What is set where in one runbook."""

    def __init__(self, runbook: Runbook, names: Names, flow: Flow) -> None:
        self.runbook = runbook
        self.names = names
        self.flow = flow

    def unset(self, place: Place, mention: Mention) -> Iterator[Problem]:
        """What keeps a name that exists from being set at a place; nothing where it surely is."""
        own = mention.longest(place.around.own)
        if own is not None:
            seen = place.around.seen.get(own)
            if seen is not None and not seen.always and not place.around.judges:
                yield self._problem(
                    place,
                    mention,
                    f"`{own}` is there only on some answers",
                    help="use it in `expect`, where its absence fails the step",
                )
            return
        name = mention.longest(self.names.types)
        if name is None:
            return
        root, _, rest = name.partition(".")
        if place.around.step is None and name not in self.names.early:
            said = f"`{name}` is not settled when the run begins"
            yield self._problem(place, mention, said, help=f"use only {listed({'inputs', 'environment', 'run'})} here")
        elif root == "inputs":
            yield from self._input(place, mention, rest)
        elif not self.flow.sound:
            return
        elif root == "saved" and place.around.step is not None:
            yield from self._saved(place, mention, rest, place.around.step)
        elif root == "steps" and place.around.step is not None:
            step, _, field = rest.partition(".")
            if field not in always(self.names.observed[step]):
                yield from self._field(place, mention, step, field, place.around.step)

    def secret(self, place: Place, name: str) -> Iterator[Problem]:
        """What is wrong with a secret that stands at a place."""
        if name not in self.names.secrets:
            known = self.names.secrets
            help_ = meant(name, known, f"declare it: `secrets: {{{name}: {{env: {name.upper()}}}}}`")
            yield at(
                place.source, 0, len(place.source), problems.NO_SUCH_NAME, f"there is no secret `{name}`", help=help_
            )
        elif not place.around.secrets:
            field = next((str(key) for key in reversed(place.path) if isinstance(key, str)), "this")
            said = f"a secret cannot stand in `{field}`, which is shown and logged"
            yield at(
                place.source, 0, len(place.source), problems.MISPLACED_SECRET, said, help=self._where(place.around.step)
            )
        elif name not in self.runbook.secrets and place.around.step is not None and self.flow.sound:
            step = place.around.step

            def makes(number: int, edge: Edge) -> bool:
                return self.flow.makes(number, edge, name)

            if not self.flow.proved(f"secrets.{name}", makes, step.id):
                said = f"the secret `{name}` may not have been made when `{step.id}` starts"
                help_ = f"make it on every path that leads to `{step.id}`"
                yield at(
                    place.source,
                    0,
                    len(place.source),
                    problems.MAY_BE_UNSET,
                    said,
                    label=self._told(self.flow.path(step.id, makes)),
                    help=help_,
                )

    def _where(self, step: Step | None) -> str:
        """Where a step takes secrets."""
        fields = self.flow.registry[step.kind].TRAITS.secrets if step is not None else ()
        if not fields:
            return "take it out: nothing in this step carries a secret"
        return f"put it into {' or '.join(f'`{field}`' for field in sorted(fields))}"

    def _input(self, place: Place, mention: Mention, name: str) -> Iterator[Problem]:
        wanted = self.runbook.inputs[name]
        if not wanted.required and wanted.default is None:
            said = f"`inputs.{name}` may not be given"
            yield self._problem(place, mention, said, help="give the input a `default`, or take `required: false` away")

    def _saved(self, place: Place, mention: Mention, name: str, here: Step) -> Iterator[Problem]:
        def saves(number: int, edge: Edge) -> bool:
            return self.flow.saves(number, edge, name)

        if self.flow.proved(f"saved.{name}", saves, here.id):
            return
        savers = sorted({saving.step.id for saving in self.names.savings if saving.name == name})
        loops = [saving.step.id for saving in self.names.savings if saving.name == name and saving.step.for_each]
        help_ = f"save `{name}` on that way too; now only {listed(savers)} saves it, when it passes"
        if loops:
            help_ = f"the list of `{loops[0]}` may be empty, and then it saves nothing: use `steps.{loops[0]}.items`"
        said = f"`saved.{name}` may not be set when `{here.id}` starts"
        yield self._problem(place, mention, said, self.flow.path(here.id, saves), help_)

    def _field(self, place: Place, mention: Mention, step: str, field: str, here: Step) -> Iterator[Problem]:
        seen = self.names.observed[step][field]
        name = f"steps.{step}.{field}"
        if not seen.always:
            help_ = f"use it in the `expect` of `{step}`, or ask `has(last.{step}.{field})`"
            yield self._problem(place, mention, f"`{name}` is there only on some answers", help=help_)
            return
        if self.flow.certain(step, here.id, after_failure=seen.after_failure):
            return
        if step == here.id:
            help_ = f"use it in the `expect` or `save` of `{step}`, as `{field}`: it is observed when the step has run"
        elif self.flow.leads_to(step, here.id):
            help_ = f"write `has(last.{step}.{field}) ? last.{step}.{field} : …` with what holds without it"
        else:
            help_ = f"lead through `{step}` first"
        observer = self.flow.number[step]

        def observes(number: int, edge: Edge) -> bool:
            return number == observer and self.flow.observes(number, edge, after_failure=seen.after_failure)

        said = f"`{name}` may not be set when `{here.id}` starts"
        yield self._problem(place, mention, said, self.flow.path(here.id, observes), help_)

    def _problem(
        self,
        place: Place,
        mention: Mention,
        said: str,
        path: Sequence[Leg] = (),
        help: str = "",  # noqa: A002 - the word every diagnostic uses
    ) -> Problem:
        """The problem of a name that may not be set, at the name without what is selected from it."""
        name = mention.longest(place.around.own) or mention.longest(self.names.types) or mention.parts[0]
        end = mention.ends[name.count(".")]
        code = problems.MAY_BE_UNSET
        return at(place.source, mention.starts[0], end, code, said, label=self._told(path), help=help)

    def _told(self, path: Sequence[Leg]) -> str:
        """A path as a line of ids, each with how it is left unless it simply passes; long ones are shortened."""
        words = [f"{leg.step}{self._left(leg)}" for leg in path]
        if len(words) > _SHOWN:
            words = [*words[:2], "…", *words[3 - _SHOWN :]]
        return f"not set on this way: {' → '.join(words)}" if words else ""

    def _left(self, leg: Leg) -> str:
        step = self.runbook.steps[self.flow.number[leg.step]]
        if leg.via == PASSED and settled_otherwise(step):
            return " is settled by its probe"
        return _LEFT_BY.get(leg.via, "")
