"""Validators that are not ours come to the same verdict on every file of this tree, by the published schemas."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.editors.corpus import ROOT, SCHEMAS, Sample, samples
from tests.editors.language_server import MODULES, missing

from runbook.kinds.registry import KINDS
from runbook.language.source import read
from runbook.language.typed import mapping
from runbook.language.validation import complaints_about

CHECK = Path(sys.executable).with_name("check-jsonschema")
AJV = Path(__file__).with_name("validate.mjs")


@pytest.fixture(scope="module")
def files() -> Mapping[str, Sample]:
    return samples(ROOT / "runbooks", ROOT / "tests" / "right", ROOT / "examples" / "demo", ROOT / "tests" / "wrong")


def test_the_published_schema_says_of_every_file_what_our_checker_says(files: Mapping[str, Sample]) -> None:
    """But for what a file's ``defaults`` could have said, which only the checker can tell."""
    differ = {
        name
        for name, sample in files.items()
        if sample.schema == "runbook" and sample.valid is bool(complaints_about(read(ROOT / name), KINDS))
    }
    assert differ <= {name for name, sample in files.items() if "defaults" in mapping(sample.data)}
    assert [name for name in differ if not name.startswith("tests/wrong/")] == []
    assert [name for name in differ if not files[name].valid] == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_ajv_says_of_every_file_what_we_say(files: Mapping[str, Sample], schema: str) -> None:
    why = missing()
    if why is not None:
        pytest.skip(why)
    chosen = {name: sample for name, sample in files.items() if sample.schema == schema}
    documents = json.dumps([sample.data for sample in chosen.values()])
    command = ["node", str(AJV), str(MODULES), str(SCHEMAS[schema])]
    done = subprocess.run(command, input=documents, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    said = dict(zip(chosen, json.loads(done.stdout), strict=True))
    assert {name: errors for name, errors in said.items() if bool(errors) is chosen[name].valid} == {}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_check_jsonschema_says_of_every_file_what_we_say(
    files: Mapping[str, Sample], schema: str, tmp_path: Path
) -> None:
    """As a pre-commit hook of its kind reads them: as YAML where it reads the same in them, else as JSON."""
    chosen: dict[str, tuple[str, bool]] = {}
    for number, (name, sample) in enumerate(files.items()):
        if sample.schema == schema:
            path = tmp_path / f"{number}{'.yaml' if sample.same_in_yaml else '.json'}"
            path.write_text(sample.text if sample.same_in_yaml else json.dumps(sample.data), encoding="utf-8")
            chosen[str(path)] = (name, sample.valid)
    command = [str(CHECK), "--schemafile", str(SCHEMAS[schema]), "--disable-formats", "*", "-o", "json", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told.get("parse_errors", []) == []
    refused = {chosen[error["filename"]][0] for error in told["errors"]}
    assert refused == {name for name, valid in chosen.values() if not valid}
