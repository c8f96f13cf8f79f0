"""What can be wrong with an expression: the codes, and a problem as a place in the expression's own text."""

from typing import NamedTuple

from runbook.language.tokens import position
from runbook.model.diagnostics import Code

UNREADABLE = Code(
    number="RB150",
    title="expression that cannot be read",
    why="An expression is written in CEL, and this text is none: a bracket or quote is not closed, two values stand "
    "side by side, or a sign has no meaning there. Operators are `==`, `!=`, `<`, `&&`, `||`, `!`, `in` and `a "
    '? b : c`; text stands in quotes; a text with backslashes is written r"…". At most 4,000 characters and 32 '
    "levels are read.",
)
NO_SUCH_NAME = Code(
    number="RB151",
    title="name that does not exist here",
    why="An expression may refer to `inputs.NAME`, `environment.KEY`, `steps.ID.FIELD`, `saved.NAME`, `run.NAME` "
    "and `last.ID`, to `item` in a step with `for_each`, and in `expect`, `save` and `failed_when` to the "
    "step's own fields. All of them are known before the incident, so a name that is not among them is a "
    "mistake in the file.",
)
MAY_BE_UNSET = Code(
    number="RB152",
    title="value that may not be set",
    why="On some path of the file this step is entered without the value: the step that observes it was not on that "
    "path, was skipped by its `when`, failed without an observation, or ended unknown. In the middle of an "
    "incident the expression would fail; so every reference must be set on every path that leads to it.",
)
WRONG_TYPES = Code(
    number="RB153",
    title="operator or function on the wrong types",
    why='Every field has a type, and CEL turns none into another by itself: `status == "200"` compares a whole '
    "number with text and could never be true. Write the value in the type of the field, or convert with "
    "`string()`, `int()`, `double()`, `duration()` or `timestamp()`.",
)
WRONG_RESULT = Code(
    number="RB154",
    title="expression of the wrong type",
    why="What an expression yields must be what its place wants: `expect`, `when` and `failed_when` true or false, "
    "`for_each` a list, a `${{ }}` inside a longer text something that can be written out. A verdict is *true* "
    'and nothing else counts, so 1 or "yes" is not one.',
)
BROKEN_TEMPLATE = Code(
    number="RB155",
    title="broken ${{ }}",
    why="A `${{` opens an expression inside a text and `}}` closes it; what stands between must be one expression. "
    'To write the signs themselves, write `${{ "${{" }}`.',
)
MISPLACED_SECRET = Code(
    number="RB156",
    title="secret in the wrong place",
    why="A secret stands as `${{ secrets.NAME }}` by itself, in the fields that carry it to where it is used and "
    "nowhere else: not in a command's arguments, which every process on the machine can read, not in a URL, a "
    "title or an instruction, which are shown and logged. The core of the program never sees its value, so no "
    "expression can use it.",
)
NEEDLESS_HAS = Code(
    number="RB157",
    title="has() on a name that is always there",
    why="`has()` asks whether a map has a key, such as a key of `body` or of `last.ID`. The names of inputs, steps "
    "and fields are settled in the file: there CEL yields the value itself and not whether it is there.",
)
BAD_CONSTANT = Code(
    number="RB158",
    title="constant that cannot be converted",
    why="A pattern, a duration or a number that is written as a constant is tried while the file is checked, "
    "because CEL would find out only in the middle of an incident. Patterns are RE2; durations have the units "
    'h, m, s and ms, so a day is "24h"; times are RFC 3339.',
)
NO_ORDER = Code(
    number="RB159",
    title="list made from the keys of a map",
    why="The keys of a map have no order, and it would differ from one process to the next: a list made of them by "
    "`map` or `filter` would not be the same on replay. `all`, `exists` and `in` ask about keys without an "
    "order.",
)
TAKEN_NAME = Code(
    number="RB160",
    title="name of something else",
    why="The variable of `all`, `exists`, `map` or `filter` hides what has the same name outside, so that two readers "
    "would see two different things. A field of a form stands at the root of the form's own `expect`, where it would "
    "hide a root such as `inputs` or a type of CEL, and beside the `outcome`, `reason` and `visits` of its step.",
)
TWO_TYPES = Code(
    number="RB161",
    title="name with two types",
    why="A saved value and a key of the environments have one type, whichever way a run takes: otherwise no "
    "expression that uses them could be checked.",
)

NOT_EVALUATED = Code(
    number="RB162",
    title="expression where none is evaluated",
    why="Environments, inputs, the sources of secrets, reminders and reasons are settled before a run begins, so a "
    "`${{ }}` in them would stay as it is and stand in an address or on the screen. Values are put together where they "
    "are used: in the fields of a step.",
)


class Problem(NamedTuple):
    """One mistake in an expression; line and column count from 1 in the expression's text, length is in code points."""

    code: Code
    message: str
    line: int = 1
    column: int = 1
    length: int = 1
    label: str = ""
    help: str = ""


def at(source: str, start: int, end: int, code: Code, message: str, *, help: str, label: str = "") -> Problem:  # noqa: A002 - the word every diagnostic uses
    """A problem with a piece of a text, given by offsets."""
    line, column = position(source, start)
    return Problem(
        code=code, message=message, line=line, column=column, length=max(1, end - start), label=label, help=help
    )
