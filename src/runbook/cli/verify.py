"""``runbook verify``: judge a log, its chain, its walk, and the outputs beside it."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from runbook.audit.checkpoints import Checkpoints, Signed
from runbook.audit.reader import Anchor
from runbook.audit.signatures import Signers, signers_file, signers_here
from runbook.audit.verdict import WORDS, Finding, Status, Verdict
from runbook.cli.failing import told
from runbook.cli.opening import source
from runbook.cli.options import Parser, format_option, is_directory, signers_option, state_option
from runbook.cli.rows import folded
from runbook.cli.stores import shown, store_of
from runbook.drivers.replay import judged
from runbook.drivers.witnessing import Witness
from runbook.kinds.registry import KINDS
from runbook.language.frames import one_line, visible
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Severity
from runbook.walk.walk import Walk

MISNAMED = Code(
    number="RB554",
    title="run under another name",
    why="The directory of a run is named for its id, and the first record says the id too. Here they differ: the "
    "directory was copied or renamed, or a run was put in the place of another.",
    severity=Severity.WARNING,
)


def main(arguments: Sequence[str]) -> int:
    """Judge a log and return the status that says what it is worth."""
    parser = Parser("verify", "Judge a log: its chain, and that it is a legal walk of that very runbook.")
    parser.add_argument("log", metavar="RUN|FILE|BUNDLE", help="a run, the audit.jsonl of one, or a bundle")
    parser.add_argument("--anchor", metavar="N:HASH", help="a head that was noted elsewhere, in a ticket for instance")
    signers_option(parser)
    parser.add_argument("--strict", action="store_true", help="what could not be established counts as wrong")
    format_option(parser, ("text", "json"))
    state_option(parser)
    options = parser.parse_args(arguments)
    try:
        anchor = Anchor.parse(options.anchor) if options.anchor else None
    except ValueError as error:
        parser.error(str(error))
    if (log := _file(options.log)) is not None:
        return _verify(log, anchor, options)
    with store_of(options) as store:
        run = store.find(options.log)
        run.fetch()
        return _verify(run.log, anchor, options)


def _verify(log: Path, anchor: Anchor | None, options: argparse.Namespace) -> int:
    signers = partial(_signers, options.allowed_signers)
    if options.allowed_signers:
        signers()  # a file that was named is wrong at once
    with source(log) as opened:
        witness = Witness(opened.log, signers)
        verdict, walk = judged(opened.log, KINDS, anchor, witness)
        verdict = opened.told(verdict.adding(_misnamed(opened.log, walk)))
    status = verdict.strict_status if options.strict else verdict.status
    if options.format == "json":
        sys.stdout.write(json.dumps(_as_json(log, verdict, status, walk, witness.checkpoints), indent=2) + "\n")
    else:
        sys.stdout.write(folded(_as_text(log, verdict, status, walk, witness.checkpoints.signed), sys.stdout))
    return int(status)


def _signers(flag: str | None) -> Signers | None:
    """The allowed signers here; None where none are named, and none lie where they would.

    :raises Refused: if they cannot be used.
    """
    named = bool(flag or os.environ.get("RUNBOOK_ALLOWED_SIGNERS"))
    return signers_here(signers_file(flag, os.environ), named=named)


def _file(text: str) -> Path | None:
    """The file that is meant, where it is one by its path; None: it is a run of the store."""
    if is_directory(text):
        return Path(text) / "audit.jsonl"
    if "/" in text or (len(text) < 256 and Path(text).exists()):
        return Path(text)
    return None


def _misnamed(log: Path, walk: Walk | None) -> Iterator[Finding]:
    """A run that lies in the store under the id of another."""
    started = walk.started if walk else None
    if started is not None and log.parent.parent.name == "runs" and log.parent.name != started.run:
        message = f"the directory is that of `{log.parent.name}`, and the log that of `{started.run}`"
        diagnostic = Diagnostic(code=MISNAMED, message=message, file=str(log), help="find out who copied or renamed it")
        yield Finding(status=Status.VALID, strict=Status.NOT_A_WALK, diagnostic=diagnostic)


def _as_text(log: Path, verdict: Verdict, status: Status, walk: Walk | None, signed: Signed | None) -> str:
    lines = [f"{shown(log)}: {WORDS[status]}"]
    started = walk.started if walk else None
    if started is not None:
        lines.append(f"  run     {started.run}, {started.mode.upper()}, of `{started.runbook}`")
        finish = walk.finish.value if walk and walk.finish else "no end"
        last = walk.operator if walk else started.operator
        then = f", at the end {last}" if last != started.operator else ""
        lines.append(f"  walk    {verdict.count} records, {finish}, operator {started.operator}{then}")
    if verdict.anchor is not None:
        lines.append(f"  head    {verdict.anchor}")
    if signed is not None:
        covered = "all of it" if signed.size == verdict.count else f"its first {signed.size} records"
        lines.append(f"  signed  {covered}, by {signed.person}")
    lines += [f"  {one_line(told(finding.diagnostic))}" for finding in verdict.findings]
    return "\n".join(map(visible, lines)) + "\n"


def _as_json(log: Path, verdict: Verdict, status: Status, walk: Walk | None, checkpoints: Checkpoints) -> JsonObject:
    signed = checkpoints.signed
    started = walk.started if walk else None
    findings: list[Json] = [
        {
            **told(finding.diagnostic).as_json(),
            "status": int(finding.status),
            "strict": int(finding.strict or finding.status),
            "record": finding.line,
        }
        for finding in verdict.findings
    ]
    return {
        "log": shown(log),
        "status": int(status),
        "verdict": WORDS[status],
        "run": started.run if started else None,
        "mode": started.mode if started else None,
        "runbook": started.runbook if started else None,
        "operator": started.operator if started else None,
        "finish": walk.finish.value if walk and walk.finish else None,
        "records": verdict.count,
        "head": verdict.anchor,
        "torn": verdict.torn,
        "signed": {"records": signed.size, "by": signed.person, "operator": signed.ours} if signed else None,
        "checkpoints": checkpoints.counted,
        "strict": int(verdict.strict_status),
        "findings": findings,
    }
