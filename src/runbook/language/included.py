"""The runbooks that a runbook walks: found beside it, judged by themselves, and fitted to the step that walks them.

A path stays below the directory of the file that names it, so that a runbook and what it needs can be moved, reviewed
and kept as one. What a run walks are the snapshots that were taken when it began.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from runbook.language.document import Document
from runbook.language.inputs import MISSING_INPUT, bind_inputs
from runbook.language.scope import TAKEN_FIELDS
from runbook.language.templates import OPEN
from runbook.language.typed import mapping
from runbook.model.canonical import canonical
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.runbook import Runbook, SecretSource, Step

NOT_BELOW = Code(
    number="RB240",
    title="runbook that is not below this one",
    why="The path of a runbook that a step walks is relative to the file that names it and leads to a regular file in "
    "its directory or below: not up, not to the root, not through a link. So a runbook can be read, moved and kept "
    "together with all that it walks.",
)
CIRCLE = Code(
    number="RB241",
    title="runbooks that walk each other",
    why="A runbook that walks itself, at once or through others, would never come to an end.",
)
BROKEN = Code(
    number="RB242",
    title="runbook that cannot be walked",
    why="A step walks another runbook, and there is none under its path, or that one has errors of its own. They are "
    "told where they are: `runbook check` with the path of that file.",
)
INPUTS = Code(
    number="RB243",
    title="inputs that do not fit",
    why="A step gives the runbook that it walks its inputs. What is unknown there, missing or of another type is found "
    "now, not in the middle of an incident.",
)
ENVIRONMENTS = Code(
    number="RB244",
    title="environments that do not fit",
    why="A runbook that is walked by another is walked in the same environment, so it needs one of the same name.",
)
SECRETS = Code(
    number="RB245",
    title="secret that comes from two places",
    why="All runbooks of a run share their secrets. One name that means two sources would make one of them wrong.",
)
UNSEEN = Code(
    number="RB246",
    title="output that nobody could see",
    why="The outputs of a runbook stand beside `finish`, which says how it ended, among the names of the step's own "
    "`expect` and `save`. One that is called `finish`, or as what stands there anyway, would hide it or be hidden.",
)
NO_LIMIT = Code(
    number="RB247",
    title="time limit on a whole runbook",
    why="A runbook may ask, wait for approvals, and be paused, so no clock can end it from outside. Its own steps have "
    "their limits.",
)

TOO_MANY = Code(
    number="RB248",
    title="too many runbooks inside",
    why="Every runbook that a step walks is loaded and judged before a run begins, each time that it is named. "
    "Hundreds of them are no procedure that a person could follow, but a mistake or an attack, and would take time "
    "that nobody has.",
)
DEEPEST = 64
MOST = 256
"""How deep runbooks may stand inside one another, and how many may be walked by one with all that is inside."""

Say = Callable[[Code, str, str], Diagnostic]
"""Makes a diagnostic at the step that is looked at: code, message, help."""


@dataclass(slots=True)
class Room:
    """How many runbooks may still be loaded, for all that is loaded together; below zero there were too many."""

    left: int = MOST

    def take(self, depth: int) -> bool:
        """Take the room of one that stands so deep inside others."""
        self.left = self.left - 1 if depth <= DEEPEST else -1
        return self.left >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a runbook comes from: its name as the log has it, the files above it, and where names are to be found."""

    name: str
    above: tuple[str, ...] = ()
    find: Callable[[str], str] | None = None
    room: Room = field(default_factory=Room)


class Loads(Protocol):
    """What loads another file."""

    def __call__(self, path: str, origin: Origin) -> "LoadedInside":
        """Load the runbook under a path."""


class LoadedInside(Protocol):
    """What comes of loading another file."""

    @property
    def runbook(self) -> Runbook | None:
        """The runbook, None where it has errors."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """Its bytes and those of all that it walks, by name."""


@dataclass(slots=True, kw_only=True)
class Included:
    """What the steps of a runbook walk, by the id of the step; the bytes of every file, by name."""

    runbooks: dict[str, Runbook] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def included(runbook: Runbook, document: Document, origin: Origin, load: Loads) -> Included:
    """Load everything that the steps of a runbook walk, and look whether it fits."""
    found = Included()
    for number, step in enumerate(runbook.steps):
        if step.kind != "runbook":
            continue
        say = partial(_at, document, number)
        name, refused = _name(origin, str(step.fields.get("path", "")), say)
        if refused is not None:
            found.diagnostics.append(refused)
            continue
        above = (*origin.above, origin.name)
        if not origin.room.take(len(above)):
            found.diagnostics.append(_too_many(name, say))
            break
        path = origin.find(name) if origin.find else name
        inside = load(path, Origin(name=name, above=above, find=origin.find, room=origin.room))
        if origin.room.left < 0:
            found.diagnostics.append(_too_many(name, say))
            break
        if inside.runbook is None:
            found.diagnostics.append(say(BROKEN, f"`{name}` cannot be walked", f"`runbook check {name}` says why"))
            continue
        found.runbooks[step.id] = inside.runbook
        found.files.update(inside.files)
        found.diagnostics += _misfits(runbook, inside.runbook, step, say)
    return found


def _at(document: Document, number: int, code: Code, message: str, help_: str) -> Diagnostic:
    """A diagnostic at the path that a step names."""
    span = document.span(("steps", number, "path"))
    return Diagnostic(code=code, message=message, file=document.file, span=span, help=help_)


def _too_many(name: str, say: Say) -> Diagnostic:
    message = f"with `{name}` and what that walks, more than {MOST} runbooks are inside, or more than {DEEPEST} deep"
    return say(TOO_MANY, message, "walk fewer, or the same one for many with `for_each`")


def _name(origin: Origin, path: str, say: Say) -> tuple[str, Diagnostic | None]:
    """The name of a runbook that is named by another, and why it cannot be walked, if it cannot."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        message = f"`{path}` leads out of the directory of this file"
        return "", say(NOT_BELOW, message, "name a file beside this one or below")
    directory = Path(origin.name).parent
    name = str(directory / pure)
    if name in (*origin.above, str(Path(origin.name))):
        circle = " → ".join([*origin.above, origin.name, name])
        return "", say(CIRCLE, f"the runbook walks itself: {circle}", "take one of these steps out")
    parts = [directory.joinpath(*pure.parts[: count + 1]) for count in range(len(pure.parts))]
    if origin.find is None and any(part.is_symlink() for part in parts):
        return "", say(NOT_BELOW, f"`{path}` is a link, or leads through one", "put the file itself there")
    return name, None


def _misfits(runbook: Runbook, inner: Runbook, step: Step, say: Say) -> Iterator[Diagnostic]:
    """Where a runbook does not fit the step that walks it."""
    given = mapping(step.fields.get("inputs"))
    rendered = {name for name, value in given.items() if OPEN in canonical(value)}
    later = {name: replace(wanted, required=False) for name, wanted in inner.inputs.items() if name in rendered}
    known = {name: value for name, value in given.items() if name not in later}
    try:
        bind_inputs(replace(inner, inputs={**inner.inputs, **later}), known)
    except Refused as refused:
        for diagnostic in refused.diagnostics:
            help_ = "write it below `inputs`" if diagnostic.code is MISSING_INPUT else diagnostic.help
            yield say(INPUTS, diagnostic.message, help_)
    missing = [name for name in runbook.environments if inner.environments and name not in inner.environments]
    if missing or (inner.environments and not runbook.environments):
        names = ", ".join(f"`{name}`" for name in missing) or "any"
        yield say(ENVIRONMENTS, f"`{inner.id}` has no environment {names}", "give both files the same environments")
    for name in sorted(outputs_of(inner) & {*TAKEN_FIELDS, "finish"}):
        yield say(UNSEEN, f"`{inner.id}` has an output `{name}`, which is taken", "give the output another name")
    if step.timeout is not None:
        message = f"`{step.id}` walks a whole runbook, and a `timeout` cannot end that"
        yield say(NO_LIMIT, message, "take `timeout` out, and give one to the steps inside")
    for name, source in inner.secrets.items():
        if name in runbook.secrets and runbook.secrets[name] != source:
            yield say(SECRETS, f"`{inner.id}` takes the secret `{name}` from somewhere else", "give it the same source")


def outputs_of(runbook: Runbook) -> set[str]:
    """The names of everything that the ends of a runbook put out."""
    ends = (step for step in runbook.steps if step.kind == "finish")
    return {name for end in ends for name in mapping(end.fields.get("outputs"))}


def secrets_of(runbook: Runbook) -> Mapping[str, SecretSource]:
    """The secrets of a runbook and of everything that it walks."""
    found: dict[str, SecretSource] = {}
    for inner in runbook.included.values():
        found |= secrets_of(inner)
    return found | dict(runbook.secrets)
