"""What expressions can name and call, for the reference; a test holds each example to its result."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from runbook.model.canonical import Json

NAMES: Sequence[tuple[str, str]] = (
    ("inputs.NAME", "an input of the runbook"),
    ("environment.name, environment.KEY", "the environment that was chosen, and its values"),
    ("steps.ID.FIELD", "what a step saw at its last visit; must be set on every path that leads here"),
    ("steps.ID.outcome", "`passed`, `failed`, `skipped`, `unknown`, or `not_run`; always set"),
    ("steps.ID.reason, steps.ID.visits", "why it came to that, and how often it was entered; always set"),
    ("steps.ID.undone", "whether all that it has changed was taken back by its undo, and stays so; always set"),
    ("saved.NAME", "what `save` kept; must be saved on every path that leads here"),
    ("last.ID", "a map of what a step saw last, empty if it never ran: ask `has(last.ID.FIELD)` first"),
    (
        "run.id, run.mode, run.operator, run.incident",
        "the run: its id, `live`, `dry` or `drill`, who walks, what it is about",
    ),
    ("run.now", "the time at which the step started, as the log has it"),
    ("item", "the element, in a step with `for_each`"),
    ("FIELD", "a field of the step's own observation, in its `expect`, `save`, `save_secret` and `failed_when`"),
)
"""Names, and what each of them is."""


class Function(NamedTuple):
    """An operator, macro or function: its form, what it does, an example and what that yields."""

    form: str
    text: str
    example: str
    yields: Json


FUNCTIONS: Mapping[str, Sequence[Function]] = {
    "Operators": (
        Function("== != < <= > >=", "compare two values of one type", "2 < 10", True),
        Function("&& || !", "and, or, not; both sides are true or false", "true && !false", True),
        Function("a ? b : c", "b if a is true, else c", '1 > 2 ? "many" : "few"', "few"),
        Function("+ - * / %", "arithmetic on two whole or two decimal numbers", "7 / 2", 3),
        Function("+", "joins texts and lists; adds durations to times", '"a" + "b"', "ab"),
        Function("in", "whether a list has an element, or a map a key", '"b" in ["a", "b"]', True),
        Function("list[0] map.key map[key]", "an element; the first is 0", '["a", "b"][1]', "b"),
    ),
    "Maps and lists": (
        Function("has(MAP.KEY)", "whether a map has a key", 'has({"a": 1}.b)', False),
        Function("size(x), x.size()", "how long a text, list or map is", "[1, 2, 3].size()", 3),
        Function("LIST.all(x, TEST)", "whether the test is true of every element", "[1, 2].all(x, x > 0)", True),
        Function("LIST.exists(x, TEST)", "whether it is true of one or more", "[1, 2].exists(x, x > 1)", True),
        Function("LIST.exists_one(x, TEST)", "whether it is true of exactly one", "[1, 2].exists_one(x, x > 0)", False),
        Function("LIST.filter(x, TEST)", "the elements of which it is true", "[1, 2, 3].filter(x, x > 1)", [2, 3]),
        Function("LIST.map(x, EXPR)", "a list of what the expression yields for each", "[1, 2].map(x, x * 2)", [2, 4]),
        Function("LIST.join(SEPARATOR)", "a list of texts as one text", '["a", "b"].join(", ")', "a, b"),
    ),
    "Texts": (
        Function("contains, startsWith, endsWith", "whether a text is in another", '"web-1".startsWith("web")', True),
        Function("matches(PATTERN)", "whether an RE2 pattern is found in it", r'"web-1".matches("^web-[0-9]+$")', True),
        Function("split(SEPARATOR)", "its parts as a list", '"a,b".split(",")', ["a", "b"]),
        Function("replace(OLD, NEW)", "the text with every OLD replaced", '"a-b".replace("-", "_")', "a_b"),
        Function("trim()", "without blanks at its edges", '" a ".trim()', "a"),
        Function("lowerAscii(), upperAscii()", "in lower or upper case", '"Web".lowerAscii()', "web"),
        Function("substring(FROM, TO)", "a piece of it; TO may be left out", '"abcd".substring(1, 3)', "bc"),
        Function("indexOf(TEXT), lastIndexOf(TEXT)", "where a text begins in it; -1: nowhere", '"abc".indexOf("c")', 2),
        Function("charAt(INDEX)", "one character", '"abc".charAt(0)', "a"),
        Function("reverse()", "from its end to its beginning", '"abc".reverse()', "cba"),
        Function("TEXT.format([VALUES])", "with values in place of %s and %d", '"%s: %d".format(["up", 3])', "up: 3"),
    ),
    "Conversions": (
        Function("string(x)", "as text", "string(200)", "200"),
        Function("int(x)", "as a whole number", 'int("42")', 42),
        Function("double(x)", "as a decimal number", "double(2) / 4.0", 0.5),
        Function("bool(x)", "true or false of such a text", 'bool("true")', True),
        Function("dyn(x)", "of no known type: compared only when it runs", "dyn(1) == 1", True),
    ),
    "Times": (
        Function("duration(TEXT)", "a duration in h, m, s, ms", 'duration("90m") > duration("1h")', True),
        Function(
            "timestamp(TEXT)",
            "a time, as RFC 3339 writes it",
            'timestamp("2026-11-21T09:30:00Z") - timestamp("2026-11-21T09:00:00Z") == duration("30m")',
            True,
        ),
        Function(
            "getHours(), getMinutes(), getSeconds(), getMilliseconds()",
            "parts of a time, in UTC or a zone",
            'timestamp("2026-11-21T09:30:00Z").getHours("Europe/Berlin")',
            10,
        ),
        Function(
            "getFullYear(), getMonth(), getDate(), getDayOfWeek(), getDayOfMonth(), getDayOfYear()",
            "parts of a date; January, the first day of a month and Sunday are 0, but for getDate",
            'timestamp("2026-11-21T09:30:00Z").getDate()',
            21,
        ),
    ),
}
"""Functions by what they work on."""


def functions() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The titles of :data:`FUNCTIONS`, each with forms and what they do, the example behind."""
    for title, rows in FUNCTIONS.items():
        yield title, [(row.form, f"{row.text} (`{row.example}`)") for row in rows]
