"""What is allowed and yet dangerous in one step: a wait without an end, a look that changes, a value that becomes code.

Each rule looks at steps as they were written, in a file that the schema has found nothing wrong with, and says only
what is certain from the file alone. What reads command lines is imported for the steps that have one.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.lookalikes import left_to_a_shell, lookalikes
from runbook.language.places import Path
from runbook.language.safety import OPEN_PASSWORD
from runbook.language.step_binding import own_fields
from runbook.language.templates import OPEN
from runbook.language.typed import mapping, text, texts, whole
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

ENDLESS_WAIT = Code(
    number="RB274",
    title="wait without a deadline",
    why="A wait that looks again and again ends when what it waits for comes. If that never comes, nobody is told, and "
    "without anybody at the terminal the run waits for ever. With a `timeout` it fails after that time, and the file "
    "says where a failure leads.",
    severity=Severity.WARNING,
)
VALUE_AS_CODE = Code(
    number="RB275",
    title="a value in what a shell is told to run",
    why="An element of `argv` stays one argument, whatever is in it. The argument behind `sh -c`, and the like of it "
    "in other languages, is a program: a quote or a semicolon in the value would be carried out. A value never "
    "becomes code; it is passed beside the program, as an argument or in `env`.",
)
SHOWN_SECRET = Code(
    number="RB276",
    title="a secret among the arguments of a program",
    why="Everybody on a machine can read the arguments of every program that runs on it, with `ps` or in `/proc`. A "
    "variable with a secret in it that a script gives to a program as an argument is read there. Programs take secrets "
    "from standard input, from a file or from the environment: `curl -H @-`, `docker login --password-stdin`, "
    "`PGPASSWORD`.",
    severity=Severity.WARNING,
)
CHANGING_LOOK = Code(
    number="RB277",
    title="a look that surely changes something",
    why="A step with `effect: none`, a probe, a check and what a wait waits for are performed without a confirmation, "
    "may be repeated and are performed in a dry run. What these words do is no look. Nothing is guessed: only "
    "commands, methods and statements are pointed out of which everybody knows that they change something.",
    severity=Severity.WARNING,
)
SAME_PHRASE = Code(
    number="RB278",
    title="a phrase that is the same everywhere",
    why="A phrase is typed so that the hand cannot be faster than the head. One that is the same on staging and in "
    "production, or the same at each step, is typed from habit: it says nothing about where the operator is and what "
    "is about to happen.",
    severity=Severity.WARNING,
)
BLIND_UNDO = Code(
    number="RB281",
    title="an undo that is retried blindly",
    why="An undo is a change, and one that failed may have changed something all the same. Doing it once more by "
    "itself is safe only if doing it twice is the same as doing it once, as it is for an `activate` and for a "
    "request with PUT or DELETE. A step with `idempotent: true` says it for its undo too.",
    severity=Severity.WARNING,
)

_SHOWN = 5
"""How many places of one script are pointed out: whoever looks at them sees the others."""
_REPEATABLE = frozenset({"PUT", "DELETE", "GET", "HEAD"})
_CHANGING_METHODS = frozenset({"PUT", "PATCH", "DELETE"})


def hazards(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Everything dangerous that the steps of a file do, in no particular order."""
    defaults = mapping(mapping(document.data).get("defaults"))
    phrases: list[tuple[Written, str]] = []
    for step in steps:
        raw = step.raw
        reads = raw.get("effect") == "none" if step.place == "step" else step.place != "undo"
        if step.kind.NAME == "wait" and "until" in raw and "timeout" not in raw:
            span = document.key_span((*step.path, "until"))
            message = f"{_name(step)} may wait for ever"
            yield _at(document, ENDLESS_WAIT, span, message, "add a `timeout`, such as `timeout: 10m`")
        if "argv" in raw or "script" in raw or "from" in raw:
            yield from _CommandLine(document, step, mapping(defaults.get(step.kind.NAME)), reads=reads).judge()
        if reads and ("method" in raw or "statement" in raw):
            yield from _plain_change(document, step)
        # An undo is typed after its change, in an environment that the operator has confirmed already.
        if (
            step.place == "step"
            and "confirm" in raw
            and isinstance(phrase := mapping(raw["confirm"]).get("phrase"), str)
        ):
            phrases.append((step, phrase))
        if step.place == "undo" and "retry" in raw:
            yield from _blind_undo(document, step, defaults)
    if phrases:
        yield from _phrases(document, phrases)
    yield from lookalikes(document, steps)


def _at(document: Document, code: Code, span: Span, message: str, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, file=document.file, span=span, help=help_)


def _name(step: Written) -> str:
    """How a message calls a step."""
    return f"`{text(step.raw.get('id')) or step.kind.NAME}`"


def _what(step: Written) -> tuple[str, str]:
    """What a step that only looks is called, and what to do where it does more."""
    if step.place == "step":
        return (
            f"{_name(step)} says `effect: none`",
            "write `effect: change`, or look with something that changes nothing",
        )
    return f"what stands in `{step.place}` only looks", "look with something that changes nothing"


def _plain_change(document: Document, step: Written) -> Iterator[Diagnostic]:
    """A request or a statement that changes something where only a look is meant."""
    said, help_ = _what(step)
    method, statement = text(step.raw.get("method")), text(step.raw.get("statement"))
    if method in _CHANGING_METHODS:
        span = document.span((*step.path, "method"))
        yield _at(document, CHANGING_LOOK, span, f"{said}, and a request with {method} changes something", help_)
    words = statement.split(None, 1)
    if words:
        from runbook.language import programs  # few files have statements

        if programs.writes(words[0]):
            span = document.inside((*step.path, "statement"), *_line_and_column(statement, statement.index(words[0])))
            message = f"{said}, and {words[0].upper()} changes something"
            yield _at(document, CHANGING_LOOK, span, message, help_)


def _blind_undo(document: Document, step: Written, defaults: Mapping[str, Json]) -> Iterator[Diagnostic]:
    """An undo that would be done twice."""
    owner: Json = document.data
    for key in step.path[:-1]:
        owner = owner[key] if isinstance(owner, list) and isinstance(key, int) else mapping(owner).get(str(key))
    method = own_fields(step.raw, step.kind, defaults.get(step.kind.NAME)).get("method")
    sure = step.kind.NAME == "activate" or method in _REPEATABLE or mapping(owner).get("idempotent") is True
    if whole(mapping(step.raw["retry"]).get("attempts"), 1) > 1 and not sure:
        span = document.key_span((*step.path, "retry"))
        message = f"the undo of `{text(mapping(owner).get('id'))}` would be tried again after a failure"
        help_ = (
            "take `retry` out; if doing it twice is the same as doing it once, `idempotent: true` at the step says so"
        )
        yield _at(document, BLIND_UNDO, span, message, help_)


def _phrases(document: Document, phrases: Sequence[tuple[Written, str]]) -> Iterator[Diagnostic]:
    """Phrases that say neither where nor what."""
    several = len(mapping(mapping(document.data).get("environments"))) > 1
    same = len(phrases) > 1 and len({phrase for _, phrase in phrases}) == 1
    for step, phrase in phrases:
        if OPEN in phrase:
            continue
        span = document.span((*step.path, "confirm", "phrase"))
        if several and "environment.name" not in text(step.raw.get("when")):
            message = f"the phrase `{phrase}` is the same in every environment"
            help_ = "put the environment into it: `${{ environment.name }}`"
            yield _at(document, SAME_PHRASE, span, message, help_)
        elif same and not several:
            message = f"the phrase `{phrase}` is the same at every step"
            yield _at(document, SAME_PHRASE, span, message, "write what this step is about to do")


class _CommandLine:
    """The rules for what a step runs: an `argv` or a `script` of its own, or that of the source of an `env` step."""

    def __init__(self, document: Document, step: Written, defaults: Mapping[str, Json], *, reads: bool) -> None:
        source = mapping(step.raw.get("from"))
        self.document = document
        self.step = step
        self.reads = reads
        self.argv = texts(step.raw.get("argv") or source.get("command"))
        self.path: Path = (*step.path, "argv") if "argv" in step.raw else (*step.path, "from", "command")
        self.script = text(step.raw.get("script"))
        values = {**mapping(defaults.get("env")), **mapping(step.raw.get("env"))}
        self.secret = [name for name, value in values.items() if "secrets." in text(value) and OPEN in text(value)]

    def judge(self) -> Iterator[Diagnostic]:
        """Everything dangerous in it."""
        from runbook.language import programs  # few steps run programs of their own

        if self.argv:
            code = programs.code_among(self.argv)
            for place, argument in enumerate(self.argv):
                if argument[:1] in {"$", "~"} and (code is None or place != code[1]):
                    yield from left_to_a_shell(self.document, argument, (*self.path, place))
            if code is not None:
                program, place = code
                path = (*self.path, place)
                if OPEN in self.argv[place]:
                    message = f"a value stands in the code that `{program}` is to run"
                    help_ = "pass it as a further argument or in `env`, and let the code take it from there"
                    yield _at(self.document, VALUE_AS_CODE, self.document.span(path), message, help_)
                elif program in programs.SHELLS:
                    yield from self._script(self.argv[place], path)
            password = programs.password_among(self.argv)
            if password is not None:
                yield self._password(self.document.span((*self.path, password)).line)
            change = programs.change_of(self.argv)
            if self.reads and change is not None:
                yield self._changes(self.document.span((*self.path, 0)), change)
        if self.script:
            yield from self._script(self.script, (*self.step.path, "script"))

    def _script(self, script: str, path: Path) -> Iterator[Diagnostic]:
        """What the commands of a script do."""
        from runbook.language import programs

        for change, offset in islice(programs.changes_of(script), _SHOWN) if self.reads else ():
            yield self._changes(self._inside(path, script, offset, len(change.split()[0])), change)
        password = programs.password_in(script)
        if password is not None:
            yield self._password(self._inside(path, script, password, 1).line)
        for name, program, offset in islice(programs.shown_by(script, self.secret), _SHOWN) if self.secret else ():
            span = self._inside(path, script, offset, len(name) + 1)
            message = f"the secret in `{name}` becomes an argument of `{program}`, which a process list shows"
            help_ = f"let `{program}` read it from standard input, a file or its environment"
            yield _at(self.document, SHOWN_SECRET, span, message, help_)

    def _inside(self, path: Path, script: str, offset: int, length: int) -> Span:
        return self.document.inside(path, *_line_and_column(script, offset), length)

    def _changes(self, span: Span, change: str) -> Diagnostic:
        said, help_ = _what(self.step)
        return _at(self.document, CHANGING_LOOK, span, f"{said}, and `{change}` changes something", help_)

    def _password(self, line: int) -> Diagnostic:
        return Diagnostic(
            code=OPEN_PASSWORD,
            message=f"a command in line {line} has a password in it",
            file=self.document.file,  # without a place: whatever shows it would show the password
            help="declare it under `secrets`, and pass `${{ secrets.NAME }}` through `env` or `stdin`",
        )


def _line_and_column(source: str, offset: int) -> tuple[int, int]:
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)
