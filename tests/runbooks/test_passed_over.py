"""What somebody passes over is neither done nor looked at: no end calls it well, in hand or resolved."""

from collections.abc import Collection
from pathlib import Path

import pytest
from tests.drivers.sitting import Entries, Sitting

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
    """Answers as a scenario does, but passes over some steps."""

    def __init__(self, scenario: Scenario, clock: SimulatedClock, steps: Collection[str]) -> None:
        super().__init__(scenario.answers, clock)
        self._steps = steps

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Pass it over at its question."""
        return Act(do="skip", reason="no time") if place.address in self._steps else super().answer(place, question)

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Pass it over where it is to be confirmed."""
        return Act(do="skip", reason="no time") if place.address in self._steps else super().confirm(place, request)


def hasty(name: str, *steps: str, world: Entries | None = None) -> Sitting:
    """Walk a scenario as it says, but pass over these steps; ``world`` tells some of them anew."""
    path = SCENARIOS / f"{name}.yaml"
    scenario = load_scenario(str(path)).scenario
    assert scenario is not None
    runbook = load(str(path.parent / scenario.runbook), KINDS).runbook
    assert runbook is not None
    clock = SimulatedClock(scenario.starts or START)
    sitting = Sitting(
        runbook,
        Hasty(scenario, clock, steps),
        clock=clock,
        world={**entries_of(scenario), **(world or {})},
        environment=scenario.environment,
        inputs=fitting(scenario, runbook, KINDS),
    )
    sitting.go()
    return sitting


@pytest.mark.parametrize(("name", "step"), [(name, step) for name, steps in FOUND.items() for step in steps])
def test_what_is_passed_over_by_hand_is_not_done(name: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("LIVE_DATABASE_URL", "SCRATCH_PASSWORD", "PGPASSWORD"):
        monkeypatch.setenv(secret, "lettersanddigits9")
    sitting = hasty(name, step)
    assert sitting.types.count("deviation.recorded") == 1
    assert (sitting.walk.finish, sitting.path()[-1]) == ENDS.get(name.partition("_")[0], (Finish.FAILED, "left"))


def test_columns_that_may_lose_data_are_not_changed_where_the_backup_was_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "lettersanddigits9")
    none: Entries = {"read_backup": [{"exit_code": 1, "json": 0}]}
    sitting = hasty("restored_data_loss", "back_up", "no_backup", "snapshot", world=none)
    assert sitting.types.count("deviation.recorded") == 3
    assert sitting.path()[-2:] == ["create_tables", "columns"]
    assert sitting.walk.finish is None
