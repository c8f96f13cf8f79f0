"""``runbook bundle`` and what others do with one: unpack it with tar, check it with a shell, judge it anew."""

import gzip
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, read
from tests.drivers.desk import Desk, wait_for
from tests.drivers.forgery import Forgery

from runbook.audit.outputs import CAP

SECRET = "hunter2-hunter2-hunter2"
HEAD = "secrets: {token: {env: TOKEN}}\n"
TELLING = (
    'id: telling\nkind: command\neffect: none\nscript: echo "it is $T"\nenv: {T: "${{ secrets.token }}"}\nnext: loud\n'
)
LOUD = book(TELLING, read("loud", "echo", "one", then="done", fail="bad"), head=HEAD)
OUT = "loud#1.1.stdout"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a run that printed a secret, and its bundle."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.env |= {"TOKEN": SECRET, "TMPDIR": str(desk.root / "tmp")}
    (desk.root / "tmp").mkdir()
    assert desk.walk(LOUD).status == 0
    assert desk.do("bundle", "r1").status == 0
    return desk


@pytest.fixture
def desk(whole: Desk) -> Iterator[Desk]:
    """The same; whatever a test does, no temporary file is left."""
    yield whole
    assert list((whole.root / "tmp").iterdir()) == []


@pytest.fixture
def damaged(desk: Desk, tmp_path: Path) -> Desk:
    """A desk with a copy of that run, to be damaged."""
    copy = Desk(tmp_path)
    copy.env |= {"TMPDIR": desk.env["TMPDIR"]}
    shutil.copytree(desk.state, copy.state)
    return copy


def bundle(desk: Desk) -> Path:
    return desk.root / "r1.tar.gz"


def members(path: Path) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """What is in an archive, by name."""
    with tarfile.open(path) as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found[member.name] = member, file.read()
        return found


def unpacked(path: Path, into: Path) -> Path:
    """Unpack an archive with tar, as somebody would who has nothing else."""
    into.mkdir()
    subprocess.run(["tar", "-xzf", path], cwd=into, check=True)
    (only,) = into.iterdir()
    return only


def checked(directory: Path, *options: str) -> int:
    """The status of the script that came with a bundle."""
    return subprocess.run(["sh", "VERIFY.sh", *options], cwd=directory, capture_output=True, check=False).returncode


def head(desk: Desk) -> str:
    last = desk.records()[-1]
    return f"{last.seq}:{last.h}"


def test_a_bundle_holds_all_that_a_run_left_and_what_is_made_of_it(desk: Desk) -> None:
    run = desk.run()
    (snapshot,) = (run.path / "runbook").iterdir()
    found = members(bundle(desk))
    kept = {"audit.jsonl", f"runbook/{snapshot.name}", f"output/{OUT}", "output/telling#1.1.stdout"}
    assert {name for name in found if "/report." not in name} == {
        f"r1/{name}" for name in (*kept, "README.md", "VERIFY.sh")
    }
    for name in kept:
        assert found[f"r1/{name}"][1] == (run.path / name).read_bytes()
    for form in ("md", "html", "json"):
        assert found[f"r1/report.{form}"][1].decode() == desk.do("report", "r1", "--format", form).out
    page = found["r1/README.md"][1].decode()
    assert head(desk) in page
    assert "sh VERIFY.sh --anchor N:HASH --allowed-signers FILE" in page


def test_the_same_run_gives_the_same_bytes_whenever_and_by_whomever_it_is_packed(desk: Desk, damaged: Desk) -> None:
    for path in damaged.run().path.rglob("*"):
        os.utime(path, (1, 1))
    first = bundle(desk).read_bytes()
    done = damaged.do("bundle", "r1", "-o", "other.tgz", umask=0o007)
    assert (done.status, done.out) == (0, "other.tgz\n")
    assert (damaged.root / "other.tgz").read_bytes() == first
    assert first[3:8] == b"\0" * 5  # neither a name nor a time (RFC 1952, 2.3)
    found = members(bundle(desk))
    assert list(found) == sorted(found)
    for name, (member, _) in found.items():
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mode == (0o755 if name.endswith(".sh") else 0o644)
    assert len({member.mtime for member, _ in found.values()}) == 1


@pytest.mark.reliability
def test_d1_the_secret_of_a_run_is_in_no_file_of_its_bundle(desk: Desk, tmp_path: Path) -> None:
    directory = unpacked(bundle(desk), tmp_path / "unpacked")
    contents = {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert b"[MASKED:" in contents["telling#1.1.stdout"]
    assert [name for name, data in contents.items() if SECRET.encode() in data] == []


def test_what_is_unpacked_with_tar_alone_can_be_checked_with_a_shell_alone(desk: Desk, tmp_path: Path) -> None:
    directory = unpacked(bundle(desk), tmp_path / "unpacked")
    assert checked(directory) == checked(directory, "--anchor", head(desk)) == 0
    assert checked(directory, "--anchor", f"0:{'0' * 64}") == 1
    assert desk.do("verify", str(directory)).status == 0


def test_a_bundle_is_judged_like_the_run_that_it_holds(desk: Desk) -> None:
    done = desk.do("verify", "r1.tar.gz", "--strict", "--anchor", head(desk))
    assert (done.status, done.err) == (0, "")
    assert "r1, LIVE, of `tested`" in done.out
    judged = json.loads(desk.do("verify", str(bundle(desk)), "--format", "json").out)
    assert (judged["status"], judged["run"], judged["log"]) == (0, "r1", str(bundle(desk)))
    assert {finding["file"] for finding in judged["findings"]} == {f"{bundle(desk)}/r1/audit.jsonl"}
    assert desk.do("verify", "r1.tar.gz", "--anchor", f"0:{'0' * 64}").status == 1


def test_nothing_is_written_over_unasked(desk: Desk, tmp_path: Path) -> None:
    before = bundle(desk).read_bytes()
    done = desk.do("bundle", "r1")
    assert (done.status, done.out) == (2, "")
    assert "RB324" in done.err
    target = tmp_path / "here.tar.gz"
    target.write_text("something else")
    assert desk.do("bundle", "r1", "-o", str(target)).status == 2
    assert target.read_text() == "something else"
    assert desk.do("bundle", "r1", "-o", str(target), "--force").status == 0
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["here.tar.gz"]
    for odd in (tmp_path, tmp_path / "no" / "such.tar.gz"):
        done = desk.do("bundle", "r1", "-o", str(odd), "--force")
        assert (done.status, "RB319" in done.err) == (2, True)
    assert "RB534" in desk.do("bundle", "nobody").err


def test_a_bundle_goes_to_standard_output_but_to_no_terminal(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.touch()
    assert desk.start("bundle", "r1", "-o", "-", stdout=str(out)).ended().status == 0
    assert out.read_bytes() == bundle(desk).read_bytes()
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("runbook")), "bundle", "r1", "-o", "-"]
    done = subprocess.run(
        command, cwd=desk.root, env=desk.env, stdout=theirs, stderr=subprocess.PIPE, check=False, encoding="utf-8"
    )
    os.close(theirs)
    os.close(ours)
    assert (done.returncode, "an archive is nothing for a terminal" in done.stderr) == (2, True)


def tampered(desk: Desk) -> None:
    log = desk.run().log
    log.write_bytes(log.read_bytes().replace(b'"outcome":"passed"', b'"outcome":"failed"', 1))


def torn(desk: Desk) -> None:
    log = desk.run().log
    log.write_bytes(log.read_bytes()[:-200])


def going_on(desk: Desk) -> None:
    log = desk.run().log
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-3]))


def forged(desk: Desk) -> None:
    forgery = Forgery.of(desk.run().log)
    place = forgery.find("step.finished", "loud")
    forgery.edit(place, outcome="failed").write(desk.run().log)


def other_output(desk: Desk) -> None:
    (desk.run().output / OUT).write_text("two\n")


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("how", "status", "word"),
    [
        (tampered, 1, "TAMPERED LOG"),
        (torn, 4, "TORN LOG"),
        (going_on, 3, "NO END"),
        (forged, 6, "NOT A LEGAL WALK"),
        (other_output, 1, "TAMPERED LOG"),
    ],
)
def test_h4_a_bundle_of_a_log_that_is_not_whole_says_so_everywhere(
    how: Callable[[Desk], None], status: int, word: str, damaged: Desk, tmp_path: Path
) -> None:
    how(damaged)
    done = damaged.do("bundle", "r1")
    assert done.status == status
    assert "RB5" in done.err
    assert str(damaged.run().log) in done.err
    directory = unpacked(bundle(damaged), tmp_path / "unpacked")
    page = (directory / "README.md").read_text()
    assert page.startswith("> [!CAUTION]\n")
    assert f"# Bundle · {word} · LIVE" in page
    assert damaged.do("verify", "r1.tar.gz").status == status
    if how is not forged:  # a shell cannot see that
        assert checked(directory) == status


@pytest.mark.reliability
def test_h4_a_run_that_is_going_on_is_packed_as_it_is_now(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    waiting = book("id: pause\nkind: wait\nfor: 5m", end=GOOD)
    desk.write("a.yaml", "answers: []\n")
    walk = desk.start("run", str(desk.write("book.yaml", waiting)), "--run-id", "r1", "--answers", "a.yaml")
    wait_for(lambda: desk.run().log.exists() and "wait.started" in desk.types(), "the wait")
    done = desk.do("bundle", "r1")
    walk.signal(signal.SIGKILL)
    walk.ended()
    assert (done.status, "the run has no end" in done.err) == (3, True)
    assert desk.do("verify", "r1.tar.gz").status == 3
    assert "**has no end**" in (unpacked(bundle(desk), tmp_path / "unpacked") / "README.md").read_text()


def test_what_is_not_there_is_said_and_what_does_not_belong_there_stays_where_it_is(damaged: Desk) -> None:
    run = damaged.run()
    (run.output / OUT).unlink()
    (run.output / "notes\nof mine.txt").write_text("not masked")
    (run.output / "more#1.1.stdout").symlink_to("/etc/hostname")
    (run.path / "requests" / ".half written").write_text("x")
    (run.path / "inbox" / "1.json").write_text("{}")
    done = damaged.do("bundle", "r1")
    assert done.status == 0
    assert r"left out, as no part of a run: output/more#1.1.stdout, output/notes\nof mine.txt, requests/" in done.err
    assert not any("more#" in name or "notes" in name or "inbox" in name for name in members(bundle(damaged)))
    done = damaged.do("verify", "r1.tar.gz")
    assert (done.status, f"cannot be checked: {OUT}" in done.text) == (0, True)
    assert damaged.do("verify", "r1.tar.gz", "--strict").status == 6


def test_a_run_without_a_log_is_nothing_to_hand_over(damaged: Desk) -> None:
    damaged.run().log.unlink()
    done = damaged.do("bundle", "r1")
    assert (done.status, "RB500" in done.err) == (2, True)
    damaged.run().log.symlink_to("/etc/hostname")
    assert damaged.do("bundle", "r1").status == 2
    assert not bundle(damaged).exists()


def packed(path: Path, *content: tuple[tarfile.TarInfo, bytes], end: bytes = b"\0" * 1024) -> Path:
    """An archive of these members, whatever they are."""
    data = b"".join(member.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % 512) for member, data in content)
    path.write_bytes(gzip.compress(data + end))
    return path


def member(name: str, data: bytes = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    """A member of an archive."""
    made = tarfile.TarInfo(name)
    made.size = len(data)
    for key, value in more.items():
        setattr(made, key, value)
    return made, data


def content(desk: Desk) -> list[tuple[tarfile.TarInfo, bytes]]:
    return list(members(bundle(desk)).values())


PASSWD = "/etc/passwd"
HOSTILE: dict[str, tuple[str, list[tuple[tarfile.TarInfo, bytes]]]] = {
    "a path upwards": ("RB571", [member("r1/../../out", b"x")]),
    "a path upwards in the name of the run": ("RB571", [member("../out", b"x")]),
    "an absolute path": ("RB571", [member("/tmp/out", b"x")]),
    "a path with nothing in it": ("RB571", [member("r1//out", b"x")]),
    "a long path upwards": ("RB571", [member("r1/" + "a/../" * 60 + "../../out", b"x")]),
    "a symbolic link": ("RB571", [member("r1/output", type=tarfile.SYMTYPE, linkname=PASSWD)]),
    "a link": ("RB571", [member("r1/output/a#1.1.stdout", type=tarfile.LNKTYPE, linkname=PASSWD)]),
    "a device": ("RB571", [member("r1/output/a#1.1.stdout", type=tarfile.CHRTYPE, devmajor=1, devminor=5)]),
    "a pipe": ("RB571", [member("r1/audit.jsonl", type=tarfile.FIFOTYPE)]),
    "a file with holes": ("RB571", [member("r1/audit.jsonl", type=tarfile.GNUTYPE_SPARSE)]),
    "another header": ("RB571", [member("r1/x", b"30 path=../../../../tmp/out\n", type=tarfile.XHDTYPE)]),
    "a file twice": ("RB571", [member("r1/report.md", b"x"), member("r1/report.md", b"y")]),
    "the log twice": ("RB571", [member("r1/audit.jsonl", b"x")]),
    "a second run": ("RB571", [member("r2/audit.jsonl", b"x")]),
    "a name without end": ("RB571", [member("././@LongLink", b"x" * 5000, type=tarfile.GNUTYPE_LONGNAME)]),
    "more than there is room for": ("RB572", [member("r1/x", size=1 << 40)]),
    "more than an output can be": ("RB572", [member("r1/output/a#1.1.stdout", size=CAP + 1)]),
    "less than nothing": ("RB570", [member("r1/x", size=-512)]),
    "half of a file": ("RB570", [member("r1/report.txt", b"x", size=5000)]),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused_with_a_code_and_writes_nothing(what: str, desk: Desk, tmp_path: Path) -> None:
    code, more = HOSTILE[what]
    path = packed(tmp_path / "hostile.tar.gz", *content(desk), *more)
    done = desk.do("verify", str(path))
    assert (done.status, done.err) == (7, "")
    assert code in done.out
    assert [each.name for each in tmp_path.iterdir()] == ["hostile.tar.gz"]
    assert not Path("/tmp/out").exists()
    judged = json.loads(desk.do("verify", str(path), "--format", "json").out)
    assert (judged["status"], judged["findings"][0]["code"]) == (7, code)


def test_a_damaged_archive_is_refused_with_a_code(desk: Desk, tmp_path: Path) -> None:
    data = bundle(desk).read_bytes()
    path = tmp_path / "damaged.tar.gz"
    bent = bytearray(data)
    bent[len(bent) // 2] ^= 1
    for each in (data[:100], data[:-9], data[:-2], bytes(bent), data + b"more", gzip.compress(b"hello"), b"\x1f\x8b"):
        path.write_bytes(each)
        done = desk.do("verify", str(path))
        assert (done.status, "RB570" in done.out, done.err) == (7, True, ""), done.text
    for end in (b"", b"\0" * 3_000_000, b"\0" * 1024 + b"x"):
        status = desk.do("verify", str(packed(path, *content(desk), end=end))).status
        assert status == 7
    assert desk.do("verify", str(packed(path, end=b"\0" * 10_240))).status == 7


def test_what_does_not_belong_in_a_bundle_is_said_and_not_opened(desk: Desk, tmp_path: Path) -> None:
    strangers = [member("r1/malware.sh", b"x"), member("r1/output/a b", b"x"), member("r1/inbox/1.json", b"x")]
    path = packed(tmp_path / "more.tar.gz", member("r1/", type=tarfile.DIRTYPE), *content(desk), *strangers)
    done = desk.do("verify", str(path))
    assert done.status == 0
    assert "RB573 files that do not belong in a bundle: inbox/1.json, malware.sh, output/a b;" in done.out


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json", "README.md", "VERIFY.sh"])
def test_a_report_that_says_something_else_than_the_log_is_tampering(name: str, desk: Desk, tmp_path: Path) -> None:
    changed = [
        member(each.name, data.replace(b"echo", b"acho") + b"\n" if each.name == f"r1/{name}" else data)
        for each, data in content(desk)
    ]
    path = packed(tmp_path / "changed.tar.gz", *changed)
    done = desk.do("verify", str(path))
    assert (done.status, f"RB574 not what is made from the log: `{name}`" in done.out) == (1, True), done.out


def test_what_another_version_made_is_said_not_to_be_compared(desk: Desk, tmp_path: Path) -> None:
    changed = [
        member(each.name, data.replace(b"runbook-walk 0.1.0", b"runbook-walk 0.9.7")) for each, data in content(desk)
    ]
    path = packed(tmp_path / "other.tar.gz", *changed)
    done = desk.do("verify", str(path))
    assert (done.status, "compare them with runbook-walk 0.9.7" in done.out) == (0, True), done.out
    assert desk.do("verify", str(path), "--strict", "--anchor", head(desk)).status == 6


def test_a_bundle_under_the_name_of_another_run_is_said(desk: Desk, tmp_path: Path) -> None:
    changed = [member(each.name.replace("r1/", "r2/", 1), data) for each, data in content(desk)]
    done = desk.do("verify", str(packed(tmp_path / "r2.tar.gz", *changed)))
    assert "RB554 the directory is that of `r2`, and the log that of `r1`" in done.out


def test_what_tar_packed_again_is_opened_too(desk: Desk, tmp_path: Path) -> None:
    directory = unpacked(bundle(desk), tmp_path / "unpacked")
    again = tmp_path / "again.tar.gz"
    subprocess.run(["tar", "-czf", again, "-C", directory.parent, "r1"], check=True)
    assert desk.do("verify", str(again)).status == 0
    with io.BytesIO(gzip.decompress(again.read_bytes())) as data, tarfile.open(fileobj=data) as archive:
        assert any(each.isdir() for each in archive)


def test_a_name_that_is_longer_than_a_header_has_room_for_comes_back(damaged: Desk, tmp_path: Path) -> None:
    name = f"{'a' * 150}#1.1.stdout"
    (damaged.run().output / name).write_text("x")
    assert damaged.do("bundle", "r1").status == 0
    assert (unpacked(bundle(damaged), tmp_path / "unpacked") / "output" / name).exists()
    assert name[:80] in damaged.do("verify", "r1.tar.gz").out
