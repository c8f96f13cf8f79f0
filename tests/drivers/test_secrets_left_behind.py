"""Where a secret could be left that nobody thinks of: a page, a torn tail, a core dump."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk, answers

pytestmark = pytest.mark.reliability
SECRET = "env-Wert<geheim>&'1"
HEAD = "secrets: {token: {env: TOKEN}}\n"
GATE = "id: sure\ntitle: Sure of ${{ steps.loud.stdout }}?\nkind: gate\nquestion: Sure?\nnext: done\non_fail: bad\n"
TOKEN = "env: {T: '${{ secrets.token }}'}\n"
LOUD = book(read("loud", "sh", "-c", 'echo "$T"; echo "$T" >&2', then="sure", more=TOKEN), GATE, head=HEAD)
FORMS = (SECRET, SECRET.replace("<", "&lt;").replace(">", "&gt;"), "geheim")
"""As it is, as a page writes some of it, and what every way to write it leaves as it is."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.env["TOKEN"] = SECRET
    desk.write("answers.yaml", answers("step: sure, confirm: 'yes'"))
    return desk


def kept(text: str) -> bool:
    return not any(form in text for form in FORMS)


def test_d1_a_secret_is_in_no_report_whatever_its_format(desk: Desk) -> None:
    walked = desk.walk(LOUD, "--answers", "answers.yaml")
    assert walked.status == 0, walked
    for format_ in ("md", "html", "json"):
        report = desk.do("report", "r1", "--format", format_)
        assert report.status == 0
        assert "MASKED:token" in report.out
        assert kept(report.text)
    assert kept(walked.text)


@pytest.mark.parametrize("record", ["step.finished", "step.output", "step.entered"])
def test_d1_what_is_kept_of_a_torn_tail_holds_no_secret(desk: Desk, record: str) -> None:
    assert desk.walk(LOUD).status == 3
    log = desk.run().log
    lines = log.read_bytes().splitlines(keepends=True)
    about = "sure" if record == "step.entered" else "loud"
    begin = f'"type":"{record}","step":"{about}"'.encode()
    place = next(place for place, line in enumerate(lines) if begin in line)
    log.write_bytes(b"".join(lines[:place]) + lines[place][:-20])
    resumed = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert resumed.status == 0, resumed
    assert any("torn" in path.name for path in desk.run().path.iterdir())
    assert kept(desk.every_byte().decode(errors="replace") + resumed.text)
    assert desk.verify() == 0


def test_d1_a_walk_that_dies_leaves_no_core_dump(desk: Desk) -> None:
    """The last step has the walk abort, in a directory where it may write its memory down."""
    text = book(
        read("loud", "true", then="die", more=TOKEN),
        read("die", "sh", "-c", "kill -ABRT $PPID", then="done"),
        head=HEAD,
    )
    desk.write("book.yaml", text)
    walk = f"ulimit -c unlimited && exec {Path(sys.executable).with_name('runbook')} run book.yaml --run-id r1"
    done = subprocess.run(["bash", "-c", walk], cwd=desk.root, env=desk.env, capture_output=True, check=False)
    assert done.returncode == -6, done
    assert "resume" not in done.stderr.decode()
    assert not [path for path in desk.root.iterdir() if path.name.startswith("core")]
