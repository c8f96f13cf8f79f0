"""The shell script that checks a log without us: under several shells it says what the tool says."""

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
from tests.audit.logs import BEGIN, STEP, TS, Plan, header, log, plan, records, sealed
from tests.audit.test_verdict import REFORMATTED, every_line_but_the_last, flipped

from runbook.audit import bundle
from runbook.audit.chain import encode
from runbook.audit.reader import Anchor, judge
from runbook.audit.record import TYPES
from runbook.model.canonical import Json

SCRIPT = Path(bundle.__file__).with_name("VERIFY.sh")
NEEDED = ("tr", "fold", "tail", "wc", "mkdir", "rm")
BOOK = b"runbook: v1\n"
DIGEST = sha256(BOOK).hexdigest()
Verify = Callable[..., tuple[int, str]]


def tools(directory: Path, names: dict[str, str | None]) -> Path:
    """A directory of these programs and no others, to be a search path."""
    directory.mkdir()
    for name, target in names.items():
        if target is None:
            pytest.skip(f"no {name} here (tools/test_needs installs it where it may)")
        (directory / name).symlink_to(target)
    return directory


def shell(name: str, root: Path) -> tuple[list[str], str]:
    """How a shell is started, and the search path that it gets."""
    found = shutil.which("busybox" if name == "busybox" else "dash" if name == "shasum" else name)
    if found is None:
        pytest.skip(f"no {name} here (tools/test_needs installs it where it may)")
    match name:
        case "busybox":  # with its own programs, and no others
            return [found, "sh"], str(tools(root / "busybox", dict.fromkeys((*NEEDED, "sha256sum"), found)))
        case "shasum":  # as on a Mac without sha256sum
            known = {each: shutil.which(each) for each in (*NEEDED, "shasum", "perl")}
            return [found], str(tools(root / "shasum", known))
        case _:
            return [found], os.environ["PATH"]


@pytest.fixture(params=["dash", "busybox", "bash", "shasum"], scope="module")
def verify(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verify]:
    """Check a log with the script: its status and what it says, and the files beside it as they were left there."""
    root = tmp_path_factory.mktemp("shell")
    command, path = shell(request.param, root)
    (root / "run" / "runbook").mkdir(parents=True)
    (root / "run" / "output").mkdir()
    (root / "run" / "runbook" / f"{DIGEST}.yaml").write_bytes(BOOK)
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else root
    tmp = Path(tempfile.mkdtemp(dir=place))

    def check(data: bytes, *options: str) -> tuple[int, str]:
        (root / "run" / "audit.jsonl").write_bytes(data)
        done = subprocess.run(
            [*command, SCRIPT, *options, root / "run"],
            env={"PATH": path, "TMPDIR": str(tmp)},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.stderr == b""
        assert list(tmp.iterdir()) == []
        return done.returncode, done.stdout.decode()

    check.run = root / "run"  # type: ignore[attr-defined]  # for tests that change what stands there
    check.every = 1 if request.param in {"dash", "busybox"} else 5  # type: ignore[attr-defined]  # the bar asks for two
    yield check
    tmp.rmdir()


def with_runbook(said: Plan) -> Plan:
    """The same with the digest of a runbook in its first record, under a name that is made to mislead."""
    files: Json = {'a":"b}.yaml': DIGEST}
    return [(said[0][0], {**said[0][1], "files": files}), *said[1:]]


def made(steps: int = 3, *, finished: bool = True, run: str = "r1", more: Plan = ()) -> bytes:
    """A log whose runbook stands beside it; ``more`` is said after the first record."""
    first, *rest = with_runbook(plan(steps, run, finished=finished))
    return b"".join(record.raw + b"\n" for record in records([first, *more, *rest]))


def told(data: bytes, directory: Path, anchor: str | None = None) -> int:
    """The status that the tool gives the chain of a log."""
    path = directory / "audit.jsonl"
    path.write_bytes(data)
    return int(judge(path, Anchor.parse(anchor) if anchor else None).status)


def samples(*, full: bool) -> Iterator[tuple[str, bytes, str | None]]:
    """What rows A1 to A8 are tried with: which row, the log, and an anchor."""
    data = made(2)
    lines = data.splitlines(keepends=True)
    bits = range(len(data) * 8)
    version = range(5 * 8, 6 * 8)  # a newer version is another verdict
    chosen = bits if full else sorted({*random.Random(12).sample(bits, 24), *version})
    yield from (("a1", each, None) for bit in chosen for each in flipped(data, range(bit, bit + 1)))
    ends = {0, 1, len(data) - 1, *(sum(map(len, lines[:count])) + by for count in (1, 2) for by in (-1, 0, 1))}
    yield from (("a2", data[:cut], None) for cut in (range(len(data)) if full else sorted(ends)))
    changed = every_line_but_the_last(lines)
    yield from (("a3", b"".join(each), None) for _, each in (changed if full else changed[::3]))
    whole = records(with_runbook(plan(2)))
    for kept in (1, 2, 3, 4):
        yield "a4", b"".join(lines[:kept]), f"2:{whole[2].h}"
        yield "a5", b"".join(lines[:kept]), None
    yield "a4", b"".join(lines[:2]) + lines[2][:50], f"2:{whole[2].h}"
    edited = [*with_runbook(plan(2))]
    edited[1] = (edited[1][0], {**edited[1][1], "outcome": "skipped"})
    rewritten = b"".join(record.raw + b"\n" for record in records(edited))
    for anchor in (None, f"3:{whole[3].h}", f"0:{whole[0].h}", f"000:{whole[0].h}"):
        yield "a6", rewritten, anchor
    other = made(2, run="r2").splitlines(keepends=True)
    yield from (("a7", b"".join(lines[:at] + other[at:]), None) for at in range(1, len(lines)))
    for how in REFORMATTED.values():
        yield "a8", how(data), None
        yield "a8", how(made(1, finished=False)), None


@pytest.mark.reliability
def test_a12_the_script_gives_the_verdict_of_the_tool_on_a_sample(verify: Verify, tmp_path: Path) -> None:
    assert verify(made(2))[0] == 0
    for row, data, anchor in islice(samples(full=False), 0, None, verify.every):  # type: ignore[attr-defined]  # as above
        options = ["--anchor", anchor] if anchor else []
        status, text = verify(data, *options)
        assert (row, status, data) == (row, told(data, tmp_path, anchor), data), text


@pytest.mark.full
@pytest.mark.reliability
def test_a12_the_script_gives_the_verdict_of_the_tool_on_all_of_it(verify: Verify, tmp_path: Path) -> None:
    for row, data, anchor in islice(samples(full=True), 0, None, verify.every):  # type: ignore[attr-defined]  # as above
        options = ["--anchor", anchor] if anchor else []
        status, text = verify(data, *options)
        assert (row, status, data) == (row, told(data, tmp_path, anchor), data), text


ODD: dict[str, bytes] = {
    "zeros behind the end of a line": made(1, finished=False) + b"\0" * 5000,
    "zeros behind the end of the run": made(1) + b"\0",
    "more zeros than a line may have bytes": made(1, finished=False) + b"\0" * 200_000,
    "zeros and then something": made(1, finished=False) + b"\0" * 200_000 + b"x",
    "zeros and then a line": made(1, finished=False) + b"\0" * 200_000 + b"\n",
    "a line that never ends": made(1, finished=False) + b"x" * 200_000,
    "a tail of just the longest length": made(1, finished=False) + b"x" * 65_536,
    "a line of just too much": made(1, finished=False) + b"x" * 65_536 + b"\n",
    "only zeros": b"\0" * 5000,
    "a NUL in a record": made(1).replace(b"resolved", b"resol\0ved"),
    "bytes that shells keep for themselves": made(1).replace(b"resolved", b"resol\x81\x88ved"),
    "a backslash at the end of a tail": made(1, finished=False) + b"\\",
    "blanks at the end of a tail": made(1, finished=False) + b"x \t ",
    "a version as somebody else writes it": made(1, finished=False) + b'{ "v" :\t12 , "seq":1}\n',
    "a version of many digits": made(1, finished=False) + b'{"v":1234567890}\n',
    "a newer format": sealed(header() + ',"format":"2.0"') + b"\n",
    "no format": sealed(header() + ',"run":"r1"') + b"\n",
    "a time that is none": made(1).replace(b"2026-11-21T", b"2026-13-21T"),
    "a second beginning": made(1, more=with_runbook(plan(0, finished=False))),
    "a guest's record": made(1, more=[("x-example.seen", {})]),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_bytes_get_the_verdict_of_the_tool(what: str, verify: Verify, tmp_path: Path) -> None:
    status, text = verify(ODD[what])
    assert status == told(ODD[what], tmp_path), text


def test_time_that_runs_backwards_and_unknown_types_are_seen(verify: Verify) -> None:
    first = records(with_runbook(plan(0, finished=False)))[0]
    later = encode(seq=1, prev=first.h, ts=TS, mono=9, type_="warning", fields={"text": "x"})
    back = encode(seq=2, prev=later.h, ts=TS, mono=8, type_="warning", fields={"text": "x"})
    status, text = verify(b"".join(record.raw + b"\n" for record in (first, later, back)))
    assert (status, "line 3: its time runs backwards" in text) == (1, True)
    unknown = sealed(header(1, first.h, "step.exploded") + ',"a":1')
    assert verify(first.raw + b"\n" + unknown + b"\n")[0] == 1


def test_the_first_bad_line_is_named_also_beyond_a_batch(verify: Verify) -> None:
    data = made(1_100)
    lines = data.splitlines(keepends=True)
    for bad in (1_050, 7):
        lines[bad] = lines[bad].replace(b'"passed"', b'"failed"')
        status, text = verify(b"".join(lines))
        assert status == 1
        assert f"line {bad + 1}: its hash does not fit" in text


def output(name: str, content: bytes, visit: int = 1) -> tuple[str, dict[str, Json]]:
    """A record of an output."""
    where: dict[str, Json] = {"step": "loud", "visit": visit, "attempt": 1, "stream": "stdout"}
    return "step.output", {
        **where,
        "file": f"output/{name}",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
    }


def test_the_runbook_and_the_outputs_beside_the_log_are_held_to_it(verify: Verify) -> None:
    run: Path = verify.run  # type: ignore[attr-defined]  # where the log stands
    kept, each = run / "output" / "loud#1.1.stdout", run / "output" / "loop[2]~in#2.1.stdout"
    said: Plan = [output(kept.name, b"one\n"), output(each.name, b"two\n")]
    data, unfinished = made(1, more=said), made(1, more=said, finished=False)
    kept.write_bytes(b"one\n")
    each.write_bytes(b"two\n")
    assert verify(data)[0] == 0
    kept.write_bytes(b"ono\n")
    assert verify(data)[0] == verify(unfinished)[0] == 1
    assert f"output/{kept.name} is not what the log says" in verify(data)[1]
    for cut in (b"on", b"on\0\0"):
        kept.write_bytes(cut)
        assert verify(data)[0] == 1
        status, text = verify(unfinished)
        assert (status, "were cut by a crash" in text) == (3, True)
    kept.unlink()
    kept.symlink_to(each)
    assert (verify(data)[0], "1 files of output/ are not there" in verify(data)[1]) == (0, True)
    kept.unlink()
    (run / "output" / "a b|\n*").write_bytes(b"")
    (run / "output" / ".hidden").symlink_to("nowhere")
    assert "2 files in output/ that the log does not name" in verify(data)[1]
    shutil.rmtree(run / "output")
    (run / "output").mkdir()
    snapshot = run / "runbook" / f"{DIGEST}.yaml"
    snapshot.write_bytes(b"runbook: v2\n")
    assert verify(data)[0] == 6
    snapshot.unlink()
    assert verify(data)[0] == 6
    snapshot.write_bytes(BOOK)


def test_a_command_line_that_says_nothing_is_refused(verify: Verify, tmp_path: Path) -> None:
    del verify
    for options in (
        ["--anchor"],
        ["--anchor", "3:abc"],
        ["--anchor", "x:" + "0" * 64],
        ["-x"],
        ["a", "b"],
        ["nowhere"],
    ):
        done = subprocess.run(["sh", SCRIPT, *options], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"VERIFY.sh: ")
    assert subprocess.run(["sh", SCRIPT, tmp_path], capture_output=True, check=False).returncode == 7
    (tmp_path / "audit.jsonl").touch()
    assert subprocess.run(["sh", SCRIPT, tmp_path], capture_output=True, check=False).returncode == 7
    (tmp_path / "audit.jsonl").write_bytes(log(1))
    assert BEGIN.get("files") is None
    assert STEP["visit"] == 1
    assert subprocess.run(["sh", SCRIPT, tmp_path], capture_output=True, check=False).returncode == 6


def test_the_script_knows_every_type_of_record() -> None:
    known = re.search(r"is_known\(\) \{.*?\n\}", SCRIPT.read_text(), re.DOTALL)
    assert known is not None
    assert set(re.findall(r"[a-z]+\.[a-z_]+|\bwarning\b", known[0])) == TYPES
