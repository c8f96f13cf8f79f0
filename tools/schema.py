"""Writes `schemas/` anew from the kinds and the envelope: `make schema`."""

from pathlib import Path

from runbook.cli.schema import every_schema
from runbook.language.schema_files import file_text

FOLDER = Path(__file__).resolve().parents[1] / "schemas"


def main() -> None:
    """Write each schema to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in every_schema().items():
        (FOLDER / f"{name}.schema.json").write_text(file_text(schema))


if __name__ == "__main__":
    main()
