"""What was done before, as guards ask for it: the rules, and a past that is kept in memory.

The wall clock is all that several machines and processes have in common. A start in the future says that the clock was
set back since: it forbids too, because nobody knows how long ago it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runbook.audit.starts import Start
from runbook.drivers.guarding import Wanted
from runbook.drivers.journal import wall_ms
from runbook.model.durations import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A live run that is over, as a guard that requires one looks at it. ``passed`` are the steps that did."""

    run: str
    runbook: str
    environment: str | None
    finish: str
    ended: str
    graph: str | None
    passed: frozenset[str]


def forbidden(start: Start, window: int, now: str, ago: int | None = None) -> str | None:
    """Why nothing may start that soon after a start of the same key; None if it may.

    :param window: milliseconds. ``ago``: how many it was since the start; None: what the wall clock says.
    """
    if ago is None:
        ago = wall_ms(now) - wall_ms(start.ts)
    if ago >= window:
        return None
    until = datetime.fromisoformat(now) + timedelta(milliseconds=window - ago)
    when = f"{spoken(ago)} ago" if ago >= 0 else "at a time that is still to come; the clock was set back"
    return (
        f"`{start.key}` was started {when} ({start.ts}) by {start.operator}, `{start.step}` of run {start.run}; "
        f"not again until {until:%Y-%m-%dT%H:%M:%SZ}"
    )


def unmet(run: PastRun, wanted: Wanted, now: str) -> str | None:
    """Why a run is not the one that is wanted; None if it is."""
    if (run.runbook, run.environment) != (wanted.runbook, wanted.environment or run.environment):
        return "it is another one's"
    if wanted.graph is not None and run.graph is not None and run.graph != wanted.graph:
        return "it walked another version of the runbook"
    if wanted.finish is not None and run.finish != wanted.finish:
        return f"it ended {run.finish}"
    ago = wall_ms(now) - wall_ms(run.ended)
    if wanted.within is not None and not 0 <= ago <= wanted.within:
        return f"it ended {spoken(abs(ago))} {'ago' if ago >= 0 else 'from now'}, at most {spoken(wanted.within)} ago"
    if wanted.step is not None and wanted.step not in run.passed:
        return f"`{wanted.step}` did not pass in it"
    return None


def described(wanted: Wanted) -> str:
    """The run that is wanted, in words."""
    place = f" in {wanted.environment}" if wanted.environment else ""
    ended = f" that ended {wanted.finish}" if wanted.finish else ""
    within = f" within the last {spoken(wanted.within)}" if wanted.within is not None else ""
    step = f" in which `{wanted.step}` passed" if wanted.step else ""
    signed = "signed " if wanted.signed else ""
    return f"a {signed}live run of `{wanted.runbook}`{place}{ended}{within}{step}"


class MemoryPast:
    """A past that is told: the one of a rehearsal, which counts for nobody else."""

    def __init__(self, starts: Sequence[Start] = (), runs: Sequence[PastRun] = ()) -> None:
        self._starts = list(starts)
        self._runs = runs

    def forbids(self, key: str, window: int, now: str) -> str | None:
        """Why a step of that key may not start now."""
        found = [start for start in self._starts if start.key == key]
        last = found[-1] if found else None
        return forbidden(last, window, now) if last else None

    def reserve(self, wanted: Mapping[str, int | None], start: Start) -> Mapping[str, str]:
        """Count a start under each key if no cooldown forbids it."""
        windows = {key: window for key, window in wanted.items() if window is not None}
        said = {key: self.forbids(key, window, start.ts) for key, window in windows.items()}
        if not any(said.values()):
            self._starts += [replace(start, key=key) for key in wanted]
        return {key: reason for key, reason in said.items() if reason is not None}

    def lacks(self, wanted: Wanted, now: str) -> str | None:
        """Why no run is there that is wanted."""
        why = [f"run {run.run}: {reason}" for run in self._runs if (reason := unmet(run, wanted, now))]
        if len(why) < len(self._runs):
            return None
        return f"there is no {described(wanted).removeprefix('a ')}" + (f" ({'; '.join(why)})" if why else "")
