"""The report as one page of HTML that needs nothing else: no script, no request, one style that is named by its hash.

What a reader looks for first stands first; the rest is folded, and open on paper. All that is not ours to word goes
through :mod:`runbook.report.tags`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from runbook.audit.verdict import Status
from runbook.model.durations import spoken
from runbook.model.runbook import Finish
from runbook.report import heading, html_sections, svg_graph, svg_timeline
from runbook.report.content import Report
from runbook.report.graph import Graph
from runbook.report.html_score import html_score
from runbook.report.html_visits import block, folded
from runbook.report.page import document
from runbook.report.results import numbered
from runbook.report.scored import points
from runbook.report.tags import Html, code, facts, joined, paragraphs, prose, strong, tag, text
from runbook.report.times import in_zone

Zones = Sequence[tuple[str, tzinfo]]
_WORTH_A_WORD = 1_000
_UNFINISHED = frozenset({Status.NO_END, Status.TORN_TAIL})
_TONES = {Finish.FAILED.value: "bad", Finish.ABORTED.value: "bad", Finish.ESCALATED.value: "odd"}


def page(report: Report, zone: tzinfo = UTC, zone_name: str = "UTC") -> str:
    """The report as a page of HTML.

    :param zone: a zone in which times are shown too; ``zone_name`` is what it is called.
    """
    return _Page(report, [] if zone_name == "UTC" else [(zone_name, zone)]).whole()


class _Page:
    """One report on its way to a page."""

    def __init__(self, report: Report, zones: Zones) -> None:
        self._report = report
        self._zones = zones
        self._sure = heading.trusted(report)

    def whole(self) -> str:
        """The document."""
        sections = [*self._sections()]
        content = tag("main", *self._top(), _contents(sections), *(_section(*section) for section in sections))
        return document(heading.title(self._report), content, self._foot())

    # What comes first

    def _top(self) -> Iterator[Html]:
        report = self._report
        yield self._banner()
        incident = joined([" · ", tag("b", report.run.incident)]) if report.run.incident else Html()
        mode = report.run.mode if report.run.mode in {"live", "dry", "drill"} else "odd"
        chips = [tag("span", word, class_="chip wrong") for word in heading.wrong(report)]
        chips.append(tag("span", heading.mode(report), class_=f"chip {mode}"))
        yield tag(
            "header",
            tag("p", "Incident report", incident, class_="eyebrow"),
            tag("h1", *(part for chip in chips for part in (chip, " ")), heading.walked(report)),
            tag("p", strong(unreal), class_="unreal") if (unreal := heading.unreal(report)) else Html(),
            tag("p", *self._lede(), class_="lede"),
            tag("div", paragraphs(report.summary), class_="summary") if report.summary.strip() else Html(),
        )
        yield facts(self._facts(), "facts")
        if report.open:
            items = [tag("li", prose(said)) for said in report.open]
            yield tag("section", tag("h2", "Still open"), tag("ul", *items), class_="open", id="open")

    def _banner(self) -> Html:
        """What must be read before anything else; nothing where the log is complete and right."""
        report = self._report
        if report.log.status == Status.VALID:
            return Html()
        why = heading.paused(report)
        last = joined([" Its last word is that it is paused: ", prose(why), "."]) if why else Html()
        found = [
            tag("li", heading.where(f.record), prose(f.message), f" ({f.code})") for f in report.log.found if f.grave
        ]
        words = " · ".join(heading.wrong(report)) or "NOT VALID"
        head = tag("p", words, class_="alarm")
        listed = tag("ul", *found) if found else Html()
        grave = "" if report.log.status in _UNFINISHED else " grave"
        return tag(
            "aside",
            head,
            tag("p", strong(heading.warning(report)), last),
            listed,
            class_=f"banner{grave}",
            aria_label="Warning",
        )

    def _lede(self) -> Iterator[str]:
        """The run in a sentence."""
        report, run = self._report, self._report.run
        after = spoken(report.ended.mono) if report.ended.mono >= _WORTH_A_WORD else "less than a second"
        if report.finish is None and not self._sure:
            yield tag("strong", "How it ended is not known", class_="odd")
        elif report.finish is None:
            yield tag("strong", "Paused" if report.state == "paused" else "Not ended", class_="odd")
            yield f" {after} after its start"
        else:
            word = report.finish.capitalize() if self._sure else f"Claimed to be {report.finish}"
            yield tag("strong", word, class_=_TONES.get(report.finish, "good") if self._sure else "odd")
            yield f" after {after}"
        if run.environment:
            yield joined([" in ", tag("b", run.environment)])
        names = [*dict.fromkeys(watch.operator for watch in report.operators)]
        if names:
            yield joined([", walked by ", tag("b", ", then ".join(names))])
        yield "."

    def _facts(self) -> Iterator[tuple[str, Html]]:
        report = self._report
        if report.began.ts:
            for name, zone in [("UTC", UTC), *self._zones]:
                yield "When", joined([_from_to(report, zone), " ", tag("span", name, class_="dim")])
        changed = [joined([c.title, "" if c.changed == "yes" else f" ({c.changed})"]) for c in report.changes]
        if changed:
            listed = joined(part for place, said in enumerate(changed) for part in ((", " if place else ""), said))
            yield "Left changed", tag("a", listed, href="#changed")
        else:
            yield "Left changed", text(heading.as_far_as(report, "nothing"))
        if report.worth:
            yield "Outcomes", text(report.worth)
        if report.score is not None:
            yield "Score", tag("a", points(report.score), href="#score")
        if report.taken_back:
            yield "Taken back", tag("a", ", ".join(undone.title for undone in report.taken_back), href="#taken-back")
        if report.deviations:
            yield "Deviations", tag("a", str(len(report.deviations)), href="#deviations")
        else:
            yield "Deviations", text(heading.as_far_as(report, "none"))
        yield "Log", tag("a", prose(report.log.verdict), href="#log")

    # The rest

    def _sections(self) -> Iterator[html_sections.Section]:
        report = self._report
        if report.score is not None:
            yield "score", "The score", [*html_score(report.score)]
        if went := svg_timeline.shares(report.spans, report.ended.mono):
            waits = svg_timeline.longest(report)
            longest = [tag("h3", "Longest waits"), tag("ol", *waits, class_="waits")] if waits else []
            yield "time", "Where the time went", [went, *longest]
        if report.visits:
            picture = svg_timeline.picture(report, self._zones)
            yield "timeline", "Timeline", [picture, *html_sections.events(report, self._zones, sure=self._sure)]
        drawn = [*svg_graph.graphs(report)]
        if drawn:
            yield "path", "The path through the runbook", [*_graphs(drawn)]
        yield from html_sections.sections(report)
        if report.visits:
            steps = [folded(*each) for each in numbered(report.visits)]
            yield "steps", "Every step", [tag("div", *steps, class_="steps")]
        yield "run", "The run", [html_sections.run(report)]
        yield "log", "The log", [*self._log()]

    def _log(self) -> Iterator[Html]:
        log = self._report.log
        state = "good" if log.status == Status.VALID else "odd" if log.status in _UNFINISHED else "bad"
        verdict = tag("p", tag("b", prose(log.verdict)), f", {log.records:,} records", class_=f"verdict {state}")
        parts = [verdict]
        if log.anchor:
            parts.append(tag("p", "Its head is ", code(log.anchor)))
        if log.found:
            found = [joined([heading.where(f.record), prose(f.message), "; ", prose(f.help)]) for f in log.found]
            parts.append(tag("ul", *(tag("li", said) for said in found)))
        if log.verify:
            parts += [tag("p", "This holds the log to that head:", class_="label"), block(log.verify)]
        yield tag("div", *parts, class_=f"seal {state}")

    def _foot(self) -> Html:
        run = self._report.run
        words = [part for part in (heading.mode(self._report), f"run {run.id}" if run.id else "", run.runbook) if part]
        return tag("footer", tag("p", " · ".join(words), " · written by runbook-walk from its log"))


def _from_to(report: Report, zone: tzinfo) -> Html:
    began, ended = in_zone(report.began, zone), in_zone(report.ended, zone)
    if began[:10] == ended[:10]:
        return joined([tag("b", began), " to ", tag("b", ended[11:] or ended)])
    return joined([tag("b", began), " to ", tag("b", ended)])


def _graphs(drawn: Sequence[tuple[Graph, Html]]) -> Iterator[Html]:
    for graph, picture in drawn:
        if graph.within:
            yield tag("h3", graph.title or graph.within, " ", tag("span", "within ", code(graph.within), class_="dim"))
        yield picture
        handler = next((way.target for way in graph.ways if way.default), None)
        if handler is not None:
            said = joined(["A step that names no other way leads to ", code(handler), " when it fails."])
            yield tag("p", said, class_="caption")
    yield tag("p", "Strong: walked. Dashed: taken after a failure. Hollow: never entered.", class_="caption")


def _section(anchor: str, name: str, parts: Sequence[Html]) -> Html:
    return tag("section", tag("h2", name), *parts, id=anchor)


def _contents(sections: Sequence[html_sections.Section]) -> Html:
    items = [tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name, _ in sections]
    return tag("nav", tag("ul", *items), aria_label="Sections")
