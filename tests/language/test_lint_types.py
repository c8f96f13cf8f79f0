"""Every expression of a file is compiled before the incident, with the names that are set on every path to it."""

from collections.abc import Callable

import pytest

from runbook.kinds.registry import KINDS
from runbook.language.expressions import Cel
from runbook.language.loading import Loaded
from runbook.language.scope import types_of
from runbook.model.canonical import JsonObject

Said = Callable[[str], list[str]]
Load = Callable[[str], Loaded]

RUNBOOK = """\
runbook: v1
id: test
environments:
  staging: {base: "https://staging.example.com", hosts: [a, b], limit: 2, share: 1}
  production: {base: "https://example.com", hosts: [c], limit: 3, share: 0.5}
inputs:
  ticket: {type: string, prompt: Which}
  window: {type: duration, default: 10m}
  note: {type: string, required: false}
secrets:
  token: {env: TOKEN}
on_fail: escalate
steps:
  - id: check
    kind: http
    url: ${{ environment.base }}/health
    next: vars
    on_fail: fix
  - id: vars
    kind: env
    from: process
    require: {SESSION_SECRET: {min_length: 32}}
    next: look
    on_fail: fix
  - id: fix
    kind: manual
    effect: none
    instructions: Mend it
    next: look
  - id: look
    kind: command
    effect: none
    argv: [uptime]
    when: run.mode == "live"
    next: done
  - id: done
    kind: finish
    outcome: resolved
  - id: escalate
    kind: finish
    outcome: escalated
"""


@pytest.fixture
def changed(said: Said) -> Callable[..., list[str]]:
    """What is said about the runbook above with pieces of it replaced, but for what this version cannot walk yet."""

    def lines(*pieces: tuple[str, str]) -> list[str]:
        text = RUNBOOK
        for old, new in pieces:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return [line for line in said(text) if " RB29" not in line]

    return lines


Changed = Callable[..., list[str]]


def test_a_right_runbook_is_right(changed: Changed) -> None:
    assert changed() == []


MISTAKES = r"""
/health => ${{ inputs.tickte }}
    16:44 RB151 there is no input `tickte`
    | did you mean `ticket`?

/health => ${{ environment.hosts }}
    16:37 RB154 text is wanted here, and this is a list of text
    | join it: `.join(", ")`

${{ environment.base }}/health => ${{ environment.hosts }}
    16:14 RB154 text is wanted here, and this is a list of text
    | join it: `.join(", ")`

Mend it => ${{ secrets.token }}
    28:23 RB156 a secret cannot stand in `instructions`, which is shown and logged
    | take it out: nothing in this step carries a secret

[uptime] => [uptime, '${{ secrets.token }}']
    33:25 RB156 a secret cannot stand in `argv`, which is shown and logged
    | put it into `env` or `stdin`

[uptime] => [uptime]\n    env: {T: '${{ secrets.tokn }}'}
    34:19 RB151 there is no secret `tokn`
    | did you mean `token`?

[uptime] => [uptime]\n    env: {T: "${{ 'Bearer ' + secrets.token }}"}
    34:31 RB156 a secret cannot be part of an expression
    | let `${{ secrets.token }}` stand by itself, in a field that takes secrets

[uptime] => [uptime]\n    expect: stdout
    34:13 RB154 this must be true or false, and it is text
    | compare it with something

[uptime] => [uptime]\n    expect: exit_code == "0"
    34:23 RB153 `==` cannot be used with a whole number and text
    | write the number without quotes, or turn it into text with `string()`

run.mode == => run.mood ==
    34:15 RB151 there is no value of the run `mood`
    | did you mean `mode`?

Mend it => "${{ steps.check }}"
    28:30 RB151 `steps.check` is a step, not a value
    | name one of its fields: `body`, `elapsed_ms`, `headers`, `outcome`, `reason`, `size`, `status`, `text`, …

Mend it => ${{ inputs.note }}
    28:23 RB152 `inputs.note` may not be given
    | give the input a `default`, or take `required: false` away

Mend it => ${{ nope
    28:19 RB155 `${{` is never closed with `}}`
    | close it with `}}`

Mend it => ${{ }}
    28:23 RB150 the expression is empty
    | write what it is to ask

Mend it => |\n      One\n      Two ${{ steps.chekc.status }}
    30:21 RB151 there is no step `chekc`
    | did you mean `check`?

resolved => resolved\n    outputs: {x: "${{ 1 +"}
    39:19 RB155 `${{` is never closed with `}}`
    | close it with `}}`

    next: done =>     next: done\n    title: ${{ item.name }}
    36:16 RB151 `item` exists only in a step with `for_each`
    | name a value that exists here

limit: 3 => limit: three
    5:64 RB161 `limit` is text in `production` and a whole number in `staging`
    | give it values of one type in all environments

on_fail: escalate\nsteps => on_fail: escalate\nlock: ${{ steps.vars.outcome }}\nsteps
    13:11 RB152 `steps.vars.outcome` is not settled when the run begins
    | use only `environment`, `inputs`, `run` here

Mend it => '${{ duration("1d") }}'
    28:33 RB158 "1d" is not a duration
    | write days as hours: "24h"

    url: =>     timeout: 5s\n    retry: {attempts: 2}\n    query: {'a${{ inputs.ticket }}': b}\n    url:
    18:13 RB155 a key cannot hold an expression
    | put it into the value
"""


def cases(table: str) -> list[tuple[str, str, str]]:
    """What is replaced, by what, and what is said then, for each block of a table."""
    found = []
    for block in table.strip("\n").split("\n\n"):
        change, *said = block.split("\n")
        old, _, new = change.replace("\\n", "\n").partition(" => ")
        found.append((old, new, " ".join(line.strip() for line in said)))
    return found


@pytest.mark.parametrize(("old", "new", "wanted"), cases(MISTAKES))
def test_a_mistake_in_an_expression_is_said_where_it_stands(changed: Changed, old: str, new: str, wanted: str) -> None:
    assert changed((old, new)) == [wanted]


@pytest.fixture
def unset(load_text: Load) -> Callable[..., list[str]]:
    """What may be unset in the runbook above with pieces of it replaced: the message and the path."""

    def lines(*pieces: tuple[str, str]) -> list[str]:
        text = RUNBOOK
        for old, new in pieces:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        found = [d for d in load_text(text).diagnostics if not d.code.number.startswith("RB29")]
        assert {d.code.number for d in found} <= {"RB152"}, found
        return [f"{d.message}; {d.label}" for d in found]

    return lines


SUMMARY = "resolved\n    summary: "


def test_a_field_is_set_where_every_path_has_observed_it(unset: Changed) -> None:
    assert unset(("run.mode ==", "steps.check.outcome == 'passed' && run.mode ==")) == []
    assert unset(("require:", "expect: steps.check.status == 200\n    require:")) == []


def test_a_step_that_failed_without_an_observation_left_none(unset: Changed) -> None:
    assert unset(("Mend it", "${{ steps.check.status }}")) == [
        "`steps.check.status` may not be set when `fix` starts; unset on the path check (failed) → fix"
    ]
    assert unset(("run.mode ==", "steps.check.status == 200 && run.mode ==")) == [
        "`steps.check.status` may not be set when `look` starts; unset on the path check (failed) → fix → look"
    ]


def test_a_step_that_was_skipped_left_none(unset: Changed) -> None:
    assert unset(("resolved", SUMMARY + "${{ steps.look.stdout }}")) == [
        "`steps.look.stdout` may not be set when `done` starts; unset on the path check → vars → look (skipped) → done"
    ]


def test_a_kind_that_always_observes_has_observed_when_it_failed(unset: Changed) -> None:
    assert unset(("url: ${{ environment.base }}/health\n    next: vars\n    on_fail: fix", "url: x\n    next: vars"),
                 ("Mend it", "${{ steps.vars.missing.join(', ') }}")) == []  # fmt: skip


def test_the_reason_why_a_source_could_not_be_read_is_there_only_on_some_answers(unset: Changed) -> None:
    assert unset(("resolved", SUMMARY + "${{ inputs.note }}")) == ["`inputs.note` may not be given; "]


def test_max_visits_may_end_a_step_that_observed_nothing(unset: Changed) -> None:
    pieces = (
        ("url: ${{ environment.base }}/health\n    next: vars\n    on_fail: fix", "url: x\n    next: vars"),
        ("require: {S", "max_visits: 2\n    require: {S"),
        ("Mend it", "${{ steps.vars.missing.join(', ') }}"),
    )
    assert unset(*pieces) == [
        "`steps.vars.missing` may not be set when `fix` starts; unset on the path check → vars (failed) → fix"
    ]


CHANGE = (
    'kind: command\n    effect: none\n    argv: [uptime]\n    when: run.mode == "live"',
    "kind: command\n    effect: change\n    undo: none\n    because: x\n    argv: [uptime]\n    save: {file: stdout}",
)
PROBE = "probe: {kind: command, argv: [ls]%s}\n    argv: [uptime]"


def test_a_change_that_its_probe_settles_was_not_observed(unset: Changed) -> None:
    assert unset(CHANGE, ("resolved", SUMMARY + "${{ steps.look.stdout }} ${{ saved.file }}")) == []
    probed = (CHANGE[0], CHANGE[1].replace("argv: [uptime]", PROBE % ""))
    path = "unset on the path check → vars → look (settled by its probe) → done"
    assert unset(probed, ("resolved", SUMMARY + "${{ steps.look.stdout }} ${{ saved.file }}")) == [
        f"`steps.look.stdout` may not be set when `done` starts; {path}",
        f"`saved.file` may not be set when `done` starts; {path}",
    ]
    both = (CHANGE[0], CHANGE[1].replace("argv: [uptime]", PROBE % ", save: {file: stdout}"))
    assert unset(both, ("resolved", SUMMARY + "${{ saved.file }}")) == []


def test_an_unknown_step_left_nothing(unset: Changed) -> None:
    unknown = (CHANGE[0], CHANGE[1] + "\n    on_unknown: done")
    assert unset(unknown, ("resolved", SUMMARY + "${{ steps.look.stdout }}")) == [
        "`steps.look.stdout` may not be set when `done` starts; unset on the path check → vars → look (unknown) → done"
    ]


def test_a_value_is_set_where_every_path_has_saved_it_under_the_name(unset: Changed) -> None:
    by_check = ("next: vars", "next: vars\n    save: {seen: text}")
    by_fix = ("Mend it", "Mend it\n    save: {seen: evidence}")
    read = ("run.mode ==", "saved.seen != '' && run.mode ==")
    assert unset(by_check, by_fix, read) == []
    assert unset(by_check, read) == [
        "`saved.seen` may not be set when `look` starts; unset on the path check (failed) → fix → look"
    ]
    assert unset(by_fix, read) == [
        "`saved.seen` may not be set when `look` starts; unset on the path check → vars → look"
    ]


def test_a_saved_value_has_one_type(changed: Changed) -> None:
    pieces = (
        ("next: vars", "next: vars\n    save: {seen: status}"),
        ("Mend it", "Mend it\n    save: {seen: evidence}"),
    )
    assert changed(*pieces) == [
        "30:18 RB161 `saved.seen` is a whole number elsewhere, and text here | save values of one type under one name"
    ]


def test_a_secret_that_a_step_makes_is_set_where_every_path_has_made_it(changed: Changed) -> None:
    made = ("next: vars", "next: vars\n    save_secret: {session: text}")
    use = ("[uptime]", "[uptime]\n    env: {S: '${{ secrets.session }}'}")
    (said,) = changed(made, use)
    assert said == (
        "35:19 RB152 the secret `session` may not have been made when `look` starts"
        " | make it on every path that leads to `look`"
    )
    assert changed(made, ("    require: {SESSION_SECRET: {min_length: 32}}", "    require: {S: {}}")) == []


def test_a_step_sees_its_own_fields_in_its_verdict_and_not_before(changed: Changed) -> None:
    assert changed(("[uptime]", "[uptime]\n    expect: exit_code == 0 && steps.vars.outcome == 'passed'")) == []
    (said,) = changed(("[uptime]", "['${{ stdout }}']"))
    assert said == (
        "33:17 RB151 `stdout` is not known here"
        " | write `steps.look.stdout`: fields stand at the root only in the step's own `expect` and `save`"
    )
    (said,) = changed(("[uptime]", "['${{ steps.look.stdout }}']"))
    assert said == (
        "33:17 RB152 `steps.look.stdout` may not be set when `look` starts"
        " | use it in the `expect` or `save` of `look`, as `stdout`: it is observed when the step has run"
    )


def test_a_field_that_is_there_only_on_some_answers_may_be_expected_and_not_relied_on(changed: Changed) -> None:
    assert changed(("next: vars", "next: vars\n    expect: tls.days_left > 14")) == []
    (said,) = changed(("next: vars", "next: vars\n    save: {days: tls.days_left}"))
    assert said == (
        "18:18 RB152 `tls.days_left` is there only on some answers"
        " | use it in `expect`, where its absence fails the step"
    )
    (said,) = changed(("run.mode ==", "steps.check.tls.days_left > 1 && run.mode =="))
    assert said == (
        "34:11 RB152 `steps.check.tls.days_left` is there only on some answers"
        " | use it in the `expect` of `check`, or ask `has(last.check.tls.days_left)`"
    )
    assert changed(("run.mode ==", "has(last.check.tls) && run.mode ==")) == []


def test_expressions_of_kinds_nested_steps_and_defaults_are_found(changed: Changed) -> None:
    nested = """resolved
  - id: all
    kind: checklist
    items:
      - {id: a, title: "${{ inputs.tickt }}", check: {kind: http, url: "${{ inputs.tickt }}", expect: statsu == 1}}
    next: sure
  - id: sure
    kind: assert
    that: steps.all.open
    next: pause
  - id: pause
    kind: wait
    until: {kind: http, url: x, expect: body.ok && checks > 1}
    timeout: 5m
    next: which
  - id: which
    kind: choice
    options: [{id: a, label: "${{ steps.all.faild }}"}, {id: b, label: B, when: size(steps.all.open) == "0"}]
    next: done"""
    said = changed(
        ("    next: done", "    next: all"),
        ("resolved", nested),
        ("on_fail: escalate\n", "defaults: {http: {ca_file: '${{ nope }}'}}\non_fail: escalate\n"),
    )
    assert [line.partition(" |")[0] for line in said] == [
        "12:33 RB151 `nope` is not known here",
        "43:36 RB151 there is no input `tickt`",
        "43:84 RB151 there is no input `tickt`",
        "43:103 RB151 `statsu` is not known here",
        "47:11 RB154 this must be true or false, and it is a list of text",
        "51:52 RB151 `checks` is not known here",
        "56:45 RB151 step `all` observes no `faild`",
        "56:102 RB153 `==` cannot be used with a whole number and text",
    ]


def test_the_names_of_a_runbook_have_the_types_that_its_kinds_declare(load_text: Load) -> None:
    text = RUNBOOK.replace("next: vars", "next: vars\n    save: {sized: size(text)}")
    text = text.replace("require:", "save: {later: saved.sized + 1}\n    require:")
    runbook = load_text(text).runbook
    assert runbook is not None
    types = types_of(runbook, KINDS)
    for name, type_ in {
        "inputs.ticket": "string",
        "inputs.window": "duration",
        "environment.name": "string",
        "environment.hosts": "list<string>",
        "environment.limit": "int",
        "environment.share": "double",
        "run.now": "timestamp",
        "steps.check.status": "int",
        "steps.check.tls.days_left": "int",
        "steps.vars.missing": "list<string>",
        "steps.done.visits": "int",
        "last.fix": "map<string,dyn>",
        "saved.sized": "int",
        "saved.later": "int",
    }.items():
        assert types[name] == type_, name
    assert not [name for name in types if name.startswith("secrets")]
    now: JsonObject = {"run.now": "2026-11-21T09:00:00Z", "inputs.window": "10m", "environment.share": 1}
    assert Cel(types).evaluate("run.now - inputs.window > timestamp('2026-01-01T00:00:00Z')", now, "bool") is True
    assert Cel(types).evaluate("environment.share < 1.5", now, "bool") is True
