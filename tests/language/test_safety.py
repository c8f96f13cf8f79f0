"""A file that could change something unannounced, unconfirmed or without a way back is refused."""

import pytest
from tests.language.conftest import Load, Said

from runbook.model.runbook import Confirm, Effect

RESTART = "kind: command\nargv: [restart-it, app]"
GO_ON = "undo: {kind: command, argv: [systemctl, stop, app]}"
DROP = "kind: manual\neffect: irreversible\nbecause: It is copied.\ninstructions: Drop it"


@pytest.mark.parametrize(
    "step",
    [
        f"{RESTART}\neffect: none",
        f"{RESTART}\neffect: none\nretry: {{attempts: 3}}",
        f"{RESTART}\neffect: change\n{GO_ON}",
        f"{RESTART}\neffect: change\nundo: none\nbecause: It is restarted.",
        f"{RESTART}\neffect: irreversible\nbecause: There is no other way.",
        f"{RESTART}\neffect: change\n{GO_ON}\nidempotent: true\nretry: {{attempts: 3}}",
        f"{RESTART}\neffect: change\n{GO_ON}\nretry: {{attempts: 1}}",
        f"{RESTART}\neffect: change\n{GO_ON}\nprobe: {{kind: command, argv: [systemctl, status, app]}}",
        f"{DROP}\nconfirm: {{phrase: drop orders}}",
        "kind: http\nurl: https://app.example.com",
        "kind: http\nmethod: HEAD\nurl: https://app.example.com",
        "kind: http\nmethod: POST\nurl: https://app.example.com\neffect: none",
        "kind: http\nurl: https://app.example.com/restart\neffect: change\nundo: none\nbecause: It is restarted.",
        "kind: message\ntext: All is well",
    ],
)
def test_a_step_that_says_what_it_does_is_accepted(step: str, said_of_step: Said) -> None:
    assert said_of_step(step) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (RESTART, "0:1 RB121"),
        ("kind: http\nmethod: POST\nurl: a\nundo: none\nbecause: so", "1:7 RB250"),
        ("kind: env\nrequire: {A: {}}\neffect: change\nundo: none\nbecause: so", "3:9 RB251"),
        (f"{RESTART}\neffect: change", "3:9 RB252"),
        (f"{RESTART}\neffect: change\nbecause: so", "3:9 RB252"),
        (f"{RESTART}\neffect: change\nundo: none", "4:7 RB252"),
        (f"{RESTART}\neffect: change\nundo: none\nbecause: ' '", "4:7 RB252"),
        (f"{RESTART}\neffect: irreversible", "3:9 RB253"),
        (f"{RESTART}\neffect: change\n{GO_ON}\nretry: {{attempts: 2}}", "5:1 RB254"),
        (f"{RESTART}\neffect: change\n{GO_ON}\nidempotent: false\nretry: {{attempts: 2}}", "6:1 RB254"),
        (f"{RESTART}\neffect: none\n{GO_ON}", "4:1 RB255"),
        (f"{RESTART}\neffect: none\nprobe: {{kind: command, argv: [ls]}}", "4:1 RB255"),
        (f"{RESTART}\neffect: none\nnext: done\non_unknown: done", "5:13 RB255"),
        (f"{DROP}\nconfirm: {{phrase: 'yes'}}", "5:19 RB256"),
        (f"{DROP}\nconfirm: {{phrase: ''}}", "5:19 RB256"),
        (f"{DROP}\nconfirm: {{phrase: ' drop'}}", "5:19 RB256"),
        ("kind: command\neffect: none\nscript: ls ${{ run.id }}", "3:9 RB257"),
        (f"{RESTART}\neffect: change\nundo: {{kind: http, url: a}}", "4:14 RB258"),
    ],
)
def test_what_is_not_safe_gives_one_diagnostic_at_its_place(step: str, expected: str, said_of_step: Said) -> None:
    (line,) = said_of_step(step)
    assert line.startswith(f"{expected} ")


def test_a_script_in_the_defaults_holds_no_expression_either(said: Said) -> None:
    text = """runbook: v1
id: test
defaults:
  command: {script: "ls ${{ run.id }}"}
steps:
  - id: it
    kind: command
    effect: none
  - id: done
    kind: finish
    outcome: resolved
"""
    assert [line.split(" | ")[0] for line in said(text)] == ["4:21 RB257 `script` cannot hold `${{ }}`"]


@pytest.mark.parametrize(
    ("environments", "confirm", "phrase"),
    [
        ("", "", "it"),
        ("environments: {staging: {a: 1}}\n", "", "${{ environment.name }}"),
        ("environments: {staging: {a: 1}}\n", "\n    confirm: {phrase: drop orders}", "drop orders"),
        ("environments: {staging: {a: 1}}\n", "\n    confirm: {expires: 5m}", "${{ environment.name }}"),
    ],
)
def test_no_key_weakens_what_an_irreversible_step_asks(
    environments: str, confirm: str, phrase: str, load_text: Load
) -> None:
    loaded = load_text(f"""runbook: v1
id: test
{environments}steps:
  - id: it
    kind: manual
    effect: irreversible
    because: It is copied.
    instructions: Drop it{confirm}
  - id: done
    kind: finish
    outcome: resolved
""")
    assert loaded.runbook is not None
    asked = loaded.runbook.steps[0].confirm
    assert asked is not None
    assert (asked.phrase, asked.reason) == (phrase, True)


def test_a_changing_step_asks_what_the_file_says(load_text: Load) -> None:
    loaded = load_text("""runbook: v1
id: test
steps:
  - id: it
    kind: http
    method: POST
    url: https://app.example.com
    effect: change
    undo: none
    because: so
    confirm: {reason: required}
  - id: done
    kind: finish
    outcome: resolved
""")
    assert loaded.runbook is not None
    assert loaded.runbook.steps[0].effect is Effect.CHANGE
    assert loaded.runbook.steps[0].confirm == Confirm(reason=True)
