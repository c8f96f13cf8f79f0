"""From the records of a log, the verdict on it and its runbook to the report.

The log is read once, in its order. Nothing is taken from elsewhere: no clock, no machine, no store.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from runbook.audit.record import END, NO_RECORD, Record
from runbook.audit.verdict import Status, Verdict
from runbook.model.runbook import Runbook, tally
from runbook.model.score import Score
from runbook.report import sections
from runbook.report.approvals import approvals
from runbook.report.brief import brief
from runbook.report.content import VERSION, Found, Log, Report, Run, Visit
from runbook.report.deeds import Deeds, PreviewOf, fields_of
from runbook.report.fields import at, maybe, parsed, step_of, text
from runbook.report.graph import graphs
from runbook.report.spans import spans
from runbook.report.timeline import timeline
from runbook.report.titles import Titles
from runbook.report.visits import Visits, deed_of


def report_of(
    run: str,
    records: Sequence[Record],
    *,
    verdict: Verdict,
    words: str,
    runbook: Runbook | None,
    preview: PreviewOf,
    score: Score | None = None,
) -> Report:
    """The report of a log.

    :param run: the id under which the run is kept.
    :param records: those before the first that is wrong.
    :param words: what the verdict is in words.
    :param runbook: the one that was walked; None where its file is not there.
    :param score: that of a drill, where there is one.
    """
    about = partial(_report, run, verdict=verdict, words=words, runbook=runbook, preview=preview)
    report = about(records)
    watches = [
        replace(watch, brief=_told(about(records[: watch.since.record]))) if watch.by else watch
        for watch in report.operators
    ]
    return replace(report, operators=tuple(watches), score=score)


def _told(report: Report) -> dict[str, str]:
    """The brief of whoever took over when the log was this."""
    return {label: "\n".join(lines) for label, lines in brief(report)}


def _report(
    run: str,
    records: Sequence[Record],
    *,
    verdict: Verdict,
    words: str,
    runbook: Runbook | None,
    preview: PreviewOf,
) -> Report:
    """The report of these records, without what others were told at a hand-over."""
    titles = Titles(runbook)
    gathered = Visits(runbook, Deeds(preview))
    for record in records:
        titles.follow(record)
        gathered.follow(record, titles)
    visits, shown = gathered.all(), gathered.folded()
    lists, made = sections.checklists(visits), sections.changes(visits, runbook)
    nothing = Record(seq=0, prev=NO_RECORD, ts="", mono=0, type="", fields={"run": run}, h=NO_RECORD, raw=b"")
    first, last = (records[0], records[-1]) if records else (nothing, nothing)
    finish = maybe(last, "finish") if last.type == END else None
    paused = _paused(records)
    return Report(
        report=VERSION,
        log=_log(verdict, words, text(first, "run")),
        run=_run(first, runbook),
        state="finished" if last.type == END else "unfinished" if paused is None else "paused",
        finish=finish,
        paused=paused or "",
        summary=_summary(shown),
        worth=tally(Counter(text(record, "fidelity") for record in records if step_of(record) == text(record, "step"))),
        began=at(first),
        ended=at(last),
        operators=sections.operators(records),
        open=tuple(sections.still_open(visits, lists, made, finish)),
        changes=made,
        taken_back=sections.taken_back(visits),
        timeline=timeline(records, visits),
        decisions=sections.decisions(records, visits),
        deviations=sections.deviations(records, visits),
        communications=sections.communications(records, visits),
        notes=sections.notes(records),
        checklists=lists,
        warnings=sections.warnings(records),
        visits=shown,
        secrets=sections.secrets(records),
        approvals=approvals(records, {visit.step: visit.title for visit in visits}),
        spans=spans(records),
        graphs=graphs(records, runbook),
        score=None,
    )


def _paused(records: Sequence[Record]) -> str | None:
    """Why the run is paused; None where it is not, or is over."""
    reason = None
    for record in records:
        if record.type == "run.paused":
            reason = text(record, "reason")
        elif record.type == "run.resumed":
            reason = None
    return reason


def _log(verdict: Verdict, words: str, run: str) -> Log:
    anchor = verdict.anchor
    return Log(
        status=int(verdict.status),
        verdict=words,
        records=verdict.count,
        anchor=anchor,
        verify=f"runbook verify {run} --anchor {anchor}" if anchor else None,
        found=tuple(
            Found(
                code=finding.diagnostic.code.number,
                message=finding.diagnostic.message,
                help=finding.diagnostic.help,
                record=finding.line,
                grave=finding.status is not Status.VALID,
            )
            for finding in verdict.findings
        ),
    )


def _run(first: Record, runbook: Runbook | None) -> Run:
    files = first.fields.get("files")
    return Run(
        id=text(first, "run"),
        mode=text(first, "mode"),
        runbook=text(first, "runbook"),
        title=runbook.title if runbook else "",
        description=runbook.description if runbook else "",
        owner=runbook.owner if runbook else "",
        environment=maybe(first, "environment"),
        incident=maybe(first, "incident"),
        inputs=parsed(first, "inputs") or {},
        files={name: str(digest) for name, digest in files.items()} if isinstance(files, dict) else {},
        host=text(first, "host"),
        store=text(first, "store"),
        guards_see=text(first, "guards_see"),
        tool=text(first, "tool"),
        clock=text(first, "clock"),
    )


def _summary(visits: Sequence[Visit]) -> str:
    """The summary of the step that ended the run; empty where none did."""
    deed = deed_of(visits[-1]) if visits and visits[-1].kind == "finish" else None
    return str(fields_of(deed).get("summary") or "") if deed else ""
