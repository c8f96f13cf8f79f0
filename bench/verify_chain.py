"""Judging the chain of a log of 100,000 records, against SHA-256 alone over the same lines."""

import hashlib
import resource
import sys
import tempfile
from pathlib import Path

from _measure import interleaved, row
from runbook.audit.chain import encode
from runbook.audit.reader import judge
from runbook.audit.record import NO_RECORD
from runbook.audit.verdict import Status
from runbook.model.canonical import Json, canonical

STEPS = 25_000
ROUNDS = 5
TS = "2026-11-21T09:00:00.123Z"
UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss, for MiB


def said(step: int) -> list[tuple[str, dict[str, Json]]]:
    """The four records of a step of a walk."""
    place: dict[str, Json] = {"step": f"check_{step % 40}", "visit": 1 + step // 40}
    seen: dict[str, Json] = {"exit_code": 0, "stdout": "all is well\n" * 6, "stderr": "", "duration_ms": 12}
    result: dict[str, Json] = {"outcome": "passed", "reason": "", "changed": "no", "obs": canonical(seen)}
    what = canonical({"kind": "command", "version": 1, "argv": ["curl", "-fsS", "https://example.com/health"]})
    return [
        ("step.entered", {**place, "via": "passed", "from": f"check_{(step - 1) % 40}"}),
        ("step.started", {**place, "attempt": 1, "action": hashlib.sha256(what.encode()).hexdigest(), "what": what}),
        (
            "step.output",
            {**place, "attempt": 1, "stream": "stdout", "file": "output/x", "size": 72, "sha256": "0" * 64},
        ),
        ("step.finished", {**place, "attempt": 1, **result}),
    ]


def write(path: Path) -> list[bytes]:
    """Write the log, and return its lines."""
    prev, lines = NO_RECORD, []
    records: list[tuple[str, dict[str, Json]]] = [
        ("run.started", {"format": "1.0"}),
        *(record for step in range(STEPS) for record in said(step)),
    ]
    for seq, (type_, fields) in enumerate(records):
        made = encode(seq=seq, prev=prev, ts=TS, mono=seq, type_=type_, fields=fields)
        prev = made.h
        lines.append(made.raw)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return lines


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        lines = write(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def ours() -> None:
            assert judge(path).status is Status.NO_END

        def limit() -> None:
            for line in lines:
                hashlib.sha256(line[:-72]).hexdigest()

        took = interleaved({"ours": ours, "limit": limit}, ROUNDS)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / UNIT
        speed = {name: len(lines) / seconds / 1_000 for name, seconds in took.items()}
        size = path.stat().st_size
    row("verify, the chain alone", "k records/s, at least", ours=speed["ours"], bar=100, limit=speed["limit"])
    row("verify, seconds for a GB", "s", ours=took["ours"] * 1e9 / size, bar=30)
    row("memory that verify takes", "MiB", ours=grown, bar=16)


if __name__ == "__main__":
    main()
