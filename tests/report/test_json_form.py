"""The JSON form: there and back without a loss, as its schema says, and the same bytes for the same log."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.report.html_pages import assert_inert
from tests.report.pages import assert_harmless
from tests.report.walked import Hostile, records_of, run_of, runbook

from runbook.audit.verdict import Verdict
from runbook.kinds.registry import KINDS, make
from runbook.language.loading import load
from runbook.language.schema_files import file_text
from runbook.model.canonical import Json
from runbook.model.kind import Preview
from runbook.report.html import page as html_page
from runbook.report.json_form import from_json, report_schema, to_json
from runbook.report.markdown import markdown
from runbook.report.reading import report_of

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(report_schema())


def test_the_committed_schema_is_what_the_classes_say() -> None:
    path = ROOT / "schemas" / "report.schema.json"
    assert path.read_text() == file_text(report_schema()), "run `make schema` and commit schemas/"
    Draft202012Validator.check_schema(report_schema())


@pytest.mark.reliability
def test_h5_the_json_form_round_trips_and_is_as_its_schema_says(hostile: Hostile) -> None:
    VALIDATOR.validate(json.loads(hostile.json))
    again = from_json(hostile.json)
    assert to_json(again) == hostile.json
    assert markdown(again) == hostile.page
    assert html_page(again) == hostile.html


@pytest.mark.reliability
def test_h5_the_same_log_gives_the_same_bytes(hostile: Hostile, tmp_path: Path) -> None:
    shutil.copytree(hostile.folder / "state", tmp_path / "state")
    odd = {"TZ": "America/St_Johns", "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONUTF8": "0", "LANG": "C"}
    for form, text in (("md", hostile.page), ("json", hostile.json), ("html", hostile.html)):
        done = runbook("report", "r1", "--format", form, cwd=tmp_path, **odd)
        assert (done.returncode, done.stdout) == (0, text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"report": "9.0"}', '{"report": "1.0"}', '{"report": "1.0", "log": 1}']
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"this is no report|Expecting value"):
        from_json(text)


LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.sampled_from(
    [
        *("{", '{"a":NaN}', '{"x":1e999}', '{"kind":"http"}', '{"items":3}', "finish", "choice", "x\n\n<b>@a"),
        *("[" * 900 + "]" * 900, '{"a":' * 500 + "1" + "}" * 500, '{"a":' * 60 + "1" + "}" * 60),
        *('{"fields":{"x":{"$text":[{}]}}}', '{"kind":"choice","fields":{"options":[{"id":"x"}]}}'),
        *('{"x":"\\ud800<b>"}', '{"chosen":"mend","items":{"one":{}},"text":"{}"}', "../x[1].y"),
    ]
)


@given(data=st.data())
@settings(max_examples=settings().max_examples // 2)
def test_no_log_however_wrong_is_too_much_for_a_report(hostile: Hostile, data: st.DataObject) -> None:
    """What cannot be a legal walk is still reported, under its banner: nothing raises, nothing acts."""
    run = run_of(hostile.folder)
    records = records_of(run)
    book = load(str(next((run.path / "runbook").iterdir())), KINDS).runbook
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(records) - 1))
        record = records[place]
        name = data.draw(st.sampled_from([*record.fields, "step", "visit", "what", "obs"]))
        value: Json = data.draw(VALUES | TEXTS)
        records[place] = replace(record, fields={**record.fields, name: value})
    verdict = Verdict(findings=(), count=len(records), head=records[-1].h, size=1, torn=0, finished=True)
    made = report_of(
        "r1", records, verdict=verdict, words="x", runbook=data.draw(st.sampled_from([book, None])), preview=_preview
    )
    text = to_json(made)
    VALIDATOR.validate(json.loads(text))
    assert from_json(text) == made
    page = markdown(made)
    page.encode()
    assert_harmless(page)
    assert_inert(html_page(made))


def _preview(kind: str, fields: object) -> Preview:
    return make(kind, fields).preview()  # type: ignore[arg-type] # it is handed on as it comes
