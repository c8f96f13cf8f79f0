"""Scenarios that ``drill`` writes for a person to go on with: tried before they are handed over."""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from runbook.audit.plain_file import open_plain
from runbook.audit.reader import reading
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status
from runbook.cli.below import files_below
from runbook.cli.output_file import write_new, write_output
from runbook.drivers.capturing import NOT_CAPTURED, capture
from runbook.drivers.coverage import words
from runbook.drivers.proposing import Proposed, file_name, propose
from runbook.drivers.rehearsal import Rehearsed, rehearse
from runbook.drivers.replay import judged
from runbook.drivers.scenarios import Suite
from runbook.kinds.registry import KINDS
from runbook.language.drafting import Draft, draft_text
from runbook.language.loading import load_scenario
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Diagnostic, Refused, Severity
from runbook.model.runbook import Runbook

_TRUSTED = frozenset({Status.VALID, Status.NO_END, Status.TORN_TAIL})


def capture_run(run: RunDir, output: str | None) -> int:
    """Write a run as a scenario, to a file or to standard output; 0 if it passes as it is, 1 if not.

    :raises Refused: if its log cannot be trusted, or tells too little.
    """
    verdict, walk = judged(run.log, KINDS)
    if walk is None or walk.started is None or verdict.status not in _TRUSTED:
        message = f"the log of {run.id} is not a legal walk of its runbook"
        help_ = f"`runbook verify {run.argument}` says more"
        raise Refused(Diagnostic(code=NOT_CAPTURED, message=message, file=run.shown, help=help_))
    with reading(run.log) as log:
        records = [record for _, record in zip(range(verdict.count), log, strict=False)]
    name, digest = next(iter(walk.started.files.items()))
    there = Path(walk.started.directory or ".", name)
    path = os.path.relpath(there, Path(output).parent if output is not None else ".")
    draft = capture(records, walk.runbook, path)
    draft = replace(draft, comments=[*draft.comments, *_since(there, str(digest))])
    rehearsed, problems = tried(draft, walk.runbook)
    failures = [*(rehearsed.failures if rehearsed else ()), *problems]
    if failures:
        said = ["`runbook test` says of it as it is:", *(f"  {failure}" for failure in failures)]
        draft = replace(draft, comments=[*draft.comments, *said])
        sys.stderr.write("it does not come out as the run did; its first lines say where\n")
    write_draft(draft, output)
    return 1 if failures else 0


def propose_for(file: str, output: str | None) -> int:
    """Write a scenario for each way of a runbook that none beside it walks; 0 if all pass as they are, 1 if not.

    :param output: a directory, in which no file is written over; None: standard output.
    :raises Refused: if the runbook has errors, or a file cannot be written.
    """
    path = os.path.normpath(file)
    suite = Suite(files_below(os.path.dirname(path) or ".", ("scenario:",)), KINDS)  # noqa: PTH120 - as the user wrote it
    suite.add(path)
    loaded = suite.runbooks[path]
    if loaded.runbook is None:
        raise Refused(*(d for d in loaded.diagnostics if d.severity is Severity.ERROR))
    results = [suite.walk(number) for number, case in enumerate(suite.cases) if case.runbook == path]
    coverage = next(each for each in suite.coverage(results) if each.file == path)
    named = os.path.relpath(path, output or os.curdir)
    unfinished = 0
    for covered in coverage.unwalked:
        proposed = propose(covered.edge, loaded.runbook, KINDS, text=loaded.text, path=named)
        draft, left = _finished(proposed, loaded.runbook)
        unfinished += bool(left)
        if output is None:
            sys.stdout.write(f"# --- {file_name(covered.edge)}\n{draft_text(draft)}\n")
        else:
            write_new(draft_text(draft), str(Path(output, file_name(covered.edge))), "the scenario")
        sys.stderr.write(f"{words(covered.edge)}{f': a person has to finish it: {left}' if left else ''}\n")
    said = f"{len(coverage.unwalked)} ways that no scenario walks, {unfinished} of them left to a person"
    sys.stderr.write(f"{said if coverage.unwalked else 'every way is walked by a scenario'}\n")
    return 1 if unfinished else 0


def _finished(proposed: Proposed, runbook: Runbook) -> tuple[Draft, str]:
    """A proposed scenario, without what nothing reads, and why it does not pass as it is."""
    draft = proposed.draft
    if proposed.left:
        return draft, proposed.left
    short = replace(draft, world={at: [_told(entry) for entry in entries] for at, entries in draft.world.items()})
    for each in (short, draft):
        rehearsed, problems = tried(each, runbook)
        failures = [*(rehearsed.failures if rehearsed else ()), *problems]
        if not failures and rehearsed is not None and proposed.edge in rehearsed.edges:
            return each, ""
    left = "; ".join(failures) or "it does not walk there"
    return replace(draft, comments=[*draft.comments, f"A person has to finish this: {left}"]), left


def _told(entry: JsonObject) -> JsonObject:
    """What of an observation says something."""
    return {name: value for name, value in entry.items() if value not in ("", [], {})} or entry


def write_draft(draft: Draft, output: str | None) -> None:
    """Write a scenario to a file, or to standard output."""
    if output is None:
        sys.stdout.write(draft_text(draft))
    else:
        write_output(draft_text(draft), output, "the scenario")


def tried(draft: Draft, runbook: Runbook) -> tuple[Rehearsed | None, Sequence[str]]:
    """How the walk of a draft goes; where it cannot begin, why not."""
    with tempfile.TemporaryDirectory(prefix="runbook-draft-") as folder:
        file = Path(folder, "scenario.yaml")
        file.write_text(draft_text(draft), encoding="utf-8")
        told = load_scenario(str(file))
        if told.scenario is None:
            return None, [diagnostic.message for diagnostic in told.diagnostics]
        try:
            return rehearse(told.scenario, runbook, KINDS, files={draft.runbook: "0" * 64}), []
        except Refused as refused:
            return None, [diagnostic.message for diagnostic in refused.diagnostics]


def _since(file: Path, digest: str) -> Sequence[str]:
    """What has become of the runbook's file since."""
    try:
        with open_plain(file, follow=True) as opened:
            same = sha256(opened.read()).hexdigest() == digest
    except OSError:
        return [f"The runbook is not there any more: {file}"]
    return [] if same else ["The runbook has changed since; the run walked what it was then."]
