"""Every file of the tree: both validators say the same of it, and right files are right."""

from pathlib import Path

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_answers, load_scenario
from runbook.language.schema_files import schemas
from runbook.language.source import Unread, parse
from runbook.language.typed import mapping
from runbook.language.validation import completed, validate, validate_runbook
from runbook.model.canonical import Json

ROOT = Path(__file__).resolve().parents[2]
RIGHT = sorted((ROOT / "tests" / "right").rglob("*.yaml"))
WRONG = sorted((ROOT / "tests" / "wrong").rglob("*.yaml"))
SHIPPED = sorted((ROOT / "runbooks").rglob("*.yaml")) + sorted((ROOT / "examples" / "demo").rglob("*.yaml"))
SCHEMAS = schemas(KINDS)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def kind_of(data: Json) -> str:
    """Which of the three languages a file is written in."""
    return next((name for name in ("scenario", "answers") if name in mapping(data)), "runbook")


@pytest.mark.parametrize("path", [*RIGHT, *WRONG, *SHIPPED], ids=name_of)
def test_both_validators_say_the_same_of_every_file_of_the_tree(path: Path) -> None:
    try:
        document = parse(path.read_bytes(), path.name)
    except Unread:
        return
    kind = kind_of(document.data)
    data = completed(document.data, KINDS) if kind == "runbook" else document.data
    quick = jsonschema_rs.Draft202012Validator(SCHEMAS[kind]).is_valid(data)
    found = validate_runbook(document, KINDS) if kind == "runbook" else validate(document, SCHEMAS[kind])
    assert quick == Draft202012Validator(SCHEMAS[kind]).is_valid(data) == (found == [])


@pytest.mark.parametrize("path", [*RIGHT, *SHIPPED], ids=name_of)
def test_nothing_is_said_about_a_right_file(path: Path) -> None:
    match kind_of(parse(path.read_bytes(), path.name).data):
        case "scenario":
            said = load_scenario(str(path)).diagnostics
        case "answers":
            said = load_answers(str(path)).diagnostics
        case _:
            said = load(str(path), KINDS).diagnostics
    assert [diagnostic.message for diagnostic in said] == []
