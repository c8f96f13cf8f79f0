"""A runbook as one page of HTML that needs nothing else: its graph as a rail, below it every step in full.

What the author wrote as Markdown is rendered by markdown-it, without raw HTML; all else is text (see
:mod:`runbook.report.tags`). The page makes no request and holds no script.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt

from runbook.audit.escapes import inert
from runbook.report.page import document
from runbook.report.plan.content import Block, Exact, Fact, Item, Items, Plan, PlannedStep, Said
from runbook.report.plan.words import Drawing, about
from runbook.report.rail import Row
from runbook.report.tags import Html, code, facts, joined, prose, tag


def plan_html(plan: Plan) -> str:
    """The runbook as a page."""
    body = tag("main", *_parts(plan), class_="plan")
    return document(plan.title, body, styles=("style.css", "plan/plan.css"))


def _parts(plan: Plan) -> Iterator[Html]:
    yield tag("header", tag("p", "Runbook · ", code(plan.id), class_="eyebrow"), tag("h1", plan.title))
    if plan.description.strip():
        yield tag("div", _authors(plan.description), class_="said lede-like")
    if plan.symptoms:
        symptoms = [tag("li", prose(symptom)) for symptom in plan.symptoms]
        yield tag("section", tag("h2", "Users see"), tag("ul", *symptoms), class_="open", id="symptoms")
    yield facts([(fact.name, _fact(fact)) for fact in plan.facts if fact.name != "Id"], "facts")
    if plan.contacts:
        rows = [(contact.name, contact.reach, contact.when) for contact in plan.contacts]
        yield _section("contacts", "Whom to call", _table(("Who", "How", "When"), rows))
    yield _section("way", "The way through", *_rail(plan))
    if plan.needs:
        pairs = [(fact.name, _need(fact)) for fact in plan.needs]
        yield _section("needs", "What must be at hand", facts(pairs, "particulars"))
    if plan.links:
        links = [tag("li", _link(link.title, link.url)) for link in plan.links]
        yield _section("links", "Links", tag("ul", *links))
    if plan.reminders:
        yield _section("reminders", "Reminders", tag("ul", *(tag("li", prose(said)) for said in plan.reminders)))
    yield _section("steps", "Every step", *_steps(plan))


def _rail(plan: Plan) -> Iterator[Html]:
    drawing = Drawing(plan)
    rows = []
    for step, row in drawing.rows():
        lines = tag("svg", *drawing.lines(step), class_="lines", width=drawing.width, aria_hidden="true")
        rows.append(tag("li", lines, _words(drawing, step, row)))
    yield tag("ol", *rows, class_=f"rail w{drawing.rail.width}")
    if plan.handler is not None:
        said = joined(["A step that fails and names no other way leads to ", code(plan.handler), "."])
        yield tag("p", said, class_="caption")
    legend = "Circle: reads or asks. Triangle: changes something. Square: ends. Dashed: taken after a failure."
    yield tag("p", legend, class_="caption")


def _words(drawing: Drawing, step: PlannedStep, row: Row) -> Html:
    title = tag("div", tag("a", step.title, href=f"#step-{step.id}"), class_="what")
    asks = tag("span", f" {about(step)}", class_=f"effect {step.effect.value}") if about(step) else Html()
    second = tag("div", code(step.id), f" {step.kind}" if step.kind != step.id else "", asks, class_="about")
    ways = [
        part
        for way in drawing.told(step, row)
        for part in (tag("span", drawing.way(way), class_="way fails" if way.fails else "way"), Html(" "))
    ]
    third = tag("div", *ways, class_="ways") if ways else Html()
    return tag("div", title, second, third, class_="words")


def _steps(plan: Plan) -> Iterator[Html]:
    titles = {step.id: step.title for step in plan.steps}
    section = ""
    for step in plan.steps:
        if step.section and step.section != section:
            yield tag("h3", step.section, class_="part")
        section = step.section
        yield tag("article", *_step(step, titles), id=f"step-{step.id}", class_=f"step {step.effect.value}")


def _step(step: PlannedStep, titles: dict[str, str]) -> Iterator[Html]:
    number = tag("span", str(step.number), class_="number")
    yield tag("h4", number, " ", step.title)
    does = [" ", tag("span", step.does, class_="word odd" if step.effect.value == "change" else "word bad")]
    yield tag("p", code(step.id), f" {step.kind}", *(does if step.does else []), class_="about")
    if step.description.strip():
        yield _authors(step.description)
    if step.asks:
        yield tag("p", "Before it starts: ", prose("; ".join(step.asks)), ".", class_="asks")
    for block in step.blocks:
        yield from _block(block, titles)
    if step.facts:
        yield facts([(fact.name, _fact(fact)) for fact in step.facts], "particulars")
    ways = [
        tag(
            "li",
            f"{way.words} → ",
            tag("a", titles.get(way.target, way.target), href=f"#step-{way.target}"),
            class_="fails" if way.fails else None,
        )
        for way in step.ways
        if not way.default and not way.option
    ]
    if ways:
        yield tag("ul", *ways, class_="onward")


def _block(block: Block, titles: dict[str, str]) -> Iterator[Html]:
    if block.label:
        yield tag("p", block.label, class_="label")
    match block:
        case Said(text=text):
            yield _authors(text)
        case Exact(text=text):
            yield tag("pre", text)
        case Items(items=items):
            rows = [tag("li", *_item(item, titles), class_="box" if item.box else None) for item in items]
            yield tag("ul", *rows, class_="boxes")


def _item(item: Item, titles: dict[str, str]) -> Iterator[Html]:
    yield prose(item.text)
    if item.target:
        yield joined([" → ", tag("a", titles.get(item.target, item.target), href=f"#step-{item.target}")])
    if item.note:
        yield tag("span", prose(item.note), class_="note")


def _need(fact: Fact) -> Html:
    within = [tag("li", prose(name), ": ", code(value)) for name, value in fact.parts]
    return joined([code(fact.exact), " ", tag("ul", *within) if within else prose(fact.text)])


def _fact(fact: Fact) -> Html:
    exact = code(fact.exact) if fact.exact else Html()
    between = ": " if fact.exact and fact.text and fact.text[0] not in ", " else ""
    return joined([exact, between, prose(fact.text)])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    names = tag("tr", *(tag("th", name, scope="col") for name in head))
    cells = [
        tag("tr", *(tag("td", prose(cell), data_label=name) for name, cell in zip(head, row, strict=True)))
        for row in rows
    ]
    return tag("table", tag("thead", names), tag("tbody", *cells))


def _link(title: str, url: str) -> Html:
    """A link, where it is one that a page may follow; else its text."""
    if url.startswith(("https://", "http://")):
        return tag("a", title, href=url, rel="noreferrer")
    return joined([title, " ", code(url)])


def _section(anchor: str, name: str, *parts: Html) -> Html:
    return tag("section", tag("h2", name), *parts, id=anchor)


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _authors(text: str) -> Html:
    """What the author wrote as Markdown. markdown-it escapes all text, and follows no link that is a script."""
    renderer = _renderer()
    tokens = renderer.parse(inert(text).strip())
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h5"
    return tag("div", Html(renderer.renderer.render(tokens, renderer.options, {})), class_="said")
