"""How the documentation becomes a site: `make site` has Sphinx build it from the Markdown pages as they stand.

The pages stay what a forge shows: plain Markdown with relative links. What a site needs besides is made here: the
order of the pages is that of the links in docs/README.md, and a page that no README leads to is an error. A link to a
runbook leads to what `runbook show` makes of it, a link to another file to a copy of it, a link to a folder nowhere.
Nothing is asked of another host.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

from runbook.cli import show
from runbook.version import VERSION

project = "runbook"
author = "the authors of runbook"
version = release = VERSION
extensions = ["myst_parser"]
root_doc = "docs/README"
include_patterns = ["*.md", "docs/*.md", "docs/**/*.md", "runbooks/README.md", "examples/*/README.md"]
suppress_warnings = ["misc.highlighting_failure"]  # an example may leave something out, and say so with …
nitpicky = True
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
highlight_language = "none"
html_theme = "furo"
html_title = "runbook"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

ROOT = Path(__file__).resolve().parents[2]
PAGE = re.compile(r"\]\(([^)#:\s]+)\.md\)")
RUNBOOK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)*(?:runbooks/)?(?:(?:pieces|stages)/)?[a-z_]+)\.yaml\)")
FOLDER = re.compile(r"\[([^\]]+)\]\((?:\.\./)*[a-z][a-z-]*(?:/[a-z-]+)*/?\)")
CAPTIONS = {
    "tutorial": "Tutorial",
    "how-to": "How to",
    "reference": "Reference",
    "explanation": "Explanation",
    "decisions": "Decisions",
    "..": "The project",
    "": "",
}
"""What the pages of a folder of docs/ are called in the sidebar, in the order of the sidebar."""
FRONT = f"""<!doctype html>
<meta charset="utf-8">
<title>runbook</title>
<meta http-equiv="refresh" content="0; url={root_doc}.html">
<a href="{root_doc}.html">The documentation</a>
"""


def lead_on(_app: Sphinx, name: str, source: list[str]) -> None:
    """Let the links of a page lead somewhere in the site, and give a README the tree of the pages it leads to.

    Parameters: the name of the document, and its text as the only element of a list, which is replaced.
    """
    lines = []
    for line in source[0].replace("```mermaid", "```text").splitlines():
        title = RUNBOOK.search(line) if line.startswith("#") else None
        if title:  # a link in a title would stand in the sidebar too
            lines += [RUNBOOK.sub(r"\1", line), "", shown(title, "Read it as a page")]
        else:
            lines.append(FOLDER.sub(r"\1", RUNBOOK.sub(shown, line)))
    text = "\n".join(lines) + "\n"
    if Path(name).name == "README" and "/" in name:
        linked = [link for link in dict.fromkeys(PAGE.findall(text)) if name == root_doc or "/" not in link]
        groups: dict[str, list[str]] = {caption: [] for caption in CAPTIONS.values()}
        for link in linked:
            groups[CAPTIONS.get(link.partition("/")[0], "The project") if name == root_doc else ""].append(link)
        text += "".join(tree(links, caption) for caption, links in groups.items() if links)
    source[0] = text


def shown(link: "re.Match[str]", text: str = "") -> str:
    """A link to the page of a runbook, as HTML: it is made after Sphinx has looked at links."""
    return f'<a href="{link[2]}.html">{text or link[1].strip("`")}</a>'


def tree(links: list[str], caption: str) -> str:
    """A toctree of these pages, without a trace in the page itself."""
    lines = ["", "", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), "", *links, "```", ""]
    return "\n".join(lines)


def complete(app: Sphinx, failed: Exception | None) -> None:
    """Add the pages of the runbooks, and let index.html lead to the front page."""
    if failed is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "runbooks"
    for path in sorted((ROOT / "runbooks").rglob("*.yaml")):
        if path.parent.name != "scenarios":
            page = folder / path.relative_to(ROOT / "runbooks").with_suffix(".html")
            page.parent.mkdir(parents=True, exist_ok=True)
            show.main([str(path), "--format", "html", "--output", str(page)])
    (Path(app.outdir) / "index.html").write_text(FRONT)


def setup(app: Sphinx) -> None:
    """Register both."""
    app.connect("source-read", lead_on)
    app.connect("build-finished", complete)
