"""Whatever is wrong with the standard streams, the work is done, the log is whole, and the status says what came."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk

pytestmark = pytest.mark.reliability
RUNBOOK = Path(sys.executable).with_name("runbook")
BOOK = book(read("look", "echo", "looked", then="one"), change("one", then="done"))
OTHER = BOOK.replace("id: tested", "id: other", 1)
"""A runbook that waits for no lock of the first one."""
PRINTS = [
    ["explain"],
    ["explain", "RB512", "--format", "json"],
    ["kinds"],
    ["kinds", "http"],
    ["schema"],
    ["runs"],
    ["status", "r1"],
    ["status", "r1", "--format", "json"],
    ["--help"],
    ["--version"],
]
"""Commands that print data and end with status 0."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a run that is paused."""
    desk = Desk(tmp_path)
    assert desk.walk(BOOK).status == 3
    desk.write("other.yaml", OTHER)
    return desk


def shell(desk: Desk, command: str) -> subprocess.CompletedProcess[str]:
    """Call the console script as a shell does; ``$R`` is its path."""
    env = {**desk.env, "R": str(RUNBOOK)}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=desk.root, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", PRINTS, ids=" ".join)
def test_c10_output_that_a_full_disk_does_not_take_is_said_to_be_lost(command: list[str], desk: Desk) -> None:
    done = desk.do(*command, stdout="/dev/full")
    assert done.status == 74
    assert "RB309" in done.err
    assert "no space left on device" in done.err
    assert "help:" in done.err


@pytest.mark.parametrize(("command", "status"), [(["verify", "r1"], 3), (["check", "bad.yaml", "--format", "json"], 1)])
def test_c10_a_status_that_says_something_is_not_covered_by_a_full_disk(
    command: list[str], status: int, desk: Desk
) -> None:
    desk.write("bad.yaml", BOOK.replace("kind: command", "kind: commando", 1))
    done = desk.do(*command, stdout="/dev/full")
    assert done.status == status
    assert "RB309" in done.err or done.err == ""


@pytest.mark.parametrize("form", ["md", "json"])
@pytest.mark.parametrize("taken", [">/dev/full", "| true", ">&-"])
def test_c10_a_report_that_nobody_takes_has_the_status_of_its_run(form: str, taken: str, desk: Desk) -> None:
    done = shell(desk, f"$R report r1 --format {form} {taken}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 3
    assert "our fault" not in done.stderr


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("verify r1 | true", 3),
        ("schema | head -n 1", 0),
        ("run other.yaml 2>&1 | true", 3),
        ("resume r1 2>&1 | true", 3),
    ],
)
def test_c10_whoever_reads_may_leave_and_changes_neither_log_nor_status(command: str, status: int, desk: Desk) -> None:
    done = shell(desk, f"$R {command} >/dev/null; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (status, "")
    assert desk.verify("last") == 3
    assert desk.types("r1")[-1] == "run.paused"


def test_c10_a_walk_whose_talk_nobody_can_read_is_walked_and_recorded(desk: Desk) -> None:
    assert desk.do("run", "other.yaml", "--run-id", "r2", stderr="/dev/full", stdout="/dev/full").status == 3
    assert desk.verify("r2") == 3
    assert desk.do("run", "nope.yaml", stderr="/dev/full").status == 2


def test_c10_closed_streams_are_never_written_into_the_log(desk: Desk) -> None:
    loud = book(read("look", "sh", "-c", "echo out; echo err >&2", then="one"), change("one", then="done"))
    desk.write("loud.yaml", loud.replace("id: tested", "id: loud", 1))
    assert shell(desk, "$R run loud.yaml --run-id r2 <&- >&- 2>&-").returncode == 3
    assert desk.verify("r2") == 3
    assert shell(desk, "$R resume r2 <&- >&- 2>&-").returncode == 3
    assert desk.verify("r2") == 3
    assert shell(desk, "$R verify r2 >&- 2>&-").returncode == 3


def test_what_a_terminal_of_another_encoding_cannot_show_is_written_as_its_number(desk: Desk) -> None:
    desk.write("other.yaml", OTHER.replace("A runbook to be tested", "Prüfung → 試験"))
    shell(desk, "$R run other.yaml --run-id r2")
    done = shell(desk, "PYTHONIOENCODING=ascii $R status r2")
    assert done.returncode == 0
    assert "Pr\\xfcfung \\u2192 \\u8a66\\u9a13" in done.stdout


def test_g9_how_a_program_ended_is_seen_though_whoever_started_us_ignores_its_children(desk: Desk) -> None:
    fails = book(read("look", "sh", "-c", "exit 5", then="one"), change("one", then="done"))
    desk.write("fails.yaml", fails.replace("id: tested", "id: fails", 1))
    assert shell(desk, "trap '' CHLD; $R run fails.yaml --run-id r2").returncode == 1
    assert desk.told("step.finished", "r2")[0]["reason"] == "exit status 5"


GONE = "mkdir gone; cd gone; rmdir ../gone; "


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{GONE}$R test book.yaml", "the current directory is not there any more"),
        (f"{GONE}$R state init shared --group root", "the current directory is not there any more"),
        (f"{GONE}$R --state-dir here runs", "the current directory is not there any more"),
        ("ulimit -f 0; $R verify r1.tar.gz", "there is no directory where temporary files can be written"),
    ],
)
def test_a_machine_without_a_place_to_work_is_not_taken_for_our_fault(command: str, said: str, desk: Desk) -> None:
    desk.do("bundle", "r1")
    done = shell(desk, command)
    assert (done.returncode, "our fault" in done.stderr) == (2, False)
    assert f"error[RB308]: {said}" in done.stderr


def test_a_bundle_that_the_disk_has_no_room_for_is_not_called_damaged(desk: Desk) -> None:
    desk.do("bundle", "r1")
    done = shell(desk, "ulimit -f 1; $R verify r1.tar.gz")
    assert (done.returncode, "fetch it again" in done.stdout) == (7, False)
    assert "there is no room for what it holds: file too large" in done.stdout
