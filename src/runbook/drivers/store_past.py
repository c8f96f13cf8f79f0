"""What was done before as a store knows it: its record of starts, and its runs, each judged when it is asked for.

Whatever cannot be looked at forbids: a record of starts that is damaged or cannot be written, a run whose log does not
verify completely now.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from runbook.audit.checkpoints import Signed
from runbook.audit.signatures import Signers, signers_here
from runbook.audit.starts import Damaged, Found, Start
from runbook.audit.store import RunDir, Store, glimpse
from runbook.audit.verdict import Verdict
from runbook.drivers.guarding import Wanted
from runbook.drivers.journal import wall_ms
from runbook.drivers.past import PastRun, described, forbidden, unmet
from runbook.drivers.replay import judged
from runbook.drivers.witnessing import Witness
from runbook.model.diagnostics import Refused
from runbook.model.durations import spoken
from runbook.model.kind import Registry
from runbook.model.runbook import Mode, Outcome
from runbook.walk.walk import Walk

LOOKED_AT = 5_000
"""Of how many runs at most, the newest first, the first and the last record are read."""
JUDGED = 20
"""How many of those that might do are judged at most."""
_TOLD = 3
"""How many runs that do not do a refusal names."""


def seen_in(store: Store) -> str:
    """What guards and locks of a live run can see, as it is said at its start, in its log and in its report."""
    shared = store.shared_by()
    return "your own runs on this machine" if shared is None else f"the runs of {shared}"


class StorePast:
    """The past of a store that is prepared, as a live run of it asks for it."""

    def __init__(self, store: Store, registry: Registry, *, signers: Path) -> None:
        """Ask about nothing yet; ``signers`` is the file of allowed signers here."""
        self._store = store
        self._registry = registry
        self._signers = signers
        self._starts = store.starts()

    def forbids(self, key: str, window: int, now: str) -> str | None:
        """Why a step of that key may not start now."""
        try:
            last = self._starts.last(key)
        except (Damaged, OSError) as error:
            return _unusable(error)
        return None if last is None else forbidden(last.start, window, now, last.ago)

    def reserve(self, wanted: Mapping[str, int | None], start: Start) -> Mapping[str, str]:
        """Count a start under each key if no cooldown forbids it."""

        def forbids(key: str, last: Found) -> str | None:
            window = wanted[key]
            return None if window is None else forbidden(last.start, window, start.ts, last.ago)

        try:
            return self._starts.reserve(start, wanted, forbids)
        except (Damaged, OSError) as error:
            return dict.fromkeys(wanted, _unusable(error))

    def lacks(self, wanted: Wanted, now: str) -> str | None:
        """Why no run is there that is wanted."""
        why: list[str] = []
        try:
            for number, run in enumerate(self._candidates(wanted), 1):
                reason = self._wrong(run, wanted, now)
                if reason is None:
                    return None
                why.append(f"run {run.id}: {reason}")
                if number == JUDGED:
                    why.append(f"no more than {JUDGED} runs are looked into")
                    break
        except OSError as error:
            return f"the store cannot be looked into: {(error.strerror or str(error)).lower()}"
        found = f"there is no {described(wanted).removeprefix('a ')}"
        if not why:
            return f"{found}, as far as this store knows"
        more = f"; and {len(why) - _TOLD} more" if len(why) > _TOLD else ""
        return f"{found} ({'; '.join(why[:_TOLD])}{more})"

    def _candidates(self, wanted: Wanted) -> Iterator[RunDir]:
        """The live runs of that runbook and environment that are over, the newest first; no log is judged for that."""
        for seen in self._store.glimpses(LOOKED_AT):
            if seen.first is None or seen.last is None or seen.last.type != "run.finished":
                continue
            begun = seen.first.fields
            told = (begun.get("mode"), begun.get("runbook"), begun.get("environment"))
            if told == (Mode.LIVE.value, wanted.runbook, wanted.environment or told[2]):
                yield seen.run

    def _wrong(self, run: RunDir, wanted: Wanted, now: str) -> str | None:
        """Why a run is not the one that is wanted; what its ends say is looked at before its log is judged."""
        seen = glimpse(run)
        if seen.last is None or wanted.within is None:
            pass
        elif (ago := wall_ms(now) - wall_ms(seen.last.ts)) > wanted.within:
            return f"it ended {spoken(ago)} ago, at most {spoken(wanted.within)} ago would do"
        run.fetch()
        witness = Witness(run.log, self._allowed)
        try:
            verdict, walk = judged(run.log, self._registry, witness=witness)
        except Refused as refused:
            return f"{refused.diagnostics[0].message}: {self._signers}"
        if verdict.status != 0:
            worst = next((each for each in verdict.findings if each.status is verdict.status), None)
            return f"its log does not verify{f': {worst.diagnostic.message}' if worst else ''}"
        if walk is None or walk.started is None or walk.started.run != run.id or seen.last is None:
            return "its directory is that of another run"
        if wanted.signed and (why := self._unsigned(witness.checkpoints.signed, verdict, walk)) is not None:
            return why
        return unmet(_past_run(walk, seen.last.ts), wanted, now)

    def _allowed(self) -> Signers | None:
        return signers_here(self._signers)

    def _unsigned(self, signed: Signed | None, verdict: Verdict, walk: Walk) -> str | None:
        """Why a run is not signed by who walked it, as far as anybody here can say; None if it is."""
        if self._allowed() is None:
            return f"nobody here can say whether it is signed: there are no allowed signers in {self._signers}"
        if signed is None:
            return "it is not signed"
        if signed.size != verdict.count:
            return "its end is not signed"
        return None if signed.ours else f"it is signed by `{signed.person}`, and `{walk.operator}` walked it"


def _past_run(walk: Walk, ended: str) -> PastRun:
    """A run that was judged, as a guard looks at it."""
    started = walk.started
    if started is None or walk.finish is None:  # pragma: no cover - it is complete
        raise AssertionError(ended)
    passed = frozenset(step for step, result in walk.results.items() if result.outcome is Outcome.PASSED)
    return PastRun(
        run=started.run,
        runbook=started.runbook,
        environment=walk.environment,
        finish=walk.finish.value,
        ended=ended,
        graph=walk.graph,
        passed=passed,
    )


def _unusable(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"nobody can say what was started before: {error.strerror or error}"
    return f"nobody can say what was started before: {error}; `runbook runs --rebuild-index` makes the record anew"
