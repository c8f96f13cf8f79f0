"""A run as one archive to be handed over: gathered, packed, and opened again without trusting it.

The archive is a gzipped tar with one directory, named for the run. The same files give the same bytes: their order,
modes, owners and times are fixed (RFC 1952 leaves name and time out of the gzip header), and long names are written as
GNU tar does, which the tars of Linux, BSD, macOS and busybox read.
What goes in has a name of the kind that this program gives; so nothing that somebody left in a run's directory is
handed over by accident. Opening writes nothing but plain files of such names into a private directory that is gone
afterwards, each no larger than its place allows; links, devices, a name twice, a path out of the directory: refused.
"""

import errno
import gzip
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runbook.audit.outputs import CAP
from runbook.audit.plain_file import new_file, open_plain
from runbook.audit.reader import unreadable
from runbook.audit.store import PARTS, RunDir
from runbook.model.address import RUN_ID
from runbook.model.diagnostics import Code, Diagnostic, Refused

NOT_A_BUNDLE = Code(
    number="RB570",
    title="not a bundle",
    why="A bundle is a gzipped tar archive that `runbook bundle` wrote: one directory, named for the run, with "
    "`audit.jsonl` in it. This file is something else, was cut, or is damaged, so nothing in it was looked at.",
)
UNSAFE = Code(
    number="RB571",
    title="unsafe bundle",
    why="A bundle holds plain files below one directory and nothing else. A link, a device, a path that leads out of "
    "the directory or a name that stands in it twice, in whatever case, could write somewhere else, or show two "
    "readers two different things. Whoever made this archive did not make it with `runbook bundle`.",
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TOO_LARGE = Code(
    number="RB572",
    title="bundle too large",
    why="A bundle that is opened takes room on the disk, and a small archive can be made to fill any. No file in it "
    "may be larger than such a file of a run can be, and all of them together not more than 2 GiB.",
)

LOG, LEADING, SCRIPT = "audit.jsonl", "README.md", "VERIFY.sh"
_MIB = 1024 * 1024
_LARGEST = 2048 * _MIB
_MOST = 200_000
_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_PLACES: Mapping[str, tuple[re.Pattern[str], int]] = {
    "runbook": (re.compile(r"[0-9a-f]{64}\.yaml"), 16 * _MIB),
    "output": (re.compile(r"[a-z][a-z0-9_~.\[\]]*#[0-9]+\.[0-9]+\.[a-z_]{1,40}(?:\.[1-9][0-9]{0,5})?"), CAP),
    "checkpoints": (re.compile(_NAME), _MIB),
    "requests": (re.compile(_NAME), _MIB),
}
"""The directories of a run that are handed over: the names in them, and how many bytes such a file has at most."""
_ON_TOP: Mapping[str, int] = {LOG: _LARGEST, LEADING: _MIB, SCRIPT: _MIB}
_REPORT = re.compile(r"report\.[a-z]{1,8}")
_BLOCK = 512
_MAGIC, _PREFIX = slice(257, 265), slice(345, 500)
"""Where a header says of which format it is, and, in that of POSIX alone, has the first part of a long name."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A copy of a run in a private directory, or what was in a bundle, and the names that have no place in one."""

    run: RunDir
    strangers: tuple[str, ...]


class NotOpened(Refused):
    """A bundle that cannot be opened, or should not be."""


def room(name: str) -> int | None:
    """The most bytes that a file of a bundle may have, by its name below the run's directory.

    None: no file of that name belongs there.
    """
    if name in _ON_TOP:
        return _ON_TOP[name]
    if _REPORT.fullmatch(name):
        return 256 * _MIB
    place, _, rest = name.partition("/")
    pattern, most = _PLACES.get(place, (None, 0))
    return most if pattern is not None and len(rest) < 256 and pattern.fullmatch(rest) else None


def names(run: RunDir) -> tuple[list[str], list[str]]:
    """The files that a run hands over, below its directory and in order, and what else stands beside them."""
    found: list[str] = []
    strangers: list[str] = []
    for place in _PLACES:
        try:
            with os.scandir(run.path / place) as entries:
                for entry in entries:
                    name = f"{place}/{entry.name}"
                    plain = entry.is_file(follow_symlinks=False) and room(name) is not None
                    (found if plain else strangers).append(name)
        except OSError:
            continue  # a run need not have all of them
    return sorted(found), sorted(strangers)


@contextmanager
def gathered(run: RunDir) -> Iterator[Gathered]:
    """Copy what a run hands over into a private directory, so that what is judged is what is packed.

    A run may be going on meanwhile: its log is copied up to where it ended when it was opened, and before the outputs.

    :raises Refused: if its log cannot be read.
    :raises OSError: if there is no room for it.
    """
    with tempfile.TemporaryDirectory(prefix="runbook-bundle-") as directory:
        copy = _new_run(Path(directory), run.id)
        try:
            log = open_plain(run.log)
        except OSError as error:
            raise Refused(unreadable(str(run.log), error.strerror or str(error)).diagnostic) from None
        with log:
            _copy(log, copy.log)
        kept, strangers = names(run)
        for name in kept:
            try:
                file = open_plain(run.path / name)
            except FileNotFoundError:
                continue  # a request that was answered a moment ago
            except OSError:
                strangers.append(name)
                continue
            with file:
                _copy(file, copy.path / name)
        yield Gathered(copy, tuple(sorted(strangers)))


def _new_run(directory: Path, run: str) -> RunDir:
    """An empty run of that id, kept as a store keeps one."""
    made = RunDir(directory / "runs" / run)
    for part in PARTS:
        (made.path / part).mkdir(parents=True)
    return made


def _copy(file: BinaryIO, target: Path) -> None:
    with new_file(target) as copy:
        left = os.fstat(file.fileno()).st_size
        while left and (piece := file.read(min(left, _MIB))):
            left -= copy.write(piece)


def pack(run: RunDir, made: Mapping[str, bytes], file: BinaryIO, time: int) -> int:
    """Write the archive of a run that was gathered; returns how many files are in it.

    :param made: the files that are made from it: by name what is in them.
    :param time: when each file was changed last, in seconds since 1970.
    :raises OSError: if it cannot be written.
    """
    kept = [LOG, *names(run)[0]]
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive,
    ):
        for name in sorted([*kept, *made]):
            header = tarfile.TarInfo(f"{run.id}/{name}")
            header.mode, header.mtime = (0o755 if name == SCRIPT else 0o644), time
            if name in made:
                header.size = len(made[name])
                archive.addfile(header, io.BytesIO(made[name]))
            else:
                with open_plain(run.path / name) as content:
                    header.size = os.fstat(content.fileno()).st_size
                    archive.addfile(header, content)
    return len(kept) + len(made)


def is_bundle(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a gzipped one does; what cannot be read does not."""
    try:
        with open_plain(path, follow=True) as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError:
        return False


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Gathered]:
    """Open a bundle into a private directory, which is gone afterwards.

    :raises NotOpened: if it is none, is damaged, or is not safe to be opened.
    """
    with tempfile.TemporaryDirectory(prefix="runbook-bundle-") as directory:
        yield _Opening(os.fspath(path), Path(directory)).run()


class _Opening:
    """One archive, read from its beginning to its end, once."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = name
        self._directory = directory
        self._gathered: RunDir | None = None
        self._strangers: list[str] = []
        self._seen: set[str] = set()
        self._total = 0

    def run(self) -> Gathered:
        """Write what it holds.

        :raises NotOpened: if it will not do.
        """
        try:
            with open_plain(self._name, follow=True) as file, gzip.GzipFile(fileobj=file, mode="rb") as packed:
                for _ in range(_MOST):
                    if not self._member(packed):
                        break
                else:
                    raise self._refused(TOO_LARGE, f"it holds more than {_MOST:,} files")
                self._end(packed)
        except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
            raise self._refused(NOT_A_BUNDLE, f"it is damaged: {str(error)[:100] or 'it cannot be read'}") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            if error.errno in _NO_ROOM:
                raise self._refused(TOO_LARGE, f"there is no room for what it holds: {why}") from None
            raise self._refused(NOT_A_BUNDLE, f"it could not be opened: {why}") from None
        if self._gathered is None or LOG not in self._seen:
            raise self._refused(NOT_A_BUNDLE, f"there is no `{LOG}` in it")
        return Gathered(self._gathered, tuple(sorted(self._strangers)))

    def _member(self, packed: gzip.GzipFile, long_name: str = "") -> bool:
        """Take the next member; False where there are no more."""
        block = self._bytes(packed, _BLOCK)
        if not block.strip(b"\0"):
            return False
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if block[_PREFIX].strip(b"\0") and block[_MAGIC] != b"ustar\x0000":
            raise self._refused(UNSAFE, "a name in it reads otherwise to another tar")
        name, size = long_name or header.name, header.size
        if size < 0:
            raise self._refused(NOT_A_BUNDLE, "a file in it has less than no bytes")
        if header.type == tarfile.GNUTYPE_LONGNAME and not long_name:
            if not 1 < size <= 4096:
                raise self._refused(UNSAFE, f"a name in it has {size:,} bytes")
            data = self._bytes(packed, size + -size % _BLOCK)[:size]
            return self._member(packed, data.rstrip(b"\0").decode("utf-8", "surrogateescape"))
        shown = ascii(name)[1:-1][:120]
        top, *parts = name.removesuffix("/").split("/")
        if not RUN_ID.fullmatch(top) or any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise self._refused(UNSAFE, f"`{shown}` is no name below the directory of a run")
        if header.type == tarfile.DIRTYPE and size == 0:
            return True
        if header.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
            raise self._refused(UNSAFE, f"`{shown}` is no plain file")
        self._file(packed, top, "/".join(parts), size)
        return True

    def _file(self, packed: gzip.GzipFile, top: str, name: str, size: int) -> None:
        """Write a plain file where it belongs, and pass over one that belongs nowhere."""
        shown = ascii(name)[1:-1][:120]
        if self._gathered is None:
            self._gathered = _new_run(self._directory, top)
        if self._gathered.id != top or not name:
            raise self._refused(UNSAFE, "it holds more than one directory")
        if name.casefold() in self._seen:  # on many disks another case is no other name
            raise self._refused(UNSAFE, f"`{shown}` stands in it twice")
        self._seen.add(name.casefold())
        most = room(name)
        self._total += size
        if self._total > _LARGEST or (most is not None and size > most):
            raise self._refused(TOO_LARGE, f"with `{shown}` of {size:,} bytes it is too large")
        target: BinaryIO = io.BytesIO()
        if most is None:
            self._strangers.append(name)
        else:
            target = new_file(self._gathered.path / name)
        with target:
            left = size
            while left:
                piece = self._bytes(packed, min(left, _MIB))
                left -= len(piece)
                if most is not None:
                    target.write(piece)
        self._bytes(packed, -size % _BLOCK)

    def _end(self, packed: gzip.GzipFile) -> None:
        """Look that only the zeros follow that a tar is filled up with."""
        rest = packed.read(_MIB + 1)
        if rest.strip(b"\0") or len(rest) > _MIB:
            raise self._refused(UNSAFE, "something follows its end")

    def _bytes(self, packed: gzip.GzipFile, count: int) -> bytes:
        """The next bytes of the archive, all of them."""
        data = packed.read(count)
        if len(data) < count:
            raise EOFError("it ends in the middle")
        return data

    def _refused(self, code: Code, message: str) -> NotOpened:
        help_ = {
            NOT_A_BUNDLE: "fetch it again, and compare it with the one that was sent",
            UNSAFE: "do not unpack it; ask whoever sent it for the archive as `runbook bundle` wrote it",
            TOO_LARGE: "unpack it with tar where there is room, and verify its directory",
        }[code]
        return NotOpened(
            Diagnostic(code=code, message=f"not a bundle to be opened: {message}", file=self._name, help=help_)
        )


def script() -> bytes:
    """The shell script that checks a run without this program."""
    return (Path(__file__).parent / SCRIPT).read_bytes()


def differing(run: RunDir, made: Mapping[str, bytes]) -> Sequence[str]:
    """Which of the files that are made from a run stand in an opened bundle and are not as they are made here."""
    present = [name for name in sorted({LEADING, SCRIPT, *made, *_reports(run)}) if (run.path / name).exists()]
    return [name for name in present if (run.path / name).read_bytes() != made.get(name)]


def _reports(run: RunDir) -> Iterator[str]:
    yield from (path.name for path in run.path.iterdir() if _REPORT.fullmatch(path.name))
