"""A runbook that is begun is valid, and every way of it is walked."""

from pathlib import Path

import pytest
import yaml
from tests.drivers.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


def test_a_new_runbook_is_clean_and_its_scenario_walks_all_of_it(desk: Desk) -> None:
    done = desk.do("new", "api_slow", "-o", "books")
    assert done.out.splitlines() == ["books/api_slow.yaml", "books/scenarios/api_slow.yaml"]
    checked = desk.do("check", "books")
    assert (checked.status, checked.out, checked.err) == (0, "", "")
    tested = desk.do("test", "books", "--min-coverage", "100")
    assert tested.status == 0, tested.out


@pytest.mark.parametrize("id_", ["true", "null", "no", "y"])
def test_an_id_that_yaml_takes_for_something_else_is_written_as_a_text(id_: str, desk: Desk) -> None:
    assert desk.do("new", id_).status == 0
    checked = desk.do("check", ".")
    assert (checked.status, checked.out) == (0, "")
    assert desk.do("test", ".").status == 0
    for file in (desk.root / f"{id_}.yaml", desk.root / "scenarios" / f"{id_}.yaml"):
        data = yaml.safe_load(file.read_text())  # as an editor reads it
        assert isinstance(data["title"], str)
        assert isinstance(data.get("id", ""), str)


def test_nothing_is_written_over(desk: Desk) -> None:
    scenario = desk.root / "scenarios" / "api_slow.yaml"
    scenario.parent.mkdir()
    scenario.write_text("mine\n")
    done = desk.do("new", "api_slow")
    assert (done.status, "RB390" in done.err) == (2, True)
    assert not (desk.root / "api_slow.yaml").exists()
    assert scenario.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("id_", "meant"), [("API-slow", "`api_slow`"), ("../x", "`x`"), ("9", "snake_case"), ("é", "snake")]
)
def test_an_id_is_in_snake_case(id_: str, meant: str, desk: Desk) -> None:
    done = desk.do("new", id_)
    assert done.status == 2
    assert "RB391" in done.err
    assert meant in done.err
