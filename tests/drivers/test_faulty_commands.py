"""Commands that write something besides a walk, on a disk of which any one call goes wrong: said, never half a result.

``handover``, ``report -o``, ``state init``. Afterwards, on a disk that works, each does what it should.
"""

import errno
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Done
from tests.drivers.faults import ERRORS, calls, faulty
from tests.drivers.persons import ANA, BEN, Persons
from tests.drivers.test_faulty_disks import some

pytestmark = pytest.mark.reliability
BOOK = book(
    change("one", then="done", more="confirm: {approvals: {count: 1, from: [platform]}}\n"),
    head=f"roles: {{platform: [{ANA}, {BEN}]}}\n",
)
Fault: TypeAlias = tuple[str, int, int, str]
"""The name of a call, which one, its errno, and how: ``once``, ``on`` for good, ``kill`` before it, ``dead`` behind."""
NONE: Fault = ("none", 0, 0, "once")
AS_ANA = ("--operator", ANA, "--answers", "answers.yaml")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the directory on the disk that fails, and its status on one that works.

    ``whole`` says whether what it made is there, and whole.
    """

    argv: Sequence[str]
    below: str
    usual: int
    whole: Callable[[Desk], bool]


def handed(desk: Desk) -> bool:
    return [told["to"] for told in desk.told("run.handed_over")] == [BEN] and desk.verify() == 3


def reported(desk: Desk) -> bool:
    return (desk.root / "out" / "report.html").read_text().rstrip().endswith("</html>")


def shared(desk: Desk) -> bool:
    return desk.do("runs", "--state-dir", str(desk.root / "out" / "shared")).status == 0


COMMANDS = {
    "handover": Command(("handover", "r1", "--to", BEN, "--operator", ANA), "state", 0, handed),
    "report": Command(("report", "r1", "--format", "html", "-o", "out/report.html"), "out", 3, reported),
    "state": Command(("state", "init", "out/shared", "--group", "0"), "out", 0, shared),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a paused run that waits for an approval, and a copy of its files beside it."""
    root = tmp_path_factory.mktemp("commands")
    persons = Persons(root / "keys").list(ANA, BEN)
    desk = Desk(root / "desk", faulty)
    desk.root.mkdir()
    (desk.root / "out").mkdir()
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", "answers: [{step: one, confirm: yes}]\n")
    assert desk.walk(BOOK, *AS_ANA).status == 3
    shutil.copytree(desk.root, root / "saved")
    return desk


def restored(desk: Desk) -> Desk:
    shutil.rmtree(desk.root)
    shutil.copytree(desk.root.with_name("saved"), desk.root)
    return desk


def do(desk: Desk, command: Command, fault: Fault) -> Done:
    """Call it on a disk that fails; it says so in one of our words."""
    done = restored(desk).do(
        *command.argv,
        fault=(str(desk.root / command.below), *fault),
        trace=str(desk.root / "trace"),
    )
    assert done.status in {command.usual, 1, 2, 74, -signal.SIGKILL}, done
    assert "Traceback" not in done.text
    assert done.status != 2 or "error[RB" in done.err, done
    return done


def every(desk: Desk, command: Command) -> list[Fault]:
    """Every way in which one of its calls can go wrong."""
    assert do(desk, command, NONE).status == command.usual
    found: list[Fault] = []
    seen: dict[str, int] = {}
    for number, (name, _) in enumerate(calls(desk.root / "trace"), 1):
        nth = seen[name] = seen.get(name, 0) + 1
        errors = ERRORS.get(name, (errno.ENOSPC,))
        found += [(name, nth, error, "once") for error in errors]
        found += [(name, nth, errors[0], "on"), ("any", number, 0, "kill"), ("any", number, 0, "dead")]
    return found


def endure(desk: Desk, command: Command, fault: Fault) -> None:
    done = do(desk, command, fault)
    if done.status == command.usual:
        assert command.whole(desk), (fault, done)
    again = desk.do(*command.argv)
    assert "Traceback" not in again.text
    assert again.status == command.usual or command.whole(desk), (fault, done, again)
    assert command.whole(desk), (fault, done, again)


@pytest.mark.parametrize("name", COMMANDS)
def test_c6_a_command_whose_disk_fails_says_so_and_works_when_it_works_again(name: str, saved: Desk) -> None:
    for fault in some(every(saved, COMMANDS[name]), 8):
        endure(saved, COMMANDS[name], fault)


@pytest.mark.full
@pytest.mark.parametrize("name", COMMANDS)
def test_c6_every_call_of_a_command_fails(name: str, saved: Desk) -> None:
    for fault in every(saved, COMMANDS[name]):
        endure(saved, COMMANDS[name], fault)
