"""What ``revisions`` and ``activate`` share: their fields, the commands these come to, and what a look finds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from runbook.kinds.json_paths import find, first, written
from runbook.kinds.providers import PROVIDERS, Listing, Provider, Serving
from runbook.kinds.showing import quoted, telling_line
from runbook.kinds.strict_json import parsed
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.io import Io, NotSent, Process
from runbook.model.secrets import Resolved

if TYPE_CHECKING:
    from runbook.model.io import ProcessResult

NO_CLIENT = Code(
    number="RB420",
    title="the provider's client is not installed",
    why="Revisions are listed and activated by the provider's own program, with the operator's own login: `gcloud`, "
    "`vercel`, `kubectl`. It must be installed on the machine that walks the runbook. Nothing was sent.",
)

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "fish"})
_COMMAND = re.compile(r"-[A-Za-z]*c")
_MILLISECONDS = 1e11  # a number of seconds of this size would be in the year 5138
_LAST = 253_402_300_800  # the year 10000
_PLACEHOLDER = re.compile(r"\{(service|revision|handle|project|region|scope|namespace|context)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision: ``created`` is in seconds since 1970, ``handle`` what activating it wants."""

    id: str
    created: float | None
    author: str
    commit: str
    served: bool
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look has found: the revisions, newest first, and the ids of those that serve, in that order too."""

    revisions: tuple[Revision, ...]
    serving: tuple[str, ...]

    @property
    def current(self) -> str:
        """The newest revision that serves, empty if none does."""
        return self.serving[0] if self.serving else ""

    @property
    def previous(self) -> str:
        """The newest one older than that which served before; empty if there is none that is known."""
        ids = [revision.id for revision in self.revisions]
        older = self.revisions[ids.index(self.current) + 1 :] if self.current in ids else ()
        return next((revision.id for revision in older if revision.served or revision.id in self.serving), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The fields of a step about the revisions of a service."""

    provider: str
    service: str
    project: str | None = None
    region: str | None = None
    scope: str | None = None
    namespace: str | None = None
    context: str | None = None
    host: str | None = None
    transport: str = "paramiko"
    list_: Mapping[str, Resolved] | None = None
    serving: Mapping[str, Resolved] | None = None

    def __post_init__(self) -> None:
        """Let no value become code.

        :raises ValueError: if a command gives a shell a script with a placeholder in it, or `custom` says no command.
        """
        if self.provider != "custom":
            return
        if self.list_ is None:
            raise ValueError("the provider `custom` needs `list`")
        provider = self.data()
        for argv in (provider.list.argv, provider.serving.argv if provider.serving else (), provider.activate):
            shell = bool(argv) and argv[0].rpartition("/")[2] in _SHELLS
            for before, element in pairwise(argv):
                if shell and _COMMAND.fullmatch(before) and (found := _PLACEHOLDER.search(element)):
                    message = f"`{found[0]}` in a script would become code: write `$1` there and pass it as an argument"
                    raise ValueError(message)

    def look(self, io: Io) -> Look:
        """List the revisions and see which serve. Reads only.

        :raises WorldError: NotSent, with what the client said, if it does not answer as it should.
        """
        provider = self.data()
        listed = self._asked(io, provider.list.argv)
        elements = find(provider.list.items, listed)
        items = [item for one in elements for item in (one if isinstance(one, list) else [one])]
        revisions = _ordered(items, provider.list)
        if provider.serving is None:
            path = provider.list.serving
            ids = {revision.id for revision, item in revisions if path is not None and first(path, item)}
        elif tuple(provider.serving.argv) == tuple(provider.list.argv):
            ids = _ids(provider.serving, listed)
        else:
            ids = _ids(provider.serving, self._asked(io, provider.serving.argv))
        known = [revision.id for revision, _ in revisions]
        serving = (*(one for one in known if one in ids), *sorted(ids.difference(known)))
        return Look(revisions=tuple(revision for revision, _ in revisions), serving=serving)

    def data(self) -> Provider:
        """The provider, from the table or, with ``custom``, from the step's own fields."""
        if self.provider != "custom":
            return PROVIDERS[self.provider]
        given = cast("Mapping[str, Mapping[str, Any]]", {"list": self.list_ or {}, "serving": self.serving or {}})
        serving = Serving(**given["serving"]) if given["serving"] else None
        return Provider(list=Listing(**given["list"]), serving=serving, activate=self.activation())

    def activation(self) -> Sequence[str]:
        """The command that activates a revision (custom)."""
        return ()

    def looks(self) -> list[tuple[str, ...]]:
        """The commands of a look, each once."""
        provider = self.data()
        argvs = [provider.list.argv, *([provider.serving.argv] if provider.serving else ())]
        return list(dict.fromkeys(self.filled(argv) for argv in argvs))

    def line(self, argv: Sequence[str]) -> str:
        """A command as one would type it, and where."""
        return one_line(argv) if self.host is None else f"on {self.host}: {one_line(argv)}"

    def filled(self, argv: Iterable[str], **texts: str) -> tuple[str, ...]:
        """A command with its texts put in, and with what the step's other fields add to it."""
        provider = self.data()
        known = {"service": self.service, **texts}
        known |= {name: value for name in provider.options if (value := getattr(self, name)) is not None}
        added = [text for name, text in provider.options.items() if name in known]
        return tuple(_PLACEHOLDER.sub(lambda m: known.get(m[1], m[0]), element) for element in (*argv, *added))

    def run(self, io: Io, argv: tuple[str, ...], *, quiet: bool) -> "ProcessResult":
        """Run one command of the provider's client.

        :raises Refused: if the client is not there (RB420).
        :raises WorldError: as the world does.
        """
        process = Process(argv=argv)
        if self.host is not None:
            return io.ssh(self.host, process, transport=self.transport, quiet=quiet)
        try:
            return io.run(process, quiet=quiet)
        except NotSent as error:
            if error.reason != f"the command `{argv[0]}` was not found":
                raise
            message = f"{self.provider} is spoken to by `{argv[0]}`, which is not installed here (RB420)"
            raise Refused(Diagnostic(code=NO_CLIENT, message=message, help=self.data().install)) from error

    def _asked(self, io: Io, argv: Sequence[str]) -> Json:
        """The JSON that a command answers with."""
        filled = self.filled(argv)
        result = self.run(io, filled, quiet=True)
        if problem := failure(filled, result):
            raise NotSent(problem, f"try it yourself: {self.line(filled)}")
        try:
            return parsed(result.stdout)
        except ValueError as error:
            why = "it was cut" if result.truncated else str(error)
            message = f"what `{filled[0]}` answered cannot be read as JSON: {why}"
            raise NotSent(message, f"look at what it prints: {self.line(filled)}") from error


def failure(argv: Sequence[str], result: "ProcessResult") -> str:
    """How a command failed and what it said; empty if it did not fail."""
    if result.exit_code == 0:
        return ""
    ended = f"ended by {result.signal}" if result.exit_code is None else f"exit status {result.exit_code}"
    said = telling_line(result.stderr)
    return f"`{argv[0]}`: {ended}: {said}".removesuffix(": ")


def one_line(argv: Sequence[str]) -> str:
    """A command as one would type it; a script in it stands as its name."""
    return quoted("SCRIPT" if "\n" in element else element for element in argv)


def script_of(argv: Sequence[str]) -> str:
    """The script in a command; empty if there is none."""
    return next((element.strip("\n") for element in argv if "\n" in element), "")


def instant(seconds: float | None) -> str:
    """A time in RFC 3339; empty if it is not known."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_json(look: Look, now: str) -> list[Json]:
    """The revisions as a step observes them; ``age_s`` only where the time is known.

    :param now: RFC 3339.
    """
    today = datetime.fromisoformat(now).timestamp()
    made: list[Json] = []
    for revision in look.revisions:
        one: JsonObject = {
            "id": revision.id,
            "created": instant(revision.created),
            "author": revision.author,
            "commit": revision.commit,
            "serving": revision.id in look.serving,
        }
        if revision.created is not None:
            one["age_s"] = max(0, int(today - revision.created))
        made.append(one)
    return made


def _ids(serving: Serving, answer: Json) -> set[str]:
    return {written(one) for one in find(serving.id, answer)} - {""}


def _ordered(items: Iterable[Json], listing: Listing) -> list[tuple[Revision, Json]]:
    """The revisions in a list, newest first, each with its element."""
    read = [(_revision(item, listing), item) for item in items]
    known = [(revision, item) for revision, item in read if revision.id]
    path = listing.order or listing.created
    keys = {revision.id: _seconds(first(path, item)) for revision, item in known}
    ranks = {name: key for name, key in keys.items() if key is not None}
    if len(ranks) == len(keys):
        known.sort(key=lambda pair: ranks[pair[0].id], reverse=True)
    return known


def _revision(item: Json, listing: Listing) -> Revision:
    name = written(first(listing.id, item))
    return Revision(
        id=name,
        created=_time(first(listing.created, item)),
        author=written(first(listing.author, item)),
        commit=written(first(listing.commit, item)),
        served=listing.served is None or bool(first(listing.served, item)),
        handle=name if listing.handle is None else written(first(listing.handle, item)),
    )


def _seconds(value: Json) -> float | None:
    """A time as seconds since 1970, or a number as it is; None if it is neither. A time without a zone is none."""
    text = written(value)
    try:
        number = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at.timestamp() if at.tzinfo is not None else None
    if not isfinite(number):
        return None
    return number / 1000 if number >= _MILLISECONDS else number


def _time(value: Json) -> float | None:
    seconds = _seconds(value)
    return seconds if seconds is not None and 0 <= seconds < _LAST else None
