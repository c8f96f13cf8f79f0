"""`runbook verify` with replay on one core: a walk in a circle, its chain judged, and told to a fresh walk again."""

import hashlib
import resource
import sys
import tempfile
import time
from pathlib import Path

from _measure import row
from runbook.drivers.rehearsal import rehearse
from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

ROUNDS = 4_000
STEPS = 8


def runbook() -> str:
    """A circle of checks that ends when its first step was visited often enough."""
    lines = ["runbook: v1", "id: measured", "title: Measured", "on_fail: done", "steps:"]
    for number in range(STEPS):
        lines += [
            f"  - id: s{number}",
            "    kind: http",
            f"    url: http://127.0.0.1/{number}",
            "    expect: status == 200 && body.status == 'ok'",
        ]
    lines.insert(6, f"    max_visits: {ROUNDS}")
    return "\n".join([*lines, "    next: s0", "  - {id: done, kind: finish, outcome: completed}"]) + "\n"


def scenario() -> str:
    """A world in which every check passes."""
    entry = "[{status: 200, body: {status: ok}, elapsed_ms: 12, size: 15, url: 'http://127.0.0.1/'}]"
    lines = ["scenario: v1", "runbook: measured.yaml", "world:"]
    return "\n".join([*lines, *(f"  s{number}: {entry}" for number in range(STEPS))]) + "\n"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        file, script = folder / "measured.yaml", folder / "scenario.yaml"
        file.write_text(runbook())
        script.write_text(scenario())
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        loaded, told = load(str(file), KINDS), load_scenario(str(script))
        assert loaded.runbook is not None
        assert told.scenario is not None
        done = rehearse(told.scenario, loaded.runbook, KINDS, files={str(file): digest})
        (folder / "runbook").mkdir()
        (folder / "runbook" / f"{digest}.yaml").write_bytes(file.read_bytes())
        log = folder / "audit.jsonl"
        log.write_bytes(b"".join(record.raw + b"\n" for record in done.records))
        del done
        rates, memory = [], []
        for _ in range(3):
            began = time.perf_counter()
            verdict, _walk = judged(log, KINDS)
            rates.append(verdict.count / (time.perf_counter() - began))
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            assert int(verdict.status) == 0, verdict
    row("runbook verify, replay included", "records/s", ours=sorted(rates)[1], bar=25_000)
    grown = (memory[-1] - memory[0]) * (1 if sys.platform == "darwin" else 1_024)
    row("memory that verifying again takes", "bytes", ours=grown, bar=4_194_304)


if __name__ == "__main__":
    main()
