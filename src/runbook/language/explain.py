"""Turns what the CEL library says about a text into our words, with the right place and one thing to do next.

The library points at the last dot of a dotted name, drags further errors behind a syntax error, and has no place at all
for what is nested too deeply; here each of them becomes a :class:`Problem`.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from runbook.language import problems
from runbook.language.problems import Problem, at
from runbook.language.tokens import MACROS, Mention, read
from runbook.language.values import spoken

ROOTS = ("inputs", "environment", "steps", "saved", "run", "last", "secrets", "item")
"""The roots that names of the runbook have; an observation's own fields stand beside them."""
_ERROR = re.compile(r"^ERROR: <input>:(-?\d+):(-?\d+): (.*)$")
# fmt: off
FUNCTION_NAMES = (
    "size", "startsWith", "endsWith", "contains", "matches", "int", "uint", "double", "string", "bool", "bytes",
    "duration", "timestamp", "type", "dyn", "has", "all", "exists", "exists_one", "map", "filter", "charAt",
    "indexOf", "join", "lastIndexOf", "lowerAscii", "upperAscii", "replace", "reverse", "split", "substring",
    "trim", "format", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours",
    "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
)
# fmt: on
_LOOK = "look at the brackets, quotes and operators before it"
_OPERATORS = {"@in": "in", "_[_]": "[ ]", "_?_:_": "? :", "@not_strictly_false": "all"}
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "==", "None": "null", "True": "true", "False": "false"}


def meant(word: str, words: Collection[str], otherwise: str = "") -> str:
    """The help for a misspelt word."""
    from runbook.language.near import nearest  # only where something is misspelt

    close = nearest(word, words)
    return f"did you mean `{close}`?" if close else otherwise


def listed(words: Iterable[str], most: int = 8) -> str:
    """Some words in a row, shortened."""
    every = sorted(words)
    return ", ".join(f"`{word}`" for word in every[:most]) + (", …" if len(every) > most else "")


def explain(source: str, names: Collection[str], said: str) -> tuple[Problem, ...]:
    """What the library's text about a source means, each mistake once.

    :param names: every name that exists where the expression stands, set or not.
    """
    found = [error for error in _errors(said) if "*error*" not in error[2]]
    if any("Syntax error" in message for _, _, message in found):
        found = [next(error for error in found if "Syntax error" in error[2])]
    explained = [_one(source, names, line, column, message) for line, column, message in found]
    for problem in explained:
        if problem.message.endswith("() is used the wrong way"):
            return (problem,)
    return tuple(dict.fromkeys(explained))


def _errors(said: str) -> Iterator[tuple[int, int, str]]:
    """The errors in a text of the library: line, column (both from 1; -1 where it knows none), message."""
    found = False
    for line in said.splitlines():
        bare = re.sub(r" \[[A-Z_]+\]$", "", re.sub(r"^[A-Z_]+: ERROR:", "ERROR:", line))
        if match := _ERROR.match(bare):
            found = True
            yield int(match[1]), int(match[2]), match[3]
    if not found:
        yield -1, -1, re.sub(r" \[[A-Z_]+\]$", "", re.sub(r"^[A-Z_]+: ", "", said))


def _one(source: str, names: Collection[str], line: int, column: int, message: str) -> Problem:
    if "recursion" in message:
        return too_deep(source)
    rows = source.split("\n")
    start = sum(len(row) + 1 for row in rows[: line - 1]) + column - 1 if 0 < line <= len(rows) else 0
    if match := re.match(r"undeclared reference to '([^']*)'", message):
        return _undeclared(source, names, start, match[1])
    if match := re.match(r"found no matching overload for '([^']*)' applied to '\((.*)\)'", message):
        return _overload(source, start, match[1], list(_arguments(match[2])))
    if match := re.match(r"expression of type '([^']*)' cannot be the operand of a select operation", message):
        return _no_field(source, start, match[1])
    if message.startswith("has() argument"):
        word = re.match(r"[\w.]*", source[start:])
        return needless_has(source, start, start + len(word[0]) if word else start + 1)
    if message.startswith("Syntax error: "):
        return _syntax(source, start, message.removeprefix("Syntax error: "))
    if match := re.match(r"reserved identifier: (\w+)", message):
        return at(
            source,
            start,
            start + len(match[1]),
            problems.UNREADABLE,
            f"`{match[1]}` is a word that CEL keeps for itself",
            help=f'write it as text ("{match[1]}"), or name something else',
        )
    if re.match(r"invalid \w+ literal", message):
        said = "this number is beyond 64 bits"
        return at(source, start, start + 1, problems.UNREADABLE, said, help="write a smaller one, or a decimal one")
    said = message[:1].lower() + message[1:]
    return at(source, start, start + 1, problems.UNREADABLE, said, help=_LOOK)


def too_deep(source: str) -> Problem:
    """The problem of a text that is nested too deeply."""
    return at(
        source,
        0,
        len(source.partition("\n")[0]),
        problems.UNREADABLE,
        "the expression is nested too deeply",
        label="more than 32 levels, or about 30 operators of one kind in a row",
        help="put parts of it in parentheses, or save a part of it in an earlier step",
    )


def needless_has(source: str, start: int, end: int) -> Problem:
    """The problem of a ``has( )`` on a name of the runbook."""
    name = source[start:end]
    return at(
        source,
        start,
        end,
        problems.NEEDLESS_HAS,
        f"`has({name})` asks about a name and not about a key of a map",
        label="settled in the file",
        help=f"use `{name}` itself; to ask about a key write `has({name}.KEY)`",
    )


def _mention_at(source: str, offset: int) -> Mention | None:
    return next((m for m in read(source).mentions if m.starts[0] <= offset <= m.ends[-1]), None)


def children(names: Collection[str], prefix: str) -> set[str]:
    """The next parts of all names that begin with a prefix and a dot."""
    begin = prefix + "."
    return {name[len(begin) :].partition(".")[0] for name in names if name.startswith(begin)}


def _undeclared(source: str, names: Collection[str], start: int, name: str) -> Problem:
    if source[start : start + 1] == "(":
        return _no_function(source, start, name)
    mention = _mention_at(source, start)
    if mention is None:
        said = f"there is nothing called `{name}` here"
        return at(source, start, start + len(name), problems.NO_SUCH_NAME, said, help="name what there is")
    return no_such_name(source, names, mention)


def _no_function(source: str, bracket: int, name: str) -> Problem:
    start = max(0, bracket - len(name))
    if name in MACROS:
        return at(
            source,
            start,
            bracket,
            problems.UNREADABLE,
            f"{name}() is used the wrong way",
            help=f"write `list.{name}(x, …)`: a variable, then an expression about it",
        )
    return at(
        source,
        start,
        bracket,
        problems.NO_SUCH_NAME,
        f"there is no function `{name}`",
        help=meant(name, FUNCTION_NAMES, "`runbook kinds expressions` lists what there is"),
    )


def no_such_name(source: str, names: Collection[str], mention: Mention) -> Problem:
    """The problem of a chain that begins with no name that exists."""
    parts, known = mention.parts, set(names)
    root = parts[0]

    def fault(index: int, message: str, help: str) -> Problem:  # noqa: A002 - the word every diagnostic uses
        return at(source, mention.starts[index], mention.ends[index], problems.NO_SUCH_NAME, message, help=help)

    if root == "secrets":
        return at(
            source,
            mention.starts[0],
            mention.ends[-1],
            problems.MISPLACED_SECRET,
            "a secret cannot be part of an expression",
            help=f"let `${{{{ {'.'.join(parts[:2])} }}}}` stand by itself, in a field that takes secrets",
        )
    if root == "item":
        return fault(0, "`item` exists only in a step with `for_each`", "name a value that exists here")
    if root not in ROOTS:
        return fault(0, f"`{root}` is not known here", _where(root, known))
    inner = children(known, root)
    if len(parts) == 1:
        wanted = {"steps": "steps.ID.FIELD", "last": "last.ID"}.get(root, f"{root}.NAME")
        return fault(0, f"`{root}` needs a name after it", f"write `{wanted}`")
    noun = {
        "inputs": "input",
        "environment": "key of the environments",
        "steps": "step",
        "last": "step",
        "saved": "saved value",
        "run": "value of the run",
    }[root]
    if parts[1] not in inner or root != "steps":
        there = f"there is: {listed(inner)}" if inner else _declared(root, parts[1])
        return fault(1, f"there is no {noun} `{parts[1]}`", meant(parts[1], inner, there))
    fields = children(known, f"steps.{parts[1]}")
    if len(parts) == 2:
        return fault(1, f"`steps.{parts[1]}` is a step, not a value", f"name one of its fields: {listed(fields)}")
    for index in range(2, len(parts)):
        others = children(known, ".".join(parts[:index]))
        if parts[index] not in others:
            help_ = meant(parts[index], others, f"it has {listed(others)}")
            return fault(index, f"step `{parts[1]}` observes no `{'.'.join(parts[2 : index + 1])}`", help_)
    return fault(
        len(parts) - 1, f"`{'.'.join(parts)}` is not a value", f"it has {listed(children(known, '.'.join(parts)))}"
    )


def _declared(root: str, name: str) -> str:
    """How a name comes to exist where there is none of its family."""
    match root:
        case "inputs":
            return f"declare it: `inputs: {{{name}: {{type: string}}}}`"
        case "saved":
            return f"let an earlier step say `save: {{{name}: …}}`"
        case _:
            return "declare `environments`, each with the same keys"


def _where(root: str, names: Collection[str]) -> str:
    """What to do about a root that is not known."""
    for family in ("inputs", "saved", "environment"):
        if root in children(names, family):
            return f"did you mean `{family}.{root}`?"
    having = sorted(name for name in names if name.startswith("steps.") and name.split(".")[2:] == [root])
    if having:
        return f"write `{having[0]}`: fields stand at the root only in the step's own `expect` and `save`"
    if word := _WORDS.get(root):
        return f"write `{word}`"
    if root in {"json", "lines"} and "exit_code" in names:
        return f"add `output: {root}` to the step"
    own = {name.partition(".")[0] for name in names} | {"inputs", "environment", "steps", "saved", "run", "last"}
    return meant(root, own, f'text stands in quotes ("{root}"); known here: {listed(own)}')


def _arguments(text: str) -> Iterator[str]:
    """The types in a list of them, which may hold commas in brackets."""
    depth, begin = 0, 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            yield text[begin:i].strip()
            begin = i + 1
    if text[begin:].strip():
        yield text[begin:].strip()


def _overload(source: str, start: int, operator: str, types: list[str]) -> Problem:
    word = _OPERATORS.get(operator) or operator.strip("_")
    is_sign = not word.isidentifier() or word == "in"
    shown = f"`{word}`" if is_sign else f"`{word}()`"
    spoken_types = [spoken(t) for t in types]
    joined = " and ".join(spoken_types) if len(spoken_types) < 3 else ", ".join(spoken_types)
    if not is_sign:
        start = max(0, start - len(word))
    end = start + (1 if word in {"? :", "[ ]"} else len(word))
    return at(
        source,
        start,
        end,
        problems.WRONG_TYPES,
        f"{shown} cannot be used with {joined}",
        label=joined if len(types) < 3 else "",
        help=_conversion(word, types),
    )


def _conversion(word: str, types: list[str]) -> str:
    """One thing to do about an operator on types that it does not take."""
    kinds = {t.partition("(")[0].rpartition(".")[2].lower() for t in types}
    if word == "? :" and types[0] == "bool":
        return "let both sides of the `:` be of one type, such as text with `string()`"
    if word in {"&&", "||", "!", "? :", "all"}:
        return "compare it with something: only true or false can stand here"
    if "null_type" in kinds:
        return "drop the comparison: a value of this type is never null"
    if word == "join":
        return 'turn the elements into text: `.map(x, string(x)).join(", ")`'
    if {"int", "double"} <= kinds:
        return "write a decimal number with its point (`2.0`), or convert with `double()`"
    if {"int", "string"} <= kinds or {"double", "string"} <= kinds:
        return "write the number without quotes, or turn it into text with `string()`"
    if {"bool", "string"} <= kinds:
        return "write true or false without quotes"
    if "duration" in kinds and kinds & {"string", "int", "double"}:
        return 'write the duration as duration("90m")'
    if "timestamp" in kinds and kinds & {"string", "int"}:
        return 'write the time as timestamp("2026-11-21T09:00:00Z")'
    return "convert one of them, or compare something else"


def _no_field(source: str, start: int, type_: str) -> Problem:
    mention = _mention_at(source, start)
    word = re.match(r"\s*\.\s*(\w+)", source[start:])
    field = word[1] if word else ""
    if mention is None:
        said = f"{spoken(type_)} has no field `{field}`"
        return at(source, start, start + 1, problems.WRONG_TYPES, said, help=f"take `.{field}` away")
    index = next((i for i, begin in enumerate(mention.starts) if begin > start), len(mention.parts) - 1)
    owner = ".".join(mention.parts[:index])
    return at(
        source,
        mention.starts[index],
        mention.ends[index],
        problems.WRONG_TYPES,
        f"`{owner}` is {spoken(type_)} and has no field `{mention.parts[index]}`",
        help=f"use `{owner}` itself",
    )


def failure(said: str, *, ordered: bool = False) -> str:
    """An error of an evaluation in our words: lower case, no full stop.

    :param ordered: whether the expression has ``map`` or ``filter`` over something whose type only the data tell.
    """
    bare = re.sub(r" \[[A-Z_]+\]$", "", re.sub(r"^[A-Z_]+: ", "", said))
    if match := re.match(r'Key not found in map : "?(.{0,80}?)"?$', bare, re.DOTALL):
        return f"there is no key `{match[1]}`"
    if match := re.match(r"No matching overloads found : ([^(]*)(?:\((.*)\))?$", bare):
        types = list(_arguments(match[2] or ""))
        if ordered and match[1] == "_+_" and types[1:] == ["list"]:
            found = "a map, whose keys have no order" if types[0] == "map" else spoken(types[0])
            return f"`map` and `filter` run over a list, and this is {found}"
        word = _OPERATORS.get(match[1]) or match[1].strip("_")
        if word == "<jump_condition>":
            return "the condition of `? :` is neither true nor false"
        return f"`{word}` cannot be used with {' and '.join(map(spoken, types)) or 'these values'}"
    if match := re.match(r"Index error: index=(-?\d+) size=(\d+)", bare):
        return f"there is no element {match[1]}: the list has {match[2]}"
    if "Iteration budget exceeded" in bare:
        return "it looks at more than 10,000 elements"
    if "Applying SELECT" in bare:
        return "a field is read of something that is not a map"
    return bare[:1].lower() + bare[1:]


def _syntax(source: str, start: int, message: str) -> Problem:
    """The first syntax error of a text."""

    def fault(text: str, help: str, length: int = 1) -> Problem:  # noqa: A002 - the word every diagnostic uses
        return at(source, start, start + length, problems.UNREADABLE, text, help=help)

    if match := re.match(r"token recognition error at: '(.*)'?$", message, re.DOTALL):
        rest = source[start:]
        if rest[:1] in {"'", '"'}:
            bad = re.match(r"(['\"])(?:[^\\\n]|\\[abfnrtv\\?\"'`0-7xXuU])*?\\[^abfnrtv\\?\"'`0-7xXuU]", rest)
            if bad:
                return fault("a backslash in this text means nothing to CEL", f"write it raw: r{rest[0]}…{rest[0]}")
            return fault("a text is opened and never closed", f"close it with {rest[0]}")
        if rest[:1] == "=":
            return fault("a single `=` compares nothing", "compare with `==`")
        sign = rest[:1]
        if rest.startswith("${{"):
            inner = source.strip().removeprefix("${{").removesuffix("}}").strip()
            help_ = f"write `{inner}`" if "{{" not in inner and "}}" not in inner else "take `${{` and `}}` away"
            return fault("this is an expression anyway, without `${{ }}`", help_, 3)
        doubled = {"&": "&&", "|": "||"}.get(sign)
        return fault(f"`{sign}` means nothing here", f"did you mean `{doubled}`?" if doubled else "leave it out")
    if match := re.search(r"(?:mismatched|extraneous) input '(.+?)' expecting", message, re.DOTALL):
        word = match[1]
        if word == "<EOF>":
            return fault("the expression ends too early", "write what belongs behind its last sign")
        before = re.search(r"(\w+)\s*$", source[:start])
        for name, first in ((word, start), (before[1], before.start(1)) if before else ("", 0)):
            if name in _WORDS:
                return at(
                    source, first, first + len(name), problems.UNREADABLE, f"`{name}` is no operator",
                    help=f"write `{_WORDS[name]}`",
                )  # fmt: skip
        help_ = f"call it: `….{word}(…)`" if word in FUNCTION_NAMES else _LOOK
        return fault(f"`{word}` cannot stand here", help_, len(word))
    if match := re.match(r"missing '(.)' at '(.*)'$", message):
        return fault(f"a `{match[1]}` is missing", f"write `{match[1]}` where it belongs")
    if match := re.match(r"no viable alternative at input '(.*)'$", message):
        return fault(f"`{match[1]}` cannot stand here", "look at the signs around it")
    return fault(message, _LOOK)
