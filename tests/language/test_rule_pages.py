"""Each rule of graph and safety has a page whose wrong example breaks that rule alone, and whose right one none."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from tests.language.conftest import Load

from runbook.cli.check import main as check
from runbook.cli.explain import every_code
from runbook.language.pages import examples, page

RULES = sorted(path.name[:5] for path in files("runbook.language").joinpath("rules").iterdir())
WITHOUT = {f"RB24{number}" for number in range(9)} | {"RB266", "RB270", "RB271", "RB272", "RB295"}
"""Codes without a page: about several files together, about the day, and one that only a walk says."""
RUNBOOK = re.compile(r"^```yaml\n(runbook: .*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_rule_of_graph_and_safety_has_a_page() -> None:
    assert sorted({code for code in every_code() if "RB200" <= code < "RB300"} - {*RULES}) == sorted(WITHOUT)


@pytest.mark.parametrize("code", [code for code in RULES if code != "RB280"])
def test_the_wrong_example_of_a_page_breaks_that_rule_alone_and_the_right_one_none(code: str, load_text: Load) -> None:
    said = {title: {each.code.number for each in load_text(text).diagnostics} for title, text in examples(code).items()}
    assert said == {"wrong": {code}, "right": set()}


@pytest.mark.parametrize(("title", "status"), [("wrong", "RB280"), ("right", "")])
def test_the_page_on_scenarios_shows_a_step_that_none_walks_and_then_one_that_does(
    title: str, status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runbook,) = RUNBOOK.findall(page("RB280"))
    (tmp_path / "orders.yaml").write_text(runbook)
    (tmp_path / "down.yaml").write_text(examples("RB280")[title])
    assert check([str(tmp_path), "--format", "line"]) == 0
    assert re.findall(r"RB\d+", capsys.readouterr().out) == [status] * bool(status)
