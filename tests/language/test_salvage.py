"""A file with mistakes of every sort gives them all at once, and nothing that only follows from another."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.language.places import Path as Way
from runbook.language.source import parse
from runbook.model.canonical import Json

ROOT = Path(__file__).resolve().parents[2]
RIGHT = sorted([*(ROOT / "runbooks").glob("*.yaml"), *(ROOT / "tests" / "right").glob("*.yaml")])
OF_THE_SCHEMA = {f"RB{number}" for number in range(120, 130)}


def mappings(data: Json, way: Way = ()) -> Iterator[Way]:
    """The way to every mapping in some data."""
    match data:
        case dict():
            yield way
            for key, value in data.items():
                yield from mappings(value, (*way, key))
        case list():
            for index, value in enumerate(data):
                yield from mappings(value, (*way, index))


def at(data: Json, way: Way) -> dict[str, Json]:
    """The mapping at a place."""
    for part in way:
        data = data[part]  # type: ignore[index]  # mappings() found it there
    assert isinstance(data, dict)
    return data


def spoilt(data: Json) -> Iterator[tuple[str, Json]]:
    """The data with one mistake in it, at every place and of several sorts, each with a name."""
    for way in mappings(data):
        for key in at(data, way):
            for sort in ("renamed", "misspelt", "gone", "null", "list"):
                copied = copy.deepcopy(data)
                there = at(copied, way)
                value = there.pop(key)
                match sort:
                    case "renamed":
                        there["quite_another"] = value
                    case "misspelt":
                        there[f"{key[:-1]}x{key[-1]}"] = value
                    case "null":
                        there[key] = None
                    case "list":
                        there[key] = [[1]]
                yield f"{'.'.join(map(str, (*way, key)))} {sort}", copied


def following(file: Path, tmp_path: Path, most: int) -> dict[str, list[str]]:
    """What is said besides the one mistake, in a sample of all spoilt copies of a right file."""
    wrong = {}
    path = tmp_path / "spoilt.yaml"
    copies = list(spoilt(parse(file.read_bytes(), file.name).data))
    for name, mistaken in random.Random(file.name).sample(copies, min(most, len(copies))):
        path.write_text(json.dumps(mistaken))
        found = {diagnostic.code.number for diagnostic in load(str(path), KINDS).diagnostics}
        if found & OF_THE_SCHEMA and not found <= OF_THE_SCHEMA:
            wrong[name] = sorted(found)
    return wrong


@pytest.mark.parametrize("file", RIGHT, ids=[path.name for path in RIGHT])
def test_one_mistake_for_the_schema_gives_no_other_that_follows_from_it(file: Path, tmp_path: Path) -> None:
    assert following(file, tmp_path, 4) == {}


@pytest.mark.full
@pytest.mark.parametrize("file", RIGHT, ids=[path.name for path in RIGHT])
def test_the_same_of_every_key(file: Path, tmp_path: Path) -> None:
    assert following(file, tmp_path, 100_000) == {}
