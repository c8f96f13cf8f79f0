"""Whatever is done to a right file, it is judged without a crash, and the same by both validators."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import jsonschema_rs
import pytest

from runbook.kinds.registry import KINDS
from runbook.language.answers import LoadedAnswers
from runbook.language.loading import load, load_answers, load_scenario
from runbook.language.scenario import LoadedScenario
from runbook.language.schema import compose
from runbook.language.source import Unread, parse
from runbook.language.validation import completed, validate_runbook
from runbook.model.canonical import Json

RIGHT = Path(__file__).resolve().parents[1] / "right"
SEEDS = [*RIGHT.glob("*.yaml")]
QUICK = jsonschema_rs.Draft202012Validator(compose(KINDS))
VALUES: tuple[Json, ...] = (
    None, True, 0, -1, 3.5, 1e300, "", "no", "next", "${{ inputs.a }}", "${{", "30 s", "\n", "it\n", "ünï", "a" * 300,
    [], {}, [[]], [{}], {"kind": "http"}, {"kind": "nothing"}, {"id": "in", "kind": 3}, ["a", 1, None],
)  # fmt: skip
KEYS = ("kind", "id", "undo", "defaults", "with space", "ü", "steps", "effect", "confirm", "fields", "env", "strip")


def places(value: Json, found: "list[list[Json] | dict[str, Json]]") -> "list[list[Json] | dict[str, Json]]":
    """Every mapping and list in a value that has something in it."""
    if isinstance(value, dict | list) and value:
        found.append(value)
        for inner in value.values() if isinstance(value, dict) else value:
            places(inner, found)
    return found


def changed(data: Json, chance: random.Random) -> Json:
    """Data with one to three things in it taken out, replaced, renamed or added."""
    for _ in range(chance.randint(1, 3)):
        if not (found := places(data, [])):
            break
        place = chance.choice(found)
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        match chance.randrange(4), place, key:
            case 0, dict(), str():
                del place[key]
            case 1, dict(), str():
                place[chance.choice(KEYS)] = place.pop(key)
            case 2, dict(), _:
                place[chance.choice(KEYS)] = deepcopy(chance.choice(VALUES))
            case _, dict(), str():
                place[key] = deepcopy(chance.choice(VALUES))
            case _, list(), int():
                place[key] = deepcopy(chance.choice(VALUES))
    return data


def judge(seed: Path, number: int, path: Path) -> None:
    chance = random.Random(f"{seed.name} {number}")
    data = changed(json.loads(json.dumps(parse(seed.read_bytes(), seed.name).data)), chance)
    path.write_text(json.dumps(data))
    try:
        document = parse(path.read_bytes(), path.name)
    except Unread:
        return
    found = validate_runbook(document, KINDS)
    assert (found == []) == QUICK.is_valid(completed(document.data, KINDS))
    for diagnostic in (*found, *load(str(path), KINDS).diagnostics):
        assert diagnostic.span
        assert diagnostic.help
        assert not diagnostic.message.endswith(".")
        assert "\n" not in diagnostic.message + diagnostic.help


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_a_file_with_anything_changed_in_it_is_judged_and_nothing_crashes(seed: Path, tmp_path: Path) -> None:
    for number in range(25):
        judge(seed, number, tmp_path / "changed.yaml")


@pytest.mark.parametrize(("folder", "load_it"), [("scenarios", load_scenario), ("answers", load_answers)])
def test_so_are_scenarios_and_answers(
    folder: str, load_it: Callable[[str], LoadedScenario | LoadedAnswers], tmp_path: Path
) -> None:
    path = tmp_path / "changed.yaml"
    for seed in (RIGHT / folder).glob("*.yaml"):
        for number in range(40):
            chance = random.Random(f"{seed.name} {number}")
            path.write_text(json.dumps(changed(json.loads(json.dumps(parse(seed.read_bytes(), "").data)), chance)))
            for diagnostic in load_it(str(path)).diagnostics:
                assert diagnostic.span
                assert diagnostic.help


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_the_same_two_thousand_times(seed: Path, tmp_path: Path) -> None:
    for number in range(2_000):
        judge(seed, number, tmp_path / "changed.yaml")
