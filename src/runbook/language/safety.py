"""What a file must say before a step may change anything: effect, undo, reason, and how often it may be tried.

Each rule looks at one step as it was written, in a file that the schema has found nothing wrong with. What is nested
in a step is a read by contract, except its undo, which is a change by nature.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.language.statements import statements
from runbook.language.step_binding import own_fields
from runbook.language.templates import OPEN
from runbook.language.typed import mapping, text, whole
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic
from runbook.model.kind import KindClass
from runbook.model.runbook import Effect

MISSING_EFFECT = Code(
    number="RB250",
    title="the effect is not said",
    why="Whether a step changes the world decides whether it is confirmed, what a lost connection means and whether it "
    "may be tried again. Nothing is guessed from a command's text or a request's method, so the file says it: "
    "`effect: none`, `change` or `irreversible`.",
)
CONTRADICTED_EFFECT = Code(
    number="RB251",
    title="the effect contradicts the kind",
    why="Some kinds can only look, such as `env`, and some always change something, such as `activate`. A step that "
    "claims otherwise would be confirmed and logged as something that it is not.",
)
NO_WAY_BACK = Code(
    number="RB252",
    title="a change without a way back",
    why="A plan for taking a change back is made before the change, not after it went wrong. So a changing step has an "
    "`undo`; where there can be none, it says `undo: none` and, with `because`, why not.",
)
NO_REASON = Code(
    number="RB253",
    title="irreversible without a reason",
    why="What cannot be taken back deserves a sentence: `because` says why the step may do it nevertheless. The "
    "operator reads it before typing the phrase, and it stands in the report.",
)
BLIND_RETRY = Code(
    number="RB254",
    title="a change that is retried blindly",
    why="A changing step that failed may have changed something all the same. Doing it once more by itself is safe "
    "only if doing it twice is the same as doing it once, and only the author knows: `idempotent: true` says so.",
)
NOTHING_TO_SETTLE = Code(
    number="RB255",
    title="a key for changes on a step that changes nothing",
    why="A step with effect `none` is never unknown and leaves nothing to take back, so `undo`, `probe` and "
    "`on_unknown` would never be used. Either the keys are a mistake or the effect is.",
)
WEAK_CONFIRMATION = Code(
    number="RB256",
    title="a confirmation that confirms nothing",
    why="A phrase is typed so that the hand cannot be faster than the head. An empty one, one that begins or ends "
    "with a blank, or `yes` before something irreversible would let a change through unread.",
)
VERBATIM = Code(
    number="RB257",
    title="an expression in a program's text",
    why="A value never becomes code. A `script` or an SQL statement stands in the file as it will run; what changes "
    "is passed beside it, through `env` or `params`, where no quote or semicolon in a value can do harm.",
)
OPEN_PASSWORD = Code(
    number="RB262",
    title="a password in the file",
    why="A runbook is read by many, is kept in a repository, and a copy of it is kept with every run. A password in it "
    "is known to all of them for good. Give it a name under `secrets`, with where it comes from, and write "
    "`${{ secrets.NAME }}` in its place; then it is looked up when the step starts and never written down.",
)
IDLE_UNDO = Code(
    number="RB258",
    title="an undo that changes nothing",
    why="An undo that only looks leaves the change where it is, while everything that counts on it, the abort and the "
    "report, takes it for a way back.",
)

_PASSWORD = re.compile(r"://[^/@\s:]*:(?![$<*])[^/@\s]+@")
"""What begins with one of these signs is a variable or stands for a password."""
_CALLED_SO = ("password", "passwd", "authorization")
_SWITCHES = frozenset({"true", "false", "none", "never", "always"})
_READ_BY_ALL = frozenset({"argv", "script", "url"})
_BY_NAME = {
    "script": "write `env: {NAME: …}` with the expression, and `$NAME` in the script",
    "statement": "write `params: {name: …}` with the expression, and `:name` in the statement",
}
_FOR_CHANGES = ("undo", "probe", "on_unknown")
_TOO_EASY = frozenset({"y", "yes", "n", "no", "ok"})


def safety(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Every rule of safety that a file breaks, in no particular order."""
    defaults = mapping(mapping(document.data).get("defaults"))
    kinds = {step.kind.NAME: step.kind for step in steps}
    for name in defaults.keys() & kinds.keys():
        yield from _verbatim(document, ("defaults", name), kinds[name], mapping(defaults[name]))
        yield from _open_passwords(document, ("defaults", name), kinds[name].TRAITS.secrets, mapping(defaults[name]))
    for name, keys in mapping(mapping(document.data).get("environments")).items():
        yield from _open_passwords(document, ("environments", name), frozenset(mapping(keys)), mapping(keys))
    yield from statements(document, steps)
    for step in steps:
        yield from _verbatim(document, step.path, step.kind, step.raw)
        yield from _open_passwords(document, step.path, step.kind.TRAITS.secrets | _READ_BY_ALL, step.raw)
        filled = own_fields(step.raw, step.kind, defaults.get(step.kind.NAME))
        rules = _Rules(document, step, step.kind.effect_of(filled))
        if step.place == "step":
            yield from rules.step()
        elif step.place == "undo":
            yield from rules.undo()


def _verbatim(document: Document, path: Path, kind: KindClass, fields: Mapping[str, Json]) -> Iterator[Diagnostic]:
    """No ``${{ }}`` in what will run as it stands."""
    for name in sorted(kind.TRAITS.verbatim & fields.keys()):
        if OPEN in text(fields[name]):
            yield Diagnostic(
                code=VERBATIM,
                message=f"`{name}` cannot hold `${{{{ }}}}`",
                file=document.file,
                span=document.span((*path, name)),
                help=_BY_NAME.get(name, "write it out"),
            )


def _open_passwords(
    document: Document, path: Path, names: frozenset[str], fields: Mapping[str, Json]
) -> Iterator[Diagnostic]:
    """No password in a URL."""
    for name in sorted(names & fields.keys()):
        for inner in _with_password(fields[name]):
            yield Diagnostic(
                code=OPEN_PASSWORD,
                message=f"`{name}` in line {document.span((*path, name, *inner)).line} has a password in it",
                file=document.file,  # without a place: whatever shows it would show the password
                help="declare it under `secrets`, and write `${{ secrets.NAME }}` in its place",
            )


def _with_password(value: Json) -> Iterator[Path]:
    """Where in a field's value a URL has a password in it: the value itself, or elements of it."""
    match value:
        case str() if _has_password(value):
            yield ()
        case dict():
            yield from ((key,) for key, inner in value.items() if _has_password(inner) or _credential(key, inner))
        case list():
            yield from ((place,) for place, inner in enumerate(value) if _has_password(inner))
        case _:
            pass


def _credential(name: str, value: Json) -> bool:
    """Whether a text stands under the name of a password, and is neither a variable nor a word that switches it."""
    if not isinstance(value, str) or not name.lower().endswith(_CALLED_SO) or OPEN in value:
        return False
    return len(value) >= 4 and value[0] not in "$<*" and value not in _SWITCHES


def _has_password(value: Json) -> bool:
    return isinstance(value, str) and "://" in value and _PASSWORD.search(value) is not None


class _Rules:
    """The rules for one step: each is a method that yields what breaks it."""

    def __init__(self, document: Document, step: Written, natural: Effect | None) -> None:
        """Look at a step whose kind and fields alone have a natural effect, or none that could be told."""
        written = step.raw.get("effect")
        self.document = document
        self.raw = step.raw
        self.path = step.path
        self.kind = step.kind
        self.natural = natural
        self.written = Effect(written) if written is not None else None
        self.effect = self.written or natural or Effect.CHANGE
        self.name = f"`{text(step.raw.get('id')) or step.kind.NAME}`"

    def step(self) -> Iterator[Diagnostic]:
        """The rules for a step of the runbook."""
        yield from self._effect()
        yield from self._phrase()
        if self.written is None and self.natural is None:
            return  # what else it needs depends on what it does
        if self.effect.changes:
            yield from self._way_back()
            yield from self._retry()
        else:
            yield from self._nothing_to_settle()

    def undo(self) -> Iterator[Diagnostic]:
        """The rules for an undo."""
        yield from self._phrase()
        if self.natural is Effect.NONE:
            yield self._at("kind", IDLE_UNDO, "this undo changes nothing", "write the step that takes the change back")

    def _at(self, key: str, code: Code, message: str, help_: str) -> Diagnostic:
        """A diagnostic at the value of a key, or at the key where the value may be many lines."""
        span_of = self.document.key_span if isinstance(self.raw[key], dict) else self.document.span
        span = span_of((*self.path, key))
        return Diagnostic(code=code, message=message, file=self.document.file, span=span, help=help_)

    def _effect(self) -> Iterator[Diagnostic]:
        kind = self.kind.NAME
        if self.written is None and self.natural is None:
            message = f"{self.name} does not say what it does to the world"
            yield self._at("kind", MISSING_EFFECT, message, "add `effect: none`, `change` or `irreversible`")
        elif self.written is Effect.NONE and self.natural is not None and self.natural.changes:
            message = f"{self.name} says that it changes nothing, and this `{kind}` step does"
            yield self._at("effect", CONTRADICTED_EFFECT, message, "write `effect: change`, or take `effect` out")
        elif self.written is not None and self.written.changes and self.kind.TRAITS.effect is Effect.NONE:
            message = f"{self.name} says that it changes something, and `{kind}` steps change nothing"
            yield self._at("effect", CONTRADICTED_EFFECT, message, "take `effect` out")

    def _way_back(self) -> Iterator[Diagnostic]:
        place = "effect" if "effect" in self.raw else "kind"
        because = bool(text(self.raw.get("because")).strip())
        undo = self.raw.get("undo")
        if self.effect is Effect.IRREVERSIBLE:
            if not because:
                message = f"{self.name} cannot be taken back and does not say why it may be done"
                yield self._at(place, NO_REASON, message, "add `because` with the reason")
        elif undo is None and self.kind.TRAITS.needs_undo:
            message = f"{self.name} changes something and has no `undo`"
            help_ = "add `undo` with the step that takes it back, or `undo: none` and `because` with the reason"
            yield self._at(place, NO_WAY_BACK, message, help_)
        elif undo == "none" and not because:
            message = f"{self.name} has no undo and does not say why"
            yield self._at("undo", NO_WAY_BACK, message, "add `because` with the reason")

    def _retry(self) -> Iterator[Diagnostic]:
        attempts = whole(mapping(self.raw.get("retry")).get("attempts"), 1)
        if attempts > 1 and self.raw.get("idempotent") is not True:
            message = f"{self.name} changes something and would be tried again after a failure"
            help_ = "add `idempotent: true` if doing it twice is the same as doing it once, or take `retry` out"
            yield self._at("retry", BLIND_RETRY, message, help_)

    def _nothing_to_settle(self) -> Iterator[Diagnostic]:
        for key in _FOR_CHANGES:
            if key in self.raw and self.raw[key] != "none":
                message = f"{self.name} changes nothing, so its `{key}` would never be used"
                yield self._at(key, NOTHING_TO_SETTLE, message, f"take `{key}` out, or write `effect: change`")

    def _phrase(self) -> Iterator[Diagnostic]:
        phrase = mapping(self.raw.get("confirm")).get("phrase")
        if not isinstance(phrase, str):
            return
        help_ = "write something that says what will happen, such as the name of what is changed"
        if not phrase.strip() or phrase != phrase.strip() or "\n" in phrase:
            yield self._confirm("a phrase is one line of text, with no blank at either end", help_)
        elif self.effect is Effect.IRREVERSIBLE and phrase.lower() in _TOO_EASY:
            yield self._confirm(f"`{phrase}` is too easily typed before something that cannot be taken back", help_)

    def _confirm(self, message: str, help_: str) -> Diagnostic:
        span = self.document.span((*self.path, "confirm", "phrase"))
        return Diagnostic(code=WEAK_CONFIRMATION, message=message, file=self.document.file, span=span, help=help_)
