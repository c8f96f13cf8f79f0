"""What the checker says, as SARIF and as annotations of GitHub: valid, complete, stable, and nothing can break out."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from runbook.kinds.registry import KINDS
from runbook.language.annotations import annotation
from runbook.language.frames import visible
from runbook.language.loading import load
from runbook.language.sarif import sarif
from runbook.model.diagnostics import Code, Diagnostic, Span

WRONG = Path(__file__).resolve().parents[1] / "wrong"
SCHEMA = Draft4Validator(json.loads((Path(__file__).parent / "sarif" / "sarif-2.1.0-rtm.5.json").read_text()))
CODE = Code(number="RB199", title="a, title: 100 %", why="Because.")


def log(*found: tuple[Diagnostic, str]) -> Any:  # noqa: ANN401 - it is JSON
    """A log as data."""
    return json.loads(sarif(found, complete=True))


def of_file(path: Path) -> list[tuple[Diagnostic, str]]:
    loaded = load(str(path), KINDS)
    return [(diagnostic, loaded.text) for diagnostic in loaded.diagnostics]


@pytest.fixture(scope="module")
def everything() -> list[tuple[Diagnostic, str]]:
    """All that is said of all wrong files."""
    return [told for path in sorted(WRONG.glob("*.yaml")) for told in of_file(path)]


def test_what_is_said_makes_a_log_that_the_schema_of_sarif_accepts(everything: list[tuple[Diagnostic, str]]) -> None:
    told = list({diagnostic.code.number: (diagnostic, text) for diagnostic, text in everything}.values())
    SCHEMA.validate(log(*told))
    SCHEMA.validate(log((Diagnostic(code=CODE, message="nowhere", file="ü\udcff %.yaml"), "")))
    SCHEMA.validate(log())


def test_every_result_names_its_rule_and_every_rule_says_why(everything: list[tuple[Diagnostic, str]]) -> None:
    (run,) = log(*everything)["runs"]
    assert len(run["results"]) == len(everything)
    for result, (diagnostic, _) in zip(run["results"], everything, strict=True):
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"] == diagnostic.code.number
        assert result["level"] == rule["defaultConfiguration"]["level"] == diagnostic.severity.value
        assert diagnostic.code.why in rule["help"]["text"]


def test_a_rule_has_its_page_as_help() -> None:
    (rule,) = log(*of_file(WRONG / "RB274-without-a-deadline.yaml"))["runs"][0]["tool"]["driver"]["rules"]
    assert "Wrong:\n\n```yaml\n" in rule["help"]["markdown"]
    assert "timeout: 10m" in rule["help"]["markdown"]


def test_no_two_results_have_one_fingerprint(everything: list[tuple[Diagnostic, str]]) -> None:
    results = log(*everything)["runs"][0]["results"]
    assert len({result["partialFingerprints"]["runbook/v1"] for result in results}) == len(results)


def test_a_fingerprint_outlives_lines_that_come_above(tmp_path: Path) -> None:
    text = (WRONG / "RB277-no-look.yaml").read_text()
    file = tmp_path / "book.yaml"
    file.write_text(text)
    before = log(*of_file(file))["runs"][0]["results"]
    file.write_text(text.replace("id: wrong\n", "id: wrong\ntitle: Wrong\n\ntags: [web]\n"))
    after = log(*of_file(file))["runs"][0]["results"]
    assert [each["partialFingerprints"] for each in before] == [each["partialFingerprints"] for each in after]
    assert before[0]["locations"] != after[0]["locations"]


def test_a_log_of_nothing_and_of_what_is_in_no_file_are_valid() -> None:
    assert log()["runs"][0]["results"] == []
    (result,) = log((Diagnostic(code=CODE, message="nowhere"), ""))["runs"][0]["results"]
    assert result["locations"] == []


@pytest.mark.parametrize("name", ["a b.yaml", "ü#%.yaml", "x\nx.yaml", "\udcff.yaml", "deep/er.yaml"])
def test_every_name_of_a_file_is_a_uri(name: str) -> None:
    (result,) = log((Diagnostic(code=CODE, message="m", file=name), ""))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert unquote(place["uri"], errors="surrogateescape") == name
    assert place["uriBaseId"] == "%SRCROOT%"


def test_an_annotation_names_file_place_and_code() -> None:
    diagnostic = Diagnostic(code=CODE, message="no step", file="a.yaml", span=Span(3, 5, 3, 9), help="name one")
    title = "RB199 a%2C title%3A 100 %25"
    assert annotation(diagnostic) == f"::error file=a.yaml,line=3,col=5,endColumn=8,title={title}::no step%0Aname one"


def test_an_annotation_of_several_lines_has_no_columns() -> None:
    diagnostic = Diagnostic(code=CODE, message="m", file="a.yaml", span=Span(3, 5, 7, 1))
    assert annotation(diagnostic).startswith("::error file=a.yaml,line=3,endLine=6,title=")


@pytest.mark.parametrize("evil", ["a\n::set-output name=x::y", "a\r\n::error::b", "100 %0A::error::b", "\x1b[31mred"])
def test_nothing_in_a_file_begins_a_command_of_its_own(evil: str) -> None:
    line = annotation(Diagnostic(code=CODE, message=evil, file=evil, help=evil))
    assert line.isprintable()
    properties, _, data = line.removeprefix("::error ").partition("::")
    assert properties.count(",") == 1
    assert data.replace("%0A", "\n").replace("%25", "%") == f"{visible(evil)}\n{visible(evil)}"


def test_all_that_is_ever_said_is_one_annotation_each(everything: list[tuple[Diagnostic, str]]) -> None:
    for diagnostic, _ in everything:
        assert annotation(diagnostic).isprintable()
        assert annotation(diagnostic).count("::") >= 2
