"""Allows, in the file and with a reason, what a warning points out: ``# runbook: allow RB277 because it only lists``.

A comment behind something speaks of its line; one on a line of its own of the next line with something on it. On the
line where a step begins it speaks of the whole step, and on the line ``runbook: v1`` of the whole file. Several codes
stand behind one ``allow``, with commas. Only warnings can be allowed: with an error the file means nothing certain. An
allowance that does nothing, or cannot be read, is a warning itself, and none can be allowed.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import NamedTuple, TypeAlias

from runbook.language.document import Document
from runbook.language.typed import elements, mapping
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

MARK = "# runbook: "
"""What every allowance has in it; most files have none."""

UNREADABLE = Code(
    number="RB285",
    title="allowance without a code or a reason",
    why="What a warning points out may be right in one place. A comment says so to the checker and to the next reader: "
    "`# runbook: allow RB277 because the job only lists`. Without a reason nobody could ever judge whether it still "
    "holds, so it allows nothing.",
    severity=Severity.WARNING,
)
UNKNOWN = Code(
    number="RB286",
    title="allowance of a code that does not exist",
    why="The checker has no diagnostic of that code, so the comment allows nothing. `runbook explain` lists the codes.",
    severity=Severity.WARNING,
)
OF_AN_ERROR = Code(
    number="RB287",
    title="allowance of what cannot be allowed",
    why="An error says that the file means nothing certain, or that a promise would not be kept: such a file is not "
    "walked, whatever a comment says. Nor can what is said about allowances be allowed. Only warnings are a matter of "
    "judgement.",
    severity=Severity.WARNING,
)
IDLE = Code(
    number="RB288",
    title="allowance of nothing",
    why="Nothing that the comment allows is found in the place that it speaks of. Left there, it would one day hide "
    "something that nobody has looked at.",
    severity=Severity.WARNING,
)
_ABOUT_ALLOWANCES = frozenset(code.number for code in (UNREADABLE, UNKNOWN, OF_AN_ERROR, IDLE))
_COMMENT = re.compile(r"# runbook: +(?P<word>allow\b|\w+(?=[ :=]+RB\d))(?P<rest>[^\n]*)")
_SAID = re.compile(r"(?P<codes> +RB\d{3}(?: *, *RB\d{3})*) +because +(?P<reason>\S.*)")
_CODE = re.compile(r"RB\d{3}")
_EVERYWHERE = (1, 1 << 30)
_HELP = "write `# runbook: allow RBnnn because …` with the code and the reason"


_Place: TypeAlias = tuple[str, int, int]
"""A code, and the first and the last line on which it is allowed."""


class Allowed(NamedTuple):
    """A code that is allowed on some lines, and where the file says so."""

    code: str
    first: int
    last: int
    span: Span

    @property
    def place(self) -> "_Place":
        """What it allows, and where."""
        return self.code, self.first, self.last


class Allowances:
    """What one file allows."""

    def __init__(self, document: Document) -> None:
        """Read the comments of a file."""
        self.document = document
        self.unreadable: list[Diagnostic] = []
        self.allowed: list[Allowed] = []
        self._used: set[_Place] = set()
        line, at = 1, 0
        for match in _COMMENT.finditer(document.text) if MARK in document.text else ():
            line, at = line + document.text.count("\n", at, match.start()), match.start()
            if document.is_comment(at):
                self._read(match, line)
        self._places = {allowed.place for allowed in self.allowed}

    def without(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """What is left of diagnostics about this file."""
        return [each for each in found if not self._allows(each)]

    def problems(self, found: Iterable[Diagnostic], judged: Callable[[str], bool]) -> Iterator[Diagnostic]:
        """What is wrong with the comments themselves.

        :param found: what was found in the file.
        :param judged: whether all has been found that there is to be found of a code.
        """
        yield from self.unreadable
        errors = {each.code.number for each in found if each.severity is Severity.ERROR}
        for allowed in self.allowed:
            if allowed.place in self._used:
                continue
            severity = Severity.ERROR if allowed.code in errors else _severities().get(allowed.code)
            if severity is None:
                message = f"the checker has no `{allowed.code}`"
                yield self._at(UNKNOWN, allowed.span, message, "`runbook explain` lists the codes")
            elif severity is Severity.ERROR or allowed.code in _ABOUT_ALLOWANCES:
                message = f"`{allowed.code}` cannot be allowed"
                yield self._at(OF_AN_ERROR, allowed.span, message, "mend what it points out, and take the comment out")
            elif judged(allowed.code):
                yield self.idle(allowed)

    def unused(self, code: str) -> Iterator[Diagnostic]:
        """The allowances of one code that have allowed nothing."""
        yield from (self.idle(each) for each in self.allowed if each.code == code and each.place not in self._used)

    def idle(self, allowed: Allowed) -> Diagnostic:
        """An allowance that has allowed nothing."""
        return self._at(IDLE, allowed.span, f"there is no `{allowed.code}` here to be allowed", "take the comment out")

    def _allows(self, found: Diagnostic) -> bool:
        if not self._places or found.severity is Severity.ERROR or found.file != self.document.file:
            return False
        code = found.code.number
        spoken_of = {(code, *_EVERYWHERE)}
        if found.span is not None:  # without a place it is about the whole file
            line = found.span.line
            spoken_of.add((code, line, line))
            behind = bisect_right(self._begins, line)
            # Where a step begins on the line on which the one before ends, both hold it.
            lasting = ((first, self._steps[first]) for first in self._begins[max(behind - 2, 0) : behind])
            spoken_of |= {(code, first, last) for first, last in lasting if line <= last}
        mine = spoken_of & self._places
        self._used |= mine
        return bool(mine)

    def _read(self, match: re.Match[str], line: int) -> None:
        """Take up one comment."""
        column = match.start() - self.document.text.rfind("\n", 0, match.start())
        span = Span(line, column, line, column + len(match[0].rstrip()))
        said = _SAID.fullmatch(match["rest"].rstrip())
        if match["word"] != "allow" or said is None:
            what = (
                "has no reason"
                if re.fullmatch(r"[ ,]*RB\d{3}[ ,RB\d]*(?:because *)?", match["rest"])
                else "is not read"
            )
            self.unreadable.append(self._at(UNREADABLE, span, f"this comment {what}, and allows nothing", _HELP))
            return
        first, last = self._lines(line, alone=not self._rows[line - 1][: column - 1].strip())
        self.allowed += [Allowed(code=code, first=first, last=last, span=span) for code in _CODE.findall(said["codes"])]

    def _lines(self, line: int, *, alone: bool) -> tuple[int, int]:
        """The lines of which a comment speaks that stands on a line, alone or behind something."""
        if alone:
            line = self._below[line]
        return _EVERYWHERE if line == self._version else (line, self._steps.get(line, line))

    @cached_property
    def _rows(self) -> Sequence[str]:
        return self.document.text.split("\n")

    @cached_property
    def _below(self) -> Sequence[int]:
        """By the number of each line that of the next one with something on it; behind the last there is one more."""
        below, rows = [len(self._rows) + 1] * (len(self._rows) + 1), self._rows
        for line in range(len(rows) - 1, 0, -1):
            below[line] = below[line + 1] if rows[line].lstrip()[:1] in ("", "#") else line + 1
        return below

    @cached_property
    def _version(self) -> int:
        """The line that says that the file is a runbook; 0 where none does."""
        data = mapping(self.document.data)
        return self.document.key_span(("runbook",)).line if "runbook" in data else 0

    @cached_property
    def _steps(self) -> Mapping[int, int]:
        """The last line of each step by its first; where several begin on one line, that of the first of them."""
        found: dict[int, int] = {}
        for number in range(len(elements(mapping(self.document.data).get("steps")))):
            span = self.document.span(("steps", number))
            found.setdefault(span.line, max(span.line, span.end_line - (span.end_column == 1)))
        return found

    @cached_property
    def _begins(self) -> Sequence[int]:
        return sorted(self._steps)

    def _at(self, code: Code, span: Span, message: str, help_: str) -> Diagnostic:
        return Diagnostic(code=code, message=message, file=self.document.file, span=span, help=help_)


@cache
def _severities() -> Mapping[str, Severity]:
    """The severity of every code of the checker, by its number."""
    import pkgutil  # only where something may be wrong
    from importlib import import_module

    import runbook.language

    modules = (
        import_module(f"runbook.language.{each.name}") for each in pkgutil.iter_modules(runbook.language.__path__)
    )
    codes = (value for module in modules for value in vars(module).values() if isinstance(value, Code))
    return {code.number: code.severity for code in codes}
