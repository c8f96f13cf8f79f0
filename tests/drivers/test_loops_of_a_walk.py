"""A step that is repeated for each element of a list: confirmed once, each element with its own outcome."""

import json
from pathlib import Path

from tests.drivers.books import book
from tests.drivers.sitting import Sitting, answering, loaded, replayed

from runbook.model.canonical import JsonObject
from runbook.world.clock import SimulatedClock

GOOD: JsonObject = {"exit_code": 0, "stdout": "", "stderr": ""}
BAD: JsonObject = {"exit_code": 1, "stdout": "", "stderr": ""}
HEAD = "environments:\n  test: {hosts: [a, b, c]}\n"


def loop(*, effect: str = "change", more: str = "", each: str = "") -> str:
    undo = "undo: {kind: command, argv: [start, '${{ item }}']}\n" if effect == "change" else ""
    return book(
        f"id: stop\ntitle: Stop everything\nkind: command\neffect: {effect}\nargv: [stop, '${{{{ item }}}}']\n"
        f"for_each: {{in: environment.hosts{each}}}\nnext: done\non_fail: bad\n{undo}{more}",
        head=HEAD,
    )


def walked(root: Path, text: str, answers: str = "", **world: list[JsonObject]) -> Sitting:
    clock = SimulatedClock()
    entries = {f"stop[{place}]": world.get(f"e{place}", [GOOD]) for place in range(3)}
    entries["stop.probe"] = entries["stop"] = [GOOD]
    file = f"answers:\n{answers}" if answers else "answers: []\n"
    sitting = Sitting(loaded(root, text), answering(root, file, clock), clock=clock, world=entries, environment="test")
    sitting.go()
    assert replayed(sitting).phase is sitting.walk.phase
    return sitting


def seen(sitting: Sitting) -> JsonObject:
    value: JsonObject = json.loads(str(sitting.told("step.finished", "stop")[0]["obs"]))
    return value


def outcomes(sitting: Sitting) -> list[object]:
    items = seen(sitting)["items"]
    assert isinstance(items, list)
    return [item["outcome"] for item in items if isinstance(item, dict)]


def test_a_loop_is_confirmed_once_with_its_whole_list_and_each_element_is_a_change_of_its_own(tmp_path: Path) -> None:
    sitting = walked(tmp_path, loop(), "  - {step: stop, confirm: yes}\n")
    assert len(sitting.told("confirmation.requested")) == 1
    what = json.loads(str(sitting.told("confirmation.requested")[0]["what"]))
    assert [element["item"] for element in what["for_each"]] == ["a", "b", "c"]
    assert [told["step"] for told in sitting.told("step.started")][:4] == ["stop", "stop[0]", "stop[1]", "stop[2]"]
    assert [(change.step, change.changed) for change in sitting.walk.changes] == [
        ("stop[0]", "yes"),
        ("stop[1]", "yes"),
        ("stop[2]", "yes"),
    ]
    assert outcomes(sitting) == ["passed", "passed", "passed"]
    assert sitting.walk.finish is not None
    assert sitting.walk.finish.value == "resolved"


def test_the_rest_of_a_loop_is_left_undone_when_more_fail_than_the_file_bears(tmp_path: Path) -> None:
    sitting = walked(tmp_path, loop(), "  - {step: stop, confirm: yes}\n", e1=[BAD])
    assert outcomes(sitting) == ["passed", "failed", "not_run"]
    finished = sitting.told("step.finished", "stop")[0]
    assert (finished["outcome"], finished["changed"]) == ("failed", "yes")
    assert finished["reason"] == "1 failed, 1 not run, 1 passed"


def test_a_loop_bears_as_many_failures_as_the_file_says(tmp_path: Path) -> None:
    sitting = walked(tmp_path, loop(each=", max_failures: 1"), "  - {step: stop, confirm: yes}\n", e1=[BAD])
    assert outcomes(sitting) == ["passed", "failed", "passed"]
    assert sitting.told("step.finished", "stop")[0]["outcome"] == "passed"


def test_an_element_that_is_unknown_is_settled_by_the_operator_and_counts_as_a_failure_until_then(
    tmp_path: Path,
) -> None:
    answers = "  - {step: stop, confirm: yes}\n  - {step: 'stop[1]', settle: passed, evidence: looked}\n"
    sitting = walked(tmp_path, loop(), answers, e1=[{"lost": True}])
    assert outcomes(sitting) == ["passed", "passed", "passed"]
    assert [told["step"] for told in sitting.told("step.unknown")] == ["stop[1]"]


def test_a_loop_with_an_element_that_stays_unknown_is_unknown(tmp_path: Path) -> None:
    answers = "  - {step: stop, confirm: yes}\n  - {step: 'stop[1]', settle: unknown, evidence: cannot tell}\n"
    text = loop(more="on_unknown: bad\n")
    sitting = walked(tmp_path, text, answers, e1=[{"lost": True}])
    assert outcomes(sitting) == ["passed", "unknown", "not_run"]
    assert sitting.told("step.finished", "stop")[0]["outcome"] == "unknown"
    assert sitting.path() == ["stop", "bad"]


def test_elements_are_confirmed_one_by_one_where_the_file_says_so(tmp_path: Path) -> None:
    answers = "".join(f"  - {{step: 'stop[{place}]', confirm: yes}}\n" for place in range(3))
    sitting = walked(tmp_path, loop(more="confirm: {each: true}\n"), answers)
    assert [told["step"] for told in sitting.told("confirmation.given")] == ["stop[0]", "stop[1]", "stop[2]"]
    assert outcomes(sitting) == ["passed", "passed", "passed"]


def test_a_failed_element_is_repeated_as_the_file_says(tmp_path: Path) -> None:
    text = loop(effect="none", more="retry: {attempts: 2, delay: 1s}\n")
    sitting = walked(tmp_path, text, e1=[BAD, GOOD])
    assert outcomes(sitting) == ["passed", "passed", "passed"]
    assert [told["attempt"] for told in sitting.told("step.finished", "stop[1]")] == [1, 2]


def test_a_hundred_elements_with_one_long_script_are_announced_at_once(tmp_path: Path) -> None:
    names = [f"web{number}.example.com" for number in range(100)]
    script = "".join(f"  # line {line} of what every one of them does\n" for line in range(100))
    step = (
        "id: stop\ntitle: Stop\nkind: command\neffect: change\nundo: {kind: command, argv: [start, '${{ item }}']}\n"
        f"env: {{NAME: '${{{{ item }}}}'}}\nfor_each: {{in: environment.hosts}}\nnext: done\n"
        f"on_fail: bad\nscript: |\n{script}"
    )
    text = book(step, head=f"environments:\n  test: {{hosts: {json.dumps(names)}}}\n")
    clock = SimulatedClock()
    answers = answering(tmp_path, "answers:\n  - {step: stop, confirm: yes}\n", clock)
    world = {f"stop[{place}]": [GOOD] for place in range(100)} | {"stop": [GOOD]}
    sitting = Sitting(loaded(tmp_path, text), answers, clock=clock, world=world, environment="test")
    sitting.go()
    assert outcomes(sitting) == ["passed"] * 100
    assert replayed(sitting).phase is sitting.walk.phase
    assert str(sitting.told("confirmation.requested")[0]["what"]).count("line 99 of") == 1
    assert [change.step for change in sitting.walk.changes] == [f"stop[{place}]" for place in range(100)]
    asked = json.loads(str(sitting.told("step.started", "stop[99]")[0]["what"]))
    assert asked["fields"]["env"] == {"NAME": names[99]}
    assert "line 99 of" in asked["fields"]["script"]
    assert asked["undo"]["fields"]["argv"] == ["start", names[99]]


def test_a_loop_over_nothing_passes(tmp_path: Path) -> None:
    sitting = walked(tmp_path, loop(effect="none").replace("[a, b, c]", "[]"))
    assert seen(sitting) == {"failed": 0, "items": [], "passed": 0, "unknown": 0}


def test_elements_run_side_by_side_up_to_the_number_that_the_file_says(tmp_path: Path) -> None:
    text = loop(each=", at_once: 2")
    sitting = walked(tmp_path, text, "  - {step: stop, confirm: yes}\n", e0=[{**GOOD, "delay": "2s"}])
    started = [told["step"] for told in sitting.told("step.started")]
    finished = [told["step"] for told in sitting.told("step.finished")]
    assert started[:3] == ["stop", "stop[0]", "stop[1]"]
    assert sorted(map(str, finished[:3])) == ["stop[0]", "stop[1]", "stop[2]"]
    assert outcomes(sitting) == ["passed", "passed", "passed"]


PARALLEL = book(
    "id: all\ntitle: Ask all\nkind: parallel\nnext: done\non_fail: bad\nsteps:\n"
    "  - {id: one, kind: command, argv: [one]}\n"
    "  - {id: two, kind: command, argv: [two], expect: exit_code == 0, retry: {attempts: 2, delay: 1s}}\n"
)


def side_by_side(root: Path, text: str, **world: list[JsonObject]) -> Sitting:
    clock = SimulatedClock()
    entries = {f"all.{part}": world.get(part, [GOOD]) for part in ("one", "two")}
    sitting = Sitting(loaded(root, text), answering(root, "answers: []\n", clock), clock=clock, world=entries)
    sitting.go()
    assert replayed(sitting).phase is sitting.walk.phase
    return sitting


def test_reads_side_by_side_all_start_before_one_ends_and_their_observations_stand_together(tmp_path: Path) -> None:
    sitting = side_by_side(tmp_path, PARALLEL)
    assert [told["step"] for told in sitting.told("step.started")] == ["all", "all.one", "all.two", "done"]
    obs = json.loads(str(sitting.told("step.finished", "all")[0]["obs"]))
    assert obs["steps"]["one"]["exit_code"] == 0
    assert sitting.path() == ["all", "done"]


def test_reads_side_by_side_fail_when_one_does_and_say_which(tmp_path: Path) -> None:
    sitting = side_by_side(tmp_path, PARALLEL, one=[BAD])
    finished = sitting.told("step.finished", "all")[0]
    assert (finished["outcome"], finished["reason"]) == ("failed", "did not pass: one")
    assert sitting.path() == ["all", "bad"]


def test_a_read_among_others_is_repeated_by_itself(tmp_path: Path) -> None:
    sitting = side_by_side(tmp_path, PARALLEL, two=[BAD, GOOD])
    assert [told["attempt"] for told in sitting.told("step.finished", "all.two")] == [1, 2]
    assert sitting.path() == ["all", "done"]
