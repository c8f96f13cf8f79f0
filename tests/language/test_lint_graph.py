"""A graph that somebody could not walk to a finish is refused, with the steps it is about named."""

from collections.abc import Callable

import pytest

from runbook.kinds.registry import KINDS
from runbook.language.flow import Flow
from runbook.language.lint_graph import lint_graph
from runbook.language.source import parse
from runbook.model.diagnostics import Span
from runbook.model.runbook import Effect, Runbook, Step

Said = Callable[[str], list[str]]
LOST = "name it in the `next`, `on_fail` or option of another step, or take it away"
LAST = "{id: done, kind: finish, outcome: resolved}"
HANDLER = "{id: escalate, kind: finish, outcome: escalated}"


@pytest.fixture
def graph(said: Said) -> Callable[..., list[str]]:
    """What is said about a graph: each line is a step in flow style; ``http`` and ``ask`` stand for whole steps."""

    def lines(*steps: str, top: str = "") -> list[str]:
        written = [step.replace("http", "kind: http, url: 'https://example.com'") for step in steps]
        written = [step.replace("person", "kind: gate, question: Ready") for step in written]
        text = "runbook: v1\nid: test\n" + (top + "\n" if top else "") + "steps:\n"
        return said(text + "".join(f"  - {step}\n" for step in written))

    return lines


Graph = Callable[..., list[str]]


@pytest.mark.reliability
def test_f8_an_unknown_target_is_named_with_what_was_meant(graph: Graph) -> None:
    assert graph("{id: check, http, next: dnoe, on_fail: escalte}", LAST, HANDLER, top="on_fail: escalat") == [
        "3:10 RB201 `on_fail` of the runbook names no step: `escalat` | did you mean `escalate`?",
        "5:63 RB201 `next` of `check` names no step: `dnoe` | did you mean `done`?",
        "5:78 RB201 `on_fail` of `check` names no step: `escalte` | did you mean `escalate`?",
    ]


@pytest.mark.reliability
def test_f8_an_id_that_two_steps_have_is_said_at_the_second_and_names_the_first(graph: Graph) -> None:
    assert graph("{id: check, http}", "{id: check, http}", LAST) == [
        "5:10 RB200 the id `check` is taken by the step in line 4 | give one of the two another id"
    ]


@pytest.mark.reliability
def test_f8_a_step_that_nothing_leads_to_is_said_once_for_all_behind_it(graph: Graph) -> None:
    assert graph("{id: check, http, next: done}", "{id: lost, http}", "{id: too, http, next: done}", LAST) == [
        f"5:10 RB202 nothing leads to `lost` | {LOST}"
    ]
    assert graph("{id: check, http, next: done}", "{id: a, http, next: b}", "{id: b, http, next: a}", LAST) == [
        f"5:10 RB202 nothing leads to `a` | {LOST}"
    ]


@pytest.mark.reliability
def test_f8_a_step_that_leads_to_itself_is_refused(graph: Graph) -> None:
    retry = "| use `retry` to try it again, or the `until` of a `wait` to wait for it"
    assert graph("{id: check, http, next: done, on_fail: check}", LAST) == [
        f"4:78 RB207 `on_fail` of `check` leads back to itself {retry}"
    ]


@pytest.mark.reliability
def test_f8_a_cycle_without_a_bound_is_named(graph: Graph) -> None:
    bound = "give one of its steps `max_visits`, or put a person or a `wait` with a limit into it"
    assert graph("{id: check, http, next: done, on_fail: fix}", "{id: fix, http, next: check}", LAST) == [
        f"4:10 RB206 nothing bounds the cycle check → fix → check | {bound}"
    ]


MACHINE = "{id: a, label: A, when: run.mode == 'live', next: check}"
CYCLE = ("{id: check, http, next: done, on_fail: fix}", LAST)


@pytest.mark.parametrize(
    "fix",
    [
        "{id: fix, person, next: check, on_fail: check}",
        "{id: fix, kind: wait, for: 10s, next: check}",
        "{id: fix, kind: wait, until: {http}, timeout: 5m, next: check}",
        "{id: fix, http, max_visits: 3, next: check}",
        "{id: fix, http, method: POST, effect: change, undo: none, because: x, next: check}",
        "{id: fix, http, confirm: {reason: required}, next: check}",
        "{id: fix, kind: choice, options: [{id: again, label: Again, next: check}, {id: no, label: No, next: done}]}",
    ],
)
def test_a_person_a_bounded_wait_or_max_visits_bound_a_cycle(graph: Graph, fix: str) -> None:
    assert graph(CYCLE[0], fix, LAST) == []


@pytest.mark.parametrize(
    "fix",
    [
        "{id: fix, kind: wait, until: {http}, next: check}",
        f"{{id: fix, kind: choice, options: [{MACHINE}, {{id: b, label: B, otherwise: true}}], next: done}}",
    ],
)
def test_a_wait_without_a_limit_and_a_choice_of_the_machine_bound_none(graph: Graph, fix: str) -> None:
    assert ["RB206" in line for line in graph(CYCLE[0], fix, LAST) if "RB274" not in line] == [True]


def test_a_step_that_says_where_failing_leads_says_where_passing_leads(graph: Graph) -> None:
    assert graph("{id: check, http, on_fail: escalate}", LAST, HANDLER) == [
        "4:66 RB203 `check` says where `on_fail` leads and not where passing leads | write `next: done` beside it"
    ]
    assert graph("{id: check, http, next: done, on_fail: next}", LAST) == []


def test_running_on_into_the_target_of_another_step_is_written(graph: Graph) -> None:
    fall = graph("{id: check, http, next: done, on_fail: fix}", "{id: more, person}", "{id: fix, person}", LAST)
    assert [line for line in fall if "RB204" in line] == [
        "5:10 RB204 `more` runs on into `fix`, which `check` jumps to | write `next: fix`, or where else it leads",
        "6:10 RB204 `fix` runs on into `done`, which `check` jumps to | write `next: done`, or where else it leads",
    ]
    assert graph("{id: check, http}", "{id: more, http}", HANDLER, top="on_fail: escalate") == [
        (
            "6:10 RB204 `more` runs on into `escalate`, which the runbook's `on_fail` jumps to"
            " | write `next: escalate`, or where else it leads"
        )
    ]


def test_every_path_ends_in_a_finish(graph: Graph) -> None:
    assert graph(LAST.replace("done", "first"), "{id: check, http}") == [
        f"5:10 RB202 nothing leads to `check` | {LOST}",
        "5:10 RB205 nothing comes after `check`, and it is no finish | add a step of kind `finish`",
    ]
    assert graph("{id: a, person, next: b}", "{id: b, person, next: a}") == [
        "4:10 RB205 no path from `a` ends in a finish | lead one of these steps to a `finish`"
    ]


def test_a_choice_whose_options_all_lead_somewhere_needs_nothing_below(graph: Graph) -> None:
    choice = "{id: which, kind: choice, options: [{id: a, label: A, next: done}, {id: b, label: B%s}]}"
    assert graph(LAST.replace("done", "early"), HANDLER)[0].startswith("5:10 RB202")
    assert graph("{id: check, http, next: which}", LAST.replace("done", "x"), "{id: y, http, next: x}")[0].startswith(
        "4:"
    )
    assert graph("{id: check, http, next: which}", LAST, choice % ", next: done") == []
    assert graph("{id: check, http, next: which}", LAST, choice % "") == [
        "6:10 RB205 nothing comes after `which`, and it is no finish | add a step of kind `finish`"
    ]
    assert graph(choice.replace("label: B%s", "label: B, next: dnoe"), LAST) == [
        "4:96 RB201 `next` of `which` names no step: `dnoe` | did you mean `done`?"
    ]


def test_a_need_names_a_step_that_can_have_run(graph: Graph) -> None:
    steps = ("{id: check, http, next: done, on_fail: fix}", "{id: fix, person, next: last}")
    (said,) = graph(
        *steps, LAST.replace("}", ", needs: [check, {step: fix, within: 5m}]}"), LAST.replace("done", "last")
    )
    assert said == (
        "6:71 RB208 `done` needs `fix`, which can never have run before it"
        " | need a step on the way to `done`, or lead through this one"
    )
    assert graph("{id: check, http}", LAST.replace("}", ", needs: [chekc]}")) == [
        "5:57 RB201 `done` needs a step that does not exist: `chekc` | did you mean `check`?"
    ]


def test_the_handler_may_be_what_comes_next(graph: Graph) -> None:
    assert graph("{id: check, http}", "{id: more, http}", LAST, top="on_fail: next") == []


def long_runbook(count: int) -> Runbook:
    span = Span(1, 1, 1, 2)
    steps = [
        Step(
            id=f"s{number}",
            kind="http",
            title="",
            span=span,
            effect=Effect.NONE,
            fields={"url": "u"},
            next=f"s{number + 1}",
            on_fail=f"s{number // 2}" if number % 2 else None,
            max_visits=3,
        )
        for number in range(count)
    ]
    last = Step(id=f"s{count}", kind="finish", title="", span=span, effect=Effect.NONE, fields={"outcome": "resolved"})
    return Runbook(id="long", title="", steps=(*steps, last))


def test_twenty_thousand_steps_with_ten_thousand_cycles_are_judged_without_recursion() -> None:
    document = parse("runbook: v1\n", "f")
    runbook = long_runbook(20_000)
    flow = Flow(runbook, KINDS)
    assert list(lint_graph(runbook, document, KINDS, flow)) == []
    assert flow.certain("s0", "s20000")
    assert not flow.certain("s19999", "s1")
