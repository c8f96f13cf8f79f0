"""The store: where runs are kept, one directory a run, and how one is named.

``runs/<run id>/`` holds ``audit.jsonl``, the runbook's files by their SHA-256 in ``runbook/``, outputs in full in
``output/``, and ``checkpoints/ requests/ inbox/``. Directories are 0700 and files 0600, whatever the umask is; in a
store that a group shares, 2750 and 0640.
A name from a user is a name in this directory and nothing else: no path, no link.
"""

import heapq
import os
import shlex
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.audit import footing
from runbook.audit.away import Away
from runbook.audit.disk import REAL, Disk
from runbook.audit.ends import ending, record_in
from runbook.audit.plain_file import is_shared, new_file, open_plain
from runbook.audit.record import END, Record
from runbook.audit.strict import LINE_CAP
from runbook.model.address import RUN_ID
from runbook.model.diagnostics import Code

NO_SUCH_RUN = Code(
    number="RB534",
    title="no such run",
    why="A run is named by its id, by the beginning of it if no other run begins so, or by `last`. There is none of"
    " that name in this state directory; each state directory has its own runs.",
)
AMBIGUOUS = Code(
    number="RB535",
    title="several runs",
    why="Several runs begin with these characters. What is done to a run should never be done to another by accident.",
)
NOT_A_RUN_ID = Code(
    number="RB536",
    title="not the id of a run",
    why="The id of a run has 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or a"
    " digit. So it is always the name of a directory in the store, and never a path to somewhere else.",
)
RUN_EXISTS = Code(
    number="RB537",
    title="run id in use",
    why="There is a run of this id. Its log is never overwritten and never continued by another run.",
)
if TYPE_CHECKING:
    from runbook.audit.held import Locks
    from runbook.audit.starts import Starts

LAST = "last"
ENGINE = "temporal "
"""How the host of a run begins that an engine walks."""
PARTS = ("runbook", "output", "checkpoints", "requests", "inbox")
"""The directories in a run's directory."""


@dataclass(frozen=True, slots=True)
class RunDir:
    """The directory of one run; nothing says that it exists.

    ``away`` is where the run is kept if that is elsewhere, and the directory a copy; None: it is the run.
    """

    path: Path
    away: Away | None = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def log(self) -> Path:
        """Its log."""
        return self.path / "audit.jsonl"

    @property
    def mend(self) -> str:
        """What somebody does when it cannot be written."""
        return "mend the disk or the directory" if self.away is None else "see that its database answers"

    @property
    def store(self) -> "Store":
        """The store that it belongs to."""
        return Store(self.path.parent.parent) if self.away is None else self.away.store

    @property
    def shown(self) -> str:
        """What its log is called when somebody is told of it."""
        return str(self.log) if self.away is None else self.away.shown

    @property
    def disk(self) -> Disk:
        """What its outputs are written to."""
        return REAL if self.away is None else self.away.disk

    @property
    def writable(self) -> bool:
        """Whether its log is this user's to write; what else stands in the way, a disk for one, is found by writing."""
        return self.away is not None or os.access(self.log, os.W_OK) or self.log.stat().st_uid == os.geteuid()

    @property
    def argument(self) -> str:
        """What a command line says of the run: its id, and its store where it is kept elsewhere."""
        return self.id if self.away is None else self._with_store(self.id)

    def argument_of(self, request: str) -> str:
        """What a command line says of a request of the run: its file, or its number and the store."""
        return str(self.request(request)) if self.away is None else self._with_store(request)

    def request(self, request: str) -> Path:
        """Where a request for approvals is kept, by its number."""
        return self.path / "requests" / f"{request}.txt"

    def _with_store(self, name: str) -> str:
        return f"{name} {shlex.join(self.store.option)}"

    def fetch(self, *, outputs: bool = True) -> None:
        """Make the directory as new as the run where that is kept elsewhere, with or without what its steps printed.

        :raises OSError: if that fails.
        """
        if self.away is not None:
            self.away.fetch(self, outputs=outputs)

    def publish(self, *names: str) -> None:
        """Keep files of the directory where the run is kept.

        :raises OSError: if that fails.
        """
        if self.away is not None:
            self.away.publish(self, names)

    @property
    def output(self) -> Path:
        """Where outputs are kept in full."""
        return self.path / "output"

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints are kept, each a text and its signature."""
        return self.path / "checkpoints"

    @property
    def inbox(self) -> Path:
        """Where other processes put what they have to say."""
        return self.path / "inbox"

    def snapshot(self, digest: str) -> Path:
        """Where the runbook file of that SHA-256 is kept."""
        return self.path / "runbook" / f"{digest}.yaml"

    def keep(self, data: bytes) -> str:
        """Keep the bytes of one runbook file, on disk, and return their SHA-256.

        :raises Refused: if that fails.
        """
        digest = sha256(data).hexdigest()
        path = self.snapshot(digest)
        try:
            with new_file(path) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            footing.sync_directory(path.parent)
            self.publish(f"runbook/{digest}.yaml")
        except FileExistsError:
            pass  # the same file included twice
        except OSError as error:
            raise footing.unusable(path, error) from None
        return digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """A run as a list of runs shows it: its first record and its last, each None where there is none to be read.

    ``stands`` is the last one that says where the run stands, and ``handed`` the hand-over after it, if there is one.
    ``resumed`` is the last ``run.resumed`` of a run that was begun on an engine.
    """

    run: RunDir
    first: Record | None
    last: Record | None
    stands: Record | None = None
    handed: Record | None = None
    resumed: Record | None = None

    @property
    def engine(self) -> str | None:
        """Where an engine walks it, paused or not, as its log says; None where none does.

        An engine holds no lock while it waits. Who has resumed a run elsewhere has taken it from the engine.
        """
        walked = self.resumed or self.first
        host = walked.fields.get("host") if walked is not None else None
        over = self.last is not None and self.last.type == END
        return host if isinstance(host, str) and host.startswith(ENGINE) and not over else None

    @property
    def paused(self) -> bool:
        """Whether the run was paused, and nobody has gone on with it since."""
        return self.stands is not None and self.stands.type == "run.paused"


@dataclass(frozen=True, slots=True)
class Store:
    """A store in a directory, which need not exist before :meth:`prepare`."""

    root: Path

    @property
    def shown(self) -> str:
        """What it is called when somebody is told of it."""
        return str(self.root)

    @property
    def option(self) -> tuple[str, str]:
        """The option of a command line that names it, and its value."""
        return "--state-dir", str(self.root)

    @property
    def runs(self) -> Path:
        """The directory that holds a directory a run."""
        return self.root / "runs"

    def prepare(self) -> "Store":
        """Make the store ready to be written to, or refuse it; returns it without symbolic links in its path.

        :raises Refused: if it is unsafe, on a network file system, of another format, or cannot be made.
        """
        store = Store(Path(os.path.realpath(self.root)))
        try:
            footing.make_private(store.root)
            footing.check_directory(store.root)
            footing.check_local(store.root, footing.mount_table())
            if not footing.check_format(store.root):
                footing.write_format(store.root)
            footing.make_private(store.runs)
        except OSError as error:
            raise footing.unusable(store.root, error) from None
        footing.check_directory(store.runs)
        return store

    def shared_by(self) -> str | None:
        """Who shares the store, and where; None if it is one person's.

        :raises Refused: if it cannot be looked at.
        """
        try:
            group = footing.group_of(self.root)
        except OSError as error:
            raise footing.unusable(self.root, error) from None
        return None if group is None else f"group {group} on this machine, in {self.root}"

    def locks(self) -> "Locks":
        """The locks of its runbooks."""
        from runbook.audit.held import Locks  # it is built on this

        return Locks(self)

    def starts(self) -> "Starts":
        """Its record of starts."""
        from runbook.audit.starts import Starts  # it is built on this

        return Starts(self)

    def create(self, run_id: str) -> RunDir:
        """Make the directory of a new run, in a store that is prepared.

        :raises Refused: if the id is not one, is in use, or the directory cannot be made.
        """
        if run_id == LAST:
            raise footing.refusal(NOT_A_RUN_ID, "`last` names whichever run began last", None, "choose another id")
        run = self._run(run_id)
        try:
            footing.make_directory(run.path)
            for part in PARTS:
                footing.make_directory(run.path / part)
            if is_shared(run.path):
                run.inbox.chmod(0o3770)  # the group puts something in; nobody takes away what is another's
        except FileExistsError:
            message = f"there is a run `{run_id}` already"
            raise footing.refusal(RUN_EXISTS, message, run.path, "choose another id, or none") from None
        except OSError as error:
            raise footing.unusable(run.path, error) from None
        return run

    def find(self, text: str) -> RunDir:
        """The run that a user means: its id, else the one id that begins so, else (for ``last``) the newest.

        :raises Refused: if there is none, or several.
        """
        exact = self._run(text)
        footing.check_format(self.root)
        if self._is_there(exact):
            return exact
        if text == LAST:
            if newest := self.newest(1):
                return newest[0]
            raise footing.refusal(NO_SUCH_RUN, "there is no run yet", self.root, "begin one with `runbook run`")
        begun = self._named(text)
        if not begun:
            raise footing.refusal(NO_SUCH_RUN, f"there is no run `{text}`", self.root, "list them with `runbook runs`")
        if len(begun) > 1:
            shown = ", ".join(begun[:4]) + (", …" if len(begun) > 4 else "")
            message = f"{len(begun)} runs begin with `{text}`: {shown}"
            raise footing.refusal(AMBIGUOUS, message, self.root, "write more of the id")
        return self.run(begun[0])

    def newest(self, limit: int | None = None) -> list[RunDir]:
        """The runs, the one that began last first.

        When one began is told by its ``runbook/`` directory, which nobody writes to later; so no log is opened.

        :raises Refused: if the store is of another format or cannot be read.
        """
        footing.check_format(self.root)
        runs = os.fspath(self.runs)
        began: list[tuple[int, str]] = []
        for name in self._names():
            try:
                began.append((os.lstat(f"{runs}/{name}/runbook").st_mtime_ns, name))
            except OSError:
                began.append((0, name))  # it was never begun, or is somebody's leftover: listed last, not hidden
        return [RunDir(self.runs / name) for _, name in heapq.nlargest(limit or len(began), began)]

    def glimpses(self, limit: int | None = None) -> Iterable[Glimpse]:
        """The same runs as :meth:`newest`, each with its first and its last record.

        :raises Refused: if the store is of another format or cannot be read.
        """
        return (glimpse(run) for run in self.newest(limit))

    def asking(self, request: str) -> RunDir | None:
        """The run that has made a request for approvals; None if none has.

        :param request: its number, 32 hexadecimal digits.
        """
        found = next(self.runs.glob(f"*/requests/{request}.txt"), None)
        return None if found is None else self.run(found.parent.parent.name)

    def run(self, run_id: str) -> RunDir:
        """A run by its id, whether or not there is one."""
        return RunDir(self.runs / run_id)

    def _named(self, beginning: str) -> list[str]:
        """The ids that begin so, in their order."""
        return sorted(name for name in self._names() if name.startswith(beginning))

    def _names(self) -> list[str]:
        """The ids of all runs, in no order."""
        try:
            with os.scandir(self.runs) as entries:
                return [e.name for e in entries if RUN_ID.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise footing.unusable(self.runs, error) from None

    def _run(self, run_id: str) -> RunDir:
        if not RUN_ID.fullmatch(run_id):
            message = f"`{run_id[:80]}` is not the id of a run"
            help_ = "write letters, digits, dots, hyphens and underscores, as `runbook runs` lists them"
            raise footing.refusal(NOT_A_RUN_ID, message, None, help_)
        return self.run(run_id)

    def _is_there(self, run: RunDir) -> bool:
        try:
            return stat.S_ISDIR(run.path.lstat().st_mode)
        except OSError:
            return False


def glimpse(run: RunDir) -> Glimpse:
    """The first and the last whole records of a run, read without the ones between; the chain is not judged."""
    if run.away is not None:
        return run.away.glimpse(run)
    try:
        with open_plain(run.log, buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            first = os.pread(file.fileno(), LINE_CAP, 0).partition(b"\n")[0]
            records = [*ending(file.fileno(), size)]
    except OSError:
        return Glimpse(run=run, first=None, last=None)
    handed = (record for record in records if record is not None and record.type == "run.handed_over")
    return Glimpse(
        run=run,
        first=record_in(first),
        last=records[0] if records else None,
        stands=records[-1] if records else None,
        handed=next(handed, None),
    )
