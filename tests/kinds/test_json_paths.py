"""The paths that say where in a JSON answer something is."""

import re

import pytest

from runbook.kinds.json_paths import PATH, find, first, written
from runbook.kinds.providers import PROVIDERS
from runbook.model.canonical import Json

ANSWER: Json = {
    "metadata": {"labels": {"example.com/team": "web", "a-b": 1}},
    "traffic": [{"to": "r2", "percent": 90}, {"to": "r1", "percent": 10}, {"to": "r0", "tag": "old"}],
    "conditions": [{"type": "Active", "status": "False"}, {"type": "Ready", "status": "True", "codes": [7, 8]}],
    "live": True,
    "nothing": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("live", (True,)),
        ("metadata.labels.a-b", (1,)),
        ('metadata.labels."example.com/team"', ("web",)),
        ("traffic[0].to", ("r2",)),
        ("traffic[-1].to", ("r0",)),
        ("traffic[3].to", ()),
        ("traffic[-4].to", ()),
        ("traffic[*].to", ("r2", "r1", "r0")),
        ("traffic[percent].to", ("r2", "r1")),
        ("traffic[percent=10].to", ("r1",)),
        ("traffic[percent=1].to", ()),
        ("conditions[type=Ready].status", ("True",)),
        ("conditions[type=Ready][status=True].type", ("Ready",)),
        ("conditions[type=Active][status=True]", ()),
        ("conditions[codes[1]=8].type", ("Ready",)),
        ("[live]", (ANSWER,)),
        ("[live=true]", (ANSWER,)),
        ("[nothing]", ()),
        ("[nothing=]", ()),
        ("nothing", (None,)),
        ("surely.not", ()),
        ("live.deeper[0][*]", ()),
        ("metadata[*]", ()),
        ("", (ANSWER,)),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(path: str, found: tuple[Json, ...]) -> None:
    assert find(path, ANSWER) == found
    assert not path or re.search(PATH, path)


@pytest.mark.parametrize(
    "path", ["a..b", ".a", "a.", "a[", "a[]", "a b", "a[b", "$.a", "a[?(@.b)]", "a[1:2]", 'a."b', "a\n"]
)
def test_what_is_no_path_does_not_fit_the_pattern(path: str) -> None:
    assert not re.search(PATH, path) or path == "a\n"


def test_every_path_of_the_table_fits_the_pattern() -> None:
    for provider in PROVIDERS.values():
        listing = provider.list
        paths = [listing.items, listing.id, listing.created, listing.order, listing.author, listing.commit]
        paths += [listing.served, listing.serving, listing.handle]
        paths.append(provider.serving.id if provider.serving else None)
        for path in paths:
            assert not path or re.search(PATH, path), path


def test_values_are_written_as_text() -> None:
    values: list[Json] = ["a", None, True, 3, 2.5, ["a"]]
    assert [written(value) for value in values] == ["a", "", "true", "3", "2.5", '["a"]']
    assert first(None, ANSWER) is None
    assert first("surely_not", ANSWER) is None
