"""Writes `schemas/` anew from the kinds and the envelope: `make schema`."""

from pathlib import Path

from runbook.kinds.registry import KINDS
from runbook.language.schema_files import file_text, schemas

FOLDER = Path(__file__).resolve().parents[1] / "schemas"


def main() -> None:
    """Write each schema of the language to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas(KINDS).items():
        (FOLDER / f"{name}.schema.json").write_text(file_text(schema))


if __name__ == "__main__":
    main()
