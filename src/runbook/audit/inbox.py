"""What other processes have to say to a run: files in its ``inbox/``, taken up by the one writer of its log.

A file appears whole (written under a hidden name, then linked to the next free number), so their order is the order in
which they appeared. The writer takes them, records each with its ``id`` and syncs, and only then has :meth:`Inbox.done`
take them away. Whoever resumes after a crash in between gives the ids that are in the log, and nothing is recorded
twice. What is not a delivery to this run (garbage, something huge, a link, another run's file) is refused, recorded
once, and put into ``inbox/refused/``, whatever it is; nothing in it is followed or believed.

In a store that a group shares, the inbox is 3770: every member can put something in, and nobody can take away or
replace what another has put there. Whose a file is, is told by its owner, and stands in the record where it is another.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from runbook.audit.away import Arrival
from runbook.audit.chain import written_fields
from runbook.audit.footing import make_directory, refusal, sync_directory
from runbook.audit.plain_file import new_file, open_plain
from runbook.audit.store import RunDir
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.diagnostics import Code

KINDS = frozenset({"note", "pause", "abort", "handover", "approval"})
CAP = 32 * 1024
"""The most bytes of a delivery."""
AT_ONCE = 100
"""How many deliveries one look takes up; the next look takes the next ones."""
_REFUSED = "refused"
_SHOWN = 60

NOT_DELIVERED = Code(
    number="RB540",
    title="nothing delivered",
    why="Other processes never write to a run's log: they put a file into its inbox, and the process that walks the"
    " run takes it up. The file could not be put there.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Something for this run. ``id`` is to stand in its record, in the field ``inbox``.

    ``owner`` is the user whose file it is (or the role that put it into a database), None where that is the one who
    takes it: what a file says of who wrote it is that one's word, and whose it is the system's.
    """

    id: str
    file: str
    kind: str
    fields: JsonObject
    owner: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Something that is nothing for this run.

    ``id`` is ASCII and holds the beginning of its name; ``reason`` is one line, without anything from inside the file.
    """

    id: str
    file: str
    reason: str


Taken: TypeAlias = Delivered | Rejected


class _Unfit(Exception):  # noqa: N818 - it never leaves this module
    """Why a file is no delivery."""


def put(run: RunDir, kind: str, fields: Mapping[str, Json]) -> str:
    """Put something into a run's inbox, on disk and whole or not at all; returns its id.

    :raises Refused: if it is too long, or cannot be put there.
    """
    delivery = secrets.token_hex(16)
    text = canonical({"delivery": delivery, "run": run.id, "kind": kind, "fields": dict(fields)})
    if kind not in KINDS or len(text) > CAP:
        message = f"a `{kind}` of {len(text):,} bytes is more than a run takes"
        raise refusal(NOT_DELIVERED, message, run.inbox, "write less")
    hidden = run.inbox / f".{delivery}"
    try:
        if run.away is not None:
            run.away.deliver(text.encode("ascii"))
            return delivery
        with new_file(hidden) as file:
            file.write(text.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        _link(hidden, run.inbox)
        sync_directory(run.inbox)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        message = f"nothing can be put into the run's inbox: {why}"
        help_ = "look at the run's directory" if run.away is None else run.mend
        raise refusal(NOT_DELIVERED, message, run.inbox, help_) from None
    finally:
        with contextlib.suppress(OSError):
            hidden.unlink()
    return delivery


def _link(hidden: Path, inbox: Path) -> None:
    """Give a file the number after the highest there is; of two processes one takes the next."""
    number = max((int(name[:-5]) for name in os.listdir(inbox) if _numbered(name)), default=0)  # noqa: PTH208 - names
    while True:
        number += 1
        try:
            (inbox / f"{number:012d}.json").hardlink_to(hidden)
        except FileExistsError:
            continue
        return


def _numbered(name: str) -> bool:
    return len(name) == 17 and name.endswith(".json") and name[:12].isdecimal() and name.isascii()


class Arrivals:
    """The writer's end of an inbox that is kept elsewhere: everything stays there.

    :param arrived: what is there behind a number, in order; OSError where that cannot be asked.
    :param recorded: the ids that stand in the log already.
    """

    def __init__(
        self, run_id: str, arrived: Callable[[int], Sequence[Arrival]], recorded: Collection[str] = ()
    ) -> None:
        self._run_id = run_id
        self._arrived = arrived
        self._recorded = set(recorded)
        self._last = 0

    def take(self) -> list[Taken]:
        """What has arrived and was not taken before, in order."""
        new: list[Taken] = []
        with contextlib.suppress(OSError):
            for number, data, owner in self._arrived(self._last):
                self._last, name = number, f"{number:012d}.json"
                taken: Taken
                try:
                    taken = replace(_delivered(name, data, self._run_id), owner=owner)
                except _Unfit as unfit:
                    taken = Rejected(id=f"inbox:{number}", file=name, reason=str(unfit))
                if taken.id not in self._recorded:
                    new.append(taken)
        return new

    def done(self, item: Taken) -> None:
        """It is recorded."""
        self._recorded.add(item.id)


class Inbox:
    """The writer's end of the inbox in a run's directory."""

    def __init__(self, run: RunDir, recorded: Collection[str] = ()) -> None:
        """Begin to take; ``recorded`` are the ids that stand in the log already."""
        self._run = run
        self._recorded = set(recorded)
        self._taken: dict[str, Taken] = {}

    def take(self) -> list[Taken]:
        """What has arrived and was not taken before, in order; each is to be recorded, synced, then said to be done.

        A directory that cannot be read has nothing in it: the log itself will say so soon enough.
        """
        new: list[Taken] = []
        try:
            names = sorted(name for name in os.listdir(self._run.inbox) if name[0] != "." and name != _REFUSED)  # noqa: PTH208 - names
        except OSError:
            return new
        for name in names:
            if len(new) == AT_ONCE:
                break
            if name in self._taken:
                continue
            found = self._look(name)
            if found is None:
                continue
            self._taken[name] = found
            if found.id in self._recorded:
                self.done(found)
            else:
                new.append(found)
        return new

    def done(self, item: Taken) -> None:
        """Take away what is recorded on disk; where that fails it stays, and is not handed out again either."""
        self._recorded.add(item.id)
        path = self._run.inbox / item.file
        with contextlib.suppress(OSError):
            match item:
                case Delivered():
                    path.unlink(missing_ok=True)
                case Rejected():
                    aside = self._run.inbox / _REFUSED
                    with contextlib.suppress(FileExistsError):
                        make_directory(aside)
                    path.rename(aside / secrets.token_hex(8))
            del self._taken[item.file]

    def _look(self, name: str) -> Taken | None:
        """What a file is; None if it is gone."""
        path = self._run.inbox / name
        try:
            found = path.lstat()
            delivered = _delivered(name, _read(path), self._run.id)
            return delivered if found.st_uid == os.geteuid() else replace(delivered, owner=found.st_uid)
        except FileNotFoundError:
            return None
        except _Unfit as unfit:
            reason = str(unfit)
        except OSError as error:
            reason = f"it cannot be read: {(error.strerror or str(error)).lower()}"
        return Rejected(id=f"{ascii(name)[1:-1][:_SHOWN]}:{found.st_ino}:{found.st_mtime_ns}", file=name, reason=reason)


def inbox_of(run: RunDir, recorded: Collection[str] = ()) -> Inbox | Arrivals:
    """The writer's end of a run's inbox, wherever the run is kept."""
    return Inbox(run, recorded) if run.away is None else Arrivals(run.id, run.away.arrived, recorded)


def _read(path: Path) -> bytes:
    """The bytes of a plain, small file; nothing else is opened for longer than it takes to see what it is."""
    if path.is_symlink():
        raise _Unfit("it is a symbolic link")
    with open_plain(path) as file:
        data = file.read(CAP + 1)
    if len(data) > CAP:
        raise _Unfit(f"it has more than {CAP:,} bytes")
    return data


def _delivered(name: str, data: bytes, run_id: str) -> Delivered:
    """What a file says, if it says it in our words and to this run."""
    try:
        value: Json = json.loads(data.decode("ascii"), object_pairs_hook=_without_twins)
    except (ValueError, RecursionError):
        raise _Unfit("it is not a delivery") from None
    if not isinstance(value, dict) or value.keys() != {"delivery", "run", "kind", "fields"}:
        raise _Unfit("it is not a delivery")
    delivery, run, kind, fields = value["delivery"], value["run"], value["kind"], value["fields"]
    if not isinstance(delivery, str) or not isinstance(fields, dict) or len(delivery) != 32 or not delivery.isalnum():
        raise _Unfit("it is not a delivery")
    try:
        written_fields(fields)
    except ValueError:
        raise _Unfit("it holds what no record can hold") from None
    if run != run_id:
        raise _Unfit("it is for another run")
    if not isinstance(kind, str) or kind not in KINDS:
        raise _Unfit("it is of no kind that a run takes")
    return Delivered(id=delivery, file=name, kind=kind, fields=fields)


def _without_twins(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands in it twice")
    return value
