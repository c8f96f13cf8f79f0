"""What is wrong with a text that YAML cannot read, in our words, and how the line is meant, where that can be guessed.

YAML notices a mistake where it can go on no longer, which is often behind the mistake and sometimes lines below it. So
the lines around are looked at: a value that lacks quotes, a quote or bracket that is not closed, an indentation.
"""

import re
from dataclasses import dataclass

from runbook.language.findings import SEVERAL
from runbook.language.lines import Lines
from runbook.language.mending import as_meant, indent, mended
from runbook.language.scanning import Slow, offsets
from runbook.model.diagnostics import Code, Diagnostic

TAB = Code(
    number="RB107",
    title="tab outside a text",
    why="A tab is as wide as whoever looks at it wants, so YAML takes none for indentation or between words. Inside "
    "quotes, in block texts and in comments tabs are all right.",
)
QUOTES = Code(
    number="RB108",
    title="text that needs quotes",
    why="Without quotes YAML ends a text, or takes it for something else, at `: `, ` #`, at a quote in front, at `!`, "
    "`&`, `*`, `%`, `@`, `|`, `>` in front, and inside brackets at `,`, `?`, `[`, `]`, `{` and `}`. Expressions and "
    "questions are full of them: put the whole value in quotes, or write it below the key after `|`.",
)
UNREADABLE = Code(
    number="RB109",
    title="YAML that cannot be read",
    why="A runbook is YAML: `key: value` lines, `- ` in front of the elements of a list, two spaces more for what "
    "belongs to the line above. From this place on the text is no YAML, so nothing can be said about what follows.",
)
OPEN = Code(
    number="RB110",
    title="quote or bracket that is not closed",
    why="What a quote or bracket opens goes on, over the ends of lines, until it is closed. YAML notices only where "
    "something cannot belong to it any more, which may be far below.",
)
INDENTATION = Code(
    number="RB111",
    title="wrong indentation",
    why="What belongs together begins in the same column; what belongs to the line above begins further to the right. "
    "A line in a column of its own belongs to nothing.",
)
_WORDS = {
    "the node content": "a value",
    "did not find expected node content": "expected a value",
    "did not find expected": "expected",
    "<block end>": "the end of the block",
    "<stream end>": "the end of the file",
    "<scalar>": "a text",
    "<block mapping start>": "a mapping",
    "<block sequence start>": "a list",
    "<document start>": "the end of the file",
    "<document end>": "the end of the document",
    "<alias>": "an alias",
    "<anchor>": "an anchor",
    "<tag>": "a tag",
}
_BEFORE_TOKEN = re.compile(r"\s*(?:- +)*")
_KEY = re.compile(r"\s*(?:- +)*[\w.-]+ ?:(?: |$)")
_NO_SPACE = re.compile(r"(\s*(?:- +)*)([\w.-]+):(\S.*)")
_NO_CHARACTER = re.compile(r"\\U(?!0010|000[0-9a-fA-F])[0-9a-fA-F]{8}")


def _begin(line: str) -> tuple[str, int]:
    """How a line begins: with a dash, a key (also behind dashes) or something else; and the column of that."""
    if line.lstrip().startswith("- ") and not _KEY.match(line):
        return "-", indent(line) + 1
    match = _BEFORE_TOKEN.match(line) if _KEY.match(line) else None
    return ("key", match.end() + 1) if match else ("", 0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a text cannot be read, and how its line was probably meant; ``repair`` is that line's number and text."""

    diagnostic: Diagnostic
    repair: tuple[int, str] | None = None


def diagnose(error: Exception, lines: Lines, file: str, slow: Slow | None = None) -> Trouble:
    """What the scanner's failure means; the one in Python says best how far it came."""
    return _Failure(error, lines, file, slow).trouble()


class _Failure:
    """One failure of the scanner, and the text around it."""

    def __init__(self, error: Exception, lines: Lines, file: str, slow: Slow | None) -> None:
        self.lines = lines
        self.file = file
        self.last = slow.last if slow else None
        self.innermost = slow.innermost() if slow else None
        self.problem = str(getattr(error, "problem", None) or error)
        self.context = str(getattr(error, "context", None) or "")
        mark, opening = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        # Behind the last line that says something there is nothing to show.
        reached = slow.parser.index if slow else 0
        self.place: int = min(mark.index if mark else reached, len(lines.text.rstrip()))
        self.opening: int = opening.index if opening else self.place
        self.number, self.column = lines.position(self.place)
        self.line = lines.line(self.number)

    def trouble(self) -> Trouble:
        """The first explanation that fits."""
        explanations = (
            self._tab, self._directive, self._no_character, self._open_quote, self._open_bracket, self._indentation,
            self._list, self._no_colon, self._quotes,
        )  # fmt: skip
        return next((found for explain in explanations if (found := explain())), None) or self._anything()

    def _said(
        self,
        code: Code,
        start: int,
        end: int,
        message: str,
        help: str,  # noqa: A002 - as in a diagnostic
        *,
        label: str = "",
        repair: str | None = None,
    ) -> Trouble:
        diagnostic = Diagnostic(
            code=code, message=message, file=self.file, span=self.lines.span(start, end), label=label, help=help
        )
        return Trouble(diagnostic, (diagnostic.span.line, repair) if diagnostic.span and repair else None)

    def _tab(self) -> Trouble | None:
        if self.lines.text[self.place : self.place + 1] != "\t":
            return None
        end = self.place + len(self.line) - self.column + 1
        end -= len(self.lines.text[self.place : end].lstrip("\t"))
        message = "a tab stands where YAML takes only spaces"
        advice = f"write spaces; `expand -t 2 {self.file}` does it for a whole file"
        return self._said(TAB, self.place, end, message, advice)

    def _directive(self) -> Trouble | None:
        about_one = "directive" in self.problem + self.context or "document" in self.problem
        if not (about_one and self.line.startswith("%")):
            return None
        start = self.place - self.column + 1
        message = "a line that begins with `%` is a directive, and a runbook has none"
        return self._said(SEVERAL, start, start + len(self.line), message, "take it out")

    def _no_character(self) -> Trouble | None:
        """An escape of a character that does not exist: the scanner says it without a place."""
        match = _NO_CHARACTER.search(self.lines.text, max(0, self.place - 10))
        if "problem" in self.problem or self.context or not match:
            return None
        return self._said(
            UNREADABLE, *match.span(), f"there is no character `{match[0]}`", "write the character itself"
        )

    def _open_quote(self) -> Trouble | None:
        """A quote that is closed nowhere, or that was closed by the next one, some lines below."""
        if "quoted scalar" in self.context and ("end of stream" in self.problem or "separator" in self.problem):
            start = self.opening
        elif self.last is not None and self.last.style in ("'", '"') and self._ends_here(*offsets(self.last)):
            start = offsets(self.last)[0]
        else:
            return None
        number, column = self.lines.position(start)
        line = self.lines.line(number)
        repair = mended(line)
        message = f"the quote {line[column - 1]} is not closed on its line"
        advice = as_meant(repair) or "close it, or put a text that holds quotes into other quotes"
        return self._said(
            OPEN, start, start + len(line) - column + 1, message, advice, label="opens here", repair=repair
        )

    def _ends_here(self, start: int, end: int) -> bool:
        """Whether a scalar goes over several lines and ends on the one where the scanner failed."""
        return self.lines.position(start)[0] < self.lines.position(end)[0] == self.number

    def _indentation(self) -> Trouble | None:
        """The line's first word stands where nothing can stand."""
        begin = _BEFORE_TOKEN.match(self.line)
        first = begin.end() if begin else 0
        mapping = "mapping values" in self.problem and self.line.find(":", first) == self.column - 1
        if not (mapping or ("expected" in self.problem and "block" in self.context + self.problem)):
            return None
        if not mapping and self.column - 1 > first:
            return None
        if mapping and (above := self._line_without_key()):
            return self._no_key(above)
        if self.line.lstrip().startswith(":"):
            return self._no_key(self.number)
        start = self.place - self.column + 1 + indent(self.line)
        message = "this line is indented unlike those that it belongs to"
        return self._said(INDENTATION, start, max(self.place, start + 1), message, self._like_above())

    def _like_above(self) -> str:
        """The help that names the nearest column in which a line above begins as this one does."""
        mine = _begin(self.line)
        above = [
            (abs(begin[1] - mine[1]), self.number - number, begin[1], number)
            for number in range(self.number - 1, max(0, self.number - 100), -1)
            if (begin := _begin(self.lines.line(number)))[0] == mine[0]
        ]
        _, _, column, line = min(above, default=(0, 0, 0, 0))
        if column in (0, mine[1]):
            return "indent it like the lines that it belongs to"
        return f"begin it in column {column}, like line {line}"

    def _quotes(self) -> Trouble | None:
        repair = mended(self.line)
        if repair is None:
            return None
        message, start = "YAML cannot read this text without quotes", self.place
        if "escape" in self.problem:
            message, start = "YAML does not know this escape", self.lines.text.rfind("\\", 0, self.place + 1)
        advice = as_meant(repair) or "put the whole value in quotes"
        return self._said(QUOTES, start, self.place + 1, message, advice, label="YAML stops here", repair=repair)

    def _open_bracket(self) -> Trouble | None:
        """A bracket whose line ends without it, and what follows is indented as what does not belong to it."""
        at_end = self.place >= len(self.lines.text.rstrip())
        opening = self.innermost if at_end and self.innermost is not None else self.opening
        number = self.lines.position(opening)[0]
        bracket = self.lines.text[opening : opening + 1]
        if "flow" not in self.context or bracket not in ("{", "["):
            return None
        below = number < self.number and indent(self.line) <= indent(self.lines.line(number))
        if not at_end and not below:
            return None
        message = f"the bracket `{bracket}` is not closed"
        closing = "}" if bracket == "{" else "]"
        advice = f"close it with `{closing}`, and put commas between what stands inside"
        return self._said(OPEN, opening, opening + 1, message, advice, label="opens here")

    def _list(self) -> Trouble | None:
        if "sequence entries" not in self.problem:
            return None
        message, advice = "a list cannot begin behind its key", "begin it on the next line, or write it in `[ ]`"
        return self._said(UNREADABLE, self.place, self.place + 1, message, advice)

    def _no_colon(self) -> Trouble | None:
        if "could not find expected ':'" not in self.problem:
            return None
        return self._no_key(self.lines.position(self.opening)[0])

    def _line_without_key(self) -> int | None:
        """The number of the line above, if it begins where this one does and has no key."""
        number = self.number - 1
        line = self.lines.line(number) if number else ""
        without = line.strip() and indent(line) == indent(self.line) and not _KEY.match(line)
        return number if without else None

    def _no_key(self, number: int) -> Trouble:
        """A line has a text where a key should be."""
        line = self.lines.line(number)
        start = self.lines.starts[number - 1] + indent(line)
        repair = None
        if match := _NO_SPACE.fullmatch(line):
            repair = f"{match[1]}{match[2]}: {match[3]}"
        advice = f"{as_meant(repair) or 'write `key: value`'}, with a space behind the colon"
        end = start + len(line.strip())
        return self._said(UNREADABLE, start, end, "this line has no key", advice, repair=repair)

    def _anything(self) -> Trouble:
        said = self.problem
        for word, meaning in _WORDS.items():
            said = said.replace(f"'{word}'", meaning).replace(word, meaning)
        advice = "look at this line and the one above it; a text with special signs stands in quotes"
        return self._said(UNREADABLE, self.place, self.place + 1, f"this is no YAML: {said}", advice)
