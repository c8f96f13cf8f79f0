"""What a log tells so far, for whoever comes to a run: where it stands, and the brief of what happened."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from runbook.audit.escapes import inert
from runbook.audit.reader import reading
from runbook.audit.record import Record
from runbook.audit.store import Glimpse, RunDir, glimpse
from runbook.audit.verdict import WORDS, Verdict
from runbook.cli.runs import state_of
from runbook.drivers.drilling import scenario_of
from runbook.drivers.replay import judged
from runbook.drivers.scoring import scored
from runbook.drivers.standing import standing, stood
from runbook.drivers.stopping import sentences
from runbook.kinds.registry import KINDS, make
from runbook.model.diagnostics import Refused
from runbook.model.kind import Preview
from runbook.model.runbook import Mode
from runbook.model.score import Score
from runbook.model.secrets import Resolved
from runbook.report.brief import FEW, brief
from runbook.report.content import Report
from runbook.report.reading import report_of
from runbook.walk.outlook import outlook
from runbook.walk.walk import Walk


@dataclass(frozen=True)
class ToldSoFar:
    """A run as its log tells it now. ``walk`` is None where the log is no walk that this version can follow."""

    run: RunDir
    seen: Glimpse
    verdict: Verdict
    walk: Walk | None

    @property
    def stands(self) -> str:
        """Where it stands and what it waits for; empty where that cannot be told, or it is over."""
        walked = state_of(self.seen) != "interrupted"
        found, last = standing(self.walk, walked=walked) if self.walk else None, self.seen.stands
        return inert(stood(found, last, time.time_ns() // 1_000_000)) if found is not None and last is not None else ""

    @cached_property
    def report(self) -> Report:
        """The report of it."""
        records: list[Record] = []
        if self.verdict.count:
            with reading(self.run.log) as log:
                # No more than was judged, though the run may be going on.
                records += islice(log, self.verdict.count)
        return report_of(
            self.run.id,
            records,
            verdict=self.verdict,
            words=WORDS[self.verdict.status],
            runbook=self.walk.runbook if self.walk else None,
            preview=_preview,
            score=self._score(records),
        )

    def _score(self, records: Sequence[Record]) -> Score | None:
        """The score of a drill that is over; None where its scenario is not there, and for every other run."""
        if self.walk is None or self.walk.mode is not Mode.DRILL or self.walk.finish is None:
            return None
        try:
            scenario = scenario_of(self.run, records[0])
        except Refused:
            return None
        return scored(scenario, self.walk.runbook, records)

    def brief(self) -> Iterator[tuple[str, str]]:
        """What somebody has to know who takes over: a label and a line each."""
        if self.walk is not None and self.walk.finish is None:
            yield "stands at", self.stands
            yield from sentences(self.walk, outlook(self.walk))
        yield from self.short()

    def short(self, few: int = FEW, without: str = "") -> Iterator[tuple[str, str]]:
        """The newest of what happened: a label and a line each; of several with one label the others have none.

        :param without: the label of what is not to be said.
        """
        for label, lines in brief(self.report, few):
            if label != without:
                yield from zip((label, *[""] * len(lines)), lines, strict=False)


def _preview(kind: str, fields: Mapping[str, Resolved]) -> Preview:
    return make(kind, fields).preview()


def told_so_far(run: RunDir) -> ToldSoFar:
    """Read a run's log."""
    seen = glimpse(run)
    verdict, walk = judged(run.log, KINDS)
    return ToldSoFar(run=run, seen=seen, verdict=verdict, walk=walk)
