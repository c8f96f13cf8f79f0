"""What other programs may use of this one: to load a runbook, walk it, rehearse a scenario, verify and report a log.

Nothing here prints, asks or ends the process. What is wrong with a file is data (:class:`Diagnostic`); what cannot be
done at all raises :class:`Refused`, which holds diagnostics too.
"""

import hashlib
import os
from os import PathLike
from pathlib import Path

from runbook.audit.reader import Anchor, reading
from runbook.audit.store import RunDir
from runbook.audit.verdict import WORDS, Status, Verdict
from runbook.drivers.rehearsal import Rehearsed
from runbook.drivers.rehearsal import rehearse as _rehearse
from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS, make
from runbook.language.loading import Loaded, load_scenario
from runbook.language.loading import load as _load
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.model.runbook import Finish, Mode, Outcome, Runbook, Step
from runbook.report.content import Report
from runbook.report.reading import report_of
from runbook.walk.walk import Walk

__all__ = [
    "KINDS",
    "Diagnostic",
    "Finish",
    "Loaded",
    "Mode",
    "Outcome",
    "Refused",
    "Rehearsed",
    "Report",
    "Runbook",
    "Status",
    "Step",
    "Verdict",
    "Walk",
    "load",
    "read_report",
    "rehearse",
    "verify",
]

Pathish = str | PathLike[str]


def load(path: Pathish) -> Loaded:
    """Read a runbook and judge all of it, as ``runbook check`` does.

    :param path: the file; those that it walks are found beside it.
    :returns: the runbook, which is None where there are errors, and all diagnostics in file order.
    """
    return _load(os.fspath(path), KINDS)


def rehearse(path: Pathish) -> Rehearsed:
    """Walk a scenario in its scripted world, as ``runbook test`` does: nothing is performed, no time passes.

    :param path: the scenario's file, which names its runbook.
    :returns: how it ended, the path, the records of its log, and what came otherwise than expected.
    :raises Refused: if the scenario or its runbook has errors.
    """
    told = load_scenario(os.fspath(path))
    if told.scenario is None:
        raise Refused(*told.diagnostics)
    loaded = load(Path(path).parent / told.scenario.runbook)
    if loaded.runbook is None:
        raise Refused(*loaded.diagnostics)
    files = {name: hashlib.sha256(data).hexdigest() for name, data in loaded.files.items()}
    return _rehearse(told.scenario, loaded.runbook, KINDS, files=files)


def verify(path: Pathish, *, anchor: tuple[int, str] | None = None) -> Verdict:
    """Judge a log as ``runbook verify`` does: its chain, and that it is a legal walk of its runbook.

    Signatures are not looked at; the verdict says where there are some.

    :param path: the directory of a run, or the ``audit.jsonl`` in it.
    :param anchor: the number of a record (from 0) and its hash, kept from elsewhere: the log must hold it.
    :returns: the verdict; ``status`` is the exit status of the command.
    """
    kept = Anchor(seq=anchor[0], h=anchor[1]) if anchor is not None else None
    return judged(_log(path), KINDS, kept)[0]


def read_report(path: Pathish) -> Report:
    """Read a log into a report, which :mod:`runbook.report` writes as Markdown, HTML or JSON.

    :param path: the directory of a run, or the ``audit.jsonl`` in it.
    :returns: the report; it says on its top what is wrong with the log, where something is.
    """
    log = _log(path)
    verdict, walk = judged(log, KINDS)
    records = []
    if verdict.count:
        with reading(log) as whole:
            records = [record for record, _ in zip(whole, range(verdict.count), strict=False)]
    return report_of(
        RunDir(log.parent).id,
        records,
        verdict=verdict,
        words=WORDS[verdict.status],
        runbook=walk.runbook if walk else None,
        preview=lambda kind, fields: make(kind, fields).preview(),
    )


def _log(path: Pathish) -> Path:
    found = Path(path)
    return found / "audit.jsonl" if found.is_dir() else found
