"""The store: whose directory it is, what a run is called, and that looking at many runs is quick."""

import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from tests.audit.logs import new_run, written

from runbook.audit.footing import check_local, mount_table
from runbook.audit.store import RunDir, Store, glimpse
from runbook.audit.whereabouts import new_run_id, state_dir
from runbook.model.address import RUN_ID
from runbook.model.diagnostics import Refused


def refusal(act: Callable[[], object]) -> tuple[str, str, str]:
    """The code, message and help of what an act is refused with."""
    with pytest.raises(Refused) as caught:
        act()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code.number, diagnostic.message, diagnostic.help


def test_a_run_has_its_directories(tmp_path: Path) -> None:
    run = new_run(tmp_path, "20261121-0312-app-x7k2")
    assert run.path == tmp_path / "state" / "runs" / "20261121-0312-app-x7k2"
    assert {path.name for path in run.path.iterdir()} == {"runbook", "output", "checkpoints", "requests", "inbox"}
    assert run.log.name == "audit.jsonl"


def test_a_runbook_is_kept_by_its_digest_and_only_once(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    digest = run.keep(b"runbook: v1\r\n")
    assert run.keep(b"runbook: v1\r\n") == digest == sha256(b"runbook: v1\r\n").hexdigest()
    assert run.snapshot(digest).read_bytes() == b"runbook: v1\r\n"
    assert len(list((run.path / "runbook").iterdir())) == 1


def test_the_state_directory_is_the_flag_s_then_the_variable_s_then_xdg_s_then_the_home_s() -> None:
    environ = {"RUNBOOK_STATE_DIR": "/var/a", "XDG_STATE_HOME": "/var/b", "HOME": "/home/ana"}
    assert state_dir("/var/flag", environ) == Path("/var/flag")
    assert state_dir("here", environ) == Path.cwd() / "here"
    assert state_dir(None, environ) == Path("/var/a")
    assert state_dir(None, {**environ, "RUNBOOK_STATE_DIR": ""}) == Path("/var/b/runbook")
    assert state_dir(None, {"XDG_STATE_HOME": "relative", "HOME": "/home/ana"}) == Path(
        "/home/ana/.local/state/runbook"
    )


def test_ids_are_ids_and_sorted_by_time() -> None:
    first = new_run_id("app_not_loading", datetime(2026, 11, 21, 3, 12, tzinfo=UTC))
    later = new_run_id("a" * 100, datetime(2026, 11, 21, 3, 13, tzinfo=UTC))
    assert re.fullmatch(r"20261121-0312-app_not_loading-[a-z0-9]{4}", first)
    assert RUN_ID.fullmatch(later)
    assert first < later
    assert len({new_run_id("x", datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(50)}) > 45


@pytest.mark.reliability
@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "-rf", ".hidden", "a b", "a\n", "a\0b"),
        *("x" * 65, "$(id)", "é", "*", "_x"),
    ],
)
def test_f12_what_is_no_id_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    for act in (lambda: store.find(name), lambda: store.create(name)):
        code, _, help_ = refusal(act)
        assert (code, bool(help_)) == ("RB536", True)
    assert list(store.runs.iterdir()) == []


@pytest.mark.reliability
def test_f12_a_link_in_the_place_of_a_run_is_no_run(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = Store(tmp_path / "state").prepare()
    (store.runs / "linked").symlink_to(elsewhere)
    assert refusal(lambda: store.find("linked"))[0] == "RB534"
    assert refusal(lambda: store.find("link"))[0] == "RB534"
    assert refusal(lambda: store.create("linked"))[0] == "RB537"
    assert store.newest() == []
    assert list(elsewhere.iterdir()) == []


def test_a_run_is_found_by_its_id_by_a_beginning_or_as_the_last(tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    assert refusal(lambda: store.find("last"))[0] == "RB534"
    for name in ("alpha", "alpha-2", "beta", "last-one"):
        store.create(name)
    assert store.find("alpha").id == "alpha"
    assert store.find("alpha-").id == "alpha-2"
    assert store.find("b").id == "beta"
    assert store.find("last").id == "last-one"
    assert refusal(lambda: store.find("a"))[:2] == ("RB535", "2 runs begin with `a`: alpha, alpha-2")
    assert refusal(lambda: store.find("gamma"))[0] == "RB534"
    assert refusal(lambda: store.create("alpha"))[0] == "RB537"
    assert refusal(lambda: store.create("last"))[0] == "RB536"


def test_the_last_run_is_the_one_that_began_last_whatever_is_written_where(tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    for name in ("zz", "mm", "aa"):
        written(store.create(name))
        time.sleep(0.02)  # the clock of a file system may tick every 10 ms
    (store.runs / "zz" / "torn-1").write_bytes(b"x")
    (store.runs / "zz" / "audit.jsonl").touch()
    assert [run.id for run in store.newest()] == ["aa", "mm", "zz"]
    assert [run.id for run in store.newest(2)] == ["aa", "mm"]


def test_a_glimpse_is_the_first_and_the_last_whole_record(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    written(run, 500)
    with run.log.open("ab") as file:
        file.write(b"torn" * 100)
    seen = glimpse(run)
    assert seen.first is not None
    assert seen.last is not None
    assert (seen.first.type, seen.last.seq) == ("run.started", 500)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"\n", b"\n\n", b"\0" * 70_000, b"x" * 70_000 + b"\n"])
def test_a_glimpse_of_a_log_that_is_none_shows_nothing(content: bytes | None, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    if content is None:
        run.log.mkdir()
    else:
        run.log.write_bytes(content)
    assert (glimpse(run).first, glimpse(run).last) == (None, None)
    assert glimpse(RunDir(tmp_path / "nowhere")).first is None


def test_looking_at_the_newest_of_many_runs_opens_only_those(tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    for number in range(2_000):
        (store.runs / f"r{number}" / "runbook").mkdir(parents=True)
    started = time.perf_counter()
    newest = store.newest(20)
    assert len(newest) == 20
    assert time.perf_counter() - started < 1


def world_writable(root: Path) -> None:
    root.chmod(0o777)


def world_writable_and_sticky(root: Path) -> None:
    root.chmod(0o1777)


def runs_world_writable(root: Path) -> None:
    (root / "runs").chmod(0o707)


def runs_is_a_link(root: Path) -> None:
    (root / "runs").rename(root / "elsewhere")
    (root / "runs").symlink_to(root / "elsewhere")


def runs_is_a_file(root: Path) -> None:
    (root / "runs").rmdir()
    (root / "runs").touch()


def runs_is_a_pipe(root: Path) -> None:
    (root / "runs").rmdir()
    os.mkfifo(root / "runs")


def root_is_a_file(root: Path) -> None:
    shutil.rmtree(root)
    root.touch()


def newer(root: Path) -> None:
    (root / "format").write_text("2\n")


def format_is_garbage(root: Path) -> None:
    (root / "format").write_bytes(b"\xff" * 5_000)


def format_is_a_link(root: Path) -> None:
    (root / "format").unlink()
    (root / "format").symlink_to("/dev/zero")


def format_is_a_pipe(root: Path) -> None:
    (root / "format").unlink()
    os.mkfifo(root / "format")


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (world_writable, "RB530"),
        (world_writable_and_sticky, "RB530"),
        (runs_world_writable, "RB530"),
        (runs_is_a_link, "RB530"),
        (runs_is_a_file, "RB530"),
        (runs_is_a_pipe, "RB530"),
        (root_is_a_file, "RB530"),
        (newer, "RB531"),
        (format_is_garbage, "RB531"),
        (format_is_a_link, "RB533"),
        (format_is_a_pipe, "RB533"),
    ],
)
def test_k5_a_state_directory_that_will_not_do_is_refused_with_what_to_do(
    harm: Callable[[Path], None], code: str, tmp_path: Path
) -> None:
    root = tmp_path / "state"
    Store(root).prepare()
    harm(root)
    found, _, help_ = refusal(lambda: Store(root).prepare())
    assert found == code
    assert help_


@pytest.mark.reliability
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's directory (run as root)")
@pytest.mark.parametrize("part", ["", "runs"])
def test_k5_a_state_directory_of_another_user_is_refused(part: str, tmp_path: Path) -> None:
    root = tmp_path / "state"
    Store(root).prepare()
    os.chown(root / part, 12345, 12345)
    assert refusal(lambda: Store(root).prepare())[:2] == (
        "RB530",
        "the state directory belongs to user 12345, and this is user 0",
    )


@pytest.mark.reliability
def test_c1_a_store_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    (store.root / "format").write_bytes(b"")
    assert store.prepare().create("r1").path.is_dir()
    assert (store.root / "format").read_bytes() == b"1\n"


@pytest.mark.reliability
def test_k5_a_newer_store_is_not_even_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "state").prepare()
    store.create("r1")
    newer(store.root)
    assert refusal(lambda: store.find("r1"))[0] == "RB531"
    assert refusal(store.newest)[0] == "RB531"


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:40 / /home rw,relatime shared:3 - nfs4 nas.example.com:/home rw,vers=4.2
41 40 0:41 / /home/ana/local rw,relatime - ext4 /dev/vdb rw
42 22 0:42 / /mnt/with\\040space rw - fuse.sshfs ana@example.com: rw
43 22 0:43 / /srv rw - ext4 /dev/vdc rw
44 22 0:44 / /srv rw - cifs //nas.example.com/srv rw
45 22 0:45 / /home2 rw - ext4 /dev/vdd rw
"""


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/home/ben/state", "nfs4"),
        ("/home", "nfs4"),
        ("/mnt/with space/state", "fuse.sshfs"),
        ("/srv/state", "cifs"),
        ("/home/ana/local/state", None),
        ("/home2/state", None),
        ("/var/lib", None),
    ],
)
def test_k5_a_network_file_system_is_refused_by_the_mount_that_a_path_is_on(path: str, type_: str | None) -> None:
    if type_ is None:
        check_local(Path(path), MOUNTS)
    else:
        code, message, help_ = refusal(lambda: check_local(Path(path), MOUNTS))
        assert (code, message) == ("RB532", f"the state directory is on a network file system ({type_})")
        assert help_


def test_the_mount_table_of_this_machine_can_be_read(tmp_path: Path) -> None:
    check_local(tmp_path, mount_table())


def test_a_state_directory_may_be_reached_by_a_link_and_is_used_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "state").symlink_to(tmp_path / "disk")
    assert Store(tmp_path / "state").prepare().root == tmp_path / "disk"


def test_a_directory_that_cannot_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, message, help_ = refusal(lambda: Store(tmp_path / "file" / "state").prepare())
    assert (code, message) == ("RB533", "the state directory cannot be used: not a directory")
    assert "--state-dir" in help_
