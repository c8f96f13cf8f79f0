"""A log that claims another beginning, another version of the program, or a secret where none was."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.drivers.desk import Desk
from tests.drivers.everything import walked
from tests.drivers.forgery import Forgery, judged

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with the walk in which everything happens."""
    return walked(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def forged(desk: Desk) -> Forgery:
    """That walk's log, to be changed."""
    return Forgery.of(desk.run().log)


def of_version(forgery: Forgery, version: str, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Forgery:
    """The log as another version would have written it; ``change`` changes the fields of the actions of `look`."""
    kinds: Any = forgery.lines[0].fields["kinds"]
    forgery.edit(0, tool=version, kinds={name: {**about, "version": version} for name, about in kinds.items()})

    def aged(action: dict[str, Any]) -> None:
        action["version"] = version
        for inner in [*action.get("nested", {}).values(), *([action["undo"]] if "undo" in action else [])]:
            aged(inner)

    for place, line in enumerate(forgery.lines):
        if "what" in line.fields:
            forgery.action(place, aged)
            if line.fields["step"] == "look":
                forgery.action(place, lambda action: change(action["fields"]))
            for later in range(place + 1, len(forgery.lines)):
                if forgery.lines[later].fields.get("action") == line.fields["action"]:
                    forgery.edit(later, action=forgery.lines[place].fields["action"])
    return forgery


def test_what_another_version_wrote_is_judged_field_by_field(desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, of_version(forged, "0.0.9"))
    assert (status, "RB549" in out) == (0, False)


def test_a_field_that_this_version_does_not_have_is_said_not_to_be_judged_and_strictly_counts_as_wrong(
    desk: Desk, forged: Forgery
) -> None:
    status, out = judged(desk, of_version(forged, "9.0.0", lambda fields: fields.update(mood="bad")))
    assert status == 0, out
    assert "warning RB549 not judged again: look (mood)" in out
    assert desk.do("verify", "forged", "--strict").status == 6


OTHER_FIELDS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another value": lambda fields: fields.update(argv=["rm", "-rf", "/"]),
    "a field that the file writes": lambda fields: fields.pop("argv"),
    "a field that the file leaves out": lambda fields: fields.update(script="rm -rf /"),
    "other fields altogether": lambda fields: [fields.pop(name) for name in [*fields]] + [fields.update(run="x")],
}


@pytest.mark.parametrize("how", OTHER_FIELDS)
def test_i2_another_version_is_no_excuse_for_other_fields(how: str, desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, of_version(forged, "0.0.9", OTHER_FIELDS[how]))
    assert status == 6
    assert "does not follow from the runbook" in out


COVERED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a whole text": (lambda a: a["fields"]["argv"].__setitem__(0, "[MASKED:x]"), "look (argv[0])"),
    "a piece of one": (lambda a: a["fields"]["argv"].__setitem__(1, "[MASKED:x]c"), "look (argv[1])"),
    "another text around it": (lambda a: a["fields"]["argv"].__setitem__(0, "[MASKED:x]!"), ""),
    "a list": (lambda a: a["fields"].update(argv="[MASKED:x]"), ""),
    "one for two": (lambda a: a["fields"].update(argv=["[MASKED:x]"]), ""),
    "the name of a field": (lambda a: a["fields"].update({"[MASKED:x]": a["fields"].pop("argv")}), ""),
    "the kind": (lambda a: a.update(kind="[MASKED:x]"), ""),
    "the version": (lambda a: a.update(version="[MASKED:x]"), ""),
    "all fields": (lambda a: a.update(fields="[MASKED:x]"), ""),
}


@pytest.mark.parametrize("what", COVERED)
def test_i2_a_mask_covers_a_text_and_nothing_around_it_and_that_is_said(what: str, desk: Desk, forged: Forgery) -> None:
    change, unknown = COVERED[what]
    place = forged.find("step.started", "look")
    forged.action(place, change)
    status, out = judged(desk, forged)
    if unknown:
        assert status == 0, out
        assert f"warning RB549 not judged again: {unknown}" in out
        assert desk.do("verify", "forged", "--strict").status == 6
    else:
        assert status == 6
        assert "does not follow" in out


def test_i2_a_covered_observation_covers_a_text_and_nothing_around_it(desk: Desk, forged: Forgery) -> None:
    place = forged.find("step.finished", "by_hand")
    status, out = judged(desk, forged.within(place, "obs", lambda o: o.update(evidence="it [MASKED:x] so")))
    assert status == 0, out
    assert "not judged again: by_hand (evidence)" in out
    assert judged(desk, forged.within(place, "obs", lambda o: o.pop("done")))[0] == 6


BEGINNINGS: dict[str, tuple[dict[str, Any], str]] = {
    "an input that there is not": ({"inputs": '{"other":"x","ticket":"INC-7"}'}, "no input `other`"),
    "an input that is not given": ({"inputs": "{}"}, "`ticket` is not given"),
    "an input of another shape": ({"inputs": '{"ticket":"X"}'}, "wants a text that matches"),
    "an input that stands in an action": ({"inputs": '{"ticket":"INC-8"}'}, "does not follow from the runbook"),
    "an environment that a phrase names": ({"environment": "production", "lock": None}, "asks something else"),
    "an environment that there is not": ({"environment": "moon"}, "rule: environment"),
    "no environment": ({"environment": None}, "rule: environment"),
    "another operator": ({"operator": "eve@example.com"}, "rule: operator"),
    "a mode that there is not": ({"mode": "practice"}, "rule: mode"),
    "an id that is none": ({"run": "../r1"}, "rule: run"),
    "no kinds": ({"kinds": {}}, "rule: kinds"),
    "kinds without a judge": ({"kinds": {"command": {}}}, "rule: kinds"),
}


@pytest.mark.parametrize("what", BEGINNINGS)
def test_i2_what_a_run_says_that_it_began_with_cannot_be_edited_where_anything_follows_from_it(
    what: str, desk: Desk, forged: Forgery
) -> None:
    fields, words = BEGINNINGS[what]
    status, out = judged(desk, forged.edit(0, **fields))
    assert status == 6
    assert words in out


@pytest.mark.parametrize("change", [{"judge": 2}, {"version": "0.0.9"}, {"distribution": "other"}, {"more": 1}])
def test_i2_this_version_has_no_other_kinds_than_it_has(change: dict[str, Any], desk: Desk, forged: Forgery) -> None:
    kinds: Any = forged.lines[0].fields["kinds"]
    forged.edit(0, kinds={**kinds, "command": {**kinds["command"], **change}})
    status, out = judged(desk, forged)
    assert status == 6
    assert "rule: kinds" in out


def test_another_judge_number_is_said_not_to_be_judged(desk: Desk, forged: Forgery) -> None:
    of_version(forged, "9.0.0")
    kinds: Any = forged.lines[0].fields["kinds"]
    forged.edit(0, kinds={**kinds, "command": {**kinds["command"], "judge": 99}})
    status, out = judged(desk, forged)
    assert status == 0, out
    assert "warning RB549 not judged again: " in out
    assert desk.do("verify", "forged", "--strict").status == 6


def test_i2_a_field_without_which_nothing_can_be_judged_is_not_called_cut(desk: Desk, forged: Forgery) -> None:
    place = forged.find("step.finished", "stuck")
    forged.within(place, "obs", lambda o: o.pop("exit_code")).edit(place, outcome="passed", truncated=["exit_code"])
    status, out = judged(desk, forged)
    assert status == 6
    assert "lacks 'exit_code'" in out


def test_i2_nothing_is_called_masked_that_is_not(desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, forged.edit(forged.find("step.finished", "look", nth=2), masked=["json.n"]))
    assert status == 6
    assert "nothing in it is" in out


def test_i2_the_question_that_was_answered_is_the_one_of_the_file(desk: Desk, forged: Forgery) -> None:
    place = forged.find("question.asked", "sure")
    status, out = judged(desk, forged.within(place, "question", lambda q: q.update(question="Is the sky blue?")))
    assert status == 6
    assert "asks something else" in out


@pytest.mark.parametrize("change", [{"waited_ms": 999_999}, {"waited_ms": -1}, {"checks": 7}])
def test_i2_a_wait_ended_after_the_time_that_the_log_shows(change: dict[str, Any], desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, forged.edit(forged.find("wait.ended", "until"), **change))
    assert status == 6
    assert "another time" in out


def test_i2_a_covered_phrase_is_said_not_to_be_judged(desk: Desk, forged: Forgery) -> None:
    status, out = judged(desk, forged.edit(forged.find("confirmation.requested", "one"), phrase="[MASKED:x]"))
    assert (status, "not judged again: one (phrase)" in out) == (0, True)
