"""What the shell script says of signed checkpoints: under the shells that there are, what ``runbook verify`` says."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_verify_checkpoints import WRONG, copy, desk, files, judged, last, persons, put, rewritten, walked
from tests.drivers.desk import Desk
from tests.drivers.persons import ANA, BEN, CLEO, Persons

from runbook.audit import bundle
from runbook.model.checkpoint import CheckpointText

__all__ = ["desk", "persons", "walked"]  # fixtures
pytestmark = pytest.mark.reliability
SCRIPT = Path(bundle.__file__).with_name("VERIFY.sh")


def checked(run: Path, signers: Path | None) -> str:
    """What the script says of a run, with its status in front; the same under each shell."""
    said = set()
    for shell in (["dash"], ["busybox", "sh"], ["bash"]):
        if shutil.which(shell[0]):
            options = ["--allowed-signers", str(signers)] if signers else []
            command = [*shell, str(SCRIPT), *options, str(run)]
            done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
            assert done.stderr == ""
            said.add(f"{done.returncode} {done.stdout}")
    (same,) = said
    return same


def cut(desk: Desk, persons: Persons) -> None:
    del persons
    lines = copy(desk).log.read_bytes().splitlines(keepends=True)
    copy(desk).log.write_bytes(b"".join(lines[:-1]))


def torn(desk: Desk, persons: Persons) -> None:
    del persons
    copy(desk).log.write_bytes(copy(desk).log.read_bytes()[:-9])


def cut_with_its_checkpoint(desk: Desk, persons: Persons) -> None:
    cut(desk, persons)
    files(desk)[-1].unlink()


def written_anew(desk: Desk, persons: Persons) -> None:
    del persons
    rewritten(desk).write(copy(desk).log)


def written_anew_without_checkpoints(desk: Desk, persons: Persons) -> None:
    written_anew(desk, persons)
    shutil.rmtree(copy(desk).checkpoints)


def gone(desk: Desk, persons: Persons) -> None:
    del persons
    shutil.rmtree(copy(desk).checkpoints)


def two_views(desk: Desk, persons: Persons) -> None:
    text = CheckpointText(run="r1", size=last(desk).size, head="ab" * 32)
    put(desk, text, persons.key("ana"), name="other.txt")


def another_name(desk: Desk, persons: Persons) -> None:
    """The key is listed under another name than that under which it was walked."""
    persons.list(BEN)
    text = persons.signers.read_text()
    persons.signers.write_text(f"{text}{CLEO} {persons.key('ana').with_name('ana.pub').read_text()}")
    files(desk)[0].unlink()


def known_by_a_pattern(desk: Desk, persons: Persons) -> None:
    """The same, and the signers know the name by a pattern: so it was somebody else."""
    another_name(desk, persons)
    text = persons.signers.read_text()
    persons.signers.write_text(
        f"*@{ANA.partition('@')[2]},nobody {persons.key('ben').with_name('ben.pub').read_text()}{text}"
    )


def key_of_that_time(desk: Desk, persons: Persons) -> None:
    del desk
    persons.list(f'{ANA} valid-after="20200101",valid-before="20990101"', BEN)


def nothing(desk: Desk, persons: Persons) -> None:
    del desk, persons


HOW: dict[str, Callable[[Desk, Persons], None]] = {
    **{name: how for name, (how, _) in WRONG.items()},
    **{
        each.__name__: each
        for each in (
            *(nothing, cut, torn, cut_with_its_checkpoint, written_anew, written_anew_without_checkpoints, gone),
            *(two_views, another_name, known_by_a_pattern, key_of_that_time),
        )
    },
}


@pytest.mark.parametrize("how", HOW)
def test_a12_the_script_judges_checkpoints_as_the_tool_does(how: str, desk: Desk, persons: Persons) -> None:
    HOW[how](desk, persons)
    for signers in (persons.signers, None):
        tool = judged(desk, signers=None if signers else "")
        said = checked(copy(desk).path, signers)
        assert said[0] == str(tool.status), f"{said}\n{tool.out}"


def test_the_script_says_how_far_a_log_is_signed(desk: Desk, persons: Persons) -> None:
    size = last(desk).size
    signed = checked(copy(desk).path, persons.signers)
    assert f"signed: its first {size} records of {size}" in signed
    assert f"  head    {size - 1}:{last(desk).head}\n" in signed
    without = checked(copy(desk).path, None)
    assert "2 checkpoints: whose signatures they have was not checked" in without
    assert "unsigned" in without


def test_a_bundle_takes_its_checkpoints_along(desk: Desk, persons: Persons, tmp_path: Path) -> None:
    path = str(tmp_path / "signed.tar.gz")
    assert desk.do("bundle", "r1", "-o", path).status == 0
    done = desk.do("verify", path, "--strict")
    assert (done.status, "signed  all of it, by ana@example.com" in done.out) == (0, True), done.out
    persons.list(BEN)
    assert desk.do("verify", path).status == 5
