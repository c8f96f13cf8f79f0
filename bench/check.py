"""`runbook check` of a clean file, the whole process, against a bare interpreter; 20, 2,000 and 20,000 steps."""

import sys
import tempfile
from pathlib import Path

from _measure import interleaved, row
from start import process, tool

BARS = {20: 9.0, 2_000: 40.0}
LIMITS = {
    20: "import argparse, json, hashlib, yaml, jsonschema_rs",
    2_000: "import json, hashlib, yaml, jsonschema_rs, sys; yaml.load(open(sys.argv[1]), yaml.CSafeLoader)",
}
PEER = (
    "import json, sys, yaml, jsonschema; s = json.load(open(sys.argv[2]));"
    "jsonschema.Draft202012Validator(s).validate(yaml.load(open(sys.argv[1]), yaml.CSafeLoader))"
)
SCHEMA = "schemas/runbook.schema.json"


def runbook(steps: int) -> str:
    """A clean runbook of so many steps, with expressions and edges as real ones have them."""
    lines = ["runbook: v1", "id: measured", "title: Measured", "contacts: [{name: On-call, reach: pager}]"]
    lines += ["environments:", '  staging: {base: "https://staging.example.com"}', "on_fail: escalate", "steps:"]
    # Short enough for 20,000 of them to fit into the 2 MB that a file may have.
    for number in range(steps - 2):
        before = f" && steps.s{number - 1}.size > 0" if number else ""
        lines += [f"  - id: s{number}", "    kind: http", f'    url: "${{{{ environment.base }}}}/{number}"']
        lines += [f"    expect: status == 200{before}"] if steps < 20_000 else []
    lines += ["  - {id: done, kind: finish, outcome: resolved}", "  - {id: escalate, kind: finish, outcome: escalated}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    command = tool("runbook") or "runbook"
    with tempfile.TemporaryDirectory() as folder:
        file = {steps: Path(folder) / f"{steps}.yaml" for steps in (20, 2_000, 20_000)}
        for steps, path in file.items():
            path.write_text(runbook(steps))
        for steps, bar in BARS.items():
            works = {
                "start": process(sys.executable, "-c", "pass"),
                "limit": process(sys.executable, "-c", LIMITS[steps], str(file[steps])),
                "ours": process(command, "check", str(file[steps])),
            }
            if steps == 20:
                works["pyyaml_jsonschema"] = process(sys.executable, "-c", PEER, str(file[steps]), SCHEMA)
            took = interleaved(works, 20 if steps == 20 else 8)
            ratio = {name: seconds / took["start"] for name, seconds in took.items()}
            peers = {name: ratio[name] for name in ratio if name not in {"start", "limit", "ours"}}
            row(f"runbook check, {steps:,} steps", "starts", ours=ratio["ours"], bar=bar, limit=ratio["limit"], **peers)
        works = {f"{steps}": process(command, "check", str(file[steps])) for steps in (2_000, 20_000)}
        took = interleaved(works, 2)
        growth = took["20000"] / took["2000"]
        row("runbook check, 20,000 steps", "x 2,000 steps", ours=growth, bar=10.0)


if __name__ == "__main__":
    main()
