"""Nobody is left with what they were told: what was asked of them is lifted, and news that were promised come.

Every scenario of these runbooks is walked. Only what was sent counts; what could not be sent is said at the end.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from tests.runbooks.test_mutated_edges import suite_of

from runbook.audit.record import Record
from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS

RUNBOOKS = (
    *("app_not_loading", "auth_not_working", "complete_outage", "database_connection"),
    *("performance", "roll_back_release", "roll_back_revision", "troubleshooting"),
    *("data_loss", "security_incident"),
)
ASKED = re.compile(r"until I say so|meanwhile\.")
LIFTED = re.compile(r"may (go on|be changed again|be reset)|(until|says) (they say|whoever|when)|says so")
PROMISED = re.compile(r"[Tt]he next word")
BY_WHOM = re.compile(r"next word|every 15 minutes")
UNTOLD = re.compile(r"been told|could be told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a scenario says: its messages to the team and to users, whether each was sent, and the words of its end.

    ``handed`` is the text of the hand-over, and ``went`` the steps that came to an outcome, in order.
    """

    name: str
    team: Sequence[tuple[str, bool]]
    users: Sequence[tuple[str, bool]]
    finish: str
    summary: str
    handed: str
    went: Sequence[tuple[str, str]]


def sent(messages: Sequence[tuple[str, bool]]) -> list[str]:
    """Those of the messages that reached somebody."""
    return [text for text, reached in messages if reached]


@cache
def walked(name: str) -> Sequence[Walked]:
    """The scenarios of a runbook, each walked to its end."""
    suite = suite_of(f"{name}.yaml")
    (loaded,) = suite.runbooks.values()
    assert loaded.runbook is not None
    found = []
    for case in suite.cases:
        assert case.scenario is not None
        records = rehearse(case.scenario, loaded.runbook, KINDS, files={}).records
        found.append(told(case.file, records))
    return found


def told(name: str, records: Sequence[Record]) -> Walked:
    """What the records of a walk say. Another channel carries the text that the usual one did not take."""
    team: list[tuple[str, bool]] = []
    users: list[tuple[str, bool]] = []
    went: list[tuple[str, str]] = []
    text = summary = handed = ""
    for record in records:
        step = str(record.fields.get("step"))
        if record.type == "step.started":
            fields = json.loads(str(record.fields["what"])).get("fields", {})
            text, summary = fields.get("text", ""), fields.get("summary", summary)
            handed = text if step == "hand_over" else handed
        elif record.type == "step.finished":
            went.append((step, str(record.fields["outcome"])))
            reached = record.fields["outcome"] == "passed"
            if step.endswith("/tell_team"):
                team.append((text, reached))
            elif step.endswith("/another_channel"):
                team[-1] = (team[-1][0], reached)
            elif step.endswith("/tell_users"):
                users.append((text, reached))
    finish = str(records[-1].fields["finish"])
    return Walked(name=name, team=team, users=users, finish=finish, summary=summary, handed=handed, went=went)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_who_was_asked_to_hold_still_hears_who_lifts_it(name: str) -> None:
    for walk in walked(name):
        asked = [place for place, text in enumerate(sent(walk.team)) if ASKED.search(text)]
        if asked:
            later = [*sent(walk.team)[asked[-1] + 1 :], walk.summary]
            assert any(map(LIFTED.search, later)) or UNTOLD.search(walk.summary), walk
        if walk.team and not walk.team[-1][1]:
            assert UNTOLD.search(walk.summary), walk


@pytest.mark.parametrize("name", RUNBOOKS)
def test_users_who_were_told_of_it_are_told_that_it_is_over_or_somebody_is_named_who_will(name: str) -> None:
    for walk in walked(name):
        promised = [place for place, text in enumerate(sent(walk.users)) if PROMISED.search(text)]
        if not promised:
            continue
        if walk.finish == "escalated":
            assert BY_WHOM.search(walk.summary), walk
        else:
            assert promised[-1] < len(sent(walk.users)) - 1 or UNTOLD.search(walk.summary), walk


def test_a_security_incident_is_handed_over_as_contained_only_where_it_is() -> None:
    for walk in walked("security_incident"):
        if not walk.handed or "false alarm" in walk.handed:
            continue
        contained = False
        for step, outcome in walk.went:
            if step in {"scope", "token_refused", "still_refused"}:
                contained = contained and step == "still_refused" and outcome == "passed"
            elif step == "contained":
                contained = outcome == "passed"
        assert ("It is contained" in walk.handed, "NOT contained" in walk.handed) == (contained, not contained), walk


def test_who_is_handed_a_security_incident_knows_whom_the_officer_has_not_heard_of() -> None:
    for walk in walked("security_incident"):
        if any(step.startswith("tell_officer") for step, _ in walk.went) and walk.handed:
            assert "no sign so far" not in walk.handed, walk


def test_a_loss_is_handed_over_as_missing_only_until_the_rows_are_back() -> None:
    for walk in walked("data_loss"):
        if walk.handed:
            back = ("exactly_those", "passed") in walk.went
            assert ("is back" in walk.handed, "No row was" in walk.handed and back) == (back, False), walk


@pytest.mark.parametrize(
    ("done", "ended", "said"),
    [
        (("stop_writes", "passed"), "start_writes", "Writes are stopped"),
        (("stop_writes", "failed"), "start_writes", "Writes go on, and may spoil data"),
        (("start_writes", "passed"), "stop_again", "repairs what was written wrongly"),
        (("roll_back", "passed"), "take_back", "rolled back"),
    ],
)
def test_what_a_part_of_an_outage_has_left_stopped_or_rolled_back_is_said_with_the_good_news(
    done: tuple[str, str], ended: str, said: str
) -> None:
    good = [walk for walk in walked("complete_outage") if walk.finish == "mitigated"]
    ways = [{(step.rpartition("/")[2], outcome) for step, outcome in walk.went if "/" in step} for walk in good]
    left = [walk for walk, way in zip(good, ways, strict=True) if done in way and (ended, "passed") not in way]
    assert left
    for walk in left:
        assert said in walk.team[-1][0], walk
