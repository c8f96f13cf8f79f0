"""A fresh walk told the events of a log: whether it is a legal walk of that runbook, and we would judge the same."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from runbook.audit.checkpoints import not_looked_at
from runbook.audit.clocks import Clocks
from runbook.audit.kept import KeptOutputs
from runbook.audit.plain_file import open_plain
from runbook.audit.reader import Anchor, reading
from runbook.audit.record import Record
from runbook.audit.store import RunDir
from runbook.audit.verdict import Finding, Status, Verdict
from runbook.drivers.locking import look_at_lock
from runbook.drivers.origin import GUEST_MISSING, look_at, not_installed
from runbook.drivers.rejudging import Differs, Rejudging
from runbook.drivers.retelling import event_of
from runbook.drivers.witnessing import Witness
from runbook.language.files import LARGEST
from runbook.language.included import Origin
from runbook.language.loading import load
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity, Span
from runbook.model.kind import Registry
from runbook.model.runbook import Runbook
from runbook.walk.records import MalformedEvent
from runbook.walk.run_events import Event, RunStarted
from runbook.walk.walk import IllegalEvent, Walk

NOT_A_WALK = Code(
    number="RB546",
    title="not a legal walk",
    why="A fresh walk of the same runbook was told the log's records in order, and refused this one: a step out of "
    "order, an edge that the graph does not have, a change that nobody confirmed, an attempt too many. Either the log "
    "was not written by this program, or it was changed and its hashes were made anew.",
)
OTHER_RUNBOOK = Code(
    number="RB547",
    title="runbook is not the one of the log",
    why="The log names its runbook by the SHA-256 of the file. The file beside the log is missing, or another one, so "
    "nobody can say whether the log is a walk of it.",
)
OTHER_VERDICT = Code(
    number="RB548",
    title="verdict does not follow",
    why="The verdict, or the action, of a step does not follow from what the log says before it: judged again from the "
    "recorded observation it comes out otherwise. The observation or the verdict was changed.",
)
NOT_JUDGED = Code(
    number="RB549",
    title="not judged again",
    why="Some things were taken as they stand: the kind's judge has another number in this version, a field is one "
    "that this version does not have, or a text is masked or cut where it matters. Whatever stands around it, and the "
    "order of the walk, was judged all the same.",
    severity=Severity.WARNING,
)

_DIGEST = re.compile("[0-9a-f]{64}")
Snapshots = Callable[[str], Path]
"""Where the runbook file of a SHA-256 is kept."""


def runbook_of(started: RunStarted, snapshots: Snapshots, registry: Registry) -> Runbook:
    """The runbook that a log is a walk of, from the files kept beside it: its own, and those that it walks.

    :raises Refused: if it is missing, another one, or cannot be read by this version.
    """
    missing = not_installed(started, registry)
    if missing is not None:
        raise Refused(missing)
    digest = str(next(iter(started.files.values()), ""))
    path = snapshots(digest if _DIGEST.fullmatch(digest) else "none")
    try:
        with open_plain(path) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Refused(_other(path, f"the runbook's file is not there: {why}")) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise Refused(_other(path, "the runbook's file is not the one that the log names"))
    kept = {name: snapshots(str(of) if _DIGEST.fullmatch(str(of)) else "none") for name, of in started.files.items()}
    first = next(iter(started.files), str(path))
    loaded = load(str(path), registry, Origin(name=first, find=lambda name: str(kept.get(name, snapshots("none")))))
    if loaded.runbook is None:
        raise Refused(_other(path, "the runbook's file cannot be read by this version"), *loaded.diagnostics)
    for name, of in started.files.items():
        data = loaded.files.get(name, b"")
        if hashlib.sha256(data).hexdigest() != of:
            raise Refused(_other(kept[name], f"the file of `{name}` is not the one that the log names"))
    if loaded.files.keys() != started.files.keys():
        raise Refused(_other(path, "the runbook walks files that the log does not name"))
    return loaded.runbook


def _other(path: Path, message: str) -> Diagnostic:
    return Diagnostic(code=OTHER_RUNBOOK, message=message, file=str(path), help="put the file of that run there")


class Replay:
    """Judges the records of one log, one after the other."""

    def __init__(self, file: str, snapshots: Snapshots, registry: Registry) -> None:
        self._file = file
        self._snapshots = snapshots
        self._registry = registry
        self.walk: Walk | None = None
        self.findings: list[Finding] = []
        self._rejudging: Rejudging | None = None

    def tell(self, line: int, record: Record) -> None:
        """Tell the walk the record of a line (from 1); after the first finding nothing more is looked at."""
        if self.findings:
            return
        try:
            event = event_of(record)
            if event is None:
                return
            walk = self.walk = self.walk or self._begin(event)
            if self._rejudging is not None:
                self._rejudging.look(walk, event)
            walk.tell(event)
            if isinstance(event, RunStarted):
                look_at_lock(walk, event)
        except IllegalEvent as illegal:
            self._found(NOT_A_WALK, line, f"{illegal.message} (rule: {illegal.rule})")
        except MalformedEvent as malformed:
            self._found(NOT_A_WALK, line, f"{malformed} (rule: record)")
        except Differs as differs:
            self._found(OTHER_VERDICT, line, str(differs))
        except Refused as refused:
            diagnostic = refused.diagnostics[0]
            status = Status.UNREADABLE if diagnostic.code is GUEST_MISSING else Status.NOT_A_WALK
            self.findings.append(Finding(status=status, line=line, diagnostic=diagnostic))

    def end(self) -> None:
        """There are no more records: say what was not judged."""
        unjudged = self._rejudging.unjudged if self._rejudging else set()
        if unjudged:
            names = ", ".join(sorted(unjudged))
            self.findings.append(
                Finding(
                    status=Status.VALID,
                    strict=Status.NOT_A_WALK,
                    diagnostic=Diagnostic(
                        code=NOT_JUDGED,
                        message=f"not judged again: {names}",
                        file=self._file,
                        help="read these yourself; what another version wrote, that one judges",
                    ),
                )
            )

    def _found(self, code: Code, line: int, message: str) -> None:
        place = Span(line, 1, line, 2)
        help_ = "trust nothing from this line on"
        diagnostic = Diagnostic(code=code, message=message, file=self._file, span=place, help=help_)
        self.findings.append(Finding(status=Status.NOT_A_WALK, line=line, diagnostic=diagnostic))

    def _begin(self, event: Event) -> Walk:
        if not isinstance(event, RunStarted):
            raise IllegalEvent("order", "the log does not begin with `run.started`")
        runbook = runbook_of(event, self._snapshots, self._registry)
        look_at(event, runbook, self._registry)
        self._rejudging = Rejudging(runbook, self._registry)
        return Walk(runbook, self._registry)


def judged(
    log: Path, registry: Registry, anchor: Anchor | None = None, witness: Witness | None = None
) -> tuple[Verdict, Walk | None]:
    """The verdict on a log and the outputs beside it, and the walk that it is as far as it is one.

    :param witness: judges the signatures in it.
    """
    run = RunDir(log.parent)
    replay = Replay(str(log), run.snapshot, registry)
    clocks = Clocks(str(log))
    outputs = KeptOutputs(str(log), run.output)
    try:
        with reading(log, anchor) as chain:
            for line, record in enumerate(chain, 1):
                replay.tell(line, record)
                outputs.tell(line, record)
                clocks.tell(line, record)
                if witness is not None:
                    witness.tell(line, record)
            verdict = chain.verdict()
    except Refused as refused:
        findings = tuple(Finding(status=Status.UNREADABLE, diagnostic=each) for each in refused.diagnostics)
        return Verdict(findings=findings, count=0, head=None, size=0, torn=0, finished=False), None
    replay.end()
    whole = verdict.status not in {Status.TAMPERED, Status.UNREADABLE}
    anchored = anchor.seq + 1 if anchor else 0
    verdict = not_looked_at(verdict, run) if witness is None else witness.look(verdict, anchored)
    return verdict.adding([*replay.findings, *outputs.findings(whole=whole), *clocks.findings()]), replay.walk
