"""Whole runs on a disk of which any one call goes wrong, or during any one of which the process dies.

The runs have everything that is written below a state directory: log, snapshots, outputs, a lock, the record of starts,
a request and its approval, notes, what a crash left behind. A stage is one command of such a run; it is begun again and
again from the same files, each time with another call that goes wrong, and then gone on with to the end.
"""

import errno
import random
import shutil
import signal
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers, count, wait_for
from tests.drivers.faults import ERRORS, calls, faulty
from tests.drivers.persons import ANA, BEN, Persons

pytestmark = pytest.mark.reliability
UNDONE = "undo: {{kind: command, argv: [sh, -c, 'echo {0}.undo >> $EFFECTS']}}\n"
BOOK = book(
    read("look", "sh", "-c", "echo seen; echo said >&2", then="one"),
    change("one", then="each", more="guards: [{cooldown: 1ms}]\n").replace("undo: none\n", UNDONE.format("one")),
    "id: each\nkind: command\neffect: change\nargv: [sh, -c, 'echo each-$1 >> $EFFECTS', x, '${{ item }}']\n"
    'for_each: {in: \'["a", "b"]\', at_once: 1}\nnext: inner\non_fail: bad\n'
    "undo: {kind: command, argv: [sh, -c, 'echo each-$1.undo >> $EFFECTS', x, '${{ item }}']}\n",
    "id: inner\nkind: runbook\npath: inner.yaml\nnext: side\non_fail: bad\n",
    "id: side\nkind: parallel\nnext: nap\non_fail: bad\nsteps:\n"
    "  - {id: a, kind: command, argv: [echo, a]}\n  - {id: b, kind: command, argv: [echo, b]}\n",
    "id: nap\nkind: wait\nuntil: {kind: command, argv: [test, -e, effects]}\nevery: 50ms\ntimeout: 5s\nnext: hand\n"
    "on_fail: bad\n",
    change("hand", then="list", more="confirm: {approvals: {count: 1, from: [platform]}}\n"),
    "id: list\nkind: checklist\nitems: [{id: s, title: S}, {id: c, title: C, check: {kind: command, argv: ['true']}}]\n"
    "next: back\non_fail: bad\n",
    "id: back\nkind: undo\nnext: done\non_fail: bad\n",
    head=f"roles: {{platform: [{ANA}, {BEN}]}}\n",
)
INNER = (
    book(
        change("mend", then="done", more="probe: {kind: command, argv: [grep, -q, mend, effects]}\n").replace(
            "undo: none\n", UNDONE.format("mend")
        )
    )
    .replace("id: tested", "id: inner")
    .replace("    because: a test\n", "")
)
UNDOS = ("one.undo", "each[0].undo", "each[1].undo", "inner/mend.undo")
CHANGES = ("one", "inner/mend", "hand", *UNDOS)
WITH = ("--answers", "answers.yaml")
RUN = ("run", "book.yaml", "--operator", ANA, *WITH, "--run-id")


@dataclass(frozen=True, slots=True)
class Story:
    """A desk, whose files are put back to where a command is about to be called, and persons with keys."""

    desk: Desk
    persons: Persons
    saved: Path
    stages: Mapping[str, tuple[Sequence[str], int]]
    """By the name of a stage the command that is called and the status that it has on a disk that works."""

    def restore(self, stage: str) -> Desk:
        """The desk as it was before a command."""
        shutil.rmtree(self.desk.root)
        shutil.copytree(self.saved / stage, self.desk.root, symlinks=True)
        return self.desk

    def call(self, stage: str, name: str, nth: int, error: int, mode: str) -> Done:
        """Call a command on a disk that fails; what it called is in ``trace``."""
        command, _ = self.stages[stage]
        self.restore(stage)
        fault = (str(self.desk.state), name, nth, error, mode)
        done = self.desk.do(*command, fault=fault, trace=str(self.desk.root / "trace"))
        self.desk.settled()
        assert done.status not in {70, 99}, done
        assert "Traceback" not in done.text
        return done

    def calls(self, stage: str) -> list[tuple[str, str]]:
        """Every call of a command on a disk that works."""
        done = self.call(stage, "none", 0, 0, "once")
        assert done.status == self.stages[stage][1], done
        return calls(self.desk.root / "trace")

    def began(self) -> bool:
        """Whether the log has a whole record."""
        log = self.desk.run().log
        return log.exists() and b"\n" in log.read_bytes()

    def assert_announced(self) -> None:
        """Every effect has its intent in the log, in order, and at most one intent has no effect."""
        if not self.began():
            assert self.desk.effects() == []
            return
        assert self.desk.verify() in {0, 3, 4}
        intents = [step.removeprefix("inner/") for step in self.desk.intents()]
        intents = [each.replace("each[0]", "each-a").replace("each[1]", "each-b") for each in intents]
        intents = [each for each in intents if each not in {"each", "back"}]
        assert self.desk.effects() in (intents, intents[:-1])

    def go_on(self) -> None:
        """On a disk that works it is walked to its end, or another run if it never began; nothing is done twice."""
        desk = self.desk
        run = "r1" if self.began() else "r2"
        if run == "r2":
            again = desk.do(*RUN, run)
            assert again.status == 3, again
        for _ in range(3):
            if desk.types(run)[-1] == "run.finished":
                break
            types = desk.types(run)
            if "approval.requested" in types and "approval.given" not in types:
                self.persons.approve(desk.run(run), BEN)
            done = desk.do("resume", run, *WITH)
            aborted = any(told["do"] == "abort" for told in desk.told("operator.acted", run))
            assert done.status in ({1} if aborted else {0, 3}), done
        assert desk.types(run)[-1] == "run.finished"
        verified = desk.do("verify", run)
        assert verified.status == 0, verified
        assert set(count(desk.intents(run)).values()) == {1}
        assert set(count(desk.effects()).values()) == {1}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Go through a run once, and keep the files as they are before each command of it."""
    root = tmp_path_factory.mktemp("story")
    saved, desk = root / "saved", Desk(root / "desk", faulty)
    persons = Persons(root / "keys").list(ANA, BEN)
    desk.root.mkdir()
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("book.yaml", BOOK)
    desk.write("inner.yaml", INNER)
    looked = "settle: passed, evidence: looked"
    again = "do: retry, reason: the disk works again"
    given = [f"step: '{step}', confirm: yes, {looked}, {again}" for step in CHANGES for _ in range(2)]
    given += [f"step: '{step}', {looked}" for step in ("each[0]", "each[1]")]
    loops = ("step: each, confirm: yes", "step: back, confirm: yes", "step: list, items: {s: yes}")
    desk.write("answers.yaml", answers(*given, *loops))
    stages: dict[str, tuple[Sequence[str], int]] = {}

    def stage(name: str, status: int, *command: str) -> None:
        shutil.copytree(desk.root, saved / name, symlinks=True)
        stages[name] = (command, status)

    stage("run", 3, *RUN, "r1")
    assert desk.do(*RUN, "r1").status == 3
    stage("note", 0, "note", "r1", "a note")
    assert desk.do("note", "r1", "a note").status == 0
    stage("abort", 0, "abort", "r1", "--reason", "enough")
    stage("rebuild", 0, "runs", "--rebuild-index")
    persons.approve(desk.run(), BEN)
    stage("resume", 0, "resume", "r1", *WITH)
    with desk.run().log.open("ab") as log:
        log.write(b'{"v":1,"seq":' + b"\0" * 20)
    stage("recover", 0, "resume", "r1", *WITH)
    return Story(desk, persons, saved, stages)


WALKED = ("run", "note", "abort", "rebuild", "resume")
RECOVERY = "recover"
STAGES = (*WALKED, RECOVERY)


LOG = "/runs/r1/audit.jsonl"


@dataclass(frozen=True, slots=True)
class Fault:
    """The ``nth`` call of a name in a stage goes wrong."""

    stage: str
    name: str
    nth: int
    error: int
    mode: str


def faults(story: Story, stage: str) -> list[Fault]:
    """Every way in which one call of a stage can go wrong."""
    found: list[Fault] = []
    seen: dict[str, int] = {}
    for name, _ in story.calls(stage):
        nth = seen[name] = seen.get(name, 0) + 1
        errors = ERRORS.get(name, (errno.ENOSPC,))
        found += [Fault(stage, name, nth, error, "once") for error in errors]
        found.append(Fault(stage, name, nth, errors[0], "on"))
        if name == "write":
            found.append(Fault(stage, name, nth, errno.ENOSPC, "torn"))
    return found


def endure(story: Story, fault: Fault) -> None:
    """Have one call go wrong: no further effect where it is the log's, nothing wrong on disk, and it can be gone on."""
    done = story.call(fault.stage, fault.name, fault.nth, fault.error, fault.mode)
    made = calls(story.desk.root / "trace")
    usual = story.stages[fault.stage][1]
    failed = [number for number, (name, _) in enumerate(made) if name == fault.name][fault.nth - 1]
    path = made[failed][1]  # what runs side by side comes in any order
    story.assert_announced()
    if path == LOG and fault.name in {"write", "fsync"}:
        assert done.status in ({74} if story.began() else {2, 74}), (fault, done)
        last = max(n for n, call in enumerate(made) if call in {("write", LOG), ("fsync", LOG)})
        assert last - failed <= (fault.mode == "torn"), "the log was written to after a failure"
    elif path.startswith("/runs/r1/output/") and fault.mode == "once":
        assert done.status == usual, (fault, done)  # the log says what is missing
    else:
        assert done.status in {usual, 2, 3, 74}, (fault, done)
    if done.status != usual:
        assert "error[RB" in done.err or done.status == 3, (fault, done)
    story.go_on()


T = TypeVar("T")


def some(of: Sequence[T], number: int) -> list[T]:
    """Some of them, the same ones each time."""
    return random.Random(20261121).sample(of, min(number, len(of)))


def of_fsync(found: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in found if fault.name == "fsync"]


def of_others(found: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in found if fault.name != "fsync"]


@pytest.mark.parametrize("stage", STAGES)
def test_c6_whichever_call_fails_the_log_is_right_and_the_run_goes_on(stage: str, story: Story) -> None:
    for fault in some(of_others(faults(story, stage)), 3):
        endure(story, fault)


@pytest.mark.full
@pytest.mark.parametrize("stage", STAGES)
def test_c6_every_call_fails_once_and_for_good_and_the_run_goes_on(stage: str, story: Story) -> None:
    for fault in of_others(faults(story, stage)):
        endure(story, fault)


@pytest.mark.parametrize("stage", STAGES)
def test_c7_whichever_fsync_fails_it_is_not_trusted_again_and_the_run_goes_on(stage: str, story: Story) -> None:
    for fault in some(of_fsync(faults(story, stage)), 2):
        endure(story, fault)


@pytest.mark.full
@pytest.mark.parametrize("stage", STAGES)
def test_c7_every_fsync_fails_once_and_for_good_and_the_run_goes_on(stage: str, story: Story) -> None:
    for fault in of_fsync(faults(story, stage)):
        endure(story, fault)


@pytest.mark.parametrize(("mode", "error"), [("short", 0), ("once", errno.EINTR)], ids=["short", "EINTR"])
@pytest.mark.parametrize("stage", ["run", "recover"])
def test_c6_a_short_write_is_continued_and_an_interrupted_call_made_again(
    stage: str, mode: str, error: int, story: Story
) -> None:
    names = ("write",) if mode == "short" else ("write", "fsync", "open", "ftruncate")
    for fault in some([fault for fault in faults(story, stage) if fault.mode == "on" and fault.name in names], 3):
        done = story.call(stage, fault.name, fault.nth, error, mode)
        assert done.status == story.stages[stage][1], (fault, done)
        story.go_on()


def die(story: Story, stage: str, nth: int, mode: str) -> None:
    """Kill a command before or behind its Nth call, and go on."""
    done = story.call(stage, "any", nth, 0, mode)
    assert done.status == -signal.SIGKILL
    story.assert_announced()
    story.go_on()


def numbers(story: Story, stage: str) -> range:
    """The calls of a stage."""
    return range(1, len(story.calls(stage)) + 1)


@pytest.mark.parametrize("stage", WALKED)
def test_c1_killed_at_some_calls_below_its_state_directory_a_run_goes_on(stage: str, story: Story) -> None:
    for nth in some(numbers(story, stage), 2):
        die(story, stage, nth, "kill")


@pytest.mark.full
@pytest.mark.parametrize("mode", ["kill", "dead"])
@pytest.mark.parametrize("stage", WALKED)
def test_c1_killed_at_every_call_below_its_state_directory_a_run_goes_on(stage: str, mode: str, story: Story) -> None:
    for nth in numbers(story, stage):
        die(story, stage, nth, mode)


def test_c5_killed_at_some_calls_of_its_recovery_a_run_goes_on(story: Story) -> None:
    for nth in some(numbers(story, RECOVERY), 3):
        die(story, RECOVERY, nth, "kill")


@pytest.mark.full
@pytest.mark.parametrize("mode", ["kill", "dead"])
def test_c5_killed_at_every_call_of_its_recovery_a_run_goes_on(mode: str, story: Story) -> None:
    for nth in numbers(story, RECOVERY):
        die(story, RECOVERY, nth, mode)


@pytest.mark.parametrize("stage", ["run", "resume"])
def test_c11_where_files_cannot_be_locked_nothing_is_begun_and_nothing_gone_on_with(stage: str, story: Story) -> None:
    """As on a network file system without locks."""
    before = (story.saved / stage / "effects").read_text() if stage == "resume" else ""
    done = story.call(stage, "flock", 1, errno.EOPNOTSUPP, "on")
    assert done.status == 2
    assert "RB521" in done.err
    assert "".join(f"{effect}\n" for effect in story.desk.effects()) == before
    story.go_on()


def test_c6_a_note_that_cannot_be_put_into_the_inbox_is_refused_and_one_that_can_is_recorded_once(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path, faulty)
    script = "touch holding; while [ ! -e go ]; do sleep 0.02; done"
    desk.write("book.yaml", book(read("look", "sh", "-c", script, then="done")))
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for((desk.root / "holding").exists, "it does not begin")
    trace = desk.root / "trace"
    inbox = str(desk.run().inbox)
    assert desk.do("note", "r1", "first", fault=(inbox, "none", 0, 0, "once"), trace=str(trace)).status == 0
    told: dict[str, int] = {"first": 0}
    for nth, (name, _) in enumerate(calls(trace), 1):
        for mode in ("once", "short", "kill", "dead"):
            told[f"{name} {nth} {mode}"] = desk.do(
                "note", "r1", f"{name} {nth} {mode}", fault=(inbox, "any", nth, errno.ENOSPC, mode)
            ).status
    (desk.root / "go").touch()
    assert process.ended().status == 0
    assert set(told.values()) <= {0, 2, -signal.SIGKILL}
    recorded = count(str(note["text"]) for note in desk.told("note.added"))
    assert set(recorded.values()) == {1}
    assert {text for text, status in told.items() if status == 0} <= set(recorded)
    assert desk.verify() == 0


READING: Sequence[Sequence[str]] = (
    *(("verify", "r1"), ("status", "r1"), ("report", "r1"), ("runs",)),
    *(("note", "r1", "x"), ("resume", "r1", *WITH)),
)


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_what_cannot_be_read_is_no_fault_of_ours_and_has_no_effect(command: Sequence[str], story: Story) -> None:
    desk = story.restore("resume")
    trace = desk.root / "trace"
    desk.do(*command, fault=(str(desk.state), "read", 0, 0, "once"), trace=str(trace))
    reads = range(1, sum(name == "read" for name, _ in calls(trace)) + 1)
    for nth in some(reads, 3):
        story.restore("resume")
        done = desk.do(*command, fault=(str(desk.state), "read", nth, errno.EIO, "on"))
        assert done.status not in {70, 99}, (nth, done)
        assert "Traceback" not in done.text
        story.assert_announced()


@pytest.mark.parametrize("umask", [0, 0o777])
def test_c13_everything_below_the_state_directory_is_for_its_owner_alone_whatever_the_umask_is(
    umask: int, story: Story
) -> None:
    desk = story.restore("run")
    shutil.rmtree(desk.state, ignore_errors=True)
    assert desk.do(*story.stages["run"][0], umask=umask).status == 3
    assert desk.do("note", "r1", "a note", umask=umask).status == 0
    story.persons.approve(desk.run(), BEN)
    with desk.run().log.open("ab") as log:
        log.write(b"torn")
    assert desk.do("resume", "r1", *WITH, umask=umask).status == 0
    found = [desk.state, *desk.state.rglob("*")]
    assert {path.name for path in found} >= {"audit.jsonl", "torn-1", "starts.jsonl", "writer.json", "format"}
    wrong = [path for path in found if stat.S_IMODE(path.lstat().st_mode) != (0o700 if path.is_dir() else 0o600)]
    assert wrong == []
