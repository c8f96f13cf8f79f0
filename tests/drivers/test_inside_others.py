"""Runbooks inside others, by the command line: killed and resumed, edited meanwhile, named in ways that lead out."""

import os
import signal
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers, wait_for

WALK = "id: {id}\ntitle: Walk the other\nkind: runbook\npath: {path}\nnext: done\non_fail: bad\n"
OUTER = book(WALK.format(id="first", path="inner.yaml"))
WITH = ("--answers", "answers.yaml")


def named(text: str, name: str) -> str:
    """A runbook of these tests under another id."""
    return text.replace("id: tested", f"id: {name}")


INNER = named(book(change("mend", then="done", after="sleep ${NAP:-0}")), "inner")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("inner.yaml", INNER)
    desk.write("answers.yaml", answers("step: first/mend, confirm: 'yes', settle: passed, evidence: looked"))
    return desk


@pytest.mark.reliability
def test_c2_a_change_inside_that_was_killed_is_unknown_and_is_settled_there(desk: Desk) -> None:
    desk.write("book.yaml", OUTER)
    walk = desk.start("run", "book.yaml", "--run-id", "r1", *WITH, env={"NAP": "30"})
    wait_for(desk.effects, "the change inside does not begin")
    walk.signal(signal.SIGKILL)
    walk.ended()
    status = desk.do("status", "r1")
    assert "first/mend: was running when its walk was killed" in status.out
    assert "first/mend (maybe" in status.out
    assert "still be running" in status.out
    assert desk.do("resume", "r1", *WITH).status == 0
    assert [told["step"] for told in desk.told("step.unknown")] == ["first/mend"]
    assert "still be running" in desk.told("step.unknown")[0]["reason"]
    assert [(told["step"], told["outcome"]) for told in desk.told("step.settled")] == [("first/mend", "passed")]
    assert desk.effects() == ["mend"]
    assert desk.verify() == 0
    for pid in desk.stragglers():
        os.kill(pid, signal.SIGKILL)


def paused(desk: Desk) -> None:
    """A run that stands at the change inside."""
    desk.write("none.yaml", "answers: []\n")
    assert desk.walk(OUTER, "--answers", "none.yaml").status == 3


@pytest.mark.reliability
@pytest.mark.parametrize("how", ["edited", "deleted"])
def test_j13_what_is_walked_inside_is_the_snapshot_and_the_difference_is_shown(desk: Desk, how: str) -> None:
    paused(desk)
    if how == "edited":
        desk.write("inner.yaml", INNER.replace("echo mend", "echo something else"))
    else:
        (desk.root / "inner.yaml").unlink()
    assert desk.do("resume", "r1", *WITH).status == 0
    assert "inner.yaml" in desk.told("run.resumed")[0]["differs"]
    assert desk.effects() == ["mend"]
    assert desk.verify() == 0


@pytest.mark.reliability
@pytest.mark.parametrize("how", ["edited", "missing"])
def test_i2_without_the_very_snapshot_of_what_was_walked_inside_a_log_is_not_legal(desk: Desk, how: str) -> None:
    paused(desk)
    assert desk.do("resume", "r1", *WITH).status == 0
    digest = desk.told("run.started")[0]["files"]["inner.yaml"]
    snapshot = desk.run().path / "runbook" / f"{digest}.yaml"
    if how == "edited":
        snapshot.write_bytes(snapshot.read_bytes() + b"# \n")
    else:
        snapshot.unlink()
    assert desk.verify() == 6


def leads_out(root: Path) -> Mapping[str, str]:
    """Paths that are no runbook below the directory, each with the code that refuses it."""
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "inner.yaml").write_text(INNER)
    desk = root / "desk"
    desk.mkdir()
    (desk / "link.yaml").symlink_to(root / "elsewhere" / "inner.yaml")
    (desk / "near.yaml").write_text(INNER)
    (desk / "beside.yaml").symlink_to("near.yaml")
    (desk / "linked").symlink_to(root / "elsewhere")
    (desk / "directory").mkdir()
    os.mkfifo(desk / "pipe.yaml")
    out = ["../elsewhere/inner.yaml", "./../elsewhere/inner.yaml", str(root / "elsewhere" / "inner.yaml")]
    out += ["link.yaml", "beside.yaml", "linked/inner.yaml", "directory/../near.yaml"]
    return {**dict.fromkeys(out, "RB240"), **dict.fromkeys(["directory", "pipe.yaml", "nowhere.yaml"], "RB242")}


@pytest.mark.reliability
def test_f12_a_path_that_leads_out_or_to_no_file_is_refused_at_its_place(tmp_path: Path) -> None:
    wanted = leads_out(tmp_path)
    desk = Desk(tmp_path / "desk")
    for path, code in wanted.items():
        desk.write("book.yaml", book(WALK.format(id="first", path=path)))
        checked = desk.do("check", "book.yaml")
        assert (checked.status, f"error[{code}]" in checked.out + checked.err) == (1, True), (path, checked)
        assert "book.yaml:8:11" in checked.out + checked.err
        assert desk.do("run", "book.yaml", *WITH).status == 2


@pytest.mark.reliability
def test_f12_a_loop_of_three_files_is_refused_with_the_whole_circle(desk: Desk) -> None:
    for name, other in [("book", "two"), ("two", "three"), ("three", "book")]:
        desk.write(f"{name}.yaml", named(book(WALK.format(id="first", path=f"{other}.yaml")), name))
    checked = desk.do("check", "three.yaml")
    assert checked.status == 1
    assert "RB242" in checked.out + checked.err
    said = desk.do("check", "book.yaml", "two.yaml", "three.yaml")
    assert said.status == 1


def bomb(desk: Desk, deep: int, wide: int) -> None:
    """Runbooks ``b0`` to the last, each of which walks the next so often."""
    for level in range(deep):
        ways = [f"s{number}" for number in range(wide)] + ["done"]
        step = WALK.replace("next: done", "next: {then}")
        steps = [step.format(id=name, path=f"b{level + 1}.yaml", then=then) for name, then in pairwise(ways)]
        desk.write(f"b{level}.yaml", named(book(*steps), f"b{level}"))
    desk.write(f"b{deep}.yaml", named(book(read("look", then="done")), f"b{deep}"))


@pytest.mark.reliability
@pytest.mark.parametrize(("deep", "wide"), [(24, 2), (65, 1), (500, 1), (1, 257)])
def test_f1_runbooks_inside_runbooks_without_bound_are_refused_at_their_place(desk: Desk, deep: int, wide: int) -> None:
    bomb(desk, deep, wide)
    checked = desk.do("check", "b0.yaml")
    assert (checked.status, "error[RB248]" in checked.text) == (1, True), checked
    assert "b0.yaml:" in checked.text
    assert desk.do("run", "b0.yaml", "--run-id", "r1", *WITH).status == 2
    assert not desk.run().path.exists()


@pytest.mark.reliability
@pytest.mark.parametrize(("deep", "wide"), [(64, 1), (7, 2), (1, 256)])
def test_f1_as_many_as_are_allowed_are_loaded(desk: Desk, deep: int, wide: int) -> None:
    bomb(desk, deep, wide)
    checked = desk.do("check", "b0.yaml")
    assert checked.status == 0, checked


def test_thirty_files_deep_are_walked_and_verified(desk: Desk) -> None:
    deep = 30
    for level in range(deep):
        inside = f"b{level + 1}.yaml"
        step = WALK.format(id="first", path=inside) if level < deep - 1 else read("look", then="done")
        desk.write(f"b{level}.yaml", named(book(step), f"b{level}"))
    assert desk.do("run", "b0.yaml", "--run-id", "r1", *WITH, "--answers", "none.yaml").status == 2
    desk.write("none.yaml", "answers: []\n")
    assert desk.do("run", "b0.yaml", "--run-id", "r1", "--answers", "none.yaml").status == 0
    address = "first/" * (deep - 1) + "look"
    assert address in [told["step"] for told in desk.told("step.finished")]
    assert desk.verify() == 0
    assert address in desk.do("report", "r1").out


ROLLING = book(
    "id: roll\ntitle: Update each host\nkind: runbook\npath: host.yaml\ninputs: {host: '${{ item }}'}\n"
    "for_each: {in: environment.hosts}\nnext: done\non_fail: back\n",
    "id: back\ntitle: Take it back\nkind: undo\nnext: bad\non_fail: bad\n",
    head="environments:\n  test: {hosts: [web-1, web-2, web-3]}\n",
)
HOST = f"""\
runbook: v1
id: host
title: Update one host
inputs: {{host: {{type: string}}}}
environments:
  test: {{}}
steps:
  - id: restart
    title: Restart ${{{{ inputs.host }}}}
    kind: command
    effect: change
    argv: [sh, -c, 'echo "restart $1" >> "$EFFECTS"; test "$1" != "$BROKEN"', sh, "${{{{ inputs.host }}}}"]
    undo: {{kind: command, argv: [sh, -c, 'echo "back $1" >> "$EFFECTS"', sh, "${{{{ inputs.host }}}}"]}}
    next: done
    on_fail: bad
{GOOD}  - id: bad
    kind: finish
    outcome: failed
"""


def rolled(desk: Desk, *entries: str, **env: str) -> int:
    desk.write("host.yaml", HOST)
    desk.write("answers.yaml", answers(*entries))
    return desk.walk(ROLLING, "-e", "test", *WITH, env=env).status


def yes(*steps: str) -> list[str]:
    return [f"step: '{step}', confirm: 'yes'" for step in steps]


def test_a_rolling_update_walks_a_runbook_for_one_host_after_the_other(desk: Desk) -> None:
    assert rolled(desk, *yes(*(f"roll[{place}]/restart" for place in range(3)))) == 0
    assert desk.effects() == ["restart web-1", "restart web-2", "restart web-3"]
    assert desk.verify() == 0
    assert "Restart web-2" in desk.do("report", "r1").out


def test_the_report_says_of_each_step_of_a_rolling_update_what_it_was_about(desk: Desk) -> None:
    desk.write("host.yaml", HOST.replace("title: Restart ${{ inputs.host }}", "title: Restart it"))
    desk.write("answers.yaml", answers(*yes(*(f"roll[{place}]/restart" for place in range(3)))))
    assert desk.walk(ROLLING, "-e", "test", *WITH).status == 0
    report = desk.do("report", "r1").out
    assert "Restart it: web-1; Restart it: web-2; Restart it: web-3" in report


def test_a_rolling_update_stops_at_the_first_host_that_fails_and_what_was_done_is_taken_back(desk: Desk) -> None:
    entries = [
        *yes("roll[0]/restart", "roll[1]/restart", "back"),
        "step: 'roll[1]/restart.undo', do: retry",  # it failed, so nobody knows whether there is something
        *yes("roll[1]/restart.undo", "roll[0]/restart.undo"),
    ]
    assert rolled(desk, *entries, BROKEN="web-2") == 1
    assert desk.effects() == ["restart web-1", "restart web-2", "back web-2", "back web-1"]
    assert desk.verify() == 0


def test_a_rolling_update_waits_with_the_next_host_while_a_step_inside_waits_for_a_person(desk: Desk) -> None:
    ends = "    next: done\n    on_fail: bad\n"
    host = HOST.replace(ends, "").replace("  - id: bad\n    kind: finish\n    outcome: failed\n", "")
    desk.write("host.yaml", host)
    desk.write("answers.yaml", answers(*yes("roll[0]/restart", "roll[1]/restart")))
    assert desk.walk(ROLLING, "-e", "test", *WITH, env={"BROKEN": "web-1"}).status == 3
    assert desk.effects() == ["restart web-1"]
    assert [told["step"] for told in desk.told("step.started") if str(told["step"]).startswith("roll[")] == [
        "roll[0]",
        "roll[0]/restart",
    ]


SECRET = "s3cr3t-inside-the-other"
SECRETIVE = """\
runbook: v1
id: inner
title: Uses a secret
secrets: {token: {env: INNER_TOKEN}}
roles: {team: [ben@example.com]}
steps:
  - id: use
    title: Use it
    kind: command
    effect: none
    stdin: ${{ secrets.token }}
    script: cat; echo "the environment has ${INNER_TOKEN:-nothing}"
    next: done
    on_fail: bad
  - {id: done, kind: finish, outcome: resolved}
  - {id: bad, kind: finish, outcome: failed}
"""


def test_a_secret_inside_is_masked_and_withheld_from_every_child(desk: Desk) -> None:
    look = read("look", "sh", "-c", "echo outside ${INNER_TOKEN:-nothing}", then="first")
    desk.write("inner.yaml", SECRETIVE)
    desk.write("none.yaml", "answers: []\n")
    done = desk.walk(
        book(look, WALK.format(id="first", path="inner.yaml")), "--answers", "none.yaml", env={"INNER_TOKEN": SECRET}
    )
    assert done.status == 0, done.text
    assert SECRET not in done.text
    assert SECRET.encode() not in desk.every_byte()
    seen = [told["obs"] for told in desk.told("step.finished") if told["step"] in {"look", "first/use"}]
    assert "outside nothing" in seen[0]
    assert "the environment has nothing" in seen[1]
    assert "MASKED:token" in seen[1]
    assert desk.verify() == 0
