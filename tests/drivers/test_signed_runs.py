"""A guard that requires a signed run: signed to its end, by who walked it, as the signers here have it."""

import shutil
from pathlib import Path

import pytest
from tests.drivers.books import END, change
from tests.drivers.desk import Desk, answers
from tests.drivers.persons import ANA, BEN, Persons

pytestmark = pytest.mark.reliability
HEAD = "runbook: v1\nid: tested\nenvironments:\n  staging: {}\n  production: {}\nsteps:\n"
GUARD = "guards: [{requires_run: {environment: staging, signed: true}, when: environment.name == 'production'}]\n"
BOOK = HEAD + "  - " + change("mend", then="done", more=GUARD).replace("\n", "\n    ").strip() + "\n" + END


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN)


@pytest.fixture
def desk(tmp_path: Path, persons: Persons) -> Desk:
    """A desk with a run in staging that ana walked and signed."""
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", answers("step: mend, confirm: yes"))
    walk(desk, "staging", "first")
    return desk


def walk(desk: Desk, environment: str, run: str, **env: str) -> int:
    given = ("-e", environment, "--operator", ANA, "--answers", "answers.yaml")
    return desk.walk(BOOK, *given, run=run, env=env).status


def refused(desk: Desk, **env: str) -> str:
    """Why production may not start."""
    shutil.rmtree(desk.run("r1").path, ignore_errors=True)
    before = desk.effects()
    assert walk(desk, "production", "r1", **env) == 3
    assert desk.effects() == before
    return str(desk.told("step.refused")[0]["reason"])


def test_a_run_that_is_signed_to_its_end_will_do(desk: Desk) -> None:
    assert walk(desk, "production", "r1") == 0
    assert desk.effects() == ["mend", "mend"]
    assert desk.verify() == 0


def test_a_run_that_is_not_signed_will_not_do(desk: Desk) -> None:
    directory = desk.run("first").checkpoints
    last = max(directory.glob("*.txt"))
    for path in (last, Path(f"{last}.sig")):
        path.unlink()
    assert "run first: it is not signed" in refused(desk)
    shutil.rmtree(directory)
    assert "there is no signed live run of `tested` in staging" in refused(desk)


def test_a_signature_that_does_not_count_will_not_do(desk: Desk, persons: Persons) -> None:
    signature = next(desk.run("first").checkpoints.glob("*.sig"))
    kept = signature.read_text()
    signature.write_text(kept.replace("-----BEGIN", "-----begin"))
    assert "run first: its log does not verify" in refused(desk)
    signature.write_text(kept)
    persons.list(BEN, f'{ANA} valid-before="20200101"')
    assert "run first: its log does not verify" in refused(desk)


def test_without_signers_here_nobody_can_say(desk: Desk, persons: Persons) -> None:
    persons.signers.unlink()
    assert "nobody here can say whether it is signed" in refused(desk)
    persons.list(ANA)
    persons.signers.chmod(0o666)
    assert "others may write to it" in refused(desk)


def test_whoever_signs_under_another_name_than_they_walk_will_not_do(desk: Desk, persons: Persons) -> None:
    persons.list(BEN, zoe="ana")
    assert f"it is signed by `zoe@example.com`, and `{ANA}` walked it" in refused(desk)


def test_an_end_that_is_not_signed_will_not_do(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    assert walk(desk, "staging", "second") == 3
    desk.write("answers.yaml", answers("step: mend, confirm: yes"))
    shutil.rmtree(desk.run("first").path)
    nothing = {"RUNBOOK_KEY": str(desk.root / "nowhere")}
    assert desk.do("resume", "second", "--answers", "answers.yaml", env=nothing).status == 0
    assert "run second: its end is not signed" in refused(desk)
