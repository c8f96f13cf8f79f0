"""Values that are given for inputs come in their type, or the walk does not begin."""

import pytest
from tests.language.conftest import Load

from runbook.language.inputs import bind_inputs, given_by_flags
from runbook.model.canonical import Json
from runbook.model.diagnostics import Refused
from runbook.model.runbook import Runbook


@pytest.fixture
def runbook(load_text: Load) -> Runbook:
    loaded = load_text("""runbook: v1
id: inputs
inputs:
  ticket: {pattern: "^INC-[0-9]+|none$", prompt: "Which incident?"}
  count: {type: integer, default: 3}
  share: {type: number, default: 0.5}
  loud: {type: boolean, default: false}
  page: {type: url, default: "https://status.example.com"}
  window: {type: duration, default: 10m}
  since: {type: timestamp, default: "2026-11-21T09:00:00Z"}
  regions: {type: list, default: [europe]}
  severity: {enum: [low, high], default: high}
  remark: {required: false}
steps:
  - id: done
    kind: finish
    outcome: resolved
""")
    assert loaded.runbook is not None
    return loaded.runbook


def test_what_is_not_given_has_its_default_and_what_need_not_be_is_left_out(runbook: Runbook) -> None:
    assert bind_inputs(runbook, {"ticket": "INC-7"}) == {
        "ticket": "INC-7",
        "count": 3,
        "share": 0.5,
        "loud": False,
        "page": "https://status.example.com",
        "window": "10m",
        "since": "2026-11-21T09:00:00Z",
        "regions": ["europe"],
        "severity": "high",
    }


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("count", "12", 12),
        ("count", 12, 12),
        ("share", "0.25", 0.25),
        ("share", 1, 1.0),
        ("loud", "true", True),
        ("regions", "europe, america", ["europe", "america"]),
        ("regions", ["asia"], ["asia"]),
        ("window", "90s", "90s"),
        ("remark", "a = b", "a = b"),
    ],
)
def test_a_text_from_the_command_line_gets_the_type_of_its_input(
    name: str, given: Json, expected: Json, runbook: Runbook
) -> None:
    value = bind_inputs(runbook, {"ticket": "INC-7", name: given})[name]
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["RB141 the input `ticket` is not given (Which incident?)"]),
        ({"ticket": ""}, ["RB141 the input `ticket` is not given (Which incident?)"]),
        (
            {"tiket": "INC-7"},
            ["RB140 `inputs` has no input `tiket`", "RB141 the input `ticket` is not given (Which incident?)"],
        ),
        ({"ticket": "INC-7 "}, ["RB142 `ticket` wants a text that matches ^INC-[0-9]+|none$"]),
        ({"ticket": "INC-7\n"}, ["RB142 `ticket` wants a text that matches ^INC-[0-9]+|none$"]),
        ({"ticket": "INC-7", "count": "many"}, ["RB142 `count` wants a whole number"]),
        ({"ticket": "INC-7", "count": True}, ["RB142 `count` wants a whole number"]),
        ({"ticket": "INC-7", "loud": "yes"}, ["RB142 `loud` wants `true` or `false`"]),
        ({"ticket": "INC-7", "window": "10"}, ["RB142 `window` wants a duration, such as 30s or 5m"]),
        ({"ticket": "INC-7", "severity": "middle"}, ["RB142 `severity` wants one of low, high"]),
        (
            {"ticket": "INC-7", "since": "yesterday"},
            ["RB142 `since` wants a time with its zone, such as 2026-11-21T09:00:00Z"],
        ),
    ],
)
def test_what_an_input_does_not_take_is_refused_before_the_walk(
    given: dict[str, Json], expected: list[str], runbook: Runbook
) -> None:
    with pytest.raises(Refused) as refused:
        bind_inputs(runbook, given)
    assert [f"{d.code.number} {d.message}" for d in refused.value.diagnostics] == expected
    assert all(d.help for d in refused.value.diagnostics)


def test_a_misspelt_input_is_guessed(runbook: Runbook) -> None:
    with pytest.raises(Refused) as refused:
        bind_inputs(runbook, {"ticket": "INC-7", "Count": "1"})
    assert [d.help for d in refused.value.diagnostics] == ["did you mean `count`?"]


def test_flags_are_split_at_their_first_equals_sign() -> None:
    assert given_by_flags(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("flag", ["ticket", "=INC-7", ""])
def test_a_flag_without_a_name_or_a_value_is_refused(flag: str) -> None:
    with pytest.raises(Refused) as refused:
        given_by_flags(["a=1", flag])
    assert [d.code.number for d in refused.value.diagnostics] == ["RB143"]
