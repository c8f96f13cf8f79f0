"""Every right and every wrong file of this tree, with what our own reader and our own validator make of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import jsonschema_rs
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from runbook.language.source import Unread, read
from runbook.model.canonical import Json

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {name: ROOT / "schemas" / f"{name}.schema.json" for name in ("runbook", "scenario", "answers")}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file: ``schema`` is the one that it is to keep, ``valid`` whether it does, ``data`` what we read in it."""

    text: str
    schema: str
    data: Json
    valid: bool

    @cached_property
    def same_in_yaml(self) -> bool:
        """Whether a reader of YAML 1.2 reads the same in it; that reader takes long."""
        return _elsewhere(self.text) == json.dumps(self.data, sort_keys=True)


def samples(*folders: Path) -> Mapping[str, Sample]:
    """The files below folders that our reader can read, by their paths in the tree."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*.yaml")):
        try:
            document = read(path)
        except Unread:
            continue
        schema = _schema(document.data)
        found[str(path.relative_to(ROOT))] = Sample(
            text=document.text,
            schema=schema,
            data=document.data,
            valid=_validator(schema).is_valid(document.data),
        )
    return found


def _schema(data: Json) -> str:
    """The name of the schema that a file is to keep, by what it says it is."""
    keys = data.keys() if isinstance(data, dict) else ()
    return next((name for name in ("scenario", "answers") if name in keys), "runbook")


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMAS[schema].read_text()))


def _elsewhere(text: str) -> str:
    """What a reader of YAML 1.2 that is not ours makes of a text, as JSON; empty where that is none."""
    try:
        return json.dumps(YAML(typ="safe", pure=True).load(text), sort_keys=True)
    except (YAMLError, TypeError, ValueError, RecursionError):
        return ""
