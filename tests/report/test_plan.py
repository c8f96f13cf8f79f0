"""A runbook to be read: every step is there in every format, with what it does, asks and leads to."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from tests.report.browser import Tab
from tests.report.html_pages import parsed
from tests.report.walked import runbook

from runbook.cli.show import preview_of
from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.report.plan.content import Plan
from runbook.report.plan.html import plan_html
from runbook.report.plan.markdown import plan_markdown
from runbook.report.plan.mermaid import mermaid
from runbook.report.plan.svg import svg
from runbook.report.plan.text import plan_text, rail_text
from runbook.report.plan.wording import plan

ROOT = Path(__file__).resolve().parents[2]
MERMAID = ROOT / ".venv" / "page_checkers" / "package" / "dist" / "mermaid.min.js"
BOOKS = [*sorted((ROOT / "runbooks").rglob("*.yaml")), Path(__file__).with_name("hostile.yaml")]
RUNBOOKS = [path for path in BOOKS if "scenarios" not in path.parts]
PHONE, DESKTOP = 360, 1280
CHANGE = """
runbook: v1
id: change
title: Change something
contacts: [{name: Ana, reach: "pager: ana", when: it fails}]
environments: {staging: {a: b}, production: {a: c}}
roles: {platform: [ana@example.com]}
steps:
  - id: look
    kind: http
    url: https://example.com/health
    expect: status == 200
    retry: {attempts: 3, delay: 2s}
    next: which
    on_fail: reset
  - id: reset
    title: Reset it
    kind: command
    argv: [reset, "--hard"]
    effect: irreversible
    because: nothing remembers the former value
    confirm: {phrase: "reset ${{ environment.name }}", approvals: {count: 1, from: [platform]}}
    guards: [{cooldown: 60m}]
    needs: [{step: look, within: 10m}]
    next: which
    on_fail: over
    on_unknown: over
  - id: which
    kind: choice
    options:
      - {id: a, label: It works, next: done}
      - {id: b, label: It does not, next: over}
  - id: done
    kind: finish
    outcome: resolved
  - id: over
    kind: finish
    outcome: escalated
"""


def planned(path: Path) -> Plan:
    found = load(str(path), KINDS).runbook
    assert found is not None
    return plan(found, preview_of)


@pytest.fixture(scope="module")
def plans() -> Mapping[str, Plan]:
    return {path.stem: planned(path) for path in RUNBOOKS}


@pytest.fixture
def change(tmp_path: Path) -> Plan:
    path = tmp_path / "change.yaml"
    path.write_text(CHANGE)
    return planned(path)


def test_every_step_and_every_way_is_told_in_every_format(plans: Mapping[str, Plan]) -> None:
    for plan_ in plans.values():
        rail = "\n".join(rail_text(plan_, 2_000))
        page = parsed(plan_html(plan_)).text()
        picture = "".join(ET.fromstring(svg(plan_)).itertext())  # noqa: S314 - it is our own
        markdown = plan_markdown(plan_)
        assert [token.content for token in MarkdownIt().parse(markdown) if token.type == "html_block"] == []
        for step in plan_.steps:
            assert f" {step.id}" in rail
            assert page.count(step.id) >= 2
            assert step.id in picture
            assert f"#### {step.number}. " in markdown
            for way in step.ways:
                assert way.default or f"→ {way.target}" in rail or way.plain, (step.id, way)
        for contact in plan_.contacts:
            assert contact.reach in page


def test_no_line_on_a_terminal_is_wider_than_it_even_of_40_columns(plans: Mapping[str, Plan]) -> None:
    for plan_ in plans.values():
        for columns in (40, 80, 110):
            for line in plan_text(plan_, columns):
                assert len("".join(piece for piece, _ in line)) <= columns, line


def test_a_form_and_a_loop_say_on_paper_what_they_take(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    fields = {
        "ticket": {"prompt": "Which ticket?", "pattern": "INC-[0-9]+"},
        "region": {"enum": ["europe", "america"], "required": False},
        "affected": {"type": "integer", "default": 0},
    }
    loop = {"in": "['a', 'b']", "at_once": 2, "max_failures": 1}
    steps = [
        {"id": "form", "kind": "ask", "fields": fields},
        {"id": "all", "kind": "command", "effect": "none", "argv": ["look", "${{ item }}"], "for_each": loop},
        {"id": "done", "kind": "finish", "outcome": "completed", "summary": "${{ steps.all.failed }} failed"},
    ]
    path.write_text(json.dumps({"runbook": "v1", "id": "book", "title": "Book", "steps": steps}))
    shown = plan_markdown(planned(path))
    assert "Which ticket? (ticket, string, matches INC-\\[0-9\\]+)" in shown
    assert "(region, string, one of europe, america, may be left out)" in shown
    assert "(affected, integer, otherwise 0)" in shown
    assert "2 at a time, until more than 1 failed" in shown


def test_what_an_irreversible_step_asks_for_is_said_before_it_can_be_begun(change: Plan) -> None:
    reset = change.steps[1]
    asked = ("type “reset ${{ environment.name }}”", "give a reason", "have 1 of platform approve")
    assert (reset.does, reset.asks) == ("irreversible", asked)
    assert {fact.name: fact.exact + fact.text for fact in reset.facts} == {
        "Needs": "look to have passed, at most 10 min ago",
        "Refused": "within 60m of another start",
        "Cannot be taken back": "nothing remembers the former value",
    }
    for text in (plan_markdown(change), parsed(plan_html(change)).text(), "\n".join(rail_text(change, 300))):
        assert all(part.replace("“", "").split()[0] in text for part in asked)
        assert "irreversible" in text


def test_the_rail_of_a_terminal_has_a_sign_for_each_effect_and_dashes_after_failures(change: Plan) -> None:
    assert [*rail_text(change, 100)] == [
        "●     look",
        "├─╮     → which",
        "┆ │     if it fails → reset",
        "◆ │   reset  Reset it",
        "│ │     irreversible; type “reset ${{ environment.name }}”; give a reason; have 1 of platform",
        "│ │     approve",
        "├╌┼╌╮   if it fails → over",
        "│ │ │   if nobody knows → over",
        "●◂╯ │ which",
        "├───┤   “It does not” → over",
        "│   │   “It works” → done",
        "■   │ done",
        "■◂──╯ over",
    ]


def test_what_walks_another_runbook_has_the_strongest_sign_inside_and_who_approves_there(tmp_path: Path) -> None:
    (tmp_path / "change.yaml").write_text(CHANGE)
    outer = (
        "runbook: v1\nid: outer\ntitle: Outer\nenvironments: {staging: {a: b}, production: {a: c}}\nsteps:\n"
        "  - {id: inner, kind: runbook, path: change.yaml, on_fail: next, next: done}\n"
        "  - {id: done, kind: finish, outcome: completed}\n"
    )
    (tmp_path / "outer.yaml").write_text(outer)
    found = planned(tmp_path / "outer.yaml")
    rail = "\n".join(rail_text(found, 80))
    assert re.search(r"^◆ .*inner\n.*irreversible inside$", rail, re.MULTILINE), rail
    assert [fact.text for fact in found.needs if fact.name == "Role"] == ["ana@example.com"]  # whom to reach for it
    steps = next(fact.text for fact in found.facts if fact.name == "Steps")
    assert steps == "2; none changes anything by itself; the runbooks that are walked inside may change something"


def test_each_value_of_an_environment_stands_on_a_line_of_its_own(change: Plan) -> None:
    text = "\n".join("".join(piece for piece, _ in line) for line in plan_text(change, 80))
    assert "Environment: staging\n  a: b\nEnvironment: production\n  a: c\n" in text
    assert "- Environment `staging`\n  - `a`: `b`\n" in plan_markdown(change)


def test_an_authors_markdown_stays_markdown_and_its_headings_do_not_become_ours(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    said = "A **bold** word\n\n# A heading\n\n- one\n\n<script>x</script> ![i](http://x.example.com) [j](javascript:x)"
    steps = [{"id": "done", "kind": "finish", "outcome": "completed", "description": said}]
    path.write_text(json.dumps({"runbook": "v1", "id": "book", "title": "Book", "description": said, "steps": steps}))
    book = planned(path)
    page = parsed(plan_html(book))
    assert "bold" in page.texts("strong")
    assert {name for name, _ in page.elements} & {"script", "img"} == set()
    hrefs = {attributes["href"] for _, attributes in page.elements if "href" in attributes}
    assert hrefs == {"#step-done", "http://x.example.com"}
    headings = re.findall(r"^#+ .*", plan_markdown(book), re.MULTILINE)
    assert headings == ["# Book", "## The way", "## Steps", "#### 1. Done"]


def test_markdown_leaves_expressions_and_what_is_marked_as_code_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_text(
        "runbook: v1\nid: book\ntitle: Book\nenvironments: {staging: {base: 'https://x.example.com'}}\nsteps:\n"
        "  - {id: ask, kind: http, url: '${{ environment.base }}/a', query: {q: '${{ run.id }}', r: a b}}\n"
        "  - id: which\n    kind: choice\n    options:\n"
        "      - {id: one, label: 'Run `make it so` once', when: 'steps.ask.status == 200 && run.id != \"x y\"'}\n"
        "      - {id: two, label: Nothing, otherwise: true}\n    next: done\n"
        "  - {id: done, kind: finish, outcome: completed}\n"
    )
    shown = plan_markdown(planned(path))
    assert "GET ${{ environment.base }}/a?q=${{ run.id }}&r=a%20b" in shown
    assert '- Run `make it so` once (if `steps.ask.status == 200 && run.id != "x y"`) → Done' in shown


# The command


def test_a_runbook_is_shown_in_each_format_on_stdout_or_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "change.yaml").write_text(CHANGE)
    begins = {"text": "Change something\n", "md": "# Change", "mermaid": "flowchart", "svg": "<svg", "html": "<!DOC"}
    for form, begin in begins.items():
        shown = runbook("show", "change.yaml", "--format", form, cwd=tmp_path)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert shown.stdout.startswith(begin)
        written = runbook("show", "change.yaml", "--format", form, "-o", "out", cwd=tmp_path)
        assert (written.returncode, written.stdout) == (0, "")
        assert (tmp_path / "out").read_text() == shown.stdout


def test_a_wrong_runbook_is_1_with_its_mistakes_and_one_that_is_not_there_2(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(CHANGE.replace("next: done", "next: nowhere"))
    shown = runbook("show", "wrong.yaml", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "RB200" in shown.stderr or "nowhere" in shown.stderr
    missing = runbook("show", "missing.yaml", cwd=tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")


# In a browser


@pytest.fixture(scope="module")
def pages(plans: Mapping[str, Plan], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("plans")
    chosen = [*sorted(plans, key=lambda name: len(plans[name].steps))[-2:], "hostile"]
    for name in chosen:
        (folder / f"{name}.html").write_text(plan_html(plans[name]), encoding="utf-8")
        (folder / f"{name}.svg").write_text(svg(plans[name]), encoding="utf-8")
    return {path.name: path for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_fits_a_phone_loads_nothing_and_the_browser_objects_to_nothing(
    tab: Tab, pages: Mapping[str, Path], *, dark: bool
) -> None:
    for name, path in pages.items():
        for width in (PHONE, DESKTOP):
            tab.show(path, width, dark=dark)
            if path.suffix == ".html":
                assert tab.ask("document.documentElement.scrollWidth") <= width, (name, width)
                jumps = tab.ask(
                    "[...document.querySelectorAll('a[href^=\"#\"]')].every(a => document.querySelector(a.hash))"
                )
                assert jumps, name
            assert tab.requests == [path.as_uri()], name
            assert tab.objections == [], name


def test_what_stands_beside_a_step_of_the_picture_is_within_it(tab: Tab, pages: Mapping[str, Path]) -> None:
    ends = "[...document.querySelectorAll('text')].map(text => [text.getBBox(), text.textContent])"
    wide = "document.documentElement.width.baseVal.value"
    for path in pages.values():
        if path.suffix == ".svg":
            tab.show(path, DESKTOP)
            found = f"{ends}.filter(([box]) => box.x + box.width > {wide}).map(([, said]) => said)"
            assert tab.ask(found) == [], path


def test_the_real_mermaid_draws_every_flowchart(tab: Tab, plans: Mapping[str, Plan], tmp_path: Path) -> None:
    if not MERMAID.is_file():
        pytest.skip(
            "Mermaid is not here; `rm -rf .venv/page_checkers && tools/test_needs` enables this test (it wants npm)"
        )
    (tmp_path / "page.html").write_text(f'<meta charset="utf-8"><script src="{MERMAID.as_uri()}"></script>')
    tab.show(tmp_path / "page.html", DESKTOP)
    for name, each in plans.items():
        said = json.dumps(mermaid(each))
        drawn = tab.ask(f"mermaid.render('drawn', {said}).then(found => found.svg)")
        assert drawn.count("<foreignObject") >= len(each.steps), name
        shown = tab.ask(
            "(s => { const d = new DOMParser().parseFromString(s, 'text/html'); return d.body.textContent; })"
            f"({json.dumps(drawn)})"
        )
        for step in each.steps:
            assert " ".join(step.title.split())[:12] in " ".join(shown.split()), (name, step.title)
