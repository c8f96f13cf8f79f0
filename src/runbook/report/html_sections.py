"""The sections of the page that are words: events, changes, decisions, approvals, what was said, checklists."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import TypeAlias

from runbook.report.approvals import Approval, asked
from runbook.report.content import Change, Checklist, Communication, Report, Watch
from runbook.report.html_visits import block, moment
from runbook.report.particulars import deviated, shown
from runbook.report.tags import Html, code, facts, joined, paragraphs, prose, tag
from runbook.report.times import At, in_zone, since_start

Section: TypeAlias = tuple[str, str, Sequence[Html]]
"""A section: its anchor, its heading, what is in it."""
_SHOWN = 80


def sections(report: Report) -> Iterator[Section]:
    """Every section of which there is something to say."""
    if report.changes:
        yield "changed", "What was changed, and is left so", [_change(change) for change in report.changes]
    if report.taken_back:
        undone = [
            tag(
                "li",
                tag("b", back.title),
                _visit(back.visit),
                ", at ",
                moment(back.at),
                ": ",
                code(back.deed.shown.line),
            )
            for back in report.taken_back
        ]
        yield "taken-back", "Taken back", [tag("ul", *undone)]
    if report.decisions:
        rows = [
            [moment(d.at), prose(d.by), prose(d.what), tag("b", prose(d.decided)), prose(d.why)]
            for d in report.decisions
        ]
        yield "decisions", "Decisions", [table(["UTC", "Who", "About", "Decided", "Why"], rows)]
    if report.approvals:
        yield "approvals", "Approvals", [_approval(approval) for approval in report.approvals]
    if report.deviations:
        yield "deviations", "Deviations from the runbook", [_deviations(report)]
    handed = [_handed(watch) for watch in report.operators if watch.by]
    if handed:
        yield "handed-over", "Handed over", handed
    if report.communications:
        yield "communication", "Communication", [_communication(said) for said in report.communications]
    for kind, name in (("hypothesis", "Hypotheses"), ("note", "Notes")):
        notes = [note for note in report.notes if (note.kind == "hypothesis") == (kind == "hypothesis")]
        if notes:
            rows = [[moment(n.at), prose(n.by), code(n.step) if n.step else Html(), prose(n.text)] for n in notes]
            yield kind, name, [table(["UTC", "Who", "At", "What"], rows)]
    if report.checklists:
        yield "checklists", "Checklists", [_checklist(checklist) for checklist in report.checklists]
    if report.warnings:
        yield "warnings", "Warnings", [tag("ul", *(tag("li", prose(said)) for said in report.warnings))]


def table(head: Sequence[str], rows: Sequence[Sequence[Html]]) -> Html:
    """A table without the columns in which nothing stands; on a narrow screen each row stands as a block."""
    used = [place for place in range(len(head)) if any(row[place] for row in rows)]
    body = [tag("tr", *(tag("td", row[place], data_label=head[place]) for place in used)) for row in rows]
    names = tag("tr", *(tag("th", head[place], scope="col") for place in used))
    return tag("table", tag("thead", names), tag("tbody", *body))


def events(report: Report, zones: Sequence[tuple[str, tzinfo]], *, sure: bool) -> Iterator[Html]:
    """Every event in words; where the log is wrong a line says so."""
    if not report.timeline:
        return
    broken = None if sure else min((f.record for f in report.log.found if f.record), default=None)
    rows = []
    before = ""
    for line in report.timeline:
        if broken is not None and line.at.record >= broken - 1:
            rows.append(tag("li", tag("strong", "From here on nothing is to be trusted."), class_="broken"))
            broken = None
        day, _, time = in_zone(line.at).partition(" ")
        if time and day != before:
            rows.append(tag("li", day, class_="day"))
            before = day
        times = [tag("time", time or day, class_="utc")]
        times += [tag("time", _local(line.at, zone, day), class_="local") for _, zone in zones]
        about = joined([tag("b", line.title), _visit(line.visit or 0), ": "]) if line.title else Html()
        said = tag("span", about, prose(line.text), class_="said")
        since = tag("span", since_start(line.at), class_="since")
        rows.append(tag("li", *times, since, said, class_="bad" if line.bad else None))
    names = " and ".join(["UTC", *(name for name, _ in zones)])
    opened = "" if len(rows) <= _SHOWN else None
    summary = tag("summary", f"Every event, in {names}")
    yield tag("details", summary, tag("ol", *rows, class_="events"), class_="every", open=opened)


def _local(when: At, zone: tzinfo, day: str) -> str:
    """A time in another zone, with the day where that is another one."""
    there, _, time = in_zone(when, zone).partition(" ")
    return time if there == day else f"{there[5:]} {time}"


def run(report: Report) -> Html:
    """What the run began with and stands on."""
    run = report.run
    found: list[tuple[str, Html]] = [
        ("Run", code(run.id)),
        ("Host", code(run.host)),
        ("Store", code(run.store)),
        ("Walked by", joined(["runbook-walk ", code(run.tool)])),
    ]
    found += [("Runbook", joined([code(name), ", SHA-256 ", code(digest)])) for name, digest in run.files.items()]
    found += [("Owner", prose(run.owner))] if run.owner else []
    found += [
        ("Input", joined([code(name), " ", code(str(value)) if str(value) else "(empty)"]))
        for name, value in run.inputs.items()
    ]
    for watch in report.operators:
        why = joined([": ", prose(watch.reason)]) if watch.reason else Html()
        found.append(("Operator", joined([watch.operator, " from ", moment(watch.since), why])))
    for use in report.secrets:
        steps = joined(part for place, step in enumerate(use.steps) for part in ((", " if place else ""), code(step)))
        found.append(("Secret", joined([code(use.name), ", read for ", steps])))
    found += [("Guards and locks could see", prose(run.guards_see))] if run.guards_see else []
    return facts(found, "particulars")


def _visit(number: int) -> str:
    return f" (visit {number})" if number > 1 else ""


def _change(change: Change) -> Html:
    """A change, what it was exactly and how it could be taken back, folded."""
    state, tone = {"yes": ("changed", "dull"), "maybe": ("may have changed something", "odd")}.get(
        change.changed, ("unknown", "odd")
    )
    why = joined([": ", prose(change.reason)]) if change.reason and change.changed != "yes" else Html()
    parts = [tag("p", "What was done:", class_="label"), block(shown(change.deed.shown))]
    if change.deed.undo is not None:
        parts += [tag("p", "What takes it back:", class_="label"), block(shown(change.deed.undo))]
    else:
        because = prose(change.because or "the file has no undo for it")
        parts.append(tag("p", "Nothing takes it back: ", because, ".", class_="label"))
    word = tag("span", state, why, class_=f"result {tone}")
    summary = tag(
        "summary", tag("span", tag("b", change.title), _visit(change.visit), class_="what"), word, moment(change.at)
    )
    return tag("details", summary, tag("div", *parts, class_="fold"), class_="change")


def _approval(approval: Approval) -> Html:
    """A request, who was asked, and who answered."""
    rows = [
        tag(
            "li",
            moment(answer.at),
            " ",
            tag(
                "span",
                "approved" if answer.counts else "does not count",
                class_=f"word {'good' if answer.counts else 'bad'}",
            ),
            f" {answer.by}",
            joined([": ", prose(answer.why)]) if answer.why else Html(),
        )
        for answer in approval.answers
    ]
    nobody = tag("li", tag("span", "nobody answered", class_="word odd"))
    return tag(
        "div",
        tag("p", tag("b", approval.title), " ", code(approval.step)),
        tag("p", moment(approval.at), f" {asked(approval)}; action ", code(approval.action[:12]), class_="dim"),
        tag("ul", *(rows or [nobody])),
        class_="approval",
    )


def _deviations(report: Report) -> Html:
    rows = []
    for deviation in report.deviations:
        said, to = deviated(deviation)
        went = joined([said, " ", code(to)]) if to else prose(said)
        rows.append(
            [moment(deviation.at), prose(deviation.by), prose(deviation.title), tag("b", went), prose(deviation.reason)]
        )
    return table(["UTC", "Who", "At", "What", "Why"], rows)


def _handed(watch: Watch) -> Html:
    """That somebody took over, and what was known by then, folded."""
    by = f" by {watch.by}" if watch.by != watch.operator else ", who took it over"
    why = joined([": ", prose(watch.reason)]) if watch.reason else Html()
    what = tag("span", "to ", tag("b", watch.operator), by, why, class_="what")
    known = facts(
        ((label, prose(one)) for label, said in watch.brief.items() for one in said.split("\n")), "particulars"
    )
    fold = tag("div", tag("p", "Known then:", class_="label"), known, class_="fold")
    return tag("details", tag("summary", what, tag("span"), moment(watch.since)), fold, class_="change")


def _communication(said: Communication) -> Html:
    to = joined([" to ", tag("b", said.audience)]) if said.audience else Html()
    word, tone = {True: ("sent", "good"), False: ("not sent", "bad"), None: ("noted", "dull")}[said.sent]
    head = tag("figcaption", moment(said.at), " ", tag("span", word, class_=f"word {tone}"), to, f", by {said.by}")
    return tag("figure", head, tag("blockquote", paragraphs(said.text)), class_="message")


def _checklist(checklist: Checklist) -> Html:
    items = [
        tag(
            "li",
            tag("span", item.title, class_="item"),
            " ",
            tag("span", item.words, class_=f"word {_ANSWERED.get(item.answer, 'odd')}"),
            tag("span", " looked at by the machine", class_="dim") if item.checked else Html(),
            tag("span", prose(item.note), class_="note") if item.note else Html(),
            class_=item.answer if item.answer in _ANSWERED else "not_verified",
        )
        for item in checklist.items
    ]
    done = sum(item.answer == "yes" for item in checklist.items)
    count = tag("span", f"{done} of {len(items)}", class_="dim")
    title = [tag("b", checklist.title), _visit(checklist.visit), " ", count]
    listed = tag("ul", *items, class_="items")
    if checklist.last:
        return tag("div", tag("h3", *title), listed, class_="checklist")
    summary = tag("summary", *title, " ", tag("span", "answered again later", class_="dim"))
    return tag("details", summary, tag("div", listed, class_="fold"), class_="checklist")


_ANSWERED = {"yes": "good", "no": "bad", "not_verified": "odd"}
