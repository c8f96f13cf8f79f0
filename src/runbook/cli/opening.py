"""A log to be judged, wherever it is: in a file, or in a bundle that is opened for that and gone afterwards."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runbook.audit.bundle import LEADING, Gathered, NotOpened, differing, is_bundle, opened
from runbook.audit.kept import listed
from runbook.audit.verdict import Finding, Status, Verdict
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.version import VERSION

STRANGER = Code(
    number="RB573",
    title="file that does not belong in a bundle",
    why="The archive holds a file that `runbook bundle` does not put there. It was not opened, nothing in the log "
    "speaks of it, and it is no part of the evidence.",
    severity=Severity.WARNING,
)
NOT_AS_MADE = Code(
    number="RB574",
    title="file of a bundle that was changed",
    why="The reports, the page on top and the script of a bundle are made from its log and its runbook. Made again "
    "from these they come out otherwise: somebody changed the file, and it says something else than the log does.",
)
NOT_COMPARED = Code(
    number="RB575",
    title="file of a bundle that was not compared",
    why="The reports, the page on top and the script of a bundle are not as this version makes them from its log, and "
    "another version packed it. Whether they say what the log says, nobody could know here.",
    severity=Severity.WARNING,
)
_PROVES_NOTHING = frozenset({Status.UNREADABLE, Status.TAMPERED, Status.NOT_A_WALK})
"""What a log is worth when nothing that is made from it needs to be compared."""
_PACKED_BY = re.compile(rb"packed by \| [^|]*runbook-walk ([0-9][0-9A-Za-z.+-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is judged: ``log`` is the file, ``name`` what the user calls it."""

    name: Path
    log: Path
    bundle: Gathered | None = None
    problem: NotOpened | None = None

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict on the log as that on what the user named."""
        if self.problem is not None:
            found = [Finding(status=Status.UNREADABLE, diagnostic=each) for each in self.problem.diagnostics]
            return replace(verdict, findings=tuple(found))
        if self.bundle is None:
            return verdict
        where = str(self.bundle.run.path.parent)
        named = [
            replace(each, diagnostic=renamed(each.diagnostic, where, str(self.name)))
            for each in verdict.adding(self._findings(self.bundle)).findings
        ]
        return replace(verdict, findings=tuple(named))

    def _findings(self, bundle: Gathered) -> Iterator[Finding]:
        """What is to be said of the other files of a bundle."""
        from runbook.cli.bundle import made_from  # it renders reports
        from runbook.cli.report import reported

        if bundle.strangers:
            message = f"files that do not belong in a bundle: {listed(bundle.strangers)}"
            yield self._finding(STRANGER, Status.VALID, message, "take them for no part of the run")
        report, verdict = reported(bundle.run)
        if verdict.status in _PROVES_NOTHING:
            return
        changed = differing(bundle.run, made_from(bundle.run, report))
        if not changed:
            return
        page = bundle.run.path / LEADING
        packed_by = _PACKED_BY.search(page.read_bytes()) if page.exists() else None
        which = ", ".join(f"`{name}`" for name in changed)
        if packed_by is not None and packed_by[1].decode() != VERSION:
            message = f"not as this version makes them, and another packed them: {which}"
            help_ = f"compare them with runbook-walk {packed_by[1].decode()[:40]}"
            yield self._finding(NOT_COMPARED, Status.VALID, message, help_, Status.NOT_A_WALK)
        else:
            message = f"not what is made from the log: {which}"
            yield self._finding(NOT_AS_MADE, Status.TAMPERED, message, "trust the log; have `runbook report` write it")

    def _finding(self, code: Code, status: Status, message: str, help_: str, strict: Status | None = None) -> Finding:
        diagnostic = Diagnostic(code=code, message=message, file=str(self.name), help=help_)
        return Finding(status=status, strict=strict, diagnostic=diagnostic)


@contextmanager
def source(path: Path) -> Iterator[Source]:
    """What is meant by a path: the log there, or the one in the bundle there."""
    if not is_bundle(path):
        yield Source(name=path, log=path)
        return
    with ExitStack() as stack:
        try:
            bundle = stack.enter_context(opened(path))
        except NotOpened as problem:
            yield Source(name=path, log=path, problem=problem)
        else:
            yield Source(name=path, log=bundle.run.log, bundle=bundle)


def renamed(diagnostic: Diagnostic, directory: str, name: str) -> Diagnostic:
    """A diagnostic about a file in a private copy, about the file that it is a copy of."""
    file = diagnostic.file
    if file is None or not file.startswith(f"{directory}/"):
        return diagnostic
    return replace(diagnostic, file=f"{name}/{file.removeprefix(directory + '/')}")
