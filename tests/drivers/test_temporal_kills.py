"""kill -9 of every part of a submitted run, in every moment: nothing is lost, and nothing is done twice."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Process, count, wait_for
from tests.drivers.engine import Crew
from tests.drivers.persons import ANA, BEN, Persons

pytestmark = pytest.mark.reliability

REST = "id: rest\ntitle: Rest\nkind: wait\nfor: 1s\nnext: two\n"
FORM = "id: form\nkind: ask\nfields: {count: {type: integer}}\nnext: two\n"
APPROVED = "confirm: {approvals: {count: 1, from: [platform]}}\n"
SETTLED = ("step: one, confirm: yes, settle: passed, evidence: seen", "step: two, confirm: yes")
COUNTED = "step: form, fields: {count: 3}"


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN)


@pytest.fixture
def crew(crew: Crew, persons: Persons) -> Crew:
    crew.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    return crew


def over(crew: Crew, *entries: str) -> None:
    """Answer until the run is over, as somebody does who is told that a part of it is down."""

    def ended() -> bool:
        return crew.do(*crew.answering(*entries)).status in {0, 1}

    wait_for(ended, f"it is not over: {crew.types()[-3:]}", 60)


def kill_the_engine(crew: Crew) -> None:
    crew.engine.kill()
    crew.engine.start()


def kill_the_database(crew: Crew) -> None:
    crew.server.kill()
    crew.server.start()
    crew.again()


def kill_the_worker(crew: Crew) -> None:
    for worker in crew.workers:
        worker.signal(signal.SIGKILL)
        worker.ended()
    crew.worker()


PARTS: Mapping[str, Callable[[Crew], None]] = {
    "engine": kill_the_engine,
    "database": kill_the_database,
    "worker": kill_the_worker,
}
MOMENTS: Mapping[str, tuple[str, str]] = {
    "a change": ("", "one"),
    "a wait": (REST, "rest"),
    "a question": (FORM, "form"),
    "an approval": (APPROVED, "two"),
}


SHORT = {("a change", "worker"), ("a wait", "database"), ("a question", "engine"), ("an approval", "worker")}
"""What a short run kills, and when."""


@pytest.mark.parametrize(
    ("moment", "part"),
    [
        pytest.param(moment, part, marks=() if (moment, part) in SHORT else (pytest.mark.full,))
        for moment in MOMENTS
        for part in PARTS
    ],
)
def test_c1_of_a_part_that_is_killed_nothing_is_lost_and_nothing_is_done_twice(
    crew: Crew, persons: Persons, moment: str, part: str
) -> None:
    between, target = MOMENTS[moment]
    crew.worker()
    holds = moment == "a change"
    first = change("one", then="two" if holds or moment == "an approval" else target, after="sleep 1" if holds else "")
    second = change("two", then="done", more=APPROVED if moment == "an approval" else "")
    steps = (first, second) if between in {"", APPROVED} else (first, between, second)
    roles = f"roles: {{platform: [{ANA}, {BEN}]}}\n"
    assert crew.submit(book(*steps, head=roles), "--lost-after", "2").status == 0
    answering = _begun(crew, moment)
    PARTS[part](crew)
    answering.ended(60)
    if moment == "an approval":
        persons.approve(crew.run(), BEN)
    over(crew, *SETTLED, *((COUNTED,) if moment == "a question" else ()))
    assert count(crew.effects()) == {"one": 1, "two": 1}
    assert crew.types()[-1] == "run.finished"
    unknown = [told["step"] for told in crew.told("step.unknown")]
    assert unknown in ([["one"]] if (moment, part) == ("a change", "worker") else [[], ["one"]] if holds else [[]])
    assert crew.verify() == 0


def _begun(crew: Crew, moment: str) -> Process:
    """Somebody who answers until the moment has come."""
    match moment:
        case "a change":
            answering = crew.start(*crew.answering(SETTLED[0]))
            wait_for(crew.effects, "the change does not begin")
        case "a wait":
            answering = crew.start(*crew.answering(SETTLED[0]))
            crew.walked("wait.started")
        case "a question":
            answering = crew.start(*crew.answering(SETTLED[0]))
            crew.walked("question.asked")
        case _:
            answering = crew.start(*crew.answering(*SETTLED[:2]))
            crew.walked("approval.requested")
    return answering


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 24))])
def test_c1_of_parts_that_are_killed_at_any_moment_no_effect_is_seen_twice(crew: Crew, seed: int) -> None:
    moments = random.Random(seed)
    crew.worker()
    ways = {"a": "b", "b": "rest", "c": "done"}
    steps = [change(name, then=then, before="sleep 0.1", after="sleep 0.1") for name, then in ways.items()]
    rest = "id: rest\nkind: wait\nfor: 300ms\nnext: look\n"
    text = book(*steps[:2], rest, read("look", then="c"), steps[2])
    assert crew.submit(text, "--lost-after", "2").status == 0
    argv = crew.answering(*(f"step: {n}, confirm: yes, settle: passed, evidence: seen" for n in ways))
    answering = crew.start(*argv)
    for _ in range(3):
        time.sleep(moments.uniform(0.1, 1.5))  # at any moment
        PARTS[moments.choice([*PARTS])](crew)
        if answering.poll() is not None:
            answering = crew.start(*argv)
    answering.ended(90)
    wait_for(lambda: crew.do(*argv).status in {0, 1}, f"it is not over: {crew.types()[-3:]}", 90)
    assert set(count(crew.effects()).values()) <= {1}
    begun = [told["step"] for told in crew.told("step.started") if told["step"] in ways]
    assert set(crew.effects()) <= set(begun)
    assert count(begun) == dict.fromkeys(begun, 1)
    assert crew.types()[-1] == "run.finished"
    assert crew.verify() == 0


def test_two_sites_are_two_machines_with_names_of_their_own(crew: Crew) -> None:
    crew.worker(host="home.example.com")
    crew.worker("far", host="far.example.com")
    where = change("there", then="done", before="uname -n", more="site: far\n")
    assert crew.submit(book(read("here", "uname", "-n", then="there"), where)).status == 0
    assert crew.answer("step: there, confirm: yes").status == 0
    seen = [str(told["obs"]) for told in crew.told("step.finished")[:2]]
    assert ["home.example.com" in seen[0], "far.example.com" in seen[1]] == [True, True]
    ((claimed,),) = crew.owner("select worker from runbook.attempt")
    assert str(claimed).startswith("far.example.com:")
    assert crew.verify() == 0
