"""What a warning points out can be allowed where it stands, with a reason; nothing else can, and nothing silently."""

import pytest
from tests.language.conftest import Load, Said

LOOK = "    kind: command\n    effect: none\n    argv: [kubectl, delete, pods]"
STEPS = f"""runbook: v1
id: test
steps:
  - id: first
{LOOK}
  - id: second
{LOOK}
  - id: done
    kind: finish
    outcome: resolved
"""
ALLOW = "# runbook: allow RB277 because the sandbox is made anew"


def codes(load_text: Load, text: str) -> list[tuple[str, int]]:
    """The code and the line of all that is said."""
    return [(each.code.number, each.span.line if each.span else 0) for each in load_text(text).diagnostics]


def test_without_a_comment_both_are_told(load_text: Load) -> None:
    assert codes(load_text, STEPS) == [("RB277", 7), ("RB277", 11)]


@pytest.mark.parametrize(
    ("there", "left"),
    [
        ("    argv: [kubectl, delete, pods]  {}\n  - id: second", ["second"]),
        ("    {}\n    argv: [kubectl, delete, pods]\n  - id: second", ["second"]),
        ("    {}\n\n    # and more\n    argv: [kubectl, delete, pods]\n  - id: second", ["second"]),
        ("    argv: [kubectl, delete, pods]\n  {}\n  - id: second", ["first"]),
        ("    argv: [kubectl, delete, pods]\n  - id: second  {}", ["first"]),
    ],
)
def test_a_comment_speaks_of_its_line_of_the_next_one_or_of_the_step(
    there: str, left: list[str], load_text: Load
) -> None:
    text = STEPS.replace("    argv: [kubectl, delete, pods]\n  - id: second", there.format(ALLOW), 1)
    assert [each.message.split("`")[1] for each in load_text(text).diagnostics] == left


def test_on_the_first_line_a_comment_speaks_of_the_whole_file(load_text: Load) -> None:
    assert codes(load_text, STEPS.replace("runbook: v1", f"runbook: v1  {ALLOW}")) == []
    assert codes(load_text, f"# A page\n{ALLOW}\n\n{STEPS}") == []


def test_several_codes_stand_behind_one_word(load_text: Load) -> None:
    both = ALLOW.replace("RB277", "RB274, RB277")
    text = STEPS.replace("id: first", f"id: first  {both}")
    assert [code for code, _ in codes(load_text, text)] == ["RB288", "RB277"]


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("# runbook: allow RB277", "RB285"),
        ("# runbook: allow RB277 because", "RB285"),
        ("# runbook: allow RB277 because  ", "RB285"),
        ("# runbook: allow", "RB285"),
        ("# runbook: allow because it only lists", "RB285"),
        ("# runbook: allow all because I said so", "RB285"),
        ("# runbook: ignore RB277 because it only lists", "RB285"),
        ("# runbook: disable=RB277", "RB285"),
        ("# runbook: allow RB278 because it only lists", "RB288"),
        ("# runbook: allow RB977 because it only lists", "RB286"),
        ("# runbook: allow RB410 because it is no code of the checker", "RB286"),
        ("# runbook: allow RB252 because it only lists", "RB287"),
        ("# runbook: allow RB288 because it only lists", "RB287"),
    ],
)
def test_a_comment_that_allows_nothing_is_told_beside_what_it_does_not_allow(
    comment: str, code: str, load_text: Load
) -> None:
    assert sorted(codes(load_text, STEPS.replace("id: first", f"id: first  {comment}"))) == sorted(
        [(code, 4), ("RB277", 7), ("RB277", 11)]
    )


@pytest.mark.parametrize(
    "line",
    [
        "# runbook: v1",
        "# runbook: ../other.yaml",
        "# a runbook: allow me",
        'title: "# runbook: allow RB277 because quoted"',
        f"description: |\n  Text\n  {ALLOW}",
    ],
)
def test_what_is_no_such_comment_is_none(line: str, load_text: Load) -> None:
    text = STEPS.replace("id: test\n", f"id: test\n{line}\n")
    assert [code for code, _ in codes(load_text, text)] == ["RB277", "RB277"]


def test_a_comment_behind_a_script_is_read_and_one_in_it_is_not(load_text: Load) -> None:
    step = "    kind: command\n    effect: none\n    script: |\n      kubectl delete pods\n"
    inside = STEPS.replace(LOOK + "\n", step + f"      {ALLOW}\n", 1)
    behind = STEPS.replace(LOOK + "\n", step, 1).replace("  - id: second", f"  {ALLOW}\n  - id: second")
    assert codes(load_text, inside) == [("RB277", 8), ("RB277", 13)]
    assert codes(load_text, behind) == [("RB277", 8)]


def test_of_a_file_with_errors_no_comment_is_called_idle_for_not_all_is_known(said: Said) -> None:
    text = STEPS.replace("id: first", "id: first  # runbook: allow RB279 because it is known").replace("pods]", "pods")
    assert not any("RB288" in line for line in said(text))


def test_an_error_is_told_whatever_a_comment_says_and_the_file_is_not_walked(load_text: Load) -> None:
    text = STEPS.replace(
        "    outcome: resolved", "    outcome: resolved\n    timeout: 5s  # runbook: allow RB134 because"
    )
    loaded = load_text(text.replace("because", "because it does no harm"))
    assert {"RB134", "RB287"} <= {each.code.number for each in loaded.diagnostics}
    assert loaded.runbook is None
