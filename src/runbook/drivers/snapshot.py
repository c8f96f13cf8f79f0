"""The files of a runbook as they are on disk now, beside the snapshot that is walked, and where they are seen from."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from runbook.audit.plain_file import open_plain
from runbook.drivers.journal import Journal
from runbook.language.files import LARGEST
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.walk import run_events as r
from runbook.walk.tables import RunPhase
from runbook.walk.walk import Walk

NO_DIRECTORY = Code(
    number="RB322",
    title="working directory that is not there",
    why="The relative paths of a runbook and its commands are seen from the directory in which the run was begun, also "
    "when it is resumed from somewhere else. Without that directory they would mean something else, or nothing.",
)


class FileWatch:
    """Says once in the log when a file of the runbook is another one than the snapshot that is walked."""

    def __init__(self, walk: Walk, clock: Clock) -> None:
        self._walk = walk
        self._clock = clock
        self._next = 0
        self._said = False

    def look(self, journal: Journal) -> None:
        """Look again, at most once a second."""
        if self._said or self._clock.mono() < self._next or self._walk.phase is not RunPhase.GOING:
            return
        self._next = self._clock.mono() + 1_000
        text = difference(self._walk)
        if text is not None:
            self._said = True
            journal.tell(r.Warned, text=text)


def difference(walk: Walk) -> str | None:
    """How the runbook's file on disk differs from the snapshot that is walked; None if it does not."""
    files: Mapping[str, object] = walk.started.files if walk.started else {}
    for name, digest in files.items():
        try:
            with open_plain(Path(_begun_in(walk), name), follow=True) as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            return f"{name} is not there any more; the walk goes on with the snapshot"
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            return f"{name} cannot be read any more ({why}); the walk goes on with the snapshot"
        if hashlib.sha256(data).hexdigest() != digest:
            return f"{name} has changed since; the walk goes on with the snapshot"
    return None


def here() -> str:
    """The working directory.

    :raises Refused: if it is not there any more, or its name cannot stand in a log.
    """
    try:
        here = str(Path.cwd())
        here.encode()
    except (OSError, UnicodeEncodeError) as error:
        message = f"the working directory cannot be used: {getattr(error, 'strerror', None) or 'it is no UTF-8'}"
        raise Refused(Diagnostic(code=NO_DIRECTORY, message=message.lower(), help="go to another directory")) from None
    return here


def directory_of(walk: Walk) -> str:
    """The directory that relative paths of a run are seen from: the one in which it was begun.

    :raises Refused: if it is not there any more.
    """
    directory = _begun_in(walk)
    if not Path(directory).is_dir():
        message = "the directory in which the run was begun is not there"
        raise Refused(Diagnostic(code=NO_DIRECTORY, message=message, file=directory, help=f"mkdir -p {directory}"))
    return directory


def _begun_in(walk: Walk) -> str:
    return (walk.started.directory if walk.started else None) or "."
