"""A run is signed while it is walked; a key that does not sign costs five seconds and a warning, and nothing else."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers, wait_for
from tests.drivers.persons import ANA, BEN, Persons
from tests.drivers.sitting import loaded

from runbook.audit.lock import Holder
from runbook.audit.store import Store
from runbook.audit.writer import LogWriter
from runbook.drivers.assembly import started
from runbook.drivers.checkpointing import EVERY_MS, Checkpointing
from runbook.drivers.journal import Journal
from runbook.kinds.registry import KINDS
from runbook.model.checkpoint import parse
from runbook.walk import run_events as r
from runbook.walk.walk import Walk
from runbook.world.clock import RealClock

pytestmark = pytest.mark.reliability
LOOK = book(read("look", then="done"))
ASK = book(
    read("look", then="ask"),
    "id: ask\ntitle: Look\nkind: manual\neffect: none\ninstructions: Look\nnext: done\non_fail: bad\n",
)


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN)


@pytest.fixture
def desk(tmp_path: Path, persons: Persons) -> Desk:
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", answers("step: ask, outcome: done"))
    return desk


@pytest.fixture
def stopped_agent(tmp_path: Path, desk: Desk, persons: Persons) -> Iterator[None]:
    """An agent that has ana's key, and answers nobody."""
    path = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        wait_for(Path(path).exists, "no agent")
        key = persons.key("ana")
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True, env={"SSH_AUTH_SOCK": path})
        key.unlink()
        process.send_signal(signal.SIGSTOP)
        desk.env |= {"SSH_AUTH_SOCK": path, "RUNBOOK_KEY": f"{key}.pub"}
        yield
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def sizes(desk: Desk) -> list[int]:
    """How much of the log is signed by each checkpoint."""
    return [parse(path.read_text()).size for path in sorted(desk.run().checkpoints.glob("*.txt"))]


def warnings(desk: Desk) -> list[str]:
    return [str(told["text"]) for told in desk.told("warning")]


def assert_unsigned(desk: Desk, done: Done, why: str) -> None:
    """The run went on to its end, the log says why it is not signed, and so does verify."""
    assert done.status == 0, done.err
    (said,) = warnings(desk)
    assert said.startswith("the log is not signed: ")
    assert why in said
    assert sizes(desk) == []
    judged = desk.do("verify", "r1")
    assert (judged.status, "RB514 unsigned" in judged.out) == (0, True)
    assert "Traceback" not in done.text


def test_a_run_is_signed_at_its_end_and_its_log_does_not_speak_of_it(desk: Desk) -> None:
    assert desk.walk(LOOK, "--operator", ANA).status == 0
    assert sizes(desk) == [len(desk.records())]
    assert "checkpoint.signed" not in desk.types()
    assert desk.do("verify", "r1", "--strict").status == 0
    for path in desk.run().checkpoints.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_key_nothing_is_signed_and_nothing_is_said(desk: Desk) -> None:
    del desk.env["RUNBOOK_KEY"]
    done = desk.walk(LOOK, "--operator", ANA)
    assert (done.status, warnings(desk), sizes(desk)) == (0, [], [])
    assert "sign" not in done.text


def test_each_pause_is_signed_and_what_follows_it_only_tells_so(desk: Desk) -> None:
    assert desk.walk(ASK, "--operator", ANA).status == 3
    assert desk.types()[-2:] == ["run.paused", "checkpoint.signed"]
    assert desk.do("verify", "r1").out.count("unsigned") == 0
    assert desk.do("verify", "r1", "--strict").status == 3
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert sizes(desk) == [len(desk.records()[: desk.types().index("checkpoint.signed")]), len(desk.records())]


def test_who_takes_over_signs_with_a_key_of_their_own(desk: Desk, persons: Persons) -> None:
    assert desk.walk(ASK, "--operator", ANA).status == 3
    own = {"RUNBOOK_KEY": str(persons.key("ben"))}
    text = ("resume", "r1", "--operator", BEN)
    assert desk.do(*text, env=own).status == 3
    assert desk.do("resume", "r1", "--answers", "answers.yaml", env=own).status == 0
    assert {told["signer"] for told in desk.told("checkpoint.signed")} == {ANA, BEN}
    assert desk.do("verify", "r1", "--strict").status == 0


def test_a_key_that_is_not_the_operators_signs_nothing_that_would_count_for_nobody(desk: Desk) -> None:
    assert_unsigned(desk, desk.walk(LOOK, "--operator", BEN), f"list another key than {desk.env['RUNBOOK_KEY']}")


@pytest.mark.parametrize("operator", [ANA, "ana@other.example"])
def test_a_key_that_is_listed_for_approvals_alone_is_told_at_the_start_and_signs_nothing(
    desk: Desk, persons: Persons, operator: str
) -> None:
    public = persons.key("ana").with_name("ana.pub").read_text()
    persons.signers.write_text(f'{ANA} namespaces="runbook-approval@v1" {public}')
    assert_unsigned(desk, desk.walk(LOOK, "--operator", operator), "and not for `runbook-audit@v1`")
    assert desk.types().index("warning") < desk.types().index("step.entered")


def test_a_key_that_has_expired_signs_nothing_that_would_count_for_nobody(desk: Desk, persons: Persons) -> None:
    persons.signers.write_text(f'{ANA} valid-before="20200101" {persons.key("ana").with_name("ana.pub").read_text()}')
    assert_unsigned(desk, desk.walk(LOOK, "--operator", ANA), f"does not count for `{ANA}`")


def test_an_operator_whom_the_signers_do_not_know_is_told_how_they_call_that_key(desk: Desk) -> None:
    done = desk.walk(ASK)
    assert (done.status, f"is signed by {ANA}, and its operator is" in done.err) == (3, True)
    assert [told["signer"] for told in desk.told("checkpoint.signed")] == [ANA]
    assert desk.verify() == 3


@pytest.mark.usefixtures("stopped_agent")
def test_b4_an_agent_that_hangs_costs_five_seconds_and_a_warning(desk: Desk) -> None:
    done = desk.walk(LOOK, "--operator", ANA)
    assert desk.records()[-1].mono < 7_000  # five for the key, the rest for the walk
    assert "touch your key" in done.err
    assert_unsigned(desk, done, "did not sign within 5 s")
    wait_for(lambda: not desk.stragglers(), "ssh-keygen is still there", 2)


def test_b4_a_tool_that_hangs_costs_five_seconds_too(desk: Desk) -> None:
    tools = desk.root / "tools"
    tools.mkdir()
    desk.write("tools/ssh-keygen", "#!/bin/sh\nsleep 60\n").chmod(0o755)
    done = desk.walk(LOOK, "--operator", ANA, env={"PATH": f"{tools}:{desk.env['PATH']}"})
    assert desk.records()[-1].mono < 7_000
    assert_unsigned(desk, done, "did not sign within 5 s")
    wait_for(lambda: not desk.stragglers(), "it is still there", 2)


def test_b4_a_key_that_cannot_sign_costs_nothing_but_a_warning(desk: Desk, persons: Persons) -> None:
    """It has a passphrase; its agent is gone; it is no key; it is not there; there is no ssh-keygen."""
    locked = persons.key("cleo", passphrase="never told")
    public = persons.key("dan").with_name("dan.pub")
    persons.key("dan").unlink()
    persons.signers.write_text("".join(f"{ANA} {key.read_text()}" for key in (locked.with_name("cleo.pub"), public)))
    bare = desk.root / "bare"
    bare.mkdir()
    for tool in ("true", "sh"):
        (bare / tool).symlink_to(str(shutil.which(tool)))
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(desk.root / "nobody"))
        gone = {"SSH_AUTH_SOCK": str(desk.root / "nobody")}
        tries: list[tuple[dict[str, str], str]] = [
            ({"RUNBOOK_KEY": str(locked)}, "it has a passphrase"),
            ({"RUNBOOK_KEY": str(public), **gone}, "nothing could be signed with"),
            ({"RUNBOOK_KEY": str(desk.write("none", "no key"))}, "nothing could be signed with"),
            ({"RUNBOOK_KEY": str(desk.root / "nowhere")}, "there is no key"),
            ({"PATH": str(bare)}, "`ssh-keygen` cannot be started"),
        ]
        for env, why in tries:
            done = desk.walk(LOOK, "--operator", ANA, env=env)
            assert desk.records()[-1].mono < 2_000
            assert_unsigned(desk, done, why)
            shutil.rmtree(desk.run().path)


def test_b4_a_run_whose_checkpoints_cannot_be_kept_goes_on(desk: Desk) -> None:
    assert desk.walk(ASK, "--operator", ANA).status == 3
    shutil.rmtree(desk.run().checkpoints)
    assert desk.do("resume", "r1").status == 3
    assert any("a checkpoint cannot be kept" in said for said in warnings(desk))
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert (done.status, "the end of the run is unsigned" in done.err) == (0, True)
    assert desk.verify() == 0


def calls_of(desk: Desk, text: str) -> int:
    """How many calls of a walk could leave a mark."""
    marks = desk.root / "marks"
    assert desk.walk(text, "--operator", ANA, trace=str(marks)).status in {0, 3}
    shutil.rmtree(desk.run().path)
    return len(marks.read_text().splitlines())


EACH = pytest.mark.parametrize("nth", [7, pytest.param(1, marks=pytest.mark.full)])
"""Killed before the last calls that could leave a mark, each of them or each nth."""


@EACH
def test_c1_a_walk_that_is_killed_while_it_signs_leaves_no_checkpoint_that_is_none(nth: int, desk: Desk) -> None:
    calls = calls_of(desk, ASK)
    for number in range(calls - 24, calls + 1, nth):
        assert desk.walk(ASK, "--operator", ANA, kill=number).status in {-signal.SIGKILL, 3}
        desk.settled()
        assert desk.verify() in {3, 4}, number
        done = desk.do("resume", "r1", "--answers", "answers.yaml")
        assert done.status == 0, done.err
        assert desk.do("verify", "r1", "--strict").status == 0, desk.do("verify", "r1").out
        shutil.rmtree(desk.run().path)


@EACH
def test_c1_a_walk_that_is_killed_while_it_ends_is_ended_later_or_is_over(nth: int, desk: Desk) -> None:
    calls = calls_of(desk, LOOK)
    for number in range(calls - 24, calls + 1, nth):
        desk.walk(LOOK, "--operator", ANA, kill=number)
        desk.settled()
        if desk.verify() != 0:
            assert desk.do("resume", "r1").status == 0
        assert desk.verify() == 0
        shutil.rmtree(desk.run().path)


def test_a_run_that_is_walked_by_another_one_gets_no_checkpoint_between_announcement_and_effect(desk: Desk) -> None:
    """The new operator signs in the background, and what came of it is told when nothing is in flight."""
    text = book(read("look", then="ask"), change("ask", then="slow"), read("slow", "sleep", "0.3", then="done"))
    assert desk.walk(text, "--operator", ANA).status == 3
    desk.write("answers.yaml", answers("step: ask, confirm: yes"))
    done = desk.do(
        "resume", "r1", "--answers", "answers.yaml", "--operator", BEN, env={"RUNBOOK_KEY": f"{desk.root}/keys/ben"}
    )
    assert done.status == 0, done.err
    types = desk.types()
    for place, kind in enumerate(types):
        if kind == "checkpoint.signed":
            assert types[place - 1] != "step.started"
    assert BEN in {told["signer"] for told in desk.told("checkpoint.signed")}
    assert desk.do("verify", "r1", "--strict").status == 0


class Later(RealClock):
    """A clock that a test moves on."""

    ahead = 0

    def mono(self) -> int:
        """Milliseconds since the machine was started, and what was added."""
        return super().mono() + self.ahead


def test_a_long_run_is_signed_from_time_to_time_and_never_waits_for_it(tmp_path: Path, persons: Persons) -> None:
    """Nor more often than that, nor while something is in flight."""
    run = Store(tmp_path / "state").prepare().create("r1")
    clock, said = Later(), list[str]()
    walk = Walk(loaded(tmp_path, LOOK), KINDS)
    with LogWriter.create(run, Holder(pid=1, host="here", operator=ANA)) as log:
        journal = Journal(walk, log, clock, show=lambda _: None, mask=lambda text: text)
        signing = Checkpointing(
            journal, run=run, log=log, key=persons.key("ana"), signers=persons.signers, announce=said.append
        )
        signing.idle()
        journal.tell(r.RunStarted, **begun(walk))
        for ahead, count in ((0, 0), (EVERY_MS - 60_000, 0), (EVERY_MS + 1, 1), (EVERY_MS + 2, 1), (EVERY_MS * 3, 2)):
            clock.ahead = ahead
            for _ in range(40):
                signing.idle()
                time.sleep(0.005)  # ssh-keygen is another process
            assert len(list(run.checkpoints.glob("*.txt"))) == count
        signing.close()
    assert said == []


def begun(walk: Walk) -> Mapping[str, object]:
    """The beginning of a run."""
    return started(
        walk,
        run="r1",
        mode="live",
        environment=None,
        files={"book.yaml": "0" * 64},
        inputs="{}",
        operator=ANA,
        incident=None,
        host="here",
        store="here",
    )


def test_b4_an_agent_that_is_locked_signs_nothing_and_is_not_asked_for_its_password(
    desk: Desk, persons: Persons
) -> None:
    path = str(desk.root / "agent")
    asked = desk.write("asked", "#!/bin/sh\necho secret\n")
    asked.chmod(0o700)
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        wait_for(Path(path).exists, "no agent")
        key = persons.key("ana")
        env = {"SSH_AUTH_SOCK": path, "SSH_ASKPASS": str(asked), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
        for argv in (["ssh-add", "-q", str(key)], ["ssh-add", "-x"]):
            subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, env={**desk.env, **env})
        key.unlink()
        done = desk.walk(LOOK, "--operator", ANA, env={**env, "RUNBOOK_KEY": f"{key}.pub"})
        assert_unsigned(desk, done, "nothing could be signed with")
    finally:
        process.kill()
        process.wait()
