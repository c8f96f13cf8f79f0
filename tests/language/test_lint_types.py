"""Every expression of a file is compiled before the incident, with the types that its kinds declare."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runbook.kinds.registry import KINDS
from runbook.language.expressions import Cel, Compiler
from runbook.language.loading import Loaded
from runbook.language.scope import types_of
from runbook.language.traps import Rejected
from runbook.model.canonical import JsonObject
from runbook.model.evaluator import NO_TYPES

Said = Callable[[str], list[str]]
Load = Callable[[str], Loaded]

RUNBOOK = (Path(__file__).parents[1] / "right" / "several_ways.yaml").read_text(encoding="utf-8")


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
    | compare it: `stdout == …`

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


def test_a_saved_value_has_one_type(changed: Changed) -> None:
    pieces = (
        ("next: vars", "next: vars\n    save: {seen: status}"),
        ("Mend it", "Mend it\n    save: {seen: evidence}"),
    )
    assert changed(*pieces) == [
        "30:18 RB161 `saved.seen` is a whole number elsewhere, and text here | save values of one type under one name"
    ]


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


def test_a_field_of_a_form_is_called_like_nothing_else(changed: Changed) -> None:
    form = "kind: ask\n    fields: {int: {}, since: {type: timestamp}, inputs: {}}\n    expect: since < run.now"
    assert changed(("kind: manual\n    effect: none\n    instructions: Mend it", form)) == [
        f"27:{column} RB160 a field cannot be called `{name}`, which means something else in expressions"
        " | call it something else"
        for column, name in ((14, "int"), (49, "inputs"))
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
        "steps.fix.undone": "bool",
        "last.fix": "map<string,dyn>",
        "saved.sized": "int",
        "saved.later": "int",
    }.items():
        assert types[name] == type_, name
    assert not [name for name in types if name.startswith("secrets")]
    now: JsonObject = {"run.now": "2026-11-21T09:00:00Z", "inputs.window": "10m", "environment.share": 1}
    assert Cel(types).evaluate("run.now - inputs.window > timestamp('2026-01-01T00:00:00Z')", now, "bool") is True
    assert Cel(types).evaluate("environment.share < 1.5", now, "bool") is True


def test_expressions_that_differ_in_names_alone_are_compiled_once_and_judged_each() -> None:
    names = {"steps.a.status": "int", "steps.b.status": "int", "steps.c.text": "string", "steps.d.rows": "list<int>"}
    compiler = Compiler()

    def yields(source: str, own: Mapping[str, str] = NO_TYPES) -> str:
        try:
            return compiler.yields(compiler.look(source, names, own), "dyn")
        except Rejected as rejected:
            return rejected.problems[0].code.number

    assert yields("steps.a.status == 200") == yields("steps.b.status == 200") == "bool"
    assert yields("steps.c.text == 200") == "RB153"
    assert yields("steps.b.statu == 200") == "RB151"
    assert yields("steps.d.rows") == "list<int>"
    assert yields("steps.d.rows.exists(n, n == steps.a.status)") == "bool"
    assert yields("steps.d.rows.exists(n, n == steps.b.status)", {"n": "int"}) == "RB160"
