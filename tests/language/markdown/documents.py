"""Markdown documents that nobody has written: of blocks as people write them, and of characters that mean something."""

from hypothesis import strategies as st

TEXT = (
    "restart the api server Check `kubectl get pods` **now** [docs](https://example.com/a) <POD_NAME> $TOKEN {{name}} "
    "YOUR_API_KEY your-domain.com if then _so_ ~ | : # - 1. > \\_ &amp; &copy; naïve 日本 🚨 ${{ github.sha }} ${{ "
    "[ref] ![alt](img.png) <br> <!-- hidden --> \u200b \u202e it's \"so\" done: a*b*c [x] [ ] :: key: --- 'quote"
)
WORDS = st.sampled_from(TEXT.split(" "))
LINE = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
INFO = st.sampled_from(["", "bash", "sh", "console", "yaml", "text", 'sh {"name": "x"}', "python", "mermaid"])
COMMAND = st.sampled_from([
    "kubectl get pods",
    'curl -H "Authorization: Bearer <TOKEN>" https://your-domain.com',
    "echo '<NAME>' | grep \"$NAME\"",
    "$ systemctl status api",
    "cat <<EOF\n<NAME>\nEOF",
    "cat <<'EOF'\n<NAME>\nEOF",
    "echo ${{ secrets.KEY }}",
    "output: fine",
    "",
    "  indented",
    "\ttab\t",
    "# a comment <X>",
    'say "',
    "rm -rf /srv/<DIR>/`date`",
    "x  ",
])  # fmt: skip
FENCE = st.sampled_from(["```", "~~~", "````"])
CELL = st.sampled_from(
    ["a", "Restart it", "`x \\| y`", "", "#ops", "+49 30 1", "[l](https://example.com)", "<br>", "**b**"]
)


@st.composite
def fences(draw: st.DrawFn) -> str:
    """A block of code, sometimes without its end."""
    fence = draw(FENCE)
    code = "\n".join(draw(st.lists(COMMAND, max_size=4)))
    end = draw(st.sampled_from([fence, fence, fence, ""]))
    return f"{fence}{draw(INFO)}\n{code}\n{end}"


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table, sometimes with too many cells in a row."""
    head = draw(
        st.sampled_from(
            [["If", "Then"], ["Symptom", "Cause", "Action"], ["Role", "Name", "Phone"], ["a", "b"], ["Who", "Slack"]]
        )
    )
    rows = draw(st.lists(st.lists(CELL, min_size=len(head) - 1, max_size=len(head) + 1), max_size=4))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


HEADING = st.one_of(
    st.builds(lambda level, text: f"{'#' * level} {text}", st.integers(1, 6), LINE),
    st.builds(lambda text, sign: f"{text}\n{sign * 3}", LINE, st.sampled_from("=-")),
    st.sampled_from(["## 🚨", "## !!!", "#", "## Overview", "## Contacts", "# Steps", "## Steps", "## Références"]),
)
SIMPLE = st.one_of(
    LINE,
    st.lists(LINE, min_size=2, max_size=3).map("\n".join),
    fences(),
    tables(),
    st.sampled_from([
        "---",
        "[ref]: https://example.com/ref 'Titled'",
        "[^1]: note",
        "<details><summary>More</summary>\n\n`inside`\n\n</details>",
        "<!-- a comment\nof two lines -->",
        "    indented code\n\n    more of it",
        "You should see output like:",
        '![diagram](https://example.com/d.png "D")',
    ]),
)  # fmt: skip


def _list(items: list[str], sign: str) -> str:
    width = len(sign) + 1
    return "\n".join(f"{sign} " + item.replace("\n", "\n" + " " * width) for item in items)


BLOCK = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(
            _list,
            st.lists(st.lists(inner, min_size=1, max_size=3).map("\n\n".join), min_size=1, max_size=3),
            st.sampled_from(["-", "*", "1.", "2)", "- [ ]", "- [x]", "1. [ ]"]),
        ),
        inner.map(lambda text: "\n".join(f"> {line}" for line in text.split("\n"))),
    ),
    max_leaves=6,
)
MATTER = st.sampled_from([
    "",
    "",
    "---\ntitle: Rotate\ntags: [a, b]\nowner: ops\n---\n",
    "---\ntitle: [broken\n---\n",
    "---\ntitle: x\n",
    "+++\ntitle = 'x'\n+++\n",
    "\ufeff",
])  # fmt: skip
BUILT = st.builds(
    lambda matter, blocks, gap, end: (matter + gap.join(blocks)).replace("\n", end),
    MATTER,
    st.lists(st.one_of(HEADING, BLOCK), min_size=1, max_size=7),
    st.sampled_from(["\n\n", "\n\n", "\n"]),
    st.sampled_from(["\n", "\n", "\r\n"]),
)
NOISE = st.text(st.sampled_from("ab1 \n\t`~#->*_[]()!|:{}$<&\\\"'.é\u202e\u00a0\x0c\x85\u2028+="), max_size=120)
DOCUMENTS = st.one_of(BUILT, BUILT, NOISE)
"""What a property of every document is tried on."""
