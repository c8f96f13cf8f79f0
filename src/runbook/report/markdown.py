"""The report in Markdown, for the page or the ticket of the incident: what matters first, the rest folded.

Renders on GitHub, GitLab and anything that knows CommonMark with tables; ``details`` and comments aside it holds no
HTML. Whatever is not ours to word goes through :mod:`runbook.report.markup`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo

from runbook.model.durations import spoken
from runbook.report.approvals import Approval, asked
from runbook.report.content import Change, Checklist, Communication, Decision, Report, TakenBack, Visit, Watch
from runbook.report.folded import folded
from runbook.report.heading import as_far_as, banner, title, trusted, unreal, where
from runbook.report.markup import code, fenced, html, inline, joined, lines, opening
from runbook.report.particulars import deviated, shown
from runbook.report.results import numbered
from runbook.report.scored import markdown_score, points
from runbook.report.times import Days, in_zone, since_start

_PATH = 24


def markdown(report: Report, zone: tzinfo = UTC, zone_name: str = "UTC") -> str:
    """The report as a page of Markdown.

    :param zone: a zone in which the timeline shows times too; ``zone_name`` is what it is called.
    """
    return joined(_Page(report, zone, zone_name).blocks())


class _Page:
    """One report on its way to a page."""

    def __init__(self, report: Report, zone: tzinfo, zone_name: str) -> None:
        self._report = report
        self._zone = zone
        self._zone_name = zone_name
        self._sure = trusted(report)

    def blocks(self) -> Iterator[str]:
        """The blocks of the page, in their order; an empty one is nothing."""
        report = self._report
        yield banner(report)
        yield f"# {inline(title(report))}"
        yield unreal(report)
        yield "\n".join(lines(report.summary))
        yield _table(self._facts())
        if report.score is not None:
            yield from markdown_score(report.score)
        yield from _section("Still open", [f"- [ ] {inline(said)}" for said in report.open])
        yield from self._timeline()
        yield from self._changes()
        yield from _section("Taken back", [self._undone(undone) for undone in report.taken_back])
        yield from _section("Decisions", self._decisions(report.decisions))
        yield from _section("Approvals", [_approval(approval) for approval in report.approvals])
        yield from _section("Deviations from the runbook", self._deviations())
        yield from _section("Handed over", [self._handed(watch) for watch in report.operators if watch.by])
        yield from _section("Communication", [self._communication(said) for said in report.communications])
        for kind, heading in (("hypothesis", "Hypotheses"), ("note", "Notes")):
            yield from _section(heading, self._notes(kind))
        yield from self._checklists()
        yield from _section("Warnings", [f"- {opening(said)}" for said in report.warnings])
        if report.visits:
            yield "## Steps"
            yield "\n\n".join(folded(*each) for each in numbered(report.visits))
        yield from _section("The run", self._run())
        yield from self._log()

    # What comes first

    def _facts(self) -> Iterator[tuple[str, str]]:
        report, run = self._report, self._report.run
        yield "Outcome", self._outcome()
        if report.began.ts:
            days = Days()
            lasted = f"{spoken(report.ended.mono)}{'' if report.state == 'finished' else ' on record'}"
            yield "When", f"{days.show(report.began)} to {days.show(report.ended)} UTC, {lasted}"
        if run.environment:
            yield "Where", code(run.environment)
        if run.incident:
            yield "Incident", inline(run.incident)
        if report.operators:
            yield (
                "Operator",
                ", then ".join(
                    inline(watch.operator) + (f" (from {in_zone(watch.since)})" if watch.since.mono else "")
                    for watch in report.operators
                ),
            )
        yield "Runbook", f"{inline(run.title)} ({code(run.runbook)})" if run.title else code(run.runbook)
        yield "Changed", "; ".join(_change(change) for change in report.changes) or as_far_as(report, "nothing")
        if report.worth:
            yield "Outcomes", report.worth
        if report.score is not None:
            yield "Score", points(report.score)
        count = len(report.deviations)
        yield "Deviations", f"{count}, see below" if count else as_far_as(report, "none")
        yield "Path", " → ".join(_path(report.visits))
        yield "Log", f"{inline(report.log.verdict)}; {report.log.records:,} records"

    def _outcome(self) -> str:
        report = self._report
        if report.finish is None:
            return "**none yet**: " + ("it is paused" if report.state == "paused" else "the log has no end")
        return f"**{inline(report.finish)}**" if self._sure else f"the log claims: {inline(report.finish)}"

    def _timeline(self) -> Iterator[str]:
        report = self._report
        if not report.timeline:
            return
        zones = [("UTC", Days())]
        if self._zone_name != "UTC":
            zones.append((self._zone_name, Days(self._zone)))
        yield "## Timeline"
        names = " | ".join(inline(name) for name, _ in zones)
        rows = [f"| {names} | Elapsed | What happened |", f"| {' | '.join('---' for _ in zones)} | ---: | --- |"]
        broken = None if self._sure else min((f.record for f in report.log.found if f.record), default=None)
        for line in report.timeline:
            if broken is not None and line.at.record >= broken - 1:
                rows.append(f"| {' | '.join('' for _ in zones)} | | **From here on nothing is to be trusted.** |")
                broken = None
            times = " | ".join(days.show(line.at) for _, days in zones)
            visit = f" (visit {line.visit})" if (line.visit or 0) > 1 else ""
            about = f"**{inline(line.title)}**{visit}: " if line.title else ""
            bad = "✗ " if line.bad else ""
            rows.append(f"| {times} | {since_start(line.at)} | {about}{bad}{inline(line.text)} |")
        yield "\n".join(rows)

    # What was changed, decided, said

    def _changes(self) -> Iterator[str]:
        if not self._report.changes:
            return
        yield "## What was changed, and is left so"
        for change in self._report.changes:
            yield from _left_changed(change)

    @staticmethod
    def _undone(undone: TakenBack) -> str:
        """A change that was taken back, and by what."""
        visit = f" (visit {undone.visit})" if undone.visit > 1 else ""
        return f"- {inline(undone.title)}{visit}, at {in_zone(undone.at)} UTC: {code(undone.deed.shown.line)}"

    def _decisions(self, decisions: Sequence[Decision]) -> list[str]:
        days = Days()
        rows = [
            [days.show(d.at), inline(d.by), inline(d.what), f"**{inline(d.decided)}**", inline(d.why)]
            for d in decisions
        ]
        return _rows(["UTC", "Who", "About", "Decided", "Why"], rows)

    def _deviations(self) -> list[str]:
        days = Days()
        rows = []
        for deviation in self._report.deviations:
            said, to = deviated(deviation)
            went = f"{inline(said)} {code(to)}" if to else inline(said)
            where_at = inline(deviation.title)
            rows.append([days.show(deviation.at), inline(deviation.by), where_at, went, inline(deviation.reason)])
        return _rows(["UTC", "Who", "At", "What", "Why"], rows)

    def _handed(self, watch: Watch) -> str:
        by = f" by {inline(watch.by)}" if watch.by != watch.operator else ", who took it over"
        why = f": {inline(watch.reason)}" if watch.reason else ""
        said = [
            f"  - {inline(label)}: {inline(one)}" for label, text in watch.brief.items() for one in text.split("\n")
        ]
        return "\n".join([f"- {in_zone(watch.since)} UTC, to {inline(watch.operator)}{by}{why}. Known then:", *said])

    def _communication(self, said: Communication) -> str:
        to = f" to {inline(said.audience)}" if said.audience else ""
        how = {True: "sent", False: "**not sent**", None: "noted"}[said.sent]
        quoted = [f"  > {line}".rstrip() for line in lines(said.text)]
        return "\n".join([f"- {in_zone(said.at)} UTC, {how}{to}, by {inline(said.by)}:", "", *quoted])

    def _notes(self, kind: str) -> list[str]:
        known = [note for note in self._report.notes if (note.kind == "hypothesis") == (kind == "hypothesis")]
        days = Days()
        rows = []
        for note in known:
            where = code(note.step) if note.step else ""
            rows.append([days.show(note.at), inline(note.by), where, inline(note.text)])
        return _rows(["UTC", "Who", "At", "What"], rows)

    def _checklists(self) -> Iterator[str]:
        if not self._report.checklists:
            return
        yield "## Checklists"
        for checklist in self._report.checklists:
            visit = f" (visit {checklist.visit}" + ("" if checklist.last else ", answered again later") + ")"
            again = visit if checklist.visit > 1 or not checklist.last else ""
            if checklist.last:
                yield f"### {inline(checklist.title)}{again}"
                yield "\n".join(_items(checklist))
            else:
                yield f"<details><summary><b>{html(checklist.title)}</b>{again}</summary>"
                yield "\n".join(_items(checklist))
                yield "</details>"

    # What it stands on

    def _run(self) -> list[str]:
        run = self._report.run
        found = [f"- Run {code(run.id)} on {code(run.host)}, store {code(run.store)}, runbook-walk {inline(run.tool)}"]
        found += [f"- Runbook {code(name)}, SHA-256 {code(digest)}" for name, digest in run.files.items()]
        found += [f"- Owner: {inline(run.owner)}"] if run.owner else []
        found += [f"- Input {code(name)}: {code(str(value)) or '(empty)'}" for name, value in run.inputs.items()]
        for use in self._report.secrets:
            found.append(f"- Secret {code(use.name)}, read for {', '.join(code(step) for step in use.steps)}")
        found += [f"- Guards and locks could see: {inline(run.guards_see)}"] if run.guards_see else []
        return found

    def _log(self) -> Iterator[str]:
        log = self._report.log
        yield "## The log"
        said = [f"- {where(f.record)}{inline(f.message)}; {inline(f.help)}" for f in log.found]
        head = f", its head is {code(log.anchor)}" if log.anchor else ""
        yield "\n".join([f"- {log.records:,} records{head}", *said])
        if log.verify:
            yield "This holds the log to that head:"
            yield fenced(log.verify)


def _section(heading: str, rows: Sequence[str]) -> Iterator[str]:
    """A section, or nothing where there is nothing to say."""
    if rows:
        yield f"## {heading}"
        yield "\n".join(rows)


def _table(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values; the first pair is the table's head."""
    found = [f"| {name} | {value} |" for name, value in facts]
    return "\n".join([found[0], "| --- | --- |", *found[1:]])


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table without the columns in which nothing stands; none where it has no row."""
    used = [place for place in range(len(head)) if any(row[place] for row in rows)]
    if not rows:
        return []
    table = [[head[place] for place in used], ["---" for _ in used], *([row[place] for place in used] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in table]


def _left_changed(change: Change) -> Iterator[str]:
    """A change, what it was exactly and how it could be taken back, folded."""
    visit = f" (visit {change.visit})" if change.visit > 1 else ""
    state = {"yes": "changed", "maybe": "<b>may have changed something</b>"}.get(change.changed, "<b>unknown</b>")
    why = f": {html(change.reason)}" if change.reason and change.changed != "yes" else ""
    began = f"began at {in_zone(change.at)} UTC"
    yield f"<details><summary><b>{html(change.title)}</b>{visit}: {state}{why}, {began}</summary>"
    yield "What was done:"
    yield fenced(shown(change.deed.shown))
    if change.deed.undo is not None:
        yield "What takes it back:"
        yield fenced(shown(change.deed.undo))
    else:
        yield f"Nothing takes it back: {inline(change.because or 'the file has no undo for it')}."
    yield "</details>"


def _approval(approval: Approval) -> str:
    """A request for approval, and who answered."""
    said = [f"- {inline(approval.title)} ({code(approval.step)}): {inline(asked(approval))}; asked at"]
    said[0] += f" {in_zone(approval.at)} UTC; action {code(approval.action[:12])}"
    for answer in approval.answers:
        why = f": {inline(answer.why)}" if answer.why else ""
        how = "approved" if answer.counts else "**does not count**"
        said.append(f"  - {in_zone(answer.at)} UTC, {inline(answer.by)}: {how}{why}")
    return "\n".join(said if approval.answers else [*said, "  - **nobody answered**"])


def _change(change: Change) -> str:
    state = "" if change.changed == "yes" else f" (**{inline(change.changed)}**)"
    return inline(change.title) + state


def _path(visits: Sequence[Visit]) -> Iterator[str]:
    """The steps in the order of their visits; the middle of a long path is counted only."""
    left = len(visits) - _PATH
    for place, visit in enumerate(visits):
        if left > 0 and _PATH // 2 <= place < _PATH // 2 + left:
            if place == _PATH // 2:
                yield f"… {left} more …"
            continue
        outcome = "" if visit.outcome == "passed" else f" ({inline(visit.outcome)})"
        yield f"{code(visit.step)}{outcome}"


def _items(checklist: Checklist) -> Iterator[str]:
    for item in checklist.items:
        box = "x" if item.answer == "yes" else " "
        answer = "" if item.answer == "yes" and item.words == "yes" else f": **{inline(item.words)}**"
        machine = ", looked at by the machine" if item.checked else ""
        note = f"; {inline(item.note)}" if item.note else ""
        yield f"- [{box}] {inline(item.title)}{answer}{machine}{note}"
