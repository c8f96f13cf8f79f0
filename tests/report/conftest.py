"""One run that has everything in it, and hostile texts everywhere; walked once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.browser import Tab, browsing, program
from tests.report.walked import TICKET, Hostile, report, runbook, walked

HERE = Path(__file__).parent
NOTES = {
    "hypothesis": "I think it is the `cache` | <!-- @channel\nsecond line",
    "decision": "We wait until 10:00",
    "communication": "Told the CEO",
    "note": "plain",
}


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("hostile")
    options = ("-e", "production", "-i", f"ticket={TICKET}", "--incident", "INC-7|`x`", "--operator", "ana@example.com")
    book, first = (HERE / "hostile.yaml").read_text(), (HERE / "hostile-answers-1.yaml").read_text()
    walked(folder, book, first, *options, status=3)
    for kind, text in NOTES.items():
        assert runbook("note", "r1", text, "--kind", kind, "--operator", "eve@example.com", cwd=folder).returncode == 0
    paused = runbook("report", "r1", cwd=folder)
    assert paused.returncode == 3
    second = HERE / "hostile-answers-2.yaml"
    done = runbook("resume", "r1", "--answers", second, "--operator", "ben@example.com", cwd=folder)
    assert done.returncode == 0, done.stderr
    forms = {form: report(folder, "--format", form) for form in ("md", "json", "html")}
    return Hostile(folder=folder, paused=paused.stdout, page=forms["md"], json=forms["json"], html=forms["html"])


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    chromium = program()
    if chromium is None:
        pytest.skip("no Chromium on this machine; `apt-get install chromium` enables this test")
    with browsing(chromium, tmp_path_factory.mktemp("profile")) as found:
        yield found
