"""``runbook bundle``: pack a run into one archive that can be checked anywhere."""

import argparse
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from runbook.audit.bundle import LEADING, LOG, SCRIPT, gathered, names, pack, script
from runbook.audit.kept import listed
from runbook.audit.store import RunDir
from runbook.cli.failing import complain, named, output_lost
from runbook.cli.opening import renamed
from runbook.cli.options import Parser, run_argument, state_option
from runbook.cli.output_file import NOT_WRITTEN
from runbook.cli.report import FORMATS, reported
from runbook.cli.stores import store_of
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.report.content import Report
from runbook.report.cover import cover
from runbook.version import VERSION

IN_THE_WAY = Code(
    number="RB324",
    title="file that is there already",
    why="A bundle is evidence, and so may be the file that stands where it should be written. Nothing is written over "
    "that was not named to be.",
)


def main(arguments: Sequence[str]) -> int:
    """Pack a run; the exit status is that of ``verify``."""
    text = "Pack a run into one archive that can be checked anywhere. The exit status is that of `runbook verify`."
    parser = Parser("bundle", text)
    run_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where to write it; default: RUN.tar.gz; -: standard output"
    )
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options) as store:
        run = store.find(options.run)
        run.fetch()
        return _pack(run, options)


def _pack(run: RunDir, options: argparse.Namespace) -> int:
    target = options.output or f"{run.id}.tar.gz"
    _look(target, force=options.force)
    try:
        with gathered(run) as copy, tempfile.TemporaryFile() as archive:
            report, verdict = reported(copy.run)
            count = pack(copy.run, made_from(copy.run, report), archive, _time(report))
            archive.seek(0)
            where = str(copy.run.path)
            lost = _write(archive, target)
    except OSError as error:
        message = f"the bundle cannot be packed: {(error.strerror or str(error)).lower()}"
        help_ = "make room in the temporary directory, or name another with TMPDIR"
        raise Refused(Diagnostic(code=NOT_WRITTEN, message=message, help=help_)) from None
    if lost is not None:
        return lost
    if target != "-":
        sys.stdout.write(f"{target}\n")
    head = f", head {verdict.anchor}" if verdict.anchor else ""
    sys.stderr.write(f"packed {count} files of run {run.id}: {report.log.verdict}{head}\n")
    if copy.strangers:
        sys.stderr.write(f"left out, as no part of a run: {listed(copy.strangers)}\n")
    grave = [finding.diagnostic for finding in verdict.findings if finding.status]
    complain(renamed(each, where, named(str(run.path))) for each in grave)
    return int(verdict.status)


def made_from(run: RunDir, report: Report) -> dict[str, bytes]:
    """The files of a bundle that are made from the others: by name what is in them.

    :param run: a run that was gathered, or a bundle that was opened.
    """
    made = {f"report.{form}": write(report, UTC, "UTC").encode() for form, write in FORMATS.items()}
    made[SCRIPT] = script()
    made[LEADING] = cover(report, [LOG, *names(run)[0], *made], VERSION).encode()
    return made


def _time(report: Report) -> int:
    """When the last record was written, in seconds since 1970; 0 where no record says so."""
    try:
        return max(0, int(datetime.fromisoformat(report.ended.ts).timestamp()))
    except ValueError:
        return 0


def _look(target: str, *, force: bool) -> None:
    """Look whether it can be written there, before anything is done.

    :raises Refused: if not.
    """
    if target == "-":
        if sys.stdout.isatty():
            message = "an archive is nothing for a terminal"
            raise Refused(Diagnostic(code=NOT_WRITTEN, message=message, help="name a file, or send it elsewhere"))
    elif os.path.lexists(target) and not force:
        help_ = "name another file, or say --force"
        message = "there is something of that name already"
        raise Refused(Diagnostic(code=IN_THE_WAY, message=message, file=target, help=help_))


def _write(archive: BinaryIO, target: str) -> int | None:
    """Put the archive where it should be, whole or not at all; the exit status where standard output is lost.

    :raises Refused: if the file cannot be written.
    """
    if target == "-":
        return _write_out(archive)
    path = Path(target)
    try:
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            with path.open("wb") as file:  # a pipe, or a link to somewhere
                shutil.copyfileobj(archive, file)
            return None
        beside = path.with_name(f".{path.name}.{os.getpid()}") if os.path.lexists(path) else path
        with beside.open("xb") as file:
            try:
                shutil.copyfileobj(archive, file)
            except BaseException:
                beside.unlink()
                raise
        beside.replace(path)
    except OSError as error:
        message = f"the bundle cannot be written: {(error.strerror or str(error)).lower()}"
        raise Refused(Diagnostic(code=NOT_WRITTEN, message=message, file=target, help="name another file")) from None
    return None


def _write_out(archive: BinaryIO) -> int | None:
    assert isinstance(sys.stdout, io.TextIOWrapper)  # noqa: S101 - as our own streams are
    try:
        shutil.copyfileobj(archive, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        return None  # whoever reads has left
    except OSError as error:
        return output_lost(error)
    return None
