"""The scripted world: it says what it was told, and refuses to make anything up."""

import pytest

from runbook.kinds.http import Http
from runbook.model.canonical import JsonObject
from runbook.model.io import Lost, NotSent, TimedOut, WorldError
from runbook.world.clock import SimulatedClock
from runbook.world.scripted import FieldNotTold, ScriptedWorld, Untold

KIND = Http(url="https://app.example.com/")


def world(*entries: JsonObject, clock: SimulatedClock | None = None) -> ScriptedWorld:
    return ScriptedWorld({"check": entries}, clock=clock or SimulatedClock())


def test_each_attempt_takes_the_next_entry_and_the_last_one_repeats() -> None:
    scripted = world({"status": 500}, {"status": 200})
    assert [scripted.perform("check", KIND, None)["status"] for _ in range(4)] == [500, 200, 200, 200]


def test_addresses_count_for_themselves() -> None:
    scripted = ScriptedWorld({"a": [{"n": 1}, {"n": 2}], "a.probe": [{"n": 9}]}, clock=SimulatedClock())
    assert [scripted.perform(name, KIND, None)["n"] for name in ("a", "a.probe", "a")] == [1, 9, 2]


def test_what_one_attempt_does_to_its_observation_is_not_seen_by_the_next() -> None:
    scripted = world({"body": {"list": []}})
    body = scripted.perform("check", KIND, None)["body"]
    assert isinstance(body, dict)
    body["list"] = ["changed"]
    assert scripted.perform("check", KIND, None)["body"] == {"list": []}


@pytest.mark.parametrize(
    ("entry", "error", "reason"),
    [
        ({"lost": True}, Lost, "lost"),
        ({"timeout": True}, TimedOut, "30 s"),
        ({"refused": True}, NotSent, "refused"),
        ({"refused": "the pool is empty"}, NotSent, "the pool is empty"),
        ({"error": "permission denied"}, NotSent, "permission denied"),
        ({"delay": "31s", "status": 200}, TimedOut, "30 s"),
    ],
)
def test_a_failure_is_the_failure_of_the_real_world(entry: JsonObject, error: type[WorldError], reason: str) -> None:
    with pytest.raises(error) as caught:
        world(entry).perform("check", KIND, None)
    assert reason in caught.value.reason


def test_a_delay_moves_the_simulated_clock_as_far_as_the_limit() -> None:
    clock = SimulatedClock()
    scripted = world({"delay": "5s", "status": 200}, {"delay": "5s", "lost": True}, {"timeout": True}, clock=clock)
    assert scripted.perform("check", KIND, None) == {"status": 200}
    assert clock.mono() == 5_000
    with pytest.raises(TimedOut):
        scripted.perform("check", KIND, 2_000)
    assert clock.mono() == 7_000
    with pytest.raises(TimedOut):
        scripted.perform("check", KIND, 4_000)
    assert clock.mono() == 11_000


@pytest.mark.parametrize("entries", [{}, {"check": []}])
def test_an_address_that_was_not_told_is_refused_with_its_attempt(entries: dict[str, list[JsonObject]]) -> None:
    scripted = ScriptedWorld(entries, clock=SimulatedClock())
    for attempt in (1, 2):
        with pytest.raises(Untold) as caught:
            scripted.perform("check", KIND, None)
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code.number == "RB350"
        assert f"`check`, attempt {attempt}" in diagnostic.message
        assert "check" in diagnostic.help


def test_a_field_that_was_not_told_is_refused_only_when_it_is_read() -> None:
    observation = world({"headers": {}}).perform("check", KIND, None)
    assert "status" not in observation
    assert observation.get("status") is None
    with pytest.raises(FieldNotTold) as caught:
        KIND.judge(observation)
    assert caught.value.diagnostic.code.number == "RB351"
    assert str(caught.value) == "the scenario does not tell `status` of `check`, and it is read"
