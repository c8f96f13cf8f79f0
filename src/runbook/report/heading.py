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
    """The title: what is wrong with the log, if anything, the mode, and what was walked. Plain."""
    return " · ".join(["Incident report", *wrong(report), mode(report), walked(report)])


def wrong(report: Report) -> list[str]:
    """What is wrong with the log, in two words; none where nothing is."""
    status = report.log.status
    if status == Status.NO_END and report.state == "paused":
        return ["PAUSED"]
    return [_IN_TITLE[status]] if status in _IN_TITLE else []


def mode(report: Report) -> str:
    """The mode that the run had, as the title says it."""
    return _MODES.get(report.run.mode, "MODE UNKNOWN")


def walked(report: Report) -> str:
    """What was walked, in the best words that there are for it."""
    return report.run.title or report.run.runbook or report.run.id


def warning(report: Report) -> str:
    """What must be read before anything else, in Markdown of our own; empty where the log is complete and right."""
    return _WARNED.get(report.log.status, "")


def paused(report: Report) -> str:
    """Why the run is paused, if that is the last word of a log that has no end; plain."""
    return report.paused if report.state == "paused" else ""


def banner(report: Report) -> str:
    """The warning in Markdown, with why the log does not pass; empty where it does."""
    log = report.log
    if log.status == Status.VALID:
        return ""
    last = f" Its last word is that it is paused: {inline(paused(report))}." if report.state == "paused" else ""
    found = [f"> - {where(found.record)}{inline(found.message)} ({found.code})" for found in log.found if found.grave]
    return "\n".join(["> [!CAUTION]", f"> {warning(report)}{last}", ">", *found])


def unreal(report: Report) -> str:
    """The sentence, in Markdown of our own, that says that nothing of it happened; empty for a live run."""
    simulated = " Its clock was simulated: waits passed at once." if report.run.clock else ""
    return _UNREAL.get(report.run.mode, "") + simulated


def trusted(report: Report) -> bool:
    """Whether what the log says is what happened, as far as it says it."""
    return report.log.status not in _DISTRUSTED


def as_far_as(report: Report, nothing: str) -> str:
    """That there is nothing of a sort, as far as the log can be believed and tells of it."""
    if not trusted(report):
        return f"{nothing}, says the log"
    return nothing if report.finish is not None else f"{nothing} so far"


def where(line: int | None) -> str:
    """The line of the log that something is about, to stand before it."""
    return "" if line is None else f"line {line} of the log: "
