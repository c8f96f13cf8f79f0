"""Allows, in the file and with a reason, what a warning points out: ``# runbook: allow RB277 because it only lists``.

A comment behind something speaks of its line; one on a line of its own of the next line with something on it. On the
line where a step begins it speaks of the whole step, and on the line ``runbook: v1`` of the whole file. Several codes
stand behind one ``allow``, with commas. Only warnings can be allowed: with an error the file means nothing certain. An
allowance that does nothing, or cannot be read, is a warning itself, and none can be allowed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

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
_EVERYWHERE = 1 << 30
_HELP = "write `# runbook: allow RBnnn because …` with the code and the reason"


class Allowed(NamedTuple):
    """A code that is allowed on some lines, and where the file says so."""

    code: str
    first: int
    last: int
    span: Span

    def covers(self, found: Diagnostic) -> bool:
        """Whether a diagnostic is about these lines; one without a place is about the whole file."""
        line = found.span.line if found.span else 1
        everywhere = self.last == _EVERYWHERE
        return found.code.number == self.code and (everywhere or (found.span is not None and self.holds(line)))

    def holds(self, line: int) -> bool:
        """Whether it speaks of a line."""
        return self.first <= line <= self.last


class Allowances:
    """What one file allows."""

    def __init__(self, document: Document) -> None:
        """Read the comments of a file."""
        self.document = document
        self.unreadable: list[Diagnostic] = []
        self.allowed: list[Allowed] = []
        self._used: set[Allowed] = set()
        self._rows = document.text.split("\n")
        for match in _COMMENT.finditer(document.text) if MARK in document.text else ():
            if document.is_comment(match.start()):
                self._read(match)

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
            if allowed in self._used:
                continue
            severity = Severity.ERROR if allowed.code in errors else _severity(allowed.code)
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
        yield from (self.idle(each) for each in self.allowed if each.code == code and each not in self._used)

    def idle(self, allowed: Allowed) -> Diagnostic:
        """An allowance that has allowed nothing."""
        return self._at(IDLE, allowed.span, f"there is no `{allowed.code}` here to be allowed", "take the comment out")

    def _allows(self, found: Diagnostic) -> bool:
        if found.severity is Severity.ERROR or found.file != self.document.file:
            return False
        mine = [allowed for allowed in self.allowed if allowed.covers(found)]
        self._used.update(mine)
        return bool(mine)

    def _read(self, match: re.Match[str]) -> None:
        """Take up one comment."""
        line = self.document.text.count("\n", 0, match.start()) + 1
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
        while alone and line < len(self._rows) and self._rows[line].lstrip()[:1] in ("", "#"):
            line += 1
        line += alone
        if "runbook" in mapping(self.document.data) and self.document.key_span(("runbook",)).line == line:
            return 1, _EVERYWHERE
        for number in range(len(elements(mapping(self.document.data).get("steps")))):
            span = self.document.span(("steps", number))
            if span.line == line:
                return line, max(line, span.end_line - (span.end_column == 1))
        return line, line

    def _at(self, code: Code, span: Span, message: str, help_: str) -> Diagnostic:
        return Diagnostic(code=code, message=message, file=self.document.file, span=span, help=help_)


def _severity(number: str) -> Severity | None:
    """The severity of a code of the checker; None if it has none of that number."""
    import pkgutil  # only where something may be wrong
    from importlib import import_module

    import runbook.language

    for module in pkgutil.iter_modules(runbook.language.__path__):
        for value in vars(import_module(f"runbook.language.{module.name}")).values():
            if isinstance(value, Code) and value.number == number:
                return value.severity
    return None
