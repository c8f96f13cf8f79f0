"""Bad input to any command gives a code, a place where there is one, and one thing to do; no traceback, no hang."""

import os
from collections.abc import Iterator

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers

BOOK = book(
    read("look", then="one"),
    change("one", then="done"),
    head="environments:\n  staging: {host: one.example.com}\n  production: {host: two.example.com}\n"
    "lock: '${{ run.id }}'\n",
)
ON = ("-e", "staging")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with all sorts of files, and two runs that are paused; none of these tests changes any of it."""
    tmp_path = tmp_path_factory.mktemp("desk")
    desk = Desk(tmp_path)
    for run in ("aa1", "aa2"):
        assert desk.walk(BOOK, *ON, run=run).status == 3
    desk.write("empty.yaml", "")
    desk.write("blank.yaml", "\n \n# nothing\n")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "latin.yaml").write_bytes(BOOK.replace("tested", "geprüft").encode("latin-1"))
    desk.write("newer.yaml", BOOK.replace("runbook: v1", "runbook: v2"))
    desk.write("list.yaml", "- a\n- b\n")
    desk.write("text.yaml", "hello\n")
    desk.write("scenario.yaml", "scenario: v1\nrunbook: nowhere.yaml\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "fifo.yaml")
    before = desk.every_byte()
    yield desk
    assert desk.every_byte() == before


def assert_refused(done: Done, code: str = "", *, status: int = 2) -> None:
    assert done.status == status, done
    assert "Traceback" not in done.text
    assert "our fault" not in done.text
    said = done.err if "error[RB" in done.err else done.out
    assert f"error[{code or 'RB'}" in said, done
    assert "= help: " in said, done


FILES = {
    "nowhere.yaml": "RB100",
    "folder": "RB101",
    "empty.yaml": "RB103",
    "blank.yaml": "RB103",
    "binary.yaml": "RB10",
    "latin.yaml": "RB105",
    "newer.yaml": "RB128",
    "list.yaml": "RB1",
    "text.yaml": "RB1",
    "/dev/null": "RB101",
    "fifo.yaml": "RB101",
    "loop.yaml": "RB102",
    "x" * 5_000: "RB102",
    "": "RB100",
    "-": "RB100",
    "book.yaml/inside": "RB100",
}


UNREADABLE = {"RB100", "RB101", "RB102", "RB104"}
"""What is wrong with the path: nobody has seen what stands in the file."""


@pytest.mark.parametrize("file", [file for file in FILES if file], ids=lambda file: file[:30])
def test_a_file_that_is_no_runbook_is_refused_by_whoever_reads_it(file: str, desk: Desk) -> None:
    assert_refused(desk.do("run", file, *ON), FILES[file])
    assert_refused(desk.do("resume", "aa1", "--answers", file), "RB1")
    if file == "folder":
        return
    assert_refused(desk.do("test", file))
    for form in ("text", "line", "json"):
        done = desk.do("check", file, "--format", form)
        assert done.status == (2 if FILES[file] in UNREADABLE else 1), done
        assert FILES[file] in done.out


def test_without_permission_nothing_is_read_or_written(desk: Desk) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (desk.root / "book.yaml").chmod(0)
    assert_refused(desk.do("run", "book.yaml", *ON))


USAGE = {
    "run": "RB310",
    "run book.yaml": "RB312",
    "run book.yaml -e stagin": "RB312",
    "run book.yaml -e": "RB310",
    "run book.yaml -e staging --nonsense": "RB310",
    "run book.yaml -e staging extra": "RB310",
    "run book.yaml -e staging -i": "RB310",
    "run book.yaml -e staging -i x": "RB143",
    "run book.yaml -e staging -i =x": "RB143",
    "run book.yaml -e staging -i x=1": "RB140",
    "run book.yaml -e staging --run-id aa1": "RB537",
    "run book.yaml -e staging --run-id ../up": "RB536",
    "run book.yaml -e staging --run-id last": "RB536",
    "run book.yaml -e staging --start-at nowhere": "RB313",
    "run book.yaml -e staging --start-at one": "RB310",
    "run book.yaml -e staging --dry-run=yes": "RB310",
    "run book.yaml -e staging --dry-run --break-lock enough": "RB310",
    "run book.yaml -e staging --store postgresql://walker@127.0.0.1:1/x": "RB578",
    "run book.yaml -e staging --store postgresql://walker:secret@127.0.0.1:1/x": "RB577",
    "run book.yaml -e staging --store nowhere": "RB577",
    "runs --store postgresql://walker@127.0.0.1:1/x --state-dir other": "RB310",
    "state init": "RB310",
    "state init there": "RB310",
    "state init there --store postgresql://walker@127.0.0.1:1/x": "RB310",
    "resume": "RB310",
    "resume aa": "RB535",
    "resume nobody": "RB534",
    "resume ../aa1": "RB536",
    "status": "RB310",
    "status aa": "RB535",
    "status nobody": "RB534",
    "verify": "RB310",
    "verify aa": "RB535",
    "verify nobody": "RB534",
    "verify aa1 --anchor 3": "RB310",
    "verify aa1 --allowed-signers file": "RB560",
    "note aa1": "RB310",
    "note nobody hello": "RB534",
    "note aa1 hello --kind gossip": "RB310",
    "abort aa1": "RB310",
    "abort aa --reason enough": "RB535",
    "report nobody": "RB534",
    "runs -n many": "RB310",
    "runs extra": "RB310",
    "test nowhere.yaml": "RB100",
    "test folder": "RB355",
    "test scenario.yaml": "RB100",
    "test --min-coverage all": "RB310",
    "check folder": "RB317",
    "check --format xml": "RB310",
    "explain RB999": "RB316",
    "explain nonsense": "RB316",
    "kinds commando": "RB315",
    "schema nonsense": "RB310",
    "drill scenario.yaml": "RB100",
    "watch nobody": "RB534",
    "watch": "RB310",
    "handover aa1": "RB310",
    "handover nobody --to ben@example.com": "RB534",
    "approve x": "RB330",
    "approve book.yaml": "RB330",
    "approve": "RB310",
    "bundle": "RB310",
    "bundle aa": "RB535",
    "bundle nobody": "RB534",
    "bundle aa1 -o folder": "RB324",
    "bundle aa1 -o folder --force": "RB319",
    "new": "RB310",
    "new X": "RB391",
    "import": "RB310",
    "import nowhere.md": "RB100",
    "import .": "RB382",
    "import book.yaml": "RB383",
    "state init folder": "RB310",
    "rnu book.yaml": "RB310",
    "--nonsense": "RB310",
}


@pytest.mark.parametrize("command", USAGE)
def test_a_command_line_that_cannot_be_meant_is_refused_and_nothing_begins(command: str, desk: Desk) -> None:
    assert_refused(desk.do(*command.split()), USAGE[command])


@pytest.mark.parametrize("flag", ["-n", "--limit"])
def test_a_list_of_fewer_than_no_runs_is_refused(flag: str, desk: Desk) -> None:
    assert_refused(desk.do("runs", flag, "-1"), "RB310")


def test_what_is_typed_nearly_right_is_guessed(desk: Desk) -> None:
    assert "did you mean `-e staging`?" in desk.do("run", "book.yaml", "-e", "stagin").err
    assert "did you mean `look`?" in desk.do("run", "book.yaml", *ON, "--start-at", "lok", "--reason", "x").err
    assert "did you mean `runbook resume`?" in desk.do("resmue", "aa1").err
    assert "did you mean `http`?" in desk.do("kinds", "htpp").err
    desk.write("near.yaml", answers("step: onne, confirm: 'yes'"))
    assert "did you mean `one`?" in desk.do("run", "book.yaml", *ON, "--answers", "near.yaml").err


@pytest.mark.parametrize("command", ["check", "run", "resume", "test", "runs", "status", "note", "abort", "verify", ""])
def test_every_command_explains_itself(command: str, desk: Desk) -> None:
    done = desk.do(*command.split(), "--help")
    assert done.status == 0
    assert done.out.startswith("usage: runbook ")
    assert done.err == ""
