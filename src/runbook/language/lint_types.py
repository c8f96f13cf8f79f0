"""Judges every expression of a runbook: names, types, and whether what it mentions is set on every path there.

Two rounds: in the first all expressions say which names they mention, so that few environments serve them all; in the
second each is compiled. That keeps a file of 2,000 steps within a fifth of a second.
"""

from collections.abc import Iterator

from runbook.language import problems
from runbook.language.doubt import NONE, Doubt
from runbook.language.expression_places import Broken, ExpressionPlaces, Place
from runbook.language.expressions import Compiler, Looked
from runbook.language.flow import Flow
from runbook.language.places import Path
from runbook.language.problems import Problem, at
from runbook.language.scope import TAKEN_FIELDS, names_of, type_of
from runbook.language.setness import Sets
from runbook.language.source import Document
from runbook.language.templates import OPEN, Hole
from runbook.language.tokens import position
from runbook.language.traps import Rejected
from runbook.language.values import spoken
from runbook.language.wanted import fits, is_form, said
from runbook.model.diagnostics import Diagnostic
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook


def lint_types(
    runbook: Runbook, document: Document, registry: Registry, flow: Flow, doubt: Doubt = NONE
) -> Iterator[Diagnostic]:
    """Every mistake in the expressions of a runbook, in no particular order; one in a shared default only once."""
    found = list(_Types(runbook, document, registry, flow, doubt).judge())
    yield from {(d.code.number, d.span, d.message): d for d in reversed(found)}.values()


class _Types:
    """One judgement of the expressions of one runbook."""

    def __init__(self, runbook: Runbook, document: Document, registry: Registry, flow: Flow, doubt: Doubt) -> None:
        self.runbook = runbook
        self.document = document
        self.compiler = Compiler()
        self.places = ExpressionPlaces(runbook, document.data, registry)
        self.names = names_of(runbook, registry, self.compiler)
        self.sets = Sets(runbook, self.names, flow)
        self.saved: dict[str, str] = {}
        self.doubt = doubt

    def judge(self) -> Iterator[Diagnostic]:
        found = list(self.places.find())
        for broken in found:
            if isinstance(broken, Broken):
                yield self._broken(broken)
        looked = [(place, self._look(place)) for place in found if isinstance(place, Place)]
        for place, expression in looked:
            if self.doubt is not NONE and self._clouded(place, expression):
                continue
            for problem in self._judged(place, expression):
                yield self._diagnostic(place.path, place.text, place.offset, problem)
        yield from self._environments()
        yield from self._forms()
        for path, text in self.places.settled():
            begin = text.index(OPEN)
            message = "an expression here is never evaluated"
            help_ = "put it into the field of the step that uses the value"
            problem = at(text, begin, begin + len(OPEN), problems.NOT_EVALUATED, message, help=help_)
            yield self._diagnostic(path, text, 0, problem)

    def _look(self, place: Place) -> Looked | str:
        """An expression as it was looked at, or the name of the secret that it is."""
        secret = Hole(place.source, 0).secret if place.template else None
        return secret or self.compiler.look(place.source, self.names.types, place.around.own)

    def _clouded(self, place: Place, looked: Looked | str) -> bool:
        """Whether what is said of an expression might come from another mistake, or nobody wrote it."""
        if not self.document.has(place.path) or (place.around.step and place.around.own and self._vague(place)):
            return True
        if isinstance(looked, str):
            return "secrets" in self.doubt.families
        return self.doubt.clouds(looked.reading.mentions, (step.id for step in self.runbook.steps))

    def _vague(self, place: Place) -> bool:
        return place.around.step is not None and place.around.step.id in self.doubt.vague

    def _judged(self, place: Place, looked: Looked | str) -> Iterator[Problem]:
        """What is wrong with one expression."""
        if isinstance(looked, str):
            yield from self.sets.secret(place, looked)
            return
        try:
            returns = self.compiler.yields(looked, "dyn" if is_form(place.want) else place.want)
        except Rejected as rejected:
            yield from rejected.problems
        else:
            yield from self._saved_before(place, returns)
            if is_form(place.want) and not fits(place.want, returns):
                message, help_ = said(place.want, returns, whole=place.whole)
                yield at(place.source, 0, len(place.source), problems.WRONG_RESULT, message, help=help_)
        for mention in looked.reading.mentions:
            yield from self.sets.unset(place, mention)

    def _saved_before(self, place: Place, returns: str) -> Iterator[Problem]:
        """A second type of a saved value; one that is known only in a run goes with every other."""
        if place.path[-2:-1] != ("save",) or returns == "dyn":
            return
        name = str(place.path[-1])
        first = self.saved.setdefault(name, returns)
        if first != returns:
            message = f"`saved.{name}` is {spoken(first)} elsewhere, and {spoken(returns)} here"
            help_ = "save values of one type under one name"
            yield at(place.source, 0, len(place.source), problems.TWO_TYPES, message, help=help_)

    def _environments(self) -> Iterator[Diagnostic]:
        """Keys that are of one type in one environment and of another in the next."""
        first: dict[str, tuple[str, str]] = {}
        for environment, values in self.runbook.environments.items():
            for key, value in values.items():
                type_ = type_of(value)
                other, name = first.setdefault(key, (type_, environment))
                if type_ != other and {type_, other} != {"int", "double"}:
                    message = f"`{key}` is {spoken(type_)} in `{environment}` and {spoken(other)} in `{name}`"
                    yield Diagnostic(
                        code=problems.TWO_TYPES,
                        message=message,
                        file=self.document.file,
                        span=self.document.span(("environments", environment, key)),
                        help="give it values of one type in all environments",
                    )

    def _forms(self) -> Iterator[Diagnostic]:
        """Fields of forms that have the name of something else where they stand at the root."""
        for number, step in enumerate(self.runbook.steps):
            for name in sorted(TAKEN_FIELDS & self.names.observed[step.id].keys()) if step.kind == "ask" else ():
                yield Diagnostic(
                    code=problems.TAKEN_NAME,
                    message=f"a field cannot be called `{name}`, which means something else in expressions",
                    file=self.document.file,
                    span=self.document.key_span(("steps", number, "fields", name)),
                    help="call it something else",
                )

    def _diagnostic(self, path: Path, text: str, offset: int, problem: Problem) -> Diagnostic:
        """A problem at its place in the file."""
        line, column = position(text, offset)
        return Diagnostic(
            code=problem.code,
            message=problem.message,
            file=self.document.file,
            span=self.document.inside(
                path,
                line + problem.line - 1,
                problem.column + (column - 1 if problem.line == 1 else 0),
                problem.length,
            ),
            label=problem.label,
            help=problem.help,
        )

    def _broken(self, broken: Broken) -> Diagnostic:
        """What is wrong with a text that is no template."""
        if broken.offset is not None:
            message, help_ = "`${{` is never closed with `}}`", "close it with `}}`"
            problem = at(broken.text, broken.offset, broken.offset + 3, problems.BROKEN_TEMPLATE, message, help=help_)
            return self._diagnostic(broken.path, broken.text, 0, problem)
        return Diagnostic(
            code=problems.BROKEN_TEMPLATE,
            message="a key cannot hold an expression",
            file=self.document.file,
            span=self.document.key_span(broken.path),
            help="put it into the value",
        )
