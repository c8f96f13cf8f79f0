"""The guards of a step: asked what they say, and told to the walk.

A guard looks at what was done before, here and in other runs of the same store. A start that counts for a cooldown is
reserved in the same instant in which the guard is asked for the last time, so that of two who ask at once one starts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from runbook.audit.starts import Start
from runbook.drivers.journal import Journal
from runbook.drivers.preparing import Renderer
from runbook.model.canonical import Json
from runbook.model.durations import milliseconds, spoken
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Guard
from runbook.walk import events as e
from runbook.walk.results import Visit
from runbook.walk.scope import Scope
from runbook.walk.walk import Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A run that has to exist: of that runbook and environment, ended so, at most so many milliseconds ago.

    ``step`` passed in it. ``graph`` is the digest that its graph must have, None where it is another runbook's.
    """

    runbook: str
    environment: str | None
    finish: str | None
    within: int | None
    step: str | None
    graph: str | None
    signed: bool


class Past(Protocol):
    """What was done before, as far as this store knows."""

    def forbids(self, key: str, window: int, now: str) -> str | None:
        """Why a step of that key may not start within so many milliseconds of the last; None if it may.

        The sentence says since when, until when, and because of which run.
        """

    def reserve(self, wanted: Mapping[str, int | None], start: Start) -> Mapping[str, str]:
        """Look at the cooldown of each key (milliseconds) and, if none forbids, count a start under each.

        Both in one, for all processes that share the store. A key without a cooldown only counts.

        :returns: the keys that forbid it, each with the sentence of :meth:`forbids`.
        """

    def lacks(self, wanted: Wanted, now: str) -> str | None:
        """Why no run is there that is wanted; None if one is."""


class AskedGuards:
    """Asks the guards of the steps of one session."""

    def __init__(self, journal: Journal, renderer: Renderer, past: Past) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._renderer = renderer
        self._past = past

    def look(self, visit: Visit, scope: Scope, *, starting: bool) -> str | None:
        """Ask every guard that was not overridden and tell what each says; why the step may not start."""
        asked = [(place, guard) for place, guard in enumerate(visit.step.guards) if place not in visit.overridden]
        said: dict[int, str | None] = {}
        cooldowns: dict[int, tuple[str, int]] = {}
        for place, guard in asked:
            if not applies(guard, self._renderer, scope):
                said[place] = None
            elif guard.kind == "cooldown":
                cooldowns[place] = self._cooldown(visit, guard, scope)
            else:
                said[place] = self._past.lacks(self._wanted(visit, guard, scope), self._now())
        if starting and not any(said.values()):
            # A start that nobody holds back counts all the same.
            counted: dict[str, int | None] = dict.fromkeys(self._keys(visit, scope))
            for held_back, window in cooldowns.values():
                counted[held_back] = max(window, counted[held_back] or 0)
            forbidden = self._reserve(visit, counted)
            said |= {place: forbidden.get(key) for place, (key, _) in cooldowns.items()}
        else:
            now = self._now()
            said |= {place: self._past.forbids(*cooldown, now) for place, cooldown in cooldowns.items()}
        for place, guard in asked:
            key = cooldowns[place][0] if place in cooldowns else None
            self._tell(visit, place, guard, said[place], key)
        refusals = [reason for _, reason in sorted(said.items()) if reason is not None]
        return "; ".join(refusals) or None

    def again(self, visit: Visit, scope: Scope) -> None:
        """An attempt is repeated within its visit, which no cooldown holds back: it counts as a start all the same.

        :raises ExpressionError: if it cannot be counted.
        """
        for reason in self._reserve(visit, dict.fromkeys(self._keys(visit, scope))).values():
            raise ExpressionError(f"`guards`: {reason}")

    def _keys(self, visit: Visit, scope: Scope) -> Collection[str]:
        """The keys that a start of the step counts under."""
        guards = (guard for guard in visit.step.guards if guard.kind == "cooldown")
        return [self._cooldown(visit, guard, scope)[0] for guard in guards if applies(guard, self._renderer, scope)]

    def _tell(self, visit: Visit, place: int, guard: Guard, refusal: str | None, key: str | None) -> None:
        self._journal.tell(
            e.GuardChecked,
            step=visit.step.id,
            visit=visit.number,
            guard=place,
            kind=guard.kind,
            held=refusal is None,
            key=key,
            reason=refusal or _lets_go(guard, key),
        )

    def _now(self) -> str:
        return self._journal.now()

    def _reserve(self, visit: Visit, wanted: Mapping[str, int | None]) -> Mapping[str, str]:
        if not wanted:
            return {}
        started = self._walk.started
        if started is None:  # pragma: no cover - nothing starts before the run
            raise AssertionError(visit.step.id)
        start = Start(
            key="",
            run=started.run,
            runbook=self._walk.runbook.id,
            step=visit.step.id,
            operator=self._walk.operator,
            ts=self._now(),
        )
        return self._past.reserve(wanted, start)

    def _cooldown(self, visit: Visit, guard: Guard, scope: Scope) -> tuple[str, int]:
        """The key that a cooldown counts, and its milliseconds."""
        key = self._journal.covered(key_of(guard, self._walk, visit, self._renderer, scope))
        return key, milliseconds(str(guard.rule["cooldown"]))

    def _wanted(self, visit: Visit, guard: Guard, scope: Scope) -> Wanted:
        rule = guard.rule["requires_run"]
        rule = rule if isinstance(rule, dict) else {}
        runbook = _text(rule, "runbook") or self._walk.runbook.id
        environment = rule.get("environment")
        within = _text(rule, "within")
        return Wanted(
            runbook=runbook,
            environment=None if environment is None else str(self._renderer.rendered(environment, scope)),
            finish=_text(rule, "finish"),
            within=None if within is None else milliseconds(within),
            step=_text(rule, "step") or (visit.step.id if runbook == self._walk.runbook.id else None),
            graph=self._walk.graph if runbook == self._walk.runbook.id else None,
            signed=rule.get("signed") is True,
        )


def applies(guard: Guard, renderer: Renderer, scope: Scope) -> bool:
    """Whether a guard counts now.

    :raises ExpressionError: if its ``when`` has no value.
    """
    return guard.when is None or renderer.value(guard.when, scope, "bool") is True


def key_of(guard: Guard, walk: Walk, visit: Visit, renderer: Renderer, scope: Scope) -> str:
    """The key under which a cooldown counts the starts of a step.

    :raises ExpressionError: if it has no value, or an empty one.
    """
    written = guard.rule.get("key")
    if written is None:
        return default_key(walk.runbook.id, visit.step.id, walk.environment)
    key = renderer.rendered(written, scope)
    if not isinstance(key, str) or not key.strip():
        raise ExpressionError("`guards`: the key is empty")
    return key


def default_key(runbook: str, step: str, environment: str | None) -> str:
    """The key of a cooldown that names none."""
    return f"{runbook}/{step}/{environment or '-'}"


def _text(rule: Mapping[str, Json], key: str) -> str | None:
    value = rule.get(key)
    return None if value is None else str(value)


def _lets_go(guard: Guard, key: str | None) -> str:
    if guard.kind == "cooldown" and key is not None:
        return f"nothing was started under `{key}` for {spoken(milliseconds(str(guard.rule['cooldown'])))}"
    return "it does not apply" if guard.when is not None else "there is such a run"
