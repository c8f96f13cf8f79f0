"""What the papers of the house say is so: commands, links and the reliability bar."""

import re
import subprocess
import sys
from pathlib import Path

from runbook.walk.records import EVENTS, FIELDS

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
ROW = re.compile(r"def test_([a-k][0-9]{1,2})_")


def test_ci_runs_what_the_readme_says_and_nothing_else() -> None:
    script = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and line[0] not in "# "]
    assert script == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]
    assert "\nmake test" in (ROOT / "README.md").read_text()


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "runbooks").glob("*.md")]
    links = [(page, link) for page in pages for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_every_reliability_test_names_a_row_of_the_bar_and_says_that_it_is_one() -> None:
    bar = (ROOT / "docs" / "explanation" / "reliability.md").read_text()
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        marked = "mark.reliability" in text
        wrong += [f"{path.name}: {row}" for row in ROW.findall(text) if f"| {row.upper()} |" not in bar or not marked]
    assert wrong == []


def test_the_page_on_the_log_names_every_type_and_every_field_in_order() -> None:
    page = (ROOT / "docs" / "reference" / "audit-log.md").read_text()
    rows = re.findall(r"^\| `([a-z._]+)` \| (`.+?) \| ", page, re.MULTILINE)
    told = {name: re.findall(r"`(\w+)`(\??)", fields) for name, fields in rows}
    assert told == {
        name: [(field.name, "?" * field.optional) for field in FIELDS[event]] for name, event in EVENTS.items()
    }


def test_the_diagram_of_phases_is_drawn_from_the_tables() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "states.py", "--check"], check=False)
    assert done.returncode == 0, "`make docs` draws it anew"
