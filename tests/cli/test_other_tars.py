"""Archives that two programs would unpack as two different runs: refused, so that what is judged is what is read."""

import gzip
import tarfile
from pathlib import Path

import pytest
from tests.cli.test_bundle import member, members, packed
from tests.drivers.books import book, read
from tests.drivers.desk import Desk

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A run and its bundle."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    assert desk.walk(book(read("look", "true", then="done"))).status == 0
    assert desk.do("bundle", "r1", "-o", "r1.tar.gz").status == 0
    return desk


def content(desk: Desk) -> list[tuple[tarfile.TarInfo, bytes]]:
    return list(members(desk.root / "r1.tar.gz").values())


def refused(desk: Desk, path: Path) -> bool:
    done = desk.do("verify", str(path))
    return done.status == 7 and "RB571" in done.out


def test_a_name_that_tar_reads_otherwise_is_refused(desk: Desk, tmp_path: Path) -> None:
    """A header of GNU with the first part of a name, which only POSIX has: tar unpacks another log than we judge."""
    data = b""
    judged = [(made.name.removeprefix("r1/"), body) for made, body in content(desk)]
    for name, body in [*judged, ("r1/audit.jsonl", b"x")]:
        header = bytearray(member(name, body)[0].tobuf(tarfile.GNU_FORMAT))
        header[345:347] = b"r1"
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data += bytes(header) + body + b"\0" * (-len(body) % 512)
    path = tmp_path / "two.tar.gz"
    path.write_bytes(gzip.compress(data + b"\0" * 1024))
    assert refused(desk, path)


@pytest.mark.parametrize("name", ["r1/AUDIT.jsonl", "r1/Report.html", "r1/verify.sh"])
def test_a_name_in_another_case_is_the_same_file_on_many_disks_and_refused(
    name: str, desk: Desk, tmp_path: Path
) -> None:
    assert refused(desk, packed(tmp_path / "two.tar.gz", *content(desk), member(name, b"x")))
