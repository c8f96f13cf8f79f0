"""The kind ``wait``: for a time, or until a check passes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.durations import milliseconds, spoken
from runbook.model.kind import Kind, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Kind):
    """Lets a time pass, or looks again and again until a check passes or the step's ``timeout`` is over.

    Use it after a change that takes effect slowly, before anybody makes another one. ``for`` waits that long. ``until``
    is a step that only looks; it is performed at once and then ``every`` so often, and the wait passes with it. Without
    a ``timeout`` it never gives up. The operator sees a countdown, may check now, and may stop waiting.

    For example::

        kind: wait
        until: {kind: http, url: "https://app.example.com/api/health"}
        every: 10s
        timeout: 10m
    """

    for_: str | None = None
    until: Mapping[str, Resolved] | None = None
    every: str = "10s"

    NAME: ClassVar[str] = "wait"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        for_=fragments.duration("How long to wait."),
        until=fragments.read("The step that must pass."),
        every=fragments.duration("How often it is performed.", default="10s"),
    )
    TRAITS: ClassVar[Traits] = Traits(nested=("until",), exactly_one=(("for", "until"),), observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "waited_s": Observed(type="int", text="How many seconds it waited.", after_failure=True),
        "checks": Observed(type="int", text="How often it looked.", after_failure=True),
        "met": Observed(type="bool", text="Whether what it waited for has come.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {"id": "settle", "title": "Let the caches fill", "kind": "wait", "for": "2m"},
        {
            "id": "healthy_again",
            "title": "Wait until it is healthy",
            "kind": "wait",
            "until": {"kind": "http", "url": "https://app.example.com/api/health"},
            "every": "10s",
            "timeout": "10m",
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """What every wait observes, and what its last check did."""
        from runbook.kinds.registry import KINDS

        until = fields.get("until")
        kind = KINDS.get(str(until.get("kind"))) if isinstance(until, dict) else None
        return (
            {**kind.observes(until), **cls.OBSERVES} if kind is not None and isinstance(until, dict) else cls.OBSERVES
        )

    def preview(self) -> Preview:
        """How long, or how often it looks."""
        if self.for_ is not None:
            return Preview(line=f"wait {spoken(milliseconds(self.for_))}")
        return Preview(line=f"look every {spoken(milliseconds(self.every))} until it passes")

    def ended(self, *, waited_ms: int, checks: int, met: bool, last: Mapping[str, Json]) -> JsonObject:
        """The observation of a wait that is over.

        :param met: whether the check passed, or the time was let pass (or cut short by the operator's word).
        :param last: the observation of the last check; empty where there is none.
        """
        return {**last, "waited_s": waited_ms // 1_000, "checks": checks, "met": met}

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """It passes when what it waited for has come."""
        if observation["met"] is True:
            return Verdict(outcome=Outcome.PASSED)
        waited, checks = observation.get("waited_s"), observation.get("checks")
        after = f" after {spoken(waited * 1_000)}" if isinstance(waited, int) else ""
        return Verdict(outcome=Outcome.FAILED, reason=f"it did not pass{after} ({checks} checks)")
