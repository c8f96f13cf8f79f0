"""`runbook verify` and signed checkpoints: what an owner of a log can do to it, and what the verifier's signers say."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk, Done
from tests.drivers.forgery import Forgery
from tests.drivers.persons import ANA, BEN, CLEO, Persons

from runbook.audit.signing import sign
from runbook.audit.store import RunDir
from runbook.model.checkpoint import NAMESPACE, CheckpointText, parse

pytestmark = pytest.mark.reliability
LOOK = book(
    read("look", "true", then="ask"),
    "id: ask\ntitle: Look\nkind: manual\neffect: none\ninstructions: Look\nnext: done\non_fail: bad\n",
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Persons]:
    """A run of ana's that was paused once and is over: signed at its pause and at its end. Mallory is not listed."""
    root = tmp_path_factory.mktemp("desk")
    persons = Persons(root / "keys").list(ANA, BEN)
    desk = Desk(root)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", "answers: [{step: ask, outcome: done}]\n")
    for run in ("r1", "r2"):
        assert desk.walk(LOOK, "--operator", ANA, run=run).status == 3
        assert desk.do("resume", run, "--answers", "answers.yaml").status == 0
    return desk, persons


@pytest.fixture
def desk(walked: tuple[Desk, Persons]) -> Desk:
    """A desk where the run `copy` is r1, to be changed; the name of its directory is that of r1."""
    desk, persons = walked
    persons.list(ANA, BEN)
    (persons.directory / "revoked_keys").unlink(missing_ok=True)
    shutil.rmtree(desk.root / "copy", ignore_errors=True)
    shutil.copytree(desk.run().path, desk.root / "copy" / "r1")
    return desk


@pytest.fixture
def persons(walked: tuple[Desk, Persons]) -> Persons:
    return walked[1]


def copy(desk: Desk) -> RunDir:
    return RunDir(desk.root / "copy" / "r1")


def judged(desk: Desk, *options: str, signers: str | None = None) -> Done:
    env = {} if signers is None else {"RUNBOOK_ALLOWED_SIGNERS": signers}
    done = desk.do("verify", str(copy(desk).log), *options, env=env)
    assert "our fault" not in done.text, done
    return done


def files(desk: Desk) -> list[Path]:
    """The texts of the checkpoints, the last one last."""
    return sorted(copy(desk).checkpoints.glob("*.txt"))


def put(desk: Desk, text: CheckpointText | str, key: Path, *, namespace: str = NAMESPACE, name: str = "") -> None:
    """Put a checkpoint there, in the place of the last one or under a name of its own."""
    path = files(desk)[-1] if not name else copy(desk).checkpoints / name
    path.write_text(str(text))
    Path(f"{path}.sig").write_text(sign(str(text), key, namespace, seconds=10))


def last(desk: Desk) -> CheckpointText:
    return parse(files(desk)[-1].read_text())


def test_a_run_is_signed_at_its_pause_and_at_its_end(desk: Desk, persons: Persons) -> None:
    records = desk.records()
    (told,) = desk.told("checkpoint.signed")
    paused = next(number for number, record in enumerate(records) if record.type == "run.paused")
    assert (told["size"], told["head"], told["signer"]) == (paused + 1, records[paused].h, ANA)
    assert last(desk) == CheckpointText(run="r1", size=len(records), head=records[-1].h)
    done = judged(desk, "--strict")
    assert (done.status, "signed  all of it, by ana@example.com" in done.out, "RB" in done.out) == (0, True, False)
    found = json.loads(judged(desk, "--format", "json").out)
    assert (found["signed"], found["checkpoints"]) == ({"records": len(records), "by": ANA, "operator": True}, 2)
    assert persons.key("ana").exists()


def altered_text(desk: Desk, persons: Persons) -> None:
    del persons
    text = last(desk)
    files(desk)[-1].write_text(str(CheckpointText(run=text.run, size=text.size, head="0" * 64)))


def altered_size(desk: Desk, persons: Persons) -> None:
    del persons
    text = last(desk)
    files(desk)[-1].write_text(str(CheckpointText(run=text.run, size=text.size + 5, head=text.head)))


def altered_signature(desk: Desk, persons: Persons) -> None:
    del persons
    path = Path(f"{files(desk)[-1]}.sig")
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:10] + ("A" if lines[3][10] != "A" else "B") + lines[3][11:]
    path.write_text("\n".join(lines) + "\n")


def no_signature(desk: Desk, persons: Persons) -> None:
    del persons
    Path(f"{files(desk)[-1]}.sig").unlink()


def nonsense(desk: Desk, persons: Persons) -> None:
    del persons
    files(desk)[-1].write_bytes(b"\xff\0 nonsense" * 9)


def a_link(desk: Desk, persons: Persons) -> None:
    del persons
    path = files(desk)[-1]
    path.rename(desk.root / "elsewhere")
    path.symlink_to(desk.root / "elsewhere")


def others_signature(desk: Desk, persons: Persons) -> None:
    """Signed by ben, whom the signers know, where ana is known too and walked."""
    put(desk, last(desk), persons.key("ben"))


def told_otherwise(desk: Desk, persons: Persons) -> None:
    """What the record says that ana signed, ben did."""
    first = files(desk)[0]
    put(desk, first.read_text(), persons.key("ben"), name=first.name)


def expired(desk: Desk, persons: Persons) -> None:
    del desk
    persons.list(f'{ANA} valid-before="20200101"', BEN)


def not_yet(desk: Desk, persons: Persons) -> None:
    del desk
    persons.list(f'{ANA} valid-after="20990101"', BEN)


def revoked(desk: Desk, persons: Persons) -> None:
    del desk
    (persons.directory / "revoked_keys").write_bytes(persons.key("ana").with_name("ana.pub").read_bytes())


def other_purpose(desk: Desk, persons: Persons) -> None:
    del desk
    persons.list(f'{ANA} namespaces="runbook-approval@v1"', BEN)


def copied(desk: Desk, persons: Persons) -> None:
    """The checkpoint of another run, copied in beside the own ones."""
    del persons
    for file in desk.run("r2").checkpoints.iterdir():
        shutil.copy(file, copy(desk).checkpoints / f"2{file.name}")


WRONG: dict[str, tuple[Callable[[Desk, Persons], None], str]] = {
    "B1 an altered text": (altered_text, "does not count"),
    "B1 an altered size": (altered_size, "does not count"),
    "B1 an altered signature": (altered_signature, "does not count"),
    "B1 no signature": (no_signature, "it has no signature"),
    "B1 nonsense": (nonsense, "it is no `runbook-checkpoint/v1`"),
    "B1 a link": (a_link, "it cannot be read"),
    "B1 another namespace": (lambda desk, p: put(desk, last(desk), p.key("ana"), namespace="git"), "namespace"),
    "B1 another principal": (others_signature, "signed it, and `ana@example.com` walked"),
    "B1 another principal than told": (told_otherwise, "no key that is listed for `ana@example.com`"),
    "B1 an expired key": (expired, "expired"),
    "B1 a key of tomorrow": (not_yet, "not yet valid"),
    "B1 a revoked key": (revoked, "not revoked"),
    "B1 a key for something else": (other_purpose, "does not count"),
    "B2 of another run": (copied, "it is of the run `r2`"),
    "B3 a self-made key": (lambda desk, p: put(desk, last(desk), p.key("mallory")), "does not count"),
}


@pytest.mark.parametrize("how", WRONG)
def test_b1_b2_b3_a_checkpoint_that_the_signers_do_not_bear_out_is_a_wrong_signature(
    how: str, desk: Desk, persons: Persons
) -> None:
    make, said = WRONG[how]
    make(desk, persons)
    done = judged(desk)
    assert (done.status, "RB563" in done.out) == (5, True), done.out
    assert said in done.out


def test_b1_a_key_that_was_valid_when_it_signed_counts_for_ever(desk: Desk, persons: Persons) -> None:
    persons.list(f'{ANA} valid-after="20200101",valid-before="20990101"', BEN)
    assert judged(desk, "--strict").status == 0


def test_b3_without_signers_nobody_can_say_and_strictly_that_is_wrong(desk: Desk) -> None:
    done = judged(desk, signers="")
    assert (done.status, "RB565" in done.out, "RB514 unsigned" in done.out) == (0, True, True)
    assert judged(desk, "--strict", signers="").status == 5


def test_b5_two_checkpoints_of_one_size_are_a_split_view(desk: Desk, persons: Persons) -> None:
    text = last(desk)
    put(desk, CheckpointText(run="r1", size=text.size, head="ab" * 32), persons.key("ana"), name="other.txt")
    for signers in (None, ""):
        done = judged(desk, signers=signers)
        assert (done.status, "split view" in done.out) == (1, True), done.out


@pytest.mark.parametrize("signers", [None, ""])
def test_a4_lines_cut_off_below_a_checkpoint_are_a_truncation(signers: str | None, desk: Desk) -> None:
    log = copy(desk).log
    lines = log.read_bytes().splitlines(keepends=True)
    for kept in (len(lines) - 1, len(lines) - 4, 2):
        log.write_bytes(b"".join(lines[:kept]))
        done = judged(desk, signers=signers)
        assert (done.status, "TRUNCATED" in done.out) == (1, True), done.out
    log.write_bytes(b"".join(lines[:-2]) + lines[-2][:40])
    assert judged(desk, signers=signers).status == 1


def test_a5_a_cut_whose_checkpoint_was_taken_away_too_cannot_be_told_from_a_crash(desk: Desk) -> None:
    log = copy(desk).log
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))
    files(desk)[-1].unlink()
    done = judged(desk)
    assert (done.status, "cannot tell a crash from a cut without an anchor" in done.out) == (3, True)
    assert "signed up to record" in done.out
    assert judged(desk, "--strict").status == 5


def rewritten(desk: Desk) -> Forgery:
    """The log with another reason for its pause, which the walk does not mind, and with hashes that fit."""
    forged = Forgery.of(copy(desk).log)
    return forged.edit(forged.find("run.paused"), reason="lunch")


def test_a6_an_owner_who_writes_a_signed_log_anew_is_found_out(desk: Desk) -> None:
    head = judged(desk).out.partition("head")[2].split()[0]
    rewritten(desk).write(copy(desk).log)
    assert judged(desk).status == 1
    assert judged(desk, signers="").status == 1
    assert judged(desk, "--anchor", head).status == 1


def test_a6_a_record_that_tells_of_another_head_gives_it_away_without_any_file(desk: Desk) -> None:
    rewritten(desk).write(copy(desk).log)
    shutil.rmtree(copy(desk).checkpoints)
    done = judged(desk)
    assert (done.status, "another head than the log has there" in done.out) == (1, True)


def test_a6_an_owner_who_takes_the_signatures_away_too_is_left_with_an_unsigned_log(desk: Desk) -> None:
    forged = rewritten(desk)
    forged.drop(forged.find("checkpoint.signed")).write(copy(desk).log)
    shutil.rmtree(copy(desk).checkpoints)
    done = judged(desk)
    assert (done.status, "RB514 unsigned" in done.out) == (0, True)
    assert judged(desk, "--strict").status == 5


def test_a6_checkpoints_that_are_gone_are_missed(desk: Desk) -> None:
    shutil.rmtree(copy(desk).checkpoints)
    done = judged(desk)
    assert (done.status, "that the log tells of and that are not there" in done.out) == (0, True)
    assert judged(desk, "--strict").status == 5


def test_a_report_calls_no_signed_log_unsigned(desk: Desk) -> None:
    for form in ("md", "json"):
        done = desk.do("report", "r1", "--format", form)
        assert (done.status, "unsigned" in done.out) == (0, False), done.text
    assert "not judged here" in desk.do("report", "r1", "--format", "json").out


def test_an_end_that_is_not_signed_is_said(desk: Desk) -> None:
    files(desk)[-1].unlink()
    done = judged(desk)
    assert (done.status, "signed up to record" in done.out) == (0, True)
    assert judged(desk, "--strict").status == 5
    head = done.out.partition("head")[2].split()[0]
    assert judged(desk, "--strict", "--anchor", head).status == 0


def test_an_anchor_in_the_middle_leaves_what_follows_unsigned(desk: Desk) -> None:
    shutil.rmtree(copy(desk).checkpoints)
    first = desk.records()[3]
    done = judged(desk, "--anchor", f"{first.seq}:{first.h}")
    assert (done.status, "records after the anchor anew" in done.out) == (0, True)


def test_a_name_that_the_signers_do_not_know_is_said_and_strictly_counts(desk: Desk, persons: Persons) -> None:
    """Whoever walks as login@host signs as somebody; that they are one person, no file says."""
    persons.list(BEN)
    text = persons.signers.read_text()
    persons.signers.write_text(f"{text}{CLEO} {persons.key('ana').with_name('ana.pub').read_text()}")
    files(desk)[0].unlink()
    done = judged(desk)
    assert (done.status, f"signed by `{CLEO}`, and walked by `{ANA}`" in done.out) == (0, True), done.out
    assert judged(desk, "--strict").status == 5


def test_more_checkpoints_than_anybody_needs_take_no_memory(desk: Desk) -> None:
    for number in range(10_100):
        (copy(desk).checkpoints / f"9{number}.txt").touch()
    done = judged(desk)
    assert (done.status, "no more than 10,000 checkpoints" in done.out) == (5, True)
