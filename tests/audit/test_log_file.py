"""The file that a log is: whose it is, who may read it, and that it stays where it is."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audit.logs import BEGIN, TS, assert_final, me, new_run, written

from runbook.audit.chained import LogFailed
from runbook.audit.store import RunDir, Store
from runbook.audit.writer import LogWriter
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability


def remove_log(run: RunDir) -> None:
    run.log.unlink()


def remove_directory(run: RunDir) -> None:
    shutil.rmtree(run.path)


def put_a_copy_in_its_place(run: RunDir) -> None:
    copy = run.path / "copy"
    shutil.copy2(run.log, copy)
    copy.rename(run.log)


def put_a_link_in_its_place(run: RunDir) -> None:
    run.log.rename(run.path / "elsewhere")
    run.log.symlink_to(run.path / "elsewhere")


def put_a_link_in_the_directory_s_place(run: RunDir) -> None:
    elsewhere = run.path.with_name("elsewhere")
    run.path.rename(elsewhere)
    run.path.symlink_to(elsewhere)


def put_a_new_directory_in_its_place(run: RunDir) -> None:
    run.path.rename(run.path.with_name("elsewhere"))
    shutil.copytree(run.path.with_name("elsewhere"), run.path)


def take_permissions_of_the_directory(run: RunDir) -> None:
    run.path.chmod(0)


def take_permissions_of_the_log(run: RunDir) -> None:
    run.log.chmod(0)


def write_into_it(run: RunDir) -> None:
    with run.log.open("ab") as file:
        file.write(b"{}\n")


def cut_it(run: RunDir) -> None:
    os.truncate(run.log, 100)


@pytest.mark.parametrize(
    "attack",
    [
        remove_log,
        remove_directory,
        put_a_copy_in_its_place,
        put_a_link_in_its_place,
        put_a_link_in_the_directory_s_place,
        put_a_new_directory_in_its_place,
        take_permissions_of_the_directory,
        take_permissions_of_the_log,
        write_into_it,
        cut_it,
    ],
)
def test_c9_a_log_that_is_no_longer_where_it_was_is_noticed_at_the_next_record(
    attack: Callable[[RunDir], None], tmp_path: Path
) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me()) as writer:
        writer.append("run.started", BEGIN, ts=TS, mono=0)
        writer.sync()
        attack(run)
        with pytest.raises(LogFailed) as caught:
            writer.append("step.started", {"step": "s"}, ts=TS, mono=1)
        assert caught.value.diagnostic.code.number == "RB523"
        assert_final(writer)
    for path in (run.path, run.log):
        if path.exists():
            path.chmod(0o700)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_c13_files_are_0600_and_directories_0700_whatever_the_umask_is(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        run = Store(tmp_path / "a" / "b").prepare().create("r1")
        written(run)
        run.keep(b"runbook: v1\n")
        with run.log.open("ab") as file:
            file.write(b"torn")
        LogWriter.reopen(run, me()).writer.close()
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "a").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) > 10


def link(path: Path, aside: Path) -> None:
    path.symlink_to(aside)


def dangling_link(path: Path, aside: Path) -> None:
    path.symlink_to(aside.with_name("nowhere"))


def fifo(path: Path, aside: Path) -> None:
    del aside
    os.mkfifo(path)


def hard_link(path: Path, aside: Path) -> None:
    path.hardlink_to(aside)


def directory(path: Path, aside: Path) -> None:
    del aside
    path.mkdir()


@pytest.mark.parametrize("put", [link, dangling_link, fifo, hard_link, directory])
def test_c13_what_stands_in_the_place_of_a_log_is_never_written_to(
    put: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    aside = tmp_path / "precious"
    other = new_run(tmp_path, "other")
    aside.write_bytes(written(other))
    before = aside.read_bytes()
    run = new_run(tmp_path)
    put(run.log, aside)
    with pytest.raises(Refused):
        LogWriter.create(run, me())
    with pytest.raises(Refused):
        LogWriter.reopen(run, me())
    assert aside.read_bytes() == before
    assert not aside.with_name("nowhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's file (run as root)")
def test_c13_another_owner_s_log_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    written(run)
    os.chown(run.log, 12345, 12345)
    with pytest.raises(Refused, match="this user's"):
        LogWriter.reopen(run, me())


def test_c14_a_child_inherits_no_descriptor_of_the_log(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me()) as writer:
        writer.append("run.started", BEGIN, ts=TS, mono=0)
        look = "import os,sys; print([os.path.realpath(f'/dev/fd/{fd}') for fd in os.listdir('/dev/fd')])"
        done = subprocess.run([sys.executable, "-c", look], close_fds=False, capture_output=True, check=True)
    assert b"audit.jsonl" not in done.stdout
