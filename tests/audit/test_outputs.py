"""Outputs in full, masked, with what the log says of them."""

import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest
from tests.audit.logs import FaultyDisk, new_run

from runbook.audit.masking import Masker
from runbook.audit.outputs import Output, OutputFile
from runbook.audit.store import RunDir

SECRET = "hunter2-correct"


def keeper(run: RunDir, address: str = "check_health", cap: int = 1_000_000, nth: int = 0) -> OutputFile:
    masker = Masker()
    masker.register("token", SECRET)
    disk = FaultyDisk(nth, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    return OutputFile(run, masker, address=address, visit=2, attempt=1, stream="stdout", cap=cap, disk=disk)


def kept(run: RunDir, output: Output) -> bytes:
    assert output.file is not None
    return (run.path / output.file).read_bytes()


def test_a_stream_is_kept_with_its_digest(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    keeping = keeper(run)
    shown = keeping.feed(b"one\n") + keeping.feed(b"two\xff\n")
    rest, output = keeping.close()
    assert shown + rest == b"one\ntwo\xff\n" == kept(run, output)
    digest = sha256(shown).hexdigest()
    assert output == Output(
        stream="stdout",
        file="output/check_health#2.1.stdout",
        size=9,
        sha256=digest,
        dropped=0,
        stream_sha256=digest,
        masked=(),
    )
    assert (run.output / "check_health#2.1.stdout").stat().st_mode & 0o777 == 0o600


@pytest.mark.reliability
def test_d2_a_secret_is_neither_shown_nor_kept_in_any_piece(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    keeping = keeper(run)
    data = f"a {SECRET} b {SECRET}".encode()
    shown = b"".join(keeping.feed(data[at : at + 1]) for at in range(len(data)))
    rest, output = keeping.close()
    assert shown + rest == b"a [MASKED:token] b [MASKED:token]" == kept(run, output)
    assert output.masked == ("token",)


def test_a_stream_without_a_byte_has_no_file(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    _, output = keeper(run).close()
    assert (output.file, output.size, output.dropped) == (None, 0, 0)
    assert list(run.output.iterdir()) == []


@pytest.mark.reliability
def test_g3_a_flood_ends_at_the_cap_and_what_follows_is_counted_and_digested(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    keeping = keeper(run, cap=1_000)
    piece = b"0123456789" * 77
    for _ in range(100):
        assert keeping.feed(piece) == piece
    _, output = keeping.close()
    assert kept(run, output) == (piece * 2)[:1_000]
    assert (output.size, output.dropped) == (1_000, 76_000)
    assert output.sha256 == sha256((piece * 2)[:1_000]).hexdigest()
    assert output.stream_sha256 == sha256(piece * 100).hexdigest()


def test_an_address_becomes_one_file_name_and_never_a_path(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    keeping = keeper(run, address="outer/inner[2].probe")
    keeping.feed(b"x")
    _, output = keeping.close()
    assert output.file == "output/outer~inner[2].probe#2.1.stdout"


def test_what_a_killed_attempt_left_is_not_written_over(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    files = []
    for content in (b"first", b"second", b"third"):
        keeping = keeper(run)
        keeping.feed(content)
        _, output = keeping.close()
        assert kept(run, output) == content
        files.append(output.file)
    name = "output/check_health#2.1.stdout"
    assert files == [name, f"{name}.2", f"{name}.3"]


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_disk_that_takes_no_more_stops_nothing_and_is_told(nth: int, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    keeping = keeper(run, nth=nth)
    for _ in range(4):
        assert keeping.feed(b"line\n") == b"line\n"
    _, output = keeping.close()
    assert output.problem == "no space left on device"
    assert output.size + output.dropped == 20
    assert output.stream_sha256 == sha256(b"line\n" * 4).hexdigest()
    assert [path.name for path in run.output.iterdir()] == ([] if output.file is None else ["check_health#2.1.stdout"])
    assert (output.file is None) is (output.size == 0)
    if output.file is not None:
        assert output.sha256 == sha256(kept(run, output)).hexdigest()


@pytest.mark.reliability
def test_f12_a_link_in_the_place_of_an_output_is_not_written_through(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    aside = tmp_path / "precious"
    aside.write_bytes(b"precious")
    (run.output / "check_health#2.1.stdout").symlink_to(aside)
    keeping = keeper(run)
    keeping.feed(b"output")
    _, output = keeping.close()
    assert aside.read_bytes() == b"precious"
    assert output.file == "output/check_health#2.1.stdout.2"
