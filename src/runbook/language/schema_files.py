"""The schemas as the files that editors read: which there are, and their text."""

import json
from collections.abc import Mapping

from runbook.language.answers import SCHEMA as ANSWERS
from runbook.language.published import published
from runbook.language.scenario import SCHEMA as SCENARIO
from runbook.model.canonical import JsonObject
from runbook.model.kind import Registry


def schemas(registry: Registry) -> Mapping[str, JsonObject]:
    """Every schema of the language by its name: ``runbook``, ``scenario``, ``answers``."""
    return {"runbook": published(registry), "scenario": SCENARIO, "answers": ANSWERS}


def file_text(schema: JsonObject) -> str:
    """A schema as its file holds it, and as ``runbook schema`` prints it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
