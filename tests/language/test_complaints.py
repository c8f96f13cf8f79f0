"""One right complaint for each mistake, at its place, with one thing to do next."""

import json

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from tests.language.conftest import Load, Said

from runbook.kinds.registry import KINDS
from runbook.language.schema import compose
from runbook.language.source import parse
from runbook.language.validation import validate_runbook
from runbook.model.canonical import Json

HTTP = "kind: http\nurl: https://app.example.com"
RAN = "kind: command\neffect: none\nargv: [ls]"
CHANGED = "kind: manual\neffect: change\ninstructions: Restart it\nundo: {kind: manual, instructions: Stop it}"


@pytest.mark.parametrize(
    ("step", "place", "help_"),
    [
        (f"{HTTP}\ntmeout: 3s", "3:1 RB120", "did you mean `timeout`?"),
        (f"{HTTP}\non-fail: done", "3:1 RB120", "did you mean `on_fail`?"),
        (f"{HTTP}\nid2: x", "3:1 RB120", "did you mean `id`?"),
        (f"{HTTP}\nretry: {{attempts: 2, dely: 1s}}", "3:22 RB120", "did you mean `delay`?"),
        (f"{HTTP}\non_failure: done", "3:1 RB120", "did you mean `on_fail`?"),
        ("kind: command\neffect: none\ncmd: ls", "3:1 RB120", "did you mean `argv` or `script`?"),
        ("kind: manual\neffect: none\ntext: Look", "3:1 RB120", "did you mean `instructions`?"),
        ("kind: shell\nscript: ls", "1:7 RB123", "did you mean `command`?"),
        ("kind: command\nargv: [ls]\neffect: read", "3:9 RB124", "did you mean `none`?"),
        (f"{HTTP}\nargv: [ls]", "3:1 RB120", "take it out, or make it a `command` or `ssh` step"),
        ("kind: http", "0:1 RB121", "add `url`: where the request goes"),
        ("kind: command\nargv: [ls]", "0:1 RB121",
         "add `effect`: what the step does to the world (none, change, irreversible)"),
        (f"{HTTP}\nretry: {{delay: 1s}}", "3:1 RB121", "add `attempts`: how many attempts in all, the first included"),
        (f"{HTTP}\nfollow_redirects: yes", "3:19 RB122", "write true"),
        (f"{HTTP}\nfollow_redirects: Off", "3:19 RB122", "write false"),
        (f"{HTTP}\nfollow_redirects: 'true'", "3:19 RB122", "write true without quotes"),
        (f"{HTTP}\nmax_visits: 010", "3:13 RB122", "write 10"),
        (f"{HTTP}\nmax_visits: 0x1F", "3:13 RB122", "write 31"),
        (f"{HTTP}\nmax_visits: 1e3", "3:13 RB122", "write 1000"),
        (f"{HTTP}\nmax_visits: 22:30", "3:13 RB122", "write a whole number"),
        (f"{HTTP}\nmax_visits: '3'", "3:13 RB122", "write 3 without quotes"),
        (f"{HTTP}\nmax_visits: 2.5", "3:13 RB122", "write a whole number, such as 2"),
        (f"{HTTP}\nmax_visits: ${{{{ run.id }}}}", "3:13 RB122", "write a whole number"),
        (f"{HTTP}\nfollow_redirects: ${{{{ a }}}} ${{{{ b }}}}", "3:19 RB122",
         "write one `${{ }}` with nothing around it"),
        ("kind: wait\nfor: ${{ inputs.a }}s", "2:6 RB125",
         "write a whole number and ms, s, m, h or d, such as 30s or 5m"),
        (f"{HTTP}\ntimeout: 30", "3:10 RB122", "write `30s` if seconds are meant"),
        (f"{HTTP}\ntimeout: '30'", "3:10 RB125", "write `30s` if seconds are meant"),
        (f"{HTTP}\ntimeout: 1.5", "3:10 RB122", "write `1500ms` if seconds are meant"),
        (f"{HTTP}\ntimeout: -1", "3:10 RB122", "write a whole number and ms, s, m, h or d, such as 30s or 5m"),
        (f"{HTTP}\ntitle: 2.50", "3:8 RB122", 'put it in quotes: "2.50"'),
        (f"{HTTP}\ntitle: null", "3:8 RB122", "write a text, or take `title` out"),
        (f"{HTTP}\nneeds: done", "3:8 RB122", "write a list: [done]"),
        (f"{HTTP}\nretry: 3", "3:8 RB122", "write `{attempts: 3}`"),
        ("kind: htp\nurl: a", "1:7 RB123", "did you mean `http`?"),
        (f"{CHANGED}\nprobe: {{kind: gate, question: Well}}", "5:15 RB123",
         "write `http`, `env`, `command`, `ssh`, `sql` or `revisions`"),
        (f"{HTTP}\nmethod: get", "3:9 RB124", "did you mean `GET`?"),
        ("kind: env\nfrom: proces", "2:7 RB124", "did you mean `process`?"),
        (f"{HTTP}\ntimeout: 10 s", "3:10 RB125", "write `10s`"),
        (f"{HTTP}\ntimeout: 90 ms", "3:10 RB125", "write `90ms`"),
        (f"{HTTP}\ntimeout: 2 weeks", "3:10 RB125", "write a whole number and ms, s, m, h or d, such as 30s or 5m"),
        (f"{HTTP}\nnext: Check It", "3:7 RB125", "write `check_it`"),
        (f'{HTTP}\nnext: "done\\n"', "3:7 RB125", "write `done`"),
        (f"{HTTP}\nsave: {{a-b: status}}", "3:8 RB125", "write `a_b`"),
        (f"{HTTP}\nmax_visits: 0", "3:13 RB126", "write 1 or more"),
        (f"{HTTP}\nneeds: [{{step: done, within: 5}}]", "3:30 RB122", "write `5s` if seconds are meant"),
        (f"{RAN}\nscript: ls", "4:1 RB127", "keep one of `argv` and `script`"),
        ("kind: wait", "0:1 RB127", "add one of `for` and `until`"),
        (f"{HTTP}\nsave: {{in: status}}", "3:8 RB129", "choose another name, such as `in_value`"),
    ],
)  # fmt: skip
def test_a_mistake_gives_one_complaint_that_says_what_to_do(
    step: str, place: str, help_: str, said_of_step: Said
) -> None:
    (complaint,) = said_of_step(step)
    assert (complaint[: len(place)], complaint.split(" | ")[1]) == (place, help_)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("runbook: v3\nid: a\nnew: 1", "1:10 RB128"),
        ("- a\n- b", "1:1 RB122"),
        ("just words", "1:1 RB122"),
        ("runbook: v1\nid: a", "1:1 RB121"),
        ("runbook: v1\nid: a\nsteps:", "3:7 RB122"),
        ("runbook: v1\nid: a\nsteps: []", "3:1 RB126"),
    ],
)
def test_a_file_that_is_no_runbook_gives_one_complaint(text: str, expected: str, said: Said) -> None:
    (complaint,) = said(text)
    assert complaint.startswith(f"{expected} ")


def test_every_mistake_of_a_file_is_told_at_once_and_in_file_order(said: Said) -> None:
    text = """runbook: v1
id: Wrong
steps:
  - id: it
    kind: http
    url: 3
    next: [done]
  - id: done
    kind: finsh
"""
    assert [line.partition(" ")[0] for line in said(text)] == ["2:5", "6:10", "7:11", "9:11"]


def test_a_misspelt_key_is_not_complained_of_as_missing_too(said_of_step: Said) -> None:
    assert len(said_of_step("kind: http\nulr: https://app.example.com")) == 1


def test_a_template_stands_for_a_value_of_any_type(load_text: Load) -> None:
    text = """runbook: v1
id: templates
inputs:
  follow: {type: boolean}
  headers: {type: string}
  pause: {type: string}
steps:
  - id: it
    kind: http
    url: https://app.example.com
    follow_redirects: ${{ inputs.follow }}
  - id: rest
    kind: wait
    for: 1s
  - id: done
    kind: finish
    outcome: resolved
"""
    assert load_text(text).diagnostics == ()


def test_defaults_can_give_what_a_step_must_have(load_text: Load) -> None:
    text = """runbook: v1
id: defaults
defaults:
  http: {url: "https://app.example.com", method: HEAD}
  command: {script: exit 1}
steps:
  - id: it
    kind: http
  - id: other
    kind: command
    effect: none
    argv: [ls]
  - id: rest
    kind: wait
    until: {kind: http}
  - id: done
    kind: finish
    outcome: resolved
"""
    runbook = load_text(text).runbook
    assert runbook is not None
    assert dict(runbook.steps[0].fields) == {"url": "https://app.example.com", "method": "HEAD"}
    assert dict(runbook.steps[1].fields) == {"argv": ["ls"]}
    assert dict(runbook.steps[2].nested["until"].fields) == {"url": "https://app.example.com", "method": "HEAD"}


def test_a_mistake_in_the_defaults_is_told_there_and_once(said: Said) -> None:
    text = """runbook: v1
id: defaults
defaults:
  http: {url: 3}
steps:
  - id: it
    kind: http
  - id: again
    kind: http
  - id: done
    kind: finish
    outcome: resolved
"""
    (complaint,) = said(text)
    assert complaint.startswith('4:15 RB122 `url` must be a text, and `3` is a number | put it in quotes: "3"')


def test_a_key_of_every_step_has_no_default_and_the_complaint_says_so(said: Said) -> None:
    text = """runbook: v1
id: defaults
defaults:
  http: {timeout: 5s}
steps:
  - id: done
    kind: finish
    outcome: resolved
"""
    (complaint,) = said(text)
    assert complaint.startswith("4:10 RB120 `timeout` is not a key of `http`")
    assert complaint.endswith("| a default has only what is a kind's own; write this key on each step")


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_verdict_is_the_verdict_of_both_libraries(kind: str) -> None:
    quick, whole = jsonschema_rs.Draft202012Validator(compose(KINDS)), Draft202012Validator(compose(KINDS))
    for example in KINDS[kind].EXAMPLES:
        for step in ({"effect": "none", **example}, {"effect": "none", **example, "other": 1}, {**example, "id": "A"}):
            data: Json = {"runbook": "v1", "id": "a", "steps": [step]}
            document = parse(json.dumps(data), "file")
            verdict = validate_runbook(document, KINDS) == []
            assert verdict == quick.is_valid(data) == whole.is_valid(data)


def test_the_ids_in_a_request_are_its_own_business(said_of_step: Said) -> None:
    request = "kind: http\nmethod: POST\nurl: https://app.example.com\neffect: none\njson: [{id: 1}, {id: a}, {id: a}]"
    assert said_of_step(request) == []
