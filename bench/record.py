"""One record of the audit log, written and on disk, against one bare `write` and `fsync` of 500 bytes."""

import hashlib
import json
import os
import sqlite3
import tempfile
from pathlib import Path

from _measure import interleaved, row
from runbook.audit.chain import encode
from runbook.audit.lock import Holder
from runbook.audit.record import NO_RECORD
from runbook.audit.store import Store
from runbook.audit.writer import LogWriter
from runbook.model.canonical import Json

ROUNDS = 3_000
TS = "2026-11-21T09:00:00.123Z"
OBSERVATION = json.dumps({"body": {"status": "ok"}, "elapsed_ms": 12.5, "size": 15, "status": 200, "url": "x" * 90})
FIELDS: dict[str, Json] = {
    "step": "check_health",
    "visit": 1,
    "attempt": 1,
    "outcome": "passed",
    "reason": "",
    "changed": "no",
    "obs": OBSERVATION,
}


def main() -> None:
    """Measure and print."""
    size = len(encode(seq=9, prev=NO_RECORD, ts=TS, mono=0, type_="step.finished", fields=FIELDS).raw) + 1
    assert 450 < size < 550, size
    with tempfile.TemporaryDirectory(dir=".") as folder:
        run = Store(Path(folder) / "state").prepare().create("bench")
        writer = LogWriter.create(run, Holder(pid=os.getpid(), host="localhost", operator="bench"))
        writer.append("run.started", {"format": "1.0"}, ts=TS, mono=0)
        bare = os.open(Path(folder) / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        loose = os.open(Path(folder) / "loose", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        line = b"x" * 499 + b"\n"
        base = sqlite3.connect(Path(folder) / "base", isolation_level=None)
        base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log (line BLOB);")

        def record() -> None:
            writer.append("step.finished", FIELDS, ts=TS, mono=0)
            writer.sync()

        def sync() -> None:
            os.write(bare, line)
            os.fsync(bare)

        def naive() -> None:
            text = json.dumps({"v": 1, "seq": 9, "prev": NO_RECORD, "ts": TS, "mono": 0, "type": "x", **FIELDS})
            os.write(loose, f"{text[:-1]}{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
            os.fsync(loose)

        def careful() -> None:
            os.lstat(folder)
            os.lstat(run.log)
            naive()

        def commit() -> None:
            base.execute("INSERT INTO log VALUES (?)", (line,))

        took = interleaved({"sync": sync, "ours": record, "naive": naive, "careful": careful, "sqlite": commit}, ROUNDS)
        writer.close()
        os.close(bare)
        os.close(loose)
        base.close()
    ratio = {name: seconds / took["sync"] for name, seconds in took.items()}
    peers = {
        "json_sha256_write_fsync": ratio["naive"],
        "and_two_lstats": ratio["careful"],
        "sqlite_wal_full": ratio["sqlite"],
    }
    row("one audit record on disk", "syncs", ours=ratio["ours"], bar=1.15, limit=1.0, **peers)


if __name__ == "__main__":
    main()
