"""The page of HTML: what it says of a run, and that nothing in that run becomes anything but text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.html_pages import assert_inert, first_words, parsed
from tests.report.walked import SECRET, Hostile, rehearsed, report, walked

from runbook.audit.escapes import inert
from runbook.report.html import page
from runbook.report.json_form import from_json
from runbook.report.tags import code, paragraphs, prose, tag, text

ROOT = Path(__file__).resolve().parents[2]
NASTY = [
    *(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "javascript:alert(1)",
        "</pre>",
        "</title>",
        "]]>",
    ),
    *(
        "{{x}}",
        "<!--",
        "--><b>",
        "<![CDATA[",
        "&lt;b&gt;",
        "&#60;",
        "' onload='x",
        "`<i>`",
        "**<b>**",
        "</style><script>",
    ),
    *("\u202egnp.exe", "a\x00b", "\x1b]0;t\x07", "\ufffe", "\ud800", "</svg><foreignObject>", "</details></main>"),
]


@pytest.mark.reliability
def test_h2_hostile_texts_are_texts_on_the_page(hostile: Hostile) -> None:
    assert_inert(hostile.html)
    assert_inert(page(from_json(hostile.json)))
    words = parsed(hostile.html).text()
    for expected in [
        "Look at @oncall <script>alert(1)</script>",
        "INC-7 <script>x</script> | @channel",
        "<img src=x onerror=alert(1)> #12 ![](http://x.example.com) [a](javascript:b)",
        "seen at http://graphs.example.com/x?y=1 <b>",
        "</details>\n",
        "␛]0;owned␇ ␛[31mred␛[0m\n",
    ]:
        assert expected in words


@pytest.mark.reliability
@given(said=st.one_of(st.sampled_from(NASTY), st.text()), around=st.sampled_from(NASTY))
def test_h2_no_text_is_more_than_that_text(said: str, around: str) -> None:
    made = tag("p", said, code(around), prose(said), paragraphs(around), text(said), title=said, data_label=around)
    found = parsed(made)
    assert {name for name, _ in found.elements} <= {"p", "code", "br"}
    assert found.strange == []
    assert found.elements[0][1].keys() == {"title", "data-label"}
    if not re.search("[\ufdd0-\ufdef\ufffe\uffff]|[^\0-\uffff]", said):
        assert found.elements[0][1]["title"] == inert(said)
        assert found.text().startswith(inert(said))


@pytest.mark.reliability
def test_d1_a_secret_is_on_the_page_by_name_only(hostile: Hostile) -> None:
    assert SECRET not in hostile.html
    assert "[MASKED:token]" in hostile.html
    assert "Secrettoken, read for look" in parsed(hostile.html).text()


def test_the_first_screen_says_how_it_ended_and_what_is_left(hostile: Hostile) -> None:
    screen = first_words(hostile.html)
    assert screen.startswith(
        "Incident report · INC-7|`x` LIVE The *shop* is down | @everyone ![x](http://img.example.com/t.png) Mitigated "
    )
    assert " in production , walked by ana@example.com, then ben@example.com . It is *over*, @channel." in screen
    assert " Left changed Mend it Deviations 1 Log valid: complete" in screen
    assert " Still open The second thing: no The third thing: not verified " in screen


def test_every_section_is_there_that_has_something_to_say(hostile: Hostile) -> None:
    assert parsed(hostile.html).texts("h2") == [
        *("Still open", "Where the time went", "Timeline", "The path through the runbook"),
        *("What was changed, and is left so", "Decisions", "Deviations from the runbook", "Handed over"),
        *("Communication", "Hypotheses", "Notes", "Checklists", "Every step", "The run", "The log"),
    ]


def test_the_page_of_a_small_run_has_no_empty_section(tmp_path: Path) -> None:
    steps = "runbook: v1\nid: small\ntitle: Small\nsteps:\n  - {id: over, kind: finish, outcome: completed}\n"
    walked(tmp_path, steps)
    found = parsed(report(tmp_path, "--format", "html"))
    assert found.texts("h2") == ["Timeline", "The path through the runbook", "Every step", "The run", "The log"]
    assert "Left changednothingDeviationsnone" in found.text()


def test_an_option_is_named_by_what_it_says(tmp_path: Path) -> None:
    """As the operator read it; of a choice that nobody came to as the file has it. In a fold its id too."""
    steps = """\
runbook: v1
id: small
title: Small
steps:
  - id: way
    kind: choice
    options:
      - {id: failed, label: "It is down, says ${{ run.mode }}", next: over}
      - {id: well, label: It is well, next: later}
  - {id: later, kind: choice, options: [{id: one, label: "One <b>", next: over}, {id: two, label: Two, next: over}]}
  - {id: over, kind: finish, outcome: completed}
"""
    walked(tmp_path, steps, "answers:\n  - {step: way, choose: failed}\n")
    made = report(tmp_path, "--format", "html")
    assert_inert(made)
    words = parsed(made).text()
    assert "“It is down, says live” → Over “It is well” → Later" in words
    assert "“One <b>” → Over “Two” → Over" in words
    assert "“It is down, says live” (option:failed) from way" in words
    assert "“It is down, says live” (`option:failed`) from `way`" in report(tmp_path)


def test_all_looks_of_a_wait_are_one_time(tmp_path: Path) -> None:
    until = "until: {kind: command, argv: [test, -e, there]}, every: 30s"
    steps = f"runbook: v1\nid: small\ntitle: Small\nsteps:\n  - {{id: calm, title: Calm, kind: wait, {until}}}\n"
    (tmp_path / "small.yaml").write_text(steps + "  - {id: over, kind: finish, outcome: completed}\n")
    world = "world: {calm.until: [{exit_code: 1}, {exit_code: 1}, {exit_code: 0}]}\n"
    scenario = tmp_path / "calm.yaml"
    scenario.write_text(f"scenario: v1\nrunbook: small.yaml\ntitle: Calm\nclock: simulated\n{world}")
    rehearsed(tmp_path, scenario)
    found = parsed(report(tmp_path, "--format", "html")).text()
    assert found.count("waiting: Calm") == 1
    assert re.search(r"1 min\s*waiting: Calm", found)


def test_the_page_of_a_drill_shows_inner_graphs_approvals_and_the_walked_path(tmp_path: Path) -> None:
    rehearsed(tmp_path, ROOT / "runbooks" / "scenarios" / "outage_deployment.yaml")
    made = report(tmp_path, "--format", "html")
    assert_inert(made)
    found = parsed(made)
    assert "Roll back a revision within roll_back" in found.texts("h3")
    assert "trainee asked 1 of platform to approve it, until " in found.text()
    assert "approved ben@example.com" in found.text()
    assert re.search(
        r"## Approvals\n\n- .* 1 of platform to approve it, until .*\n  - .* `ben@example.com`: approved\n",
        report(tmp_path),
    )
    classes = [str(attributes.get("class")) for name, attributes in found.elements if name in {"path", "line"}]
    assert "way walked" in classes
    assert "way" in classes
    assert any("fails" in name for name in classes)


def test_times_are_shown_in_another_zone_too(hostile: Hostile) -> None:
    made = report(hostile.folder, "--format", "html", "--zone", "Asia/Kolkata")
    assert_inert(made)
    assert "Every event, in UTC and Asia/Kolkata" in parsed(made).text()
    assert made.count('class="axis-name"') == 2
    assert made != hostile.html
