"""The page in a real browser: at every width, light and dark, on paper; judged by axe and by an HTML checker."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.report.browser import Tab
from tests.report.walked import Hostile, rehearsed, report, runbook

ROOT = Path(__file__).resolve().parents[2]
CHECKERS = ROOT / ".venv" / "page_checkers" / "node_modules"
AXE = CHECKERS / "axe-core" / "axe.min.js"
VNU = CHECKERS / "vnu-jar" / "build" / "dist" / "vnu.jar"
ENABLE = "`rm -rf .venv/page_checkers && tools/test_needs` (it wants npm)"
UNHASHED = "Inline style violates Content Security Policy"
PHONE, DESKTOP = 360, 1280
VERDICT = "axe.run(document).then(found => JSON.stringify(found.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"


@pytest.fixture(scope="module")
def pages(hostile: Hostile, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of several shapes: hostile texts, a drill with runbooks inside, one with undos, a log that was altered."""
    folder = tmp_path_factory.mktemp("pages")
    made = {"hostile": hostile.html}
    for scenario in ("outage_deployment", "roll_back_taken_back"):
        (folder / scenario).mkdir()
        rehearsed(folder / scenario, ROOT / "runbooks" / "scenarios" / f"{scenario}.yaml")
        made[scenario] = report(folder / scenario, "--format", "html", "--zone", "America/St_Johns")
    shutil.copytree(folder / "outage_deployment", folder / "altered")
    log = folder / "altered" / "state" / "runs" / "r1" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"trainee", b"trainer"))
    altered = runbook("report", "r1", "--format", "html", cwd=folder / "altered")
    assert altered.returncode == 1
    made["altered"] = altered.stdout
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_page_fits_and_loads_nothing_and_the_browser_objects_to_nothing(
    tab: Tab, pages: dict[str, Path], width: int, *, dark: bool
) -> None:
    for name, path in pages.items():
        tab.show(path, width, dark=dark)
        tab.ask("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert tab.ask("document.documentElement.scrollWidth") <= width, name
        assert tab.ask("document.documentElement.clientWidth") > 0
        paper = tab.ask("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") != dark, "the style is not in force"
        assert tab.requests == [path.as_uri()], name
        assert tab.objections == [], name


@pytest.mark.reliability
def test_h2_no_script_runs_on_a_page_and_no_style_but_its_own(tab: Tab, pages: dict[str, Path], tmp_path: Path) -> None:
    """Were something to get past the escaping, the page's own policy would stop it."""
    made = pages["hostile"].read_text(encoding="utf-8")
    evil = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\"><style>*{}</style>"
    (tmp_path / "evil.html").write_text(made.replace("</main>", f"{evil}</main>"), encoding="utf-8")
    tab.show(tmp_path / "evil.html", DESKTOP)
    assert tab.ask("document.title").startswith("Incident report · LIVE")
    assert tab.ask("document.scripts.length") == 1
    assert any("Content Security Policy" in said for said in tab.objections)


def test_what_is_folded_is_open_on_paper(tab: Tab, pages: dict[str, Path]) -> None:
    tab.show(pages["hostile"], DESKTOP)
    shut = "[...document.querySelectorAll('details:not([open]) > .fold')]"
    seen = f"{shut}.filter(fold => fold.checkVisibility() && fold.offsetHeight > 9).length"
    count = tab.ask(f"{shut}.length")
    assert (tab.ask(seen), count > 5) == (0, True)
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.ask(seen) == count
    tab.call("Emulation.setEmulatedMedia", media="")
    assert tab.paper().startswith(b"%PDF-")


@pytest.mark.parametrize(("width", "dark"), [(PHONE, True), (DESKTOP, False)])
def test_axe_finds_no_barrier(tab: Tab, pages: dict[str, Path], width: int, *, dark: bool) -> None:
    if not AXE.exists():
        pytest.skip(f"no axe-core in this tree; {ENABLE} enables this test")
    for name, path in pages.items():
        tab.show(path, width, dark=dark)
        tab.ask("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        tab.ask(AXE.read_text(encoding="utf-8"))
        assert json.loads(tab.ask(VERDICT)) == [], name


def test_an_html_checker_finds_nothing(pages: dict[str, Path]) -> None:
    java = shutil.which("java")
    if not VNU.exists() or java is None:
        pytest.skip(f"no Nu Html Checker in this tree, or no Java; {ENABLE} and a Java from 17 on enable this test")
    command = [java, "-jar", str(VNU), "--exit-zero-always", "--format", "json", "--stdout", *map(str, pages.values())]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    found = [(m["url"][-30:], m["message"], m.get("extract")) for m in json.loads(done.stdout)["messages"]]
    # It does not hold a style against the hash that names it; the browser does.
    assert [said for said in found if not said[1].startswith(UNHASHED)] == []
