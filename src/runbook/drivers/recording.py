"""From a raw observation to what is told of it: masked and capped once, judged as recorded, told."""

import json
from collections.abc import Mapping

from runbook.audit.masking import Masker
from runbook.audit.observation import observe
from runbook.drivers.journal import Journal
from runbook.drivers.judging import Judge, Judged, Seen, worth
from runbook.drivers.preparing import Prepared, Renderer
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.runbook import Effect, Nested
from runbook.walk import events as e
from runbook.walk import looping, rehearsing
from runbook.walk.results import Visit
from runbook.world.scripted import Told


class Remote(dict[str, Json]):
    """An observation that was masked and capped where it was made, on another machine."""

    def __init__(self, text: str, masked: tuple[str, ...], truncated: tuple[str, ...]) -> None:
        """Hold it as its canonical JSON says."""
        super().__init__(json.loads(text))
        self.text = text
        self.masked = masked
        self.truncated = truncated


class Recorder:
    """Records what the attempts of one session observe."""

    def __init__(self, journal: Journal, renderer: Renderer, masker: Masker) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._judge = Judge(renderer)
        self._masker = masker

    def observed(self, raw: JsonObject) -> Seen:
        """An observation as it is recorded."""
        if isinstance(raw, Remote):
            return Seen(text=raw.text, value=dict(raw), masked=raw.masked, truncated=raw.truncated)
        observed = observe(raw, self._masker)
        # What a scenario did not tell stays untold.
        value = Told(raw.address, observed.value) if isinstance(raw, Told) else observed.value
        return Seen(text=observed.text, value=value, masked=observed.masked, truncated=observed.truncated)

    def conclude(self, visit: Visit, prepared: Prepared, raw: JsonObject) -> None:
        """Judge what the attempt of a visit has observed, and tell it."""
        seen = self.observed(raw)
        scope = seen.scope(self._walk).beside(looping.own_of(self._walk, visit))
        judged = self._judge.judge(visit.step, prepared.kind, seen, scope, visit.step.effect)
        self.finish(place_of(visit), worth(judged, rehearsing.fidelity(self._walk, visit)), seen)

    def look(self, nested: Nested, prepared: Prepared, seen: Seen) -> Judged:
        """What a step inside a step makes of what it has observed."""
        judged = self._judge.judge(nested, prepared.kind, seen, seen.scope(self._walk), Effect.NONE)
        return worth(judged, rehearsing.fidelity_inside(self._walk))

    def finish(self, place: Mapping[str, object], judged: Judged, seen: Seen | None) -> None:
        """Tell how an attempt ended."""
        saved: JsonObject = dict(judged.saved)
        self._journal.tell(
            e.StepFinished,
            **place,
            outcome=judged.outcome.value,
            reason=judged.reason,
            changed=judged.changed,
            obs=seen.text if seen else None,
            masked=seen.masked if seen else (),
            truncated=seen.truncated if seen else (),
            saved=canonical(saved) if saved else None,
            fidelity=judged.fidelity.value if judged.fidelity else None,
        )


def place_of(visit: Visit) -> dict[str, object]:
    """The address, visit and attempt of a visit, as its records have them."""
    return {"step": visit.step.id, "visit": visit.number, "attempt": visit.attempt}
