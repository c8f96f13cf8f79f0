"""The top of a report: which mode the run had, and a banner where the log is not what it should be.

Whoever sees nothing but the title, in a list or a link, still learns that it was no live run or that its log is broken.
"""

from collections.abc import Mapping

from runbook.audit.verdict import Status
from runbook.report.content import Report
from runbook.report.markup import inline

_MODES = {"live": "LIVE", "drill": "DRILL", "dry": "DRY RUN"}
_UNREAL = {
    "drill": "This was a **drill** in a scripted world: nothing that stands here happened outside of it.",
    "dry": "This was a **dry run**: what would change something was shown and taken as done. Nothing was changed.",
}
_IN_TITLE: Mapping[int, str] = {
    Status.TAMPERED: "TAMPERED LOG",
    Status.NO_END: "NO END",
    Status.TORN_TAIL: "TORN LOG",
    Status.SIGNATURE: "SIGNATURE WRONG",
    Status.NOT_A_WALK: "NOT A LEGAL WALK",
    Status.UNREADABLE: "UNREADABLE LOG",
}
_WARNED: Mapping[int, str] = {
    Status.TAMPERED: "The log was **tampered with**. What stands here is what it says before the first record that is "
    "wrong, and even that proves nothing.",
    Status.NO_END: "The run **has no end** on record: it is still walked, was paused or interrupted, or its end was "
    "cut off. What stands here is not the whole story.",
    Status.TORN_TAIL: "The log has a **torn tail**: the program was killed, or is writing right now. What stands here "
    "is not the whole story.",
    Status.SIGNATURE: "A **signature** is missing or wrong: who wrote this log is not established.",
    Status.NOT_A_WALK: "The log is **not a legal walk** of its runbook: it was not written by this program, was "
    "changed and its hashes made anew, or its runbook is missing. What stands here proves nothing.",
    Status.UNREADABLE: "The log **cannot be read**, or a newer version wrote it. What stands here is what could be "
    "read of it.",
}
_DISTRUSTED = frozenset({Status.TAMPERED, Status.SIGNATURE, Status.NOT_A_WALK, Status.UNREADABLE})


def title(report: Report) -> str:
    """The title: what is wrong with the log, if anything, the mode, and what was walked."""
    run, status = report.run, report.log.status
    words = [_IN_TITLE[status]] if status in _IN_TITLE else []
    if status == Status.NO_END and report.state == "paused":
        words = ["PAUSED"]
    words += [_MODES.get(run.mode, "MODE UNKNOWN"), inline(run.title or run.runbook or run.id)]
    return "Incident report · " + " · ".join(words)


def banner(report: Report) -> str:
    """What must be read before anything else; empty where the log is complete and right."""
    log = report.log
    if log.status == Status.VALID:
        return ""
    paused = f" Its last word is that it is paused: {inline(report.paused)}." if report.state == "paused" else ""
    found = [f"> - {where(found.record)}{inline(found.message)} ({found.code})" for found in log.found if found.grave]
    return "\n".join(["> [!CAUTION]", f"> {_WARNED.get(log.status, '')}{paused}", ">", *found])


def unreal(report: Report) -> str:
    """The sentence that says that nothing of it happened; empty for a live run."""
    return _UNREAL.get(report.run.mode, "")


def trusted(report: Report) -> bool:
    """Whether what the log says is what happened, as far as it says it."""
    return report.log.status not in _DISTRUSTED


def where(line: int | None) -> str:
    """The line of the log that something is about, to stand before it."""
    return "" if line is None else f"line {line} of the log: "
