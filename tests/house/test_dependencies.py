"""Every dependency has been decided on, in writing."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def declared() -> list[str]:
    """The names of all distributions that pyproject.toml asks for, the optional ones too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    return [re.match(r"[A-Za-z0-9._-]+", line)[0] for line in wanted]  # type: ignore[index] # a requirement begins so


def test_every_dependency_has_a_decision_note() -> None:
    notes = "\n".join(path.read_text() for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [name for name in declared() if f"`{name}`" not in notes] == []
