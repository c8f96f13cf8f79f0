"""The site is built from the pages without a warning, and whoever reads it asks nobody else."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']([^"']+)|<link[^>]*\shref=["']([^"']+)|url\(["']?([^"')]+)|@import"""
)
"""What a browser asks for by itself."""


def built(place: Path) -> Path:
    """The site, as `make site` builds it."""
    strict = ["--quiet", "--fail-on-warning", "--keep-going", "--nitpicky"]
    argv: list[str | Path] = [sys.executable, "-m", "sphinx", *strict, "-c", ROOT / "tools" / "site"]
    done = subprocess.run(
        [*argv, "-d", place / "cache", ROOT, place / "built"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "built"


def every_page_is_there_and_can_be_found(site: Path) -> None:
    """Look for each page, and for it in the index of the search."""
    pages = [path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if not (site / page).exists()] == []
    index = (site / "searchindex.js").read_text()
    assert [page for page in pages if f'"{page.with_suffix("")}"' not in index] == []
    assert "docs/README.html" in (site / "index.html").read_text()


def every_link_to_a_runbook_leads_to_its_page(site: Path) -> None:
    """Look where the links that Sphinx does not know lead."""
    wrong = []
    for page in [*(site / "docs").rglob("*.html"), site / "runbooks" / "README.html"]:
        links = re.findall(r'<a href="([a-z_./]+\.html)">', page.read_text())
        wrong += [f"{page.name}: {link}" for link in links if not (page.parent / link).exists()]
    assert wrong == []


def the_site_asks_no_other_host(site: Path) -> None:
    """Look what a browser would ask for."""
    asked = set()
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        asked |= {found for each in LOADED.findall(path.read_text()) for found in each if "//" in found}
    assert {url for url in asked if not url.startswith(("data:", "#"))} == set()


def test_the_site_is_whole_and_asks_no_other_host(tmp_path: Path) -> None:
    site = built(tmp_path)  # once: it is what takes time
    every_page_is_there_and_can_be_found(site)
    every_link_to_a_runbook_leads_to_its_page(site)
    the_site_asks_no_other_host(site)
