"""Judging a chain: what was cut, moved, changed, re-formatted, and what only a crash did."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.audit.logs import BEGIN, TS, header, log, plan, records, sealed

from runbook.audit.chain import encode
from runbook.audit.reader import Anchor, judge
from runbook.audit.record import NO_RECORD
from runbook.audit.verdict import Finding, Status, Verdict, gravest
from runbook.model.diagnostics import Severity

VALID, TAMPERED, NO_END, TORN, UNREADABLE = (
    Status.VALID,
    Status.TAMPERED,
    Status.NO_END,
    Status.TORN_TAIL,
    Status.UNREADABLE,
)


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Verdict]:
    path = tmp_path / "audit.jsonl"

    def write_and_judge(data: bytes, anchor: str | None = None) -> Verdict:
        path.write_bytes(data)
        return judge(path, Anchor.parse(anchor) if anchor else None)

    return write_and_judge


Judged = Callable[..., Verdict]


def worst(verdict: Verdict) -> Finding:
    return next(finding for finding in verdict.findings if finding.status is verdict.status)


def text_of(verdict: Verdict) -> str:
    return " | ".join(finding.diagnostic.message for finding in verdict.findings)


def test_a_whole_log_is_valid_and_says_what_its_head_is(judged: Judged) -> None:
    made = records(plan(3))
    verdict = judged(log(3))
    assert verdict.status is VALID
    assert (verdict.count, verdict.head, verdict.finished, verdict.torn) == (5, made[-1].h, True, 0)
    assert verdict.anchor == f"4:{made[-1].h}"


def flipped(data: bytes, bits: range) -> list[bytes]:
    changed = []
    for bit in bits:
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(copy))
    return changed


@pytest.mark.reliability
def test_a1_no_flipped_bit_goes_unseen(judged: Judged) -> None:
    data = log(2)
    found = {judged(each).status for each in flipped(data, range(0, len(data) * 8, 7))}
    assert VALID not in found


@pytest.mark.full
@pytest.mark.reliability
def test_a1_no_flipped_bit_of_a_6_kb_log_goes_unseen(judged: Judged) -> None:
    data = log(12)
    assert len(data) > 6_000
    seen = [judged(each).status for each in flipped(data, range(len(data) * 8))]
    assert seen.count(VALID) == 0


@pytest.mark.reliability
def test_a2_a_cut_at_any_byte_is_a_torn_tail_or_a_missing_end_and_never_tampering(judged: Judged) -> None:
    data = log(2)
    lines = {index + 1 for index, byte in enumerate(data) if byte == 10}
    for cut in range(len(data)):
        wanted = UNREADABLE if cut == 0 else NO_END if cut in lines else TORN
        assert (cut, judged(data[:cut]).status) == (cut, wanted)
    assert judged(data).status is VALID


def every_line_but_the_last(lines: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """Each way to delete, double, swap or insert a line before the last, with the first line that is then wrong."""
    changed = []
    last = len(lines) - 1
    stranger = log(4, run="r2").splitlines(keepends=True)[2]
    for at in range(last):
        changed.append((at + 1, lines[:at] + lines[at + 1 :]))
        changed.append((at + 2, [*lines[: at + 1], lines[at], *lines[at + 1 :]]))
        changed.append((at + 1, [*lines[:at], stranger, *lines[at:]]))
        for other in range(at + 1, last):
            swapped = list(lines)
            swapped[at], swapped[other] = lines[other], lines[at]
            changed.append((at + 1, swapped))
    return changed


@pytest.mark.reliability
def test_a3_a_line_deleted_doubled_moved_or_inserted_is_tampering_and_the_first_bad_line_is_named(
    judged: Judged,
) -> None:
    for line, changed in every_line_but_the_last(log(4).splitlines(keepends=True)):
        verdict = judged(b"".join(changed))
        assert (verdict.status, worst(verdict).line) == (TAMPERED, line), text_of(verdict)
        span = worst(verdict).diagnostic.span
        assert span is not None
        assert span.line == line


@pytest.mark.reliability
def test_a4_lines_cut_off_below_an_anchor_are_a_truncation(judged: Judged) -> None:
    made = records(plan(3))
    lines = log(3).splitlines(keepends=True)
    anchor = f"{made[3].seq}:{made[3].h}"
    for kept in (1, 2, 3):
        verdict = judged(b"".join(lines[:kept]), anchor)
        assert verdict.status is TAMPERED
        assert "TRUNCATED" in text_of(verdict)
        assert judged(b"".join(lines[:kept])).status is NO_END
    assert judged(b"".join(lines[:3]) + lines[3][:50], anchor).status is TAMPERED
    assert judged(b"".join(lines[:4]), anchor).status is NO_END
    assert judged(b"".join(lines), anchor).status is VALID


@pytest.mark.reliability
def test_a5_without_an_anchor_a_cut_log_says_that_it_may_be_a_cut_or_a_crash(judged: Judged) -> None:
    lines = log(3).splitlines(keepends=True)
    for kept in (1, 2, 4):
        verdict = judged(b"".join(lines[:kept]))
        assert verdict.status is NO_END
        assert "cannot tell a crash from a cut without an anchor" in text_of(verdict)
        assert "without an anchor" not in text_of(judged(b"".join(lines[:kept]), verdict.anchor))


@pytest.mark.reliability
def test_a6_an_owner_who_rewrites_everything_is_told_only_by_an_anchor(judged: Judged) -> None:
    honest = records(plan(3))
    said = plan(3)
    rewritten = records([said[0], (said[1][0], {**said[1][1], "outcome": "skipped"}), *said[2:]])
    data = b"".join(record.raw + b"\n" for record in rewritten)
    alone = judged(data)
    assert alone.status is VALID
    assert alone.strict_status is Status.SIGNATURE
    warning = worst(alone)
    assert warning.diagnostic.severity is Severity.WARNING
    assert "unsigned" in warning.diagnostic.message
    for record in honest[1:]:
        verdict = judged(data, f"{record.seq}:{record.h}")
        assert (verdict.status, worst(verdict).line) == (TAMPERED, record.seq + 1)
    assert judged(data, f"0:{honest[0].h}").status is VALID


@pytest.mark.reliability
def test_a7_the_tail_of_another_run_does_not_fit(judged: Judged) -> None:
    ours, theirs = log(4).splitlines(keepends=True), log(4, run="r2").splitlines(keepends=True)
    for at in range(1, len(ours)):
        verdict = judged(b"".join(ours[:at] + theirs[at:]))
        assert (verdict.status, worst(verdict).line) == (TAMPERED, at + 1)


def through(program: list[str], data: bytes) -> bytes:
    return subprocess.run(program, input=data, capture_output=True, check=True).stdout


REFORMATTED: dict[str, Callable[[bytes], bytes]] = {
    "CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a blank line at the end": lambda data: data + b"\n",
    "two blank lines at the end": lambda data: data + b"\n\n",
    "a blank line at the beginning": lambda data: b"\n" + data,
    "blank lines between": lambda data: data.replace(b"\n", b"\n\n"),
    "spaces at the end of lines": lambda data: data.replace(b"\n", b" \n"),
    "written by another program": lambda data: b"".join(
        json.dumps(json.loads(line), ensure_ascii=False).encode() + b"\n" for line in data.splitlines()
    ),
    "without ASCII escapes": lambda data: b"".join(
        json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for line in data.splitlines()
    ),
    "sorted keys": lambda data: b"".join(
        json.dumps(json.loads(line), sort_keys=True, separators=(",", ":")).encode() + b"\n"
        for line in data.splitlines()
    ),
    "indented": lambda data: b"".join(
        json.dumps(json.loads(line), indent=2).encode() + b"\n" for line in data.splitlines()
    ),
}


@pytest.mark.reliability
@pytest.mark.parametrize("how", REFORMATTED)
@pytest.mark.parametrize("finished", [True, False])
def test_a8_a_log_that_was_only_reformatted_is_refused_and_told_so(how: str, finished: bool, judged: Judged) -> None:
    verdict = judged(REFORMATTED[how](log(3, finished=finished)))
    assert verdict.status is TAMPERED
    assert "re-formatted, not byte-identical" in worst(verdict).diagnostic.message


@pytest.mark.reliability
@pytest.mark.skipif(shutil.which("jq") is None, reason="no jq here (apt-get install jq)")
@pytest.mark.parametrize("flags", [["-c"], ["."], ["-cS"]])
def test_a8_a_log_that_went_through_jq_is_told_so(flags: list[str], judged: Judged) -> None:
    verdict = judged(through(["jq", *flags, "."] if flags != ["."] else ["jq", "."], log(3)))
    assert verdict.status is TAMPERED
    assert "re-formatted, not byte-identical" in worst(verdict).diagnostic.message


@pytest.mark.reliability
def test_a10_a_newer_version_is_7_wherever_it_begins_and_an_unknown_type_is_1(judged: Judged) -> None:
    lines = log(2).splitlines(keepends=True)
    for at in range(len(lines)):
        newer = [*lines[:at], lines[at].replace(b'"v":1', b'"v":2', 1), *lines[at + 1 :]]
        assert judged(b"".join(newer)).status is UNREADABLE
    newer_format = sealed(header() + ',"format":"2.0"') + b"\n"
    assert judged(newer_format).status is UNREADABLE
    assert judged(sealed(header() + ',"format":"1.9"') + b"\n").status is NO_END
    head = records(plan(0, finished=False))[0]
    assert judged(head.raw + b"\n" + sealed(header(1, head.h, "step.exploded")) + b"\n").status is TAMPERED
    assert judged(head.raw + b"\n" + sealed(header(1, head.h, "x-example.seen")) + b"\n").status is NO_END


@pytest.mark.parametrize("tail", [b"\n", b"x", b"\0", b"\0" * 4096, b"{}\n", log(1).splitlines()[1], b" "])
def test_nothing_follows_the_end_not_even_a_torn_tail(tail: bytes, judged: Judged) -> None:
    verdict = judged(log(2) + tail)
    assert verdict.status is TAMPERED
    assert worst(verdict).line == 5


def test_a_log_begins_with_run_started_at_0_ms_and_nowhere_else(judged: Judged) -> None:
    for front in (header(type_="note.added"), header() + ',"format":1', header(), header(mono=1) + ',"format":"1.0"'):
        assert judged(sealed(front) + b"\n").status is TAMPERED
    for front in (header(seq=1) + ',"format":"1.0"', header(prev="ab" * 32) + ',"format":"1.0"'):
        assert judged(sealed(front) + b"\n").status is TAMPERED
    first = encode(seq=0, prev=NO_RECORD, ts=TS, mono=0, type_="run.started", fields=BEGIN)
    second = encode(seq=1, prev=first.h, ts=TS, mono=0, type_="run.started", fields=BEGIN)
    assert "second `run.started`" in text_of(judged(first.raw + b"\n" + second.raw + b"\n"))


def test_time_may_stand_still_but_never_run_backwards(judged: Judged) -> None:
    first, second, third = records(plan(2, finished=False))
    back = encode(seq=3, prev=third.h, ts=TS, mono=third.mono - 1, type_="warning", fields={"text": "x"})
    still = encode(seq=3, prev=third.h, ts=TS, mono=third.mono, type_="warning", fields={"text": "x"})
    front = b"".join(record.raw + b"\n" for record in (first, second, third))
    assert judged(front + still.raw + b"\n").status is NO_END
    assert "`mono` is 19, and was 20 before" in text_of(judged(front + back.raw + b"\n"))


@pytest.mark.reliability
def test_c12_the_wall_clock_may_jump_either_way(judged: Judged) -> None:
    made = records(plan(1, finished=False))
    for ts in ("2026-11-21T08:00:00.000Z", "2027-12-31T23:59:59.999Z", "1999-01-01T00:00:00.000Z"):
        made.append(encode(seq=len(made), prev=made[-1].h, ts=ts, mono=500, type_="warning", fields={"text": "clock"}))
    assert judged(b"".join(record.raw + b"\n" for record in made)).status is NO_END


@pytest.mark.parametrize("text", ["", "3", "x:" + "0" * 64, "3:" + "0" * 63, "-1:" + "0" * 64, "3:" + "G" * 64])
def test_an_anchor_is_a_number_and_a_whole_hash(text: str) -> None:
    with pytest.raises(ValueError, match="an anchor is"):
        Anchor.parse(text)


def test_the_gravest_of_several_statuses_counts() -> None:
    assert gravest([]) is VALID
    assert gravest([NO_END, TORN]) is TORN
    assert gravest([Status.SIGNATURE, Status.NOT_A_WALK]) is Status.NOT_A_WALK
    assert gravest([TAMPERED, Status.NOT_A_WALK]) is TAMPERED
    assert gravest([TAMPERED, UNREADABLE]) is UNREADABLE


@pytest.mark.parametrize("make", ["missing", "directory", "fifo", "empty", "dangling link", "NUL in the name"])
def test_what_is_no_file_is_7_and_never_waits(make: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    match make:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "empty":
            path.touch()
        case "dangling link":
            path.symlink_to(tmp_path / "nowhere")
        case "NUL in the name":
            path = Path("a\0b")
        case _:
            pass
    verdict = judge(path)
    assert verdict.status is UNREADABLE
    assert worst(verdict).diagnostic.help


@pytest.mark.reliability
@pytest.mark.parametrize("mib", [256, pytest.param(2_048, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("piece", "status"), [(b"x" * 65_536, TAMPERED), (b"\0" * 65_536, TORN), (b"x" * 65_535 + b"\n", TAMPERED)]
)
def test_a11_a_line_without_end_takes_constant_memory(piece: bytes, status: Status, mib: int, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    size = mib * 1024 * 1024
    with path.open("wb") as file:
        file.write(log(2, finished=False))
        if piece[0]:
            for _ in range(size // len(piece)):
                file.write(piece)
        else:
            file.truncate(size)
    code = (
        "import resource, sys\n"
        "from runbook.audit.reader import judge\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "status = int(judge(sys.argv[1]).status)\n"
        "print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    found, grown = map(int, done.stdout.split())
    assert found == status
    assert grown < 8 * 1024 * (1024 if sys.platform == "darwin" else 1)


@pytest.mark.full
@pytest.mark.reliability
def test_a11_a_log_of_1_gb_is_judged_in_30_s_and_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    prev, h = NO_RECORD, sha256
    size = seq = 0
    with path.open("wb") as file:
        while size < 1024**3:
            fields = f',"format":"1.0","pad":"{"x" * 260}"'
            front = header(seq, prev, "run.started" if seq == 0 else "note.added") + fields
            prev = h(front.encode()).hexdigest()
            size += file.write(f'{front},"h":"{prev}"}}\n'.encode())
            seq += 1
    before = resource.getrusage(resource.RUSAGE_SELF)
    assert judge(path).status is NO_END
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime - before.ru_utime < 30
    assert after.ru_maxrss - before.ru_maxrss < 16 * 1024 * (1024 if sys.platform == "darwin" else 1)


def mutated(data: bytes, random_: random.Random) -> bytes:
    """A log after one to three accidents or attacks, without a new hash."""
    copy = bytearray(data)
    for _ in range(random_.randint(1, 3)):
        at, size = random_.randrange(len(copy) or 1), random_.randint(1, 40)
        match random_.randrange(6):
            case 0:
                copy[at : at + size] = random_.randbytes(size)
            case 1:
                del copy[at : at + size]
            case 2:
                copy[at:at] = random_.randbytes(size)
            case 3:
                copy[at:at] = copy[at : at + size]
            case 4:
                copy[at : at + 1] = random_.choice([b"\n", b"\r\n", b"\0", b" ", b"\\", b'"', b"{", b"9", b"\xff"])
            case _:
                other = random_.randrange(len(copy) or 1)
                copy[at : at + size], copy[other : other + size] = copy[other : other + size], copy[at : at + size]
    return bytes(copy)


def judge_mutations(count: int, judged: Judged) -> None:
    random_ = random.Random(20261121)
    logs = [log(steps, f"r{steps}") for steps in (0, 1, 4)]
    for _ in range(count):
        whole = random_.choice(logs)
        changed = mutated(whole, random_)
        if changed != whole:
            assert judged(changed).status is not VALID, changed


@pytest.mark.reliability
def test_i5_no_random_mutation_is_ever_valid_or_a_crash(judged: Judged) -> None:
    judge_mutations(3_000, judged)


@pytest.mark.full
@pytest.mark.reliability
def test_i5_no_random_mutation_of_100_000_is_ever_valid_or_a_crash(judged: Judged) -> None:
    judge_mutations(100_000, judged)
