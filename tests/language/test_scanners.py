"""The scanners in C and in Python say the same of every file of the tree, and of thousands of broken ones."""

import random
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.language.places import Path as Way
from runbook.language.scanning import fast
from runbook.language.source import Document, Unread, parse
from runbook.model.canonical import Json

pytestmark = pytest.mark.skipif(fast("") is None, reason="PyYAML was built without libyaml")
ROOT = Path(__file__).resolve().parents[2]
CORPUS = sorted(path for folder in ("runbooks", "examples", "tests") for path in (ROOT / folder).rglob("*.yaml"))
IN_PAGES = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
EVERY_STYLE = """\
a: |
  text \\tx
    more: "x"

  - last
b: >-
   folded
   text

   para
c: "double
  two \\n \\x41 lines"
d: 'single ''q''
  two'
e: plain text
  over lines
f: [a, "b", 'c', {d: e}, [1, 2.5, -3],
  g]
"k": v
? complex
: value
script: |2-
    x
  y #no
"""
PIECES = [
    *"[]{},:?-#&*!|>'\"%@`~= \n\ta1é\u00a0😀", ": ", " #", "- ", "? ", "---\n", "...\n", "\n---\n", "!!x ", "&a ", "*a",
    "<<: ", "|\n", ">\n", "|-\n", "|#", "\\", "\\u", "\\x41", "\\ud800", "${{ ", " }}", "\n  ", "\n\n", "%A\n", "\r\n",
]  # fmt: skip


def everything(document: Document) -> Iterator[object]:
    """All data of a document and where each piece of it stands."""

    def inside(value: Json, path: Way) -> Iterator[object]:
        yield path, document.span(path), document.key_span(path), document.scalar(path)
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from inside(inner, (*path, key))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from inside(inner, (*path, index))

    yield document.data
    yield from inside(document.data, ())
    yield document.warnings()


def said(text: str | bytes, *, python: bool) -> list[object]:
    """Everything that a text yields, or all that is wrong with it."""
    try:
        return list(everything(parse(text, "f.yaml", python=python)))
    except Unread as unread:
        return list(unread.diagnostics)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: str(path.relative_to(ROOT)))
def test_both_say_the_same_of_every_file_of_the_tree(path: Path) -> None:
    data = path.read_bytes()
    assert said(data, python=False) == said(data, python=True)


def test_both_say_the_same_of_every_example_in_the_pages() -> None:
    examples = [text for page in (ROOT / "docs").rglob("*.md") for text in IN_PAGES.findall(page.read_text())]
    for text in [*examples, EVERY_STYLE]:
        assert said(text, python=False) == said(text, python=True)


def broken(draw: random.Random, texts: list[str]) -> str:
    """Some lines of a text with a few characters put in or taken out."""
    lines = draw.choice(texts).split("\n")
    first = draw.randrange(len(lines))
    text = "\n".join(lines[first : first + draw.randrange(1, 12)])
    if draw.random() < 0.7:
        text = textwrap.dedent(text)
    for _ in range(draw.randrange(1, 4)):
        place = draw.randrange(len(text) + 1)
        gone = draw.choice([0, 0, 0, 1, 1, 8])
        text = text[:place] + ("" if gone else draw.choice(PIECES)) + text[place + gone :]
    return text + "\n" * draw.randrange(2)


def assert_agreed_on_broken_texts(seed: int, count: int) -> None:
    draw = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in CORPUS if "wrong" not in path.parts] + [EVERY_STYLE] * 5
    for _ in range(count):
        text = broken(draw, texts)
        assert said(text, python=False) == said(text, python=True), repr(text)


def test_both_say_the_same_of_broken_texts() -> None:
    assert_agreed_on_broken_texts(seed=1, count=2_000)


@pytest.mark.full
def test_both_say_the_same_of_very_many_broken_texts() -> None:
    assert_agreed_on_broken_texts(seed=2, count=40_000)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{prompt: Which environment?}", "RB108"),
        ("[a?b]", "RB108"),
        ("a: b\tc", "RB107"),
        ("a:\tb", "RB107"),
        ("a: |#\n  b\n", "RB108"),
        ("? |#complex\n: b\n", "RB108"),
        ("a: |\t\n  b\n", "RB107"),
        (r'"\ud800"', "RB106"),
        ("a: !=!x b", "RB108"),
    ],
)
def test_what_only_one_of_them_would_take_is_refused(text: str, code: str) -> None:
    for python in (False, True):
        with pytest.raises(Unread) as refusal:
            parse(text, "f.yaml", python=python)
        assert refusal.value.diagnostics[0].code.number == code


def test_a_large_text_is_refused_for_the_same_reasons() -> None:
    filler = "".join(f"- number {i}\n" for i in range(12_000))
    for text, code, place in (
        ('- "a" b\n', "RB108", 7),
        ("- {a: b?}\n", "RB108", 8),
        ("- a\tb\n", "RB107", 4),
        ("- *a\n", "RB113", 3),
        ("- !a b\n", "RB114", 3),
        ("- {a: b\n", "RB110", 3),
        ("- 'a\n", "RB110", 3),
        ("- a: b: c\n", "RB108", 7),
        (" - a\n  - b: c\n", "RB111", 3),
        ("---\n", "RB115", 1),
    ):
        with pytest.raises(Unread) as refusal:
            parse(filler + text, "f.yaml")
        (diagnostic,) = refusal.value.diagnostics
        assert diagnostic.code.number == code, text
        assert diagnostic.span
        assert diagnostic.span.line == 12_000 + text.count("\n"), text
        assert diagnostic.span.column == place, text
