"""Draws the phases of a visit from the walk's tables into docs/explanation/architecture.md.

With ``--check`` nothing is written, and the status is 1 if the page is not up to date.
"""

import sys
from pathlib import Path

from runbook.walk.tables import VISIT

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "architecture.md"
BEGIN, END = "<!-- states: begin -->\n", "<!-- states: end -->\n"


def diagram() -> str:
    """The phases as a Mermaid state diagram, an arrow for each pair with the types of its events."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for phase, events in VISIT.items():
        for event, targets in events.items():
            for target in sorted(targets, key=lambda found: found.value):
                arrows.setdefault((phase.value, target.value), []).append(event.TYPE)
    lines = [f"    {source} --> {target} : {', '.join(types)}" for (source, target), types in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> entered", *lines, "    done --> [*]", "```", ""])


def main() -> int:
    """Write the page, or check it."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    wanted = before + BEGIN + diagram() + END + after
    if "--check" in sys.argv:
        return int(page != wanted)
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
