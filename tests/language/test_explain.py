"""What the library says about an expression is said in our words, at the right place, with one thing to do next."""

import pytest

from runbook.language.expressions import Compiler
from runbook.language.traps import Rejected

NAMES = {
    "inputs.ticket": "string",
    "environment.name": "string",
    "environment.base_url": "string",
    "steps.check.status": "int",
    "steps.check.body": "dyn",
    "steps.check.tls.days_left": "int",
    "steps.vars.missing": "list<string>",
    "saved.file": "string",
    "run.now": "timestamp",
    "last.check": "map<string,dyn>",
    "inputs.load": "double",
    "inputs.window": "duration",
}


def problems(source: str, want: str = "dyn") -> list[str]:
    """Each problem as lines: ``LINE:COLUMN+LENGTH CODE message``, ``label: …`` and ``help: …`` where it has them."""
    compiler = Compiler()
    with pytest.raises(Rejected) as raised:
        compiler.compile(compiler.look(source, NAMES, {"status": "int", "text": "string"}), want)
    return [
        "\n".join(
            [
                f"{p.line}:{p.column}+{p.length} {p.code.number} {p.message}",
                *([f"label: {p.label}"] if p.label else []),
                *([f"help: {p.help}"] if p.help else []),
            ]
        )
        for p in raised.value.problems
    ]


def cases(table: str) -> list[tuple[str, str]]:
    """The expressions of a table, each with what is said about it below it."""
    blocks = [block.split("\n") for block in table.strip("\n").split("\n\n")]
    return [(source, "\n".join(line.strip() for line in said)) for source, *said in blocks]


NAMES_THAT_DO_NOT_EXIST = r"""
steps.chek.status
    1:7+4 RB151 there is no step `chek`
    help: did you mean `check`?

steps.xyz.status
    1:7+3 RB151 there is no step `xyz`
    help: there is: `check`, `vars`

1 + steps.check.statsu
    1:17+6 RB151 step `check` observes no `statsu`
    help: did you mean `status`?

steps.check
    1:7+5 RB151 `steps.check` is a step, not a value
    help: name one of its fields: `body`, `status`, `tls`

steps.check.tls
    1:13+3 RB151 `steps.check.tls` is not a value
    help: it has `days_left`

steps.check.tls.days
    1:17+4 RB151 step `check` observes no `tls.days`
    help: did you mean `days_left`?

steps
    1:1+5 RB151 `steps` needs a name after it
    help: write `steps.ID.FIELD`

steps['check']
    1:1+5 RB151 `steps` needs a name after it
    help: write `steps.ID.FIELD`

inputs.tickt
    1:8+5 RB151 there is no input `tickt`
    help: did you mean `ticket`?

environment.url
    1:13+3 RB151 there is no key of the environments `url`
    help: there is: `base_url`, `name`

saved.fiel
    1:7+4 RB151 there is no saved value `fiel`
    help: did you mean `file`?

run.time
    1:5+4 RB151 there is no value of the run `time`
    help: there is: `now`

last.chekc
    1:6+5 RB151 there is no step `chekc`
    help: did you mean `check`?

statsu
    1:1+6 RB151 `statsu` is not known here
    help: did you mean `status`?

ticket
    1:1+6 RB151 `ticket` is not known here
    help: did you mean `inputs.ticket`?

missing
    1:1+7 RB151 `missing` is not known here
    help: write `steps.vars.missing`: fields stand at the root only in the step's own `expect` and `save`

None
    1:1+4 RB151 `None` is not known here
    help: write `null`

item.id
    1:1+4 RB151 `item` exists only in a step with `for_each`
    help: name a value that exists here

'x' + secrets.token
    1:7+13 RB156 a secret cannot be part of an expression
    help: let `${{ secrets.token }}` stand by itself, in a field that takes secrets

text.startswith('a')
    1:6+10 RB151 there is no function `startswith`
    help: did you mean `startsWith`?

len(text)
    1:1+3 RB151 there is no function `len`
    help: `runbook kinds expressions` lists what there is

steps.vars.missing.map(x)
    1:20+3 RB150 map() is used the wrong way
    help: write `list.map(x, …)`: a variable, then an expression about it
"""


@pytest.mark.parametrize(("source", "said"), cases(NAMES_THAT_DO_NOT_EXIST))
def test_a_name_that_does_not_exist(source: str, said: str) -> None:
    assert problems(source) == [said]


WRONG_TYPES = r"""
status == "200"
    1:8+2 RB153 `==` cannot be used with a whole number and text
    label: a whole number and text
    help: write the number without quotes, or turn it into text with `string()`

inputs.load > 2
    1:13+1 RB153 `>` cannot be used with a decimal number and a whole number
    label: a decimal number and a whole number
    help: write a decimal number with its point (`2.0`), or convert with `double()`

status && true
    1:8+2 RB153 `&&` cannot be used with a whole number and true or false
    label: a whole number and true or false
    help: compare it with something: only true or false can stand here

text == null
    1:6+2 RB153 `==` cannot be used with text and null
    label: text and null
    help: drop the comparison: a value of this type is never null

inputs.window > '1h'
    1:15+1 RB153 `>` cannot be used with a duration and text
    label: a duration and text
    help: write the duration as duration("90m")

run.now > '2026'
    1:9+1 RB153 `>` cannot be used with a time and text
    label: a time and text
    help: write the time as timestamp("2026-11-21T09:00:00Z")

[1].join()
    1:5+4 RB153 `join()` cannot be used with a list of whole numbers
    label: a list of whole numbers
    help: turn the elements into text: `.map(x, string(x)).join(", ")`

(status == 1) == 'true'
    1:15+2 RB153 `==` cannot be used with true or false and text
    label: true or false and text
    help: write true or false without quotes

text in text
    1:6+2 RB153 `in` cannot be used with text and text
    label: text and text
    help: convert one of them, or compare something else

status ? 1 : 2
    1:8+1 RB153 `? :` cannot be used with a whole number, a whole number, a whole number
    help: compare it with something: only true or false can stand here

status.code
    1:8+4 RB153 `status` is a whole number and has no field `code`
    help: use `status` itself

[status][0].code
    1:12+1 RB153 a whole number has no field `code`
    help: take `.code` away
"""


@pytest.mark.parametrize(("source", "said"), cases(WRONG_TYPES))
def test_an_operator_on_the_wrong_types(source: str, said: str) -> None:
    assert problems(source) == [said]


NO_EXPRESSIONS = r"""
1 +
    1:4+1 RB150 the expression ends too early
    help: write what belongs behind its last sign

status = 200
    1:8+1 RB150 a single `=` compares nothing
    help: compare with `==`

status == 1 and true
    1:13+3 RB150 `and` is no operator
    help: write `&&`

not true
    1:1+3 RB150 `not` is no operator
    help: write `!`

text is 'a'
    1:6+2 RB150 `is` is no operator
    help: write `==`

status == 1 & true
    1:13+1 RB150 `&` means nothing here
    help: did you mean `&&`?

status #
    1:8+1 RB150 `#` means nothing here
    help: leave it out

(status
    1:8+1 RB150 a `)` is missing
    help: write `)` where it belongs

status)
    1:7+1 RB150 `)` cannot stand here
    help: look at the brackets, quotes and operators before it

text == 'abc
    1:9+1 RB150 a text is opened and never closed
    help: close it with '

text.matches('\d+')
    1:14+1 RB150 a backslash in this text means nothing to CEL
    help: write it raw: r'…'

text == r'a\
    1:10+1 RB150 a text is opened and never closed
    help: close it with '

status..x
    1:8+1 RB150 `..` cannot stand here
    help: look at the signs around it

for
    1:1+3 RB150 `for` is a word that CEL keeps for itself
    help: write it as text ("for"), or name something else

9223372036854775808
    1:1+1 RB150 this number is beyond 64 bits
    help: write a smaller one, or a decimal one
"""


@pytest.mark.parametrize(("source", "said"), cases(NO_EXPRESSIONS))
def test_a_text_that_is_no_expression(source: str, said: str) -> None:
    assert problems(source) == [said]


WRONG_RESULTS = """
status   -> bool
    1:1+6 RB154 this must be true or false, and it is a whole number
    label: a whole number
    help: compare it: `status == …`

text   -> list
    1:1+4 RB154 this must be a list, and it is text
    label: text
    help: convert it, or name another value

[1, 2]   -> list<string>
    1:1+6 RB154 this must be a list of text, and it is a list of whole numbers
    label: a list of whole numbers
    help: convert it, or name another value
"""


@pytest.mark.parametrize(("source", "said"), cases(WRONG_RESULTS))
def test_a_result_of_another_type_than_wanted(source: str, said: str) -> None:
    text, _, want = source.partition("   -> ")
    assert problems(text, want) == [said]


def test_all_mistakes_of_an_expression_are_said_at_once_in_the_order_of_the_text() -> None:
    said = problems("steps.chek.status == 1 &&\n  inputs.tickt == '' && has(steps.check.status)")
    assert [line.split(" ", 2)[:2] for line in said] == [["1:7+4", "RB151"], ["2:10+5", "RB151"], ["2:29+18", "RB157"]]


def test_columns_count_code_points_and_lines_are_those_of_the_text() -> None:
    assert problems("'😀é' == text &&\n\n 'é' == statsu")[0].startswith("3:9+6 RB151")


def test_a_variable_may_not_hide_what_has_its_name() -> None:
    (said,) = problems("steps.vars.missing.exists(status, status == 'a')")
    assert said == (
        "1:27+6 RB160 the variable `status` hides what is called `status` here\nhelp: call the variable something else"
    )
    assert "RB160" in problems("[1].map(inputs, inputs)")[0]


def test_keys_of_a_map_make_no_list() -> None:
    (said,) = problems("last.check.map(k, k)")
    assert said == (
        "1:1+10 RB159 `map` and `filter` run over a list, and this is a map, whose keys have no order\n"
        "help: ask `all`, `exists` or `in` about its keys"
    )
