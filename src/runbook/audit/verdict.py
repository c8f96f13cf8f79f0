"""What somebody who judges a log has found, as data; rendering it, and replaying the walk, are others' work.

A finding has a status of ``runbook verify``; of several the verdict takes the first in 7 1 6 5 4 3. So whoever judges
more than the chain (a replay: 6, signatures: 5) adds findings and takes the status anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from runbook.model.diagnostics import Diagnostic


class Status(IntEnum):
    """The exit statuses of ``runbook verify``, but for 2 (usage)."""

    VALID = 0
    TAMPERED = 1
    NO_END = 3
    TORN_TAIL = 4
    SIGNATURE = 5
    NOT_A_WALK = 6
    UNREADABLE = 7


GRAVEST_FIRST = (
    Status.UNREADABLE,
    Status.TAMPERED,
    Status.NOT_A_WALK,
    Status.SIGNATURE,
    Status.TORN_TAIL,
    Status.NO_END,
    Status.VALID,
)
"""The order in which a verdict takes one of several statuses."""


WORDS = {
    Status.VALID: "valid: complete, and a legal walk of its runbook",
    Status.TAMPERED: "TAMPERED",
    Status.NO_END: "valid as far as it goes, and it has no end",
    Status.TORN_TAIL: "valid but for a torn tail",
    Status.SIGNATURE: "a SIGNATURE is missing or wrong",
    Status.NOT_A_WALK: "NOT a legal walk of its runbook",
    Status.UNREADABLE: "unreadable",
}
"""Each verdict in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found.

    ``line`` counts from 1 and is None when no line is meant; ``strict`` is the status that ``--strict`` makes of it.
    """

    status: Status
    diagnostic: Diagnostic
    line: int | None = None
    strict: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a log is worth.

    ``count`` is the number of records before the first thing that is wrong, ``head`` the hash of the last of them,
    ``size`` the bytes they take, ``torn`` the bytes after them that a crash left, ``finished`` whether the last of
    them is ``run.finished``.
    """

    findings: tuple[Finding, ...]
    count: int
    head: str | None
    size: int
    torn: int
    finished: bool

    @property
    def status(self) -> Status:
        """The gravest status of its findings."""
        return gravest(finding.status for finding in self.findings)

    @property
    def strict_status(self) -> Status:
        """The gravest status when what could not be established counts too."""
        return gravest(finding.strict or finding.status for finding in self.findings)

    @property
    def anchor(self) -> str | None:
        """The head as ``--anchor`` takes it and as it goes into a ticket: ``N:HASH``."""
        return None if self.head is None else f"{self.count - 1}:{self.head}"

    def adding(self, findings: Iterable[Finding]) -> "Verdict":
        """The same verdict with more findings."""
        return replace(self, findings=(*self.findings, *findings))


def gravest(statuses: Iterable[Status]) -> Status:
    """The first of these statuses in the order 7 1 6 5 4 3 0."""
    return min(statuses, key=GRAVEST_FIRST.index, default=Status.VALID)
