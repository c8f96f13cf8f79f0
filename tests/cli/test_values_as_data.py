"""What a person or a program says reaches the next program as data, byte for byte, by argument and by variable."""

import json
from pathlib import Path

import pytest
from tests.drivers.books import book
from tests.drivers.desk import Desk, answers

pytestmark = pytest.mark.reliability
VALUES = [
    '"; rm -rf ~ #',
    "'; rm -rf ~ #",
    "$(rm -rf ~)",
    "$(id)",
    "`id`",
    "a\nb\n",
    "'",
    '"',
    "\\",
    "-rf",
    "--",
    "%s%n",
    "",
    " ",
    "*",
    "~",
    "$HOME",
    "${{ environment.name }}",
    "${{ 7 * 7 }}",
    "{{7*7}}",
    "{{ ().__class__ }}",
    "a && touch hit",
    "ä\U0001f525",
]
KEEP = """\
id: keep_NUMBER
kind: command
effect: none
argv: [sh, -c, 'printf %s "$1" > aNUMBER; printf %s "$VALUE" > vNUMBER; echo "$#" >> counts', sh, "${{ GIVEN }}"]
env: {VALUE: "${{ GIVEN }}"}
"""
SCRIPT = """\
id: script_NUMBER
kind: command
effect: none
env: {VALUE: "${{ GIVEN }}"}
script: |
  set +u
  printf %s "$VALUE" > sNUMBER
"""
HEAD = "on_fail: bad\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk in whose home directory something lies that must not go away."""
    desk = Desk(tmp_path)
    desk.write("precious", "still here")
    return desk


def assert_data(desk: Desk) -> None:
    """Each program got its value as one argument and one variable, and nothing else happened."""
    for number, value in enumerate(VALUES):
        assert {(desk.root / f"{name}{number}").read_bytes() for name in "avs"} == {value.encode()}
    assert (desk.root / "counts").read_text() == "1\n" * len(VALUES)
    assert (desk.root / "precious").read_text() == "still here"
    assert not (desk.root / "hit").exists()
    assert desk.verify() == 0


def keeping(*before: str, given: str, head: str = "") -> str:
    """A runbook that keeps every value; ``given`` is the expression for one, with ``NUMBER`` in it."""
    kept = [
        step.replace("GIVEN", given).replace("NUMBER", str(number))
        for number in range(len(VALUES))
        for step in (KEEP, SCRIPT)
    ]
    kept[-1] += "next: done\non_fail: bad\n"
    return book(*before, *kept, head=HEAD + head)


def test_f9_an_input_of_the_command_line_is_data(desk: Desk) -> None:
    flags = [word for number, value in enumerate(VALUES) for word in ("-i", f"v{number}={value}")]
    inputs = ", ".join(f'v{number}: {{default: ""}}' for number in range(len(VALUES)))
    assert desk.walk(keeping(given="inputs.vNUMBER", head=f"inputs: {{{inputs}}}\n"), *flags).status == 0
    assert_data(desk)


def test_f9_what_a_person_fills_in_is_data(desk: Desk) -> None:
    given = json.dumps({f"v{number}": value for number, value in enumerate(VALUES)}, ensure_ascii=False)
    fields = ", ".join(f'v{number}: {{default: ""}}' for number in range(len(VALUES)))
    desk.write("answers.yaml", answers(f"step: form, fields: {given}"))
    text = keeping(f"id: form\nkind: ask\nfields: {{{fields}}}\n", given="steps.form.vNUMBER")
    assert desk.walk(text, "--answers", "answers.yaml").status == 0
    assert_data(desk)


def test_f9_what_another_program_printed_is_data(desk: Desk) -> None:
    desk.write("said.json", json.dumps({f"v{number}": value for number, value in enumerate(VALUES)}))
    say = "id: say\nkind: command\neffect: none\nargv: [cat, said.json]\noutput: json\n"
    assert desk.walk(keeping(say, given="string(steps.say.json.vNUMBER)")).status == 0
    assert_data(desk)


@pytest.mark.parametrize("by", ["argv: [touch, VALUE]", "argv: [touch, hit]\nenv: {VARIABLE: VALUE}"])
def test_f9_a_nul_reaches_no_program(by: str, desk: Desk) -> None:
    desk.write("said.json", json.dumps({"value": "hit\0"}))
    say = "id: say\nkind: command\neffect: none\nargv: [cat, said.json]\noutput: json\n"
    use = "id: use\nkind: command\neffect: change\nundo: none\nbecause: a test\n" + by
    use = use.replace("VALUE", "'${{ string(steps.say.json.value) }}'") + "\nnext: done\non_fail: bad\n"
    desk.write("answers.yaml", answers("step: use, confirm: 'yes'"))
    done = desk.walk(book(say, use, head="on_fail: bad\n"), "--answers", "answers.yaml")
    assert done.status in {1, 3}, done
    assert "Traceback" not in done.text
    assert not (desk.root / "hit").exists()
    ends = [f for f in desk.told("step.finished") if f["step"] == "use"] + desk.told("step.refused")
    assert "NUL" in str(ends[0]["reason"])
    assert desk.verify() in {0, 3}


def test_f9_a_nul_in_an_answer_is_refused_before_the_walk(desk: Desk) -> None:
    form = "id: form\nkind: ask\nfields: {value: {}}\nnext: done\non_fail: bad\n"
    desk.write("answers.yaml", answers('step: form, fields: {value: "a\\0b"}'))
    done = desk.walk(book(form), "--answers", "answers.yaml")
    assert (done.status, "Traceback" in done.text, desk.run().path.exists()) == (2, False, False), done


@pytest.mark.parametrize("value", ["${{ environment.name }}", "${{ 7 * 7 }}", "{{7*7}}", "{{ ().__class__ }}"])
def test_f10_what_looks_like_an_expression_in_a_value_is_shown_and_reported_as_it_is(value: str, desk: Desk) -> None:
    text = book(
        "id: look\ntitle: Look at ${{ inputs.v }}\nkind: command\neffect: none\nargv: [echo, '${{ inputs.v }}']\n"
        "next: say\non_fail: bad\n",
        "id: say\ntitle: 'Tell ${{ steps.look.stdout }}'\nkind: message\naudience: all\n"
        "text: '<${{ steps.look.stdout }}> <${{ inputs.v }}>'\nnext: done\non_fail: bad\n",
        head="inputs: {v: {}}\nenvironments: {staging: {}}\n",
    )
    desk.write("answers.yaml", answers("step: say, outcome: done"))
    done = desk.walk(text, "-e", "staging", "-i", f"v={value}", "--answers", "answers.yaml")
    assert done.status == 0, done
    assert f"echo '{value}'" in done.err
    (look, *_) = desk.told("step.finished")
    assert json.loads(look["obs"])["stdout"].strip() == value
    page = json.loads(desk.do("report", "r1", "--format", "json").out)
    assert f"<{value}>" in json.dumps(page)
    assert desk.verify() == 0
