"""A run becomes a scenario: what it saw and what was answered, and `runbook test` walks it as the run went."""

from hashlib import sha256
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers

from runbook.cli.drafted import tried
from runbook.drivers.capturing import capture
from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS
from runbook.language.drafting import Draft, draft_text, flow
from runbook.language.loading import load, load_scenario
from runbook.language.source import read as read_yaml
from runbook.model.canonical import Json

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "runbooks" / "scenarios").glob("*.yaml"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


@pytest.mark.parametrize("file", SCENARIOS[::3], ids=lambda path: path.stem)
def test_what_a_scenario_gives_is_captured_as_one_that_passes(file: Path) -> None:
    told = load_scenario(str(file)).scenario
    assert told is not None
    loaded = load(str(file.parent.parent / Path(told.runbook).name), KINDS)
    assert loaded.runbook is not None
    files = {name: sha256(data).hexdigest() for name, data in loaded.files.items()}
    walked = rehearse(told, loaded.runbook, KINDS, files=files)
    again, problems = tried(capture(walked.records, loaded.runbook, "x.yaml"), loaded.runbook)
    assert (again and again.failures, problems) == ([], [])
    assert again is not None
    assert again.path == walked.path
    assert again.edges == walked.edges


RETRIES = book(
    read("look", "sh", "-c", "echo x >> n; test $(wc -l < n) -gt 2", then="done", more="retry: {attempts: 3}\n")
)
LOOPS = book(
    read("each", "test", "${{ item }}", "!=", "b", then="done", more='for_each: {in: \'["a", "b"]\'}\n'),
)
WAITS = book(
    "id: rest\nkind: wait\nuntil: {kind: command, argv: [sh, -c, 'echo x >> m; test $(wc -l < m) -gt 1']}\n"
    "every: 250ms\ntimeout: 20s\nnext: done\non_fail: bad\n"
)
PROBE = "timeout: 500ms\nprobe: {kind: command, argv: [test, -f, effects]}\n"
UNKNOWN = book(change("mend", after="sleep 30", then="done", more=PROBE))
SETTLED = book(change("mend", after="sleep 30", then="done", more="timeout: 500ms\n"))
UNDONE = book(
    "id: first\nkind: command\neffect: change\nargv: ['true']\nundo: {kind: command, argv: ['true']}\n",
    change("second", before="exit 3", fail=""),
    end=GOOD,
)
MASKED = book(
    read("look", "sh", "-c", "echo token-of-mine", then="done"),
    head="secrets: {token: {env: TOKEN_OF_MINE}}\n",
)
INSIDE = book("id: inner\nkind: runbook\npath: inner.yaml\nnext: done\non_fail: bad\n")
INNER = """\
runbook: v1
id: inner
title: Inside
steps:
  - {id: look, kind: command, effect: none, argv: ["true"]}
  - {id: hand, kind: manual, effect: change, instructions: Turn it, undo: none, because: a test}
  - {id: end, kind: finish, outcome: resolved}
"""


@pytest.mark.parametrize(
    ("text", "given", "status"),
    [
        (RETRIES, (), 0),
        (LOOPS, (), 1),
        (WAITS, (), 0),
        (UNKNOWN, ("step: mend, confirm: 'yes'",), 0),
        (SETTLED, ("step: mend, confirm: 'yes', settle: passed, evidence: it is there",), 0),
        (
            UNDONE,
            (
                "step: first, confirm: 'yes'",
                "step: second, confirm: 'yes', do: undo",
                "step: second, do: abort, reason: enough",
                "step: first.undo, confirm: 'yes'",
            ),
            1,
        ),
        (MASKED, (), 0),
        (INSIDE, ("step: inner/hand, confirm: 'yes', outcome: done",), 0),
    ],
    ids=["retries", "loops", "waits", "unknown", "settled", "undone", "masked", "inside"],
)
def test_a_recorded_run_becomes_a_scenario_that_passes(
    desk: Desk, text: str, given: tuple[str, ...], status: int
) -> None:
    desk.write("inner.yaml", INNER)
    desk.write("answers.yaml", answers(*given) if given else "answers: []\n")
    done = desk.walk(text, "--answers", "answers.yaml", env={"TOKEN_OF_MINE": "token-of-mine"})
    assert done.status == status, done.text
    (desk.root / "scenarios").mkdir()
    captured = desk.do("drill", "--from", "r1", "-o", "scenarios/s.yaml")
    assert captured.status == 0, captured.text + (desk.root / "scenarios" / "s.yaml").read_text()
    tested = desk.do("test", "scenarios/s.yaml")
    assert tested.status == 0, tested.text
    assert "runbook: ../book.yaml" in (desk.root / "scenarios" / "s.yaml").read_text()
    assert desk.do("drill", "--from", "r1").out.startswith("# Captured from run r1")


def test_what_was_masked_stays_masked_and_a_comment_says_where(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    desk.walk(MASKED, "--answers", "answers.yaml", env={"TOKEN_OF_MINE": "token-of-mine"})
    text = desk.do("drill", "--from", "r1").out
    assert "token-of-mine" not in text.split("scenario: v1", 1)[1].replace("TOKEN_OF_MINE", "")
    assert "# Of `look`, entry 1, the log holds masked: stdout" in text


def test_a_dry_run_and_a_log_that_was_changed_are_no_scenarios(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    desk.walk(RETRIES, "--answers", "answers.yaml", "--dry-run")
    done = desk.do("drill", "--from", "r1")
    assert done.status == 2
    assert "RB359" in done.err
    log = desk.run().log
    log.write_bytes(log.read_bytes().replace(b"tested", b"TESTED", 1))
    assert desk.do("drill", "--from", "r1").status == 2


VALUES = [
    "yes",
    "no",
    "true",
    "null",
    "",
    " x ",
    "010",
    "1e3",
    "a: b",
    "a b",
    "#x",
    '"',
    "\\",
    "é",
    "😀",
    "a\nb\tc",
    "-",
]


@pytest.mark.parametrize("value", [*VALUES, {"a b": [1, -2, 0.1, 1e-7, 1e21, True, None, {}]}, [[], {}, ""]], ids=repr)
def test_what_is_written_is_read_as_what_it_was(tmp_path: Path, value: Json) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"x: {flow(value)}\n")
    assert read_yaml(str(path)).data == {"x": value}


@pytest.mark.parametrize("hidden", ["\x1b", "\u202e", "\ufeff", "\x00", "\r"], ids=repr)
def test_what_hides_something_is_written_out(tmp_path: Path, hidden: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(draft_text(Draft(runbook="b.yaml", title=f"a{hidden}b", comments=[f"c{hidden}\nd"])))
    assert load_scenario(str(path)).scenario is not None
    assert f"U+{ord(hidden):04X}" in path.read_text()
