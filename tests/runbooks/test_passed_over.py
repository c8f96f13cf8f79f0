"""What somebody passes over is neither done nor looked at: no end calls it well, in hand or resolved."""

from pathlib import Path

import pytest
from tests.drivers.sitting import Sitting

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Act, Hand, No, Place, Request, Yes
from runbook.drivers.rehearsal import entries_of, fitting
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario
from runbook.model.canonical import JsonObject
from runbook.model.question import Question
from runbook.model.runbook import Finish
from runbook.model.scenario import Scenario
from runbook.world.clock import START, SimulatedClock

SCENARIOS = Path(__file__).resolve().parents[2] / "runbooks" / "scenarios"
FOUND = {
    "monitoring_everything": ("unhealthy", "database_finding", "security_finding", "performance_finding"),
    "monitoring_not_looked_at": ("not_looked_at",),
    "daily_found": ("monitoring/security_finding", "deployment_finding", "other_finding"),
    "daily_not_looked_at": ("not_looked_at",),
    "weekly_found": ("backup_finding", "security_finding", "trend_finding"),
    "weekly_not_looked_at": ("not_looked_at",),
    "monthly_found": ("people_finding", "other_finding"),
    "monthly_not_looked_at": ("not_looked_at",),
    "quarterly_no_backup": ("drill_finding", "plans_finding", "not_looked_at"),
    "quarterly_well": ("opened",),
    "loss_deleted_by_mistake": ("look", "renew_sessions", "tell_back/tell_team", "tell_back/tell_users"),
    "security_key_published": (
        "revoke_secrets",
        "keep_evidence",
        "rotate",
        "patch",
        "tell_team/tell_team",
        "afterwards",
    ),
}
"""Scenarios that end well or in hand, and what somebody could pass over in each."""
ENDS = {"loss": (Finish.MITIGATED, "mitigated"), "security": (Finish.MITIGATED, "closed_only")}
"""How it ends then; maintenance as ``left``, which has failed."""


class Hasty(AnswersOperator):
    """Answers as a scenario does, but passes over one step."""

    def __init__(self, scenario: Scenario, clock: SimulatedClock, step: str) -> None:
        super().__init__(scenario.answers, clock)
        self._step = step

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Pass it over at its question."""
        return Act(do="skip", reason="no time") if place.address == self._step else super().answer(place, question)

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Pass it over where it is to be confirmed."""
        return Act(do="skip", reason="no time") if place.address == self._step else super().confirm(place, request)


@pytest.mark.parametrize(("name", "step"), [(name, step) for name, steps in FOUND.items() for step in steps])
def test_what_is_passed_over_by_hand_is_not_done(name: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("LIVE_DATABASE_URL", "SCRATCH_PASSWORD", "PGPASSWORD"):
        monkeypatch.setenv(secret, "lettersanddigits9")
    path = SCENARIOS / f"{name}.yaml"
    scenario = load_scenario(str(path)).scenario
    assert scenario is not None
    runbook = load(str(path.parent / scenario.runbook), KINDS).runbook
    assert runbook is not None
    clock = SimulatedClock(scenario.starts or START)
    hasty = Hasty(scenario, clock, step)
    sitting = Sitting(
        runbook,
        hasty,
        clock=clock,
        world=entries_of(scenario),
        environment=scenario.environment,
        inputs=fitting(scenario, runbook, KINDS),
    )
    sitting.go()
    assert sitting.types.count("deviation.recorded") == 1
    assert (sitting.walk.finish, sitting.path()[-1]) == ENDS.get(name.partition("_")[0], (Finish.FAILED, "left"))
