"""Where failures end: an outcome without an edge, a cycle whose bound is skipped, an end without anybody to call."""

import pytest
from tests.language.conftest import Load

HEAD = """runbook: v1
id: test
environments:
  staging: {limit: 1}
  production: {limit: 2}
"""
ENDS = """
  - {id: done, kind: finish, outcome: resolved}
  - {id: escalate, kind: finish, outcome: escalated}
contacts: [{name: On-call, reach: pager}]
"""
LOOK = "kind: http, url: https://example.com"


def told(load_text: Load, *steps: str, top: str = "", ends: str = ENDS) -> list[str]:
    """Each code and what is in the message's first backticks."""
    text = HEAD + top + "steps:" + "".join(f"\n  - {step}" for step in steps) + ends
    return [
        f"{each.code.number} {each.message.partition('`')[2].partition('`')[0]}" for each in load_text(text).diagnostics
    ]


def choice(*conditions: str) -> str:
    options = [
        f"{{id: o{number}, label: L, {condition}, next: {'done' if number else 'escalate'}}}"
        for number, condition in enumerate(conditions)
    ]
    return f"{{id: which, kind: choice, options: [{', '.join(options)}]}}"


@pytest.mark.parametrize(
    "conditions",
    [
        ("when: environment.limit < 2", "otherwise: true"),
        ("when: environment.limit < 2", "when: environment.limit >= 2"),
        ("when: environment.limit == 2", "when: environment.limit != 2"),
        ("when: run.mode == 'dry'", "when: \"!(run.mode == 'dry')\""),
        ("when: environment.name == 'staging'", "when: environment.name == 'production'"),
        ("when: environment.limit < 2", "when: 'true'"),
        ("when: environment.limit < 2", "help: A person chooses"),
    ],
)
def test_a_choice_in_which_something_is_always_true_leads_somewhere(
    conditions: tuple[str, ...], load_text: Load
) -> None:
    assert told(load_text, choice(*conditions)) == []


@pytest.mark.parametrize(
    "conditions",
    [
        ("when: environment.limit < 2", "when: environment.limit > 2"),
        ("when: environment.name == 'staging'", "when: environment.name == 'stagin'"),
    ],
)
def test_a_choice_of_the_machine_in_which_nothing_may_be_true_leads_nowhere(
    conditions: tuple[str, ...], load_text: Load
) -> None:
    assert told(load_text, choice(*conditions)) == ["RB273 which"]
    assert told(load_text, choice(*conditions), top="on_fail: escalate\n") == []


def test_a_handler_of_the_machine_says_where_its_own_failure_leads(load_text: Load) -> None:
    steps = (f"{{id: look, {LOOK}, next: done}}", f"{{id: tell, {LOOK}, next: escalate}}")
    assert told(load_text, *steps, top="on_fail: tell\n") == ["RB273 tell"]
    steps = (steps[0], steps[1].replace("next:", "on_fail: next, next:"))
    assert told(load_text, *steps, top="on_fail: tell\n") == []


def test_a_handler_that_a_person_performs_is_left_to_the_person(load_text: Load) -> None:
    steps = (f"{{id: look, {LOOK}, next: done}}", "{id: tell, kind: gate, question: Is it told, next: escalate}")
    assert told(load_text, *steps, top="on_fail: tell\n") == []


def test_a_file_without_any_on_fail_leaves_failures_to_the_operator(load_text: Load) -> None:
    assert (
        told(load_text, f"{{id: look, {LOOK}, on_fail: escalate, next: more}}", f"{{id: more, {LOOK}, next: done}}")
        == []
    )


PAUSE = "id: pause, kind: wait, for: 30s, next: look"
SEE = f"{{id: look, {LOOK}, next: done, on_fail: pause"


def test_a_bound_that_may_be_skipped_bounds_nothing(load_text: Load) -> None:
    skipped = f"{{{PAUSE}, when: environment.limit == 2}}"
    assert told(load_text, SEE + "}", skipped)[:1] == ["RB282 pause"]
    assert told(load_text, SEE + ", max_visits: 3}", skipped)[:1] != ["RB282 pause"]
    assert told(load_text, SEE + "}", f"{{{PAUSE}, max_visits: 3, when: environment.limit == 2}}")[:1] != [
        "RB282 pause"
    ]
    assert "RB282 pause" not in told(load_text, SEE + "}", f"{{{PAUSE}}}")


def test_a_checklist_that_a_machine_looks_through_bounds_no_cycle(load_text: Load) -> None:
    items = "items: [{id: a, title: A, check: {kind: http, url: https://example.com}}]"
    step = f"{{id: pause, kind: checklist, {items}, next: look}}"
    assert [line[:5] for line in told(load_text, SEE + "}", step)] == ["RB206", "RB202"]
    assert [line[:5] for line in told(load_text, SEE + "}", step.replace("}]", "}, {id: b, title: B}]"))] == ["RB202"]


@pytest.mark.parametrize(
    ("outcome", "codes"), [("escalated", ["RB279 end"]), ("failed", ["RB279 end"]), ("aborted", [])]
)
def test_who_is_called_is_asked_of_ends_that_hand_over(outcome: str, codes: list[str], load_text: Load) -> None:
    end = f"\n  - {{id: end, kind: finish, outcome: {outcome}}}\n"
    assert told(load_text, f"{{id: look, {LOOK}}}", ends=end) == codes
    assert told(load_text, f"{{id: look, {LOOK}}}", ends=end + "contacts: [{name: On-call, reach: pager}]\n") == []
