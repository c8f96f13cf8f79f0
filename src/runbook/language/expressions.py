"""Expressions: CEL with its strings extension, compiled against declared names and evaluated over JSON.

The only module that imports CEL. Its rules, each against a trap of ``cel-expr-python`` 0.1.3:

* Nothing but :func:`runbook.language.values.admit` puts data in, and nothing but :func:`_json` takes a value out. The
  type is looked at first: ``.value()`` of a null drops a reference of None each time, until the process dies; an error
  is a value too, and a true one. ``plain_value`` is never used.
* A name is declared whole (``steps.ID.FIELD``), and only the names that texts mention: the cost of an environment grows
  faster than its names. Expressions share environments of up to 400 names.
* A map's order differs from process to process, so ``map`` and ``filter`` run over lists only: a range that may be no
  list is compiled as ``(range + [])``, which a map refuses.
* What can be known to fail is tried while it is compiled: constants, and expressions without a name.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from runbook.language import problems
from runbook.language.explain import explain, failure, too_deep
from runbook.language.problems import Problem, at
from runbook.language.rendering import rendered
from runbook.language.tokens import Reading, position, read
from runbook.language.traps import Rejected, accepts, held, look_at, mentioned, traps, wrong_result
from runbook.language.values import MAX_ELEMENTS, Unfit, admit, conforms, duration_text, kind_of, spoken, time_text
from runbook.language.written import constant_meant
from runbook.model.canonical import Json
from runbook.model.evaluator import NO_TYPES, ExpressionError
from runbook.model.secrets import Resolved

_SHARED = 400
_STRINGS = ext_strings.ExtStrings()
_T = cel.Type
_SIMPLE = {
    "bool": _T.BOOL,
    "int": _T.INT,
    "double": _T.DOUBLE,
    "string": _T.STRING,
    "timestamp": _T.TIMESTAMP,
    "duration": _T.DURATION,
    "dyn": _T.DYN,
}


class Compiled(NamedTuple):
    """An expression that can be evaluated: the names that it mentions with their types, and the type that it yields."""

    source: str
    program: cel.Expression
    names: Mapping[str, str]
    returns: str
    reading: Reading


@lru_cache(maxsize=256)
def _declared(type_: str) -> cel.Type:
    """The library's type of that name."""
    base, _, inner = type_.removesuffix(">").partition("<")
    match base:
        case "list":
            return _T.List(_declared(inner or "dyn"))
        case "map":
            return _T.Map(_T.STRING, _declared(inner.partition(",")[2].strip() or "dyn"))
        case _:
            return _SIMPLE.get(base, _T.DYN)


class _Shared:
    """An environment that several expressions use; it is made when the first of them is compiled."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._environment: cel.Env | None = None

    def takes(self, names: Mapping[str, str]) -> bool:
        """Whether it declares these names, or can still be told to; the first may be any number."""
        if self._environment is None and (not self.names or len(self.names) + len(names) <= _SHARED):
            self.names.update(names)
            return True
        return names.items() <= self.names.items()

    def compile(self, source: str) -> cel.Expression:
        """Compile a text; the library raises RuntimeError with its errors in the message."""
        if self._environment is None:
            types = {name: _declared(type_) for name, type_ in self.names.items()}
            self._environment = cel.NewEnv(variables=types, extensions=[_STRINGS])
        return self._environment.compile(source)


class Looked(NamedTuple):
    """An expression that was looked at: what it mentions of the names around it, and where it will be compiled.

    ``names`` are all names of the runbook, ``own`` those at the root, ``uses`` the ones that it mentions.
    """

    source: str
    reading: Reading
    names: Mapping[str, str]
    own: Mapping[str, str]
    uses: Mapping[str, str]
    shared: _Shared

    def shape(self) -> tuple[str, ...]:
        """The text between the names that it mentions, and their types: all that its own type depends on."""
        pieces: list[str] = []
        done = 0
        for mention in self.reading.mentions:
            name = mention.longest(self.uses)
            if name is not None:
                pieces += [self.source[done : mention.starts[0]], self.uses[name]]
                done = mention.ends[name.count(".")]
        return (*pieces, self.source[done:])


class Compiler:
    """Compiles expressions, each once, and shares environments between them.

    Where many expressions are looked at before the first of them is compiled, they make few environments.
    """

    def __init__(self) -> None:
        self._open: dict[frozenset[tuple[str, str]], _Shared] = {}
        self._compiled: dict[tuple[str, str, frozenset[tuple[str, str]]], Compiled] = {}
        self._shapes: dict[tuple[str, ...], str] = {}
        self._constants: dict[str, str | None] = {}

    def look(self, source: str, names: Mapping[str, str], own: Mapping[str, str] = NO_TYPES) -> Looked:
        """Look at an expression before it is compiled.

        :param names: all names of the runbook with their types, of which it may mention any; each has one type.
        :param own: further names at the root, of types of its own: an observation's fields, ``item``.
        """
        reading = read(source)
        uses = mentioned(reading, own)
        key = frozenset(uses.items())
        uses.update(mentioned(reading, names))
        return Looked(source, reading, names, own, uses, self.reserve(uses, key))

    def reserve(self, uses: Mapping[str, str], key: frozenset[tuple[str, str]] = frozenset()) -> _Shared:
        """An environment that declares these names; expressions share it whose names at the root are the same."""
        shared = self._open.get(key)
        if shared is None or not shared.takes(uses):
            shared = self._open[key] = _Shared()
            shared.takes(uses)
        return shared

    def compile(self, looked: Looked, want: str) -> Compiled:
        """Compile an expression that is to yield a type.

        :raises Rejected: if it is no expression, mentions other names, or yields another type.
        """
        key = (looked.source, want, frozenset(looked.uses.items()))
        if key not in self._compiled:
            self._compiled[key] = self._fresh(looked, want)
        return self._compiled[key]

    def yields(self, looked: Looked, want: str) -> str:
        """The type that an expression yields.

        What is nothing but a name need not be compiled for that, nor what differs from another in its names alone.

        :raises Rejected: as :meth:`compile` does.
        """
        type_ = looked.uses.get(looked.source)
        if type_ is not None and accepts(want, type_):
            return type_
        shape = (want, *looked.shape())
        if shape not in self._shapes or any(traps(looked.source, looked.reading, looked.uses, looked.own)):
            self._shapes[shape] = self.compile(looked, want).returns
        return self._shapes[shape]

    def _fresh(self, looked: Looked, want: str) -> Compiled:
        source, reading = looked.source, looked.reading
        look_at(source)
        found = [*traps(source, reading, looked.uses, looked.own), *self._bad_constants(source, reading)]
        try:
            program = looked.shared.compile(source)
        except RuntimeError as error:
            said = explain(source, {*looked.names, *looked.own}, str(error))
            needless = any(problem.code is problems.NEEDLESS_HAS for problem in found)
            raise Rejected([*found, *(p for p in said if not (needless and p.code is problems.WRONG_TYPES))]) from None
        returns = program.return_type().name().lower().replace(", ", ",")
        if not accepts(want, returns):
            found.append(wrong_result(source, want, returns))
        try:
            program = _over_lists(looked, program)
        except Rejected as rejected:
            found += rejected.problems
        if not found and not looked.uses:
            found += _never_works(source, program)
        if found:
            raise Rejected(found)
        return Compiled(source, program, looked.uses, returns, reading)

    def _bad_constants(self, source: str, reading: Reading) -> Iterable[Problem]:
        """The constants that cannot be converted, tried now and not in the middle of an incident."""
        for piece in reading.constants:
            if piece.text not in self._constants:
                self._constants[piece.text] = self._tried(piece.text)
            said = self._constants[piece.text]
            if said is not None:
                help_ = constant_meant(piece.text, source[piece.start : piece.end])
                yield at(source, piece.start, piece.end, problems.BAD_CONSTANT, said, help=help_)

    def _tried(self, text: str) -> str | None:
        """What is wrong with a text that mentions no name; None where nothing is."""
        try:
            value = self.reserve({}).compile(text).eval(data={})
        except RuntimeError:
            return None
        if value.type() != _T.ERROR:
            return None
        function, _, constant = text.partition("(")
        if function == "''.matches":
            return f"this is no pattern: {str(value.value()).rpartition('expression: ')[2]}"
        return f"{constant.removesuffix(')')} is not {spoken(function)}"


def _over_lists(looked: Looked, program: cel.Expression) -> cel.Expression:
    """The same expression with every range of ``map`` and ``filter`` that may be no list held to be one.

    :raises Rejected: if one of them is a map by its type.
    """
    source, compile_ = looked.source, looked.shared.compile
    doubtful = [piece for piece in looked.reading.ranges if not looked.uses.get(piece.text, "").startswith("list")]
    for piece in doubtful:
        try:
            compile_(held(source, [piece]))
        except RuntimeError as error:
            if "recursion" in str(error):
                raise Rejected([too_deep(source)]) from None
            said = "`map` and `filter` run over a list, and this is a map, whose keys have no order"
            help_ = "ask `all`, `exists` or `in` about its keys"
            raise Rejected([at(source, piece.start, piece.end, problems.NO_ORDER, said, help=help_)]) from None
    if not doubtful:
        return program
    try:
        return compile_(held(source, doubtful))
    except RuntimeError:
        raise Rejected([too_deep(source)]) from None


def _never_works(source: str, program: cel.Expression) -> Iterable[Problem]:
    """An expression without a name always yields the same, so it can be tried now."""
    try:
        _json(program.eval(data={}))
    except (RuntimeError, Unfit) as error:
        said = f"this can never be evaluated: {failure(str(error))}"
        yield at(source, 0, len(source.rstrip()), problems.BAD_CONSTANT, said, help="change it, or leave it out")


def _json(value: cel.Value) -> Json:
    """A value as JSON, its maps in the order of their keys.

    :raises Unfit: if it is an error or has no JSON; the message stands alone.
    """
    type_ = value.type()
    if type_ == _T.NULL:
        return None
    if type_ == _T.ERROR:
        raise Unfit(str(value.value()))
    match type_.name().partition("<")[0]:
        case "BOOL" | "INT" | "UINT" | "STRING":
            plain: Json = value.value()
            return plain
        case "DOUBLE":
            number: float = value.value()
            if not math.isfinite(number):
                raise Unfit(f"the result is {number}, which is no number in JSON")
            return number
        case "LIST":
            return [_json(item) for item in value.value()]
        case "MAP":
            items = dict(value.value().items())
            if not all(isinstance(key, str) for key in items):
                raise Unfit("the result is a map whose keys are not all text")
            return {key: _json(items[key]) for key in sorted(items)}
        case "TIMESTAMP":
            return time_text(value.value())
        case "DURATION":
            return duration_text(value.value())
        case other:
            raise Unfit(f"the result is {spoken(other.lower())}, which has no place in JSON")


class Cel:
    """The evaluator of one runbook.

    :param types: the CEL type of every dotted name that an expression may mention (``steps.check.status: int``).
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = dict(types)
        self._compiler = Compiler()
        if len(self._types) <= _SHARED:
            self._compiler.reserve(self._types)
        self._ready: dict[tuple[str, str, frozenset[tuple[str, str]]], Compiled] = {}

    def evaluate(self, source: str, scope: Mapping[str, Json], want: str, *, own: Mapping[str, str] = NO_TYPES) -> Json:
        """The value of one expression, of the wanted type: JSON in, JSON out, times and durations as text.

        :param scope: the values of the names that are set. If it has a method ``spoiled``, every chain of names that
            the expression mentions is shown to it, and what it returns is why that value cannot be used.
        :param own: the types of names at the root; one that is told nowhere has the type of its value.
        :raises ExpressionError: if it does not compile, mentions what is not set, fails, or yields another type.
        """
        compiled = self._compiled(source, scope, want, own)
        _refuse_spoiled(compiled, scope)
        data = {name: _given(compiled, name, type_, scope) for name, type_ in compiled.names.items()}
        try:
            result = _json(compiled.program.eval(data=data))
        except (RuntimeError, Unfit) as error:
            raise ExpressionError(failure(str(error), ordered=bool(compiled.reading.ranges)), 1, 1) from None
        if not conforms(result, want):
            raise ExpressionError(f"this must be {spoken(want)}, and it is {kind_of(result)}", 1, 1)
        return result

    def render(self, template: Json, scope: Mapping[str, Json]) -> Resolved:
        """A field, or a mapping of fields, with every ``${{ }}`` in it evaluated.

        A text that is wholly one ``${{ }}`` becomes its value, also where that is a list in a list: a kind splices it
        where it wants texts. Keys stay as they are, and so does ``${{`` in a value.

        :raises ExpressionError: as :meth:`evaluate` does, with the place in the text of the template.
        """
        return rendered(template, lambda source: self.evaluate(source, scope, "dyn"))

    def _compiled(self, source: str, scope: Mapping[str, Json], want: str, own: Mapping[str, str]) -> Compiled:
        around: dict[str, str] = {}
        for mention in read(source).mentions:
            if mention.longest(self._types) is None:
                name = mention.longest(own)
                if name is not None:
                    around[name] = own[name]
                elif mention.parts[0] in scope:
                    around[mention.parts[0]] = "dyn"
        key = (source, want, frozenset(around.items()))
        if key not in self._ready:
            try:
                self._ready[key] = self._compiler.compile(self._compiler.look(source, self._types, around), want)
            except Rejected as rejected:
                raise _error(rejected.problems[0], source) from None
        return self._ready[key]


def _error(problem: Problem, source: str) -> ExpressionError:
    """A problem at the moment of evaluation: a name at the root that nobody knows is a field that was not observed."""
    word = source.split("\n")[problem.line - 1][problem.column - 1 :][: problem.length]
    if problem.code is problems.NO_SUCH_NAME and problem.message == f"`{word}` is not known here":
        return ExpressionError(f"`{word}` is not set", problem.line, problem.column)
    return ExpressionError(problem.message, problem.line, problem.column)


def _first(compiled: Compiled, name: str) -> tuple[int, int]:
    """Where a name is first mentioned."""
    for mention in compiled.reading.mentions:
        if mention.longest(compiled.names) == name:
            return position(compiled.source, mention.starts[0])
    return 1, 1


def _given(compiled: Compiled, name: str, type_: str, scope: Mapping[str, Json]) -> object:
    """A name's value for the library."""
    try:
        value = scope[name]
    except KeyError:
        raise ExpressionError(f"`{name}` is not set", *_first(compiled, name)) from None
    try:
        return admit(value, type_, MAX_ELEMENTS if compiled.reading.builds_lists else None)
    except Unfit as unfit:
        raise ExpressionError(f"`{name}` {unfit}", *_first(compiled, name)) from None


def _refuse_spoiled(compiled: Compiled, scope: Mapping[str, Json]) -> None:
    """Refuse to use what was masked or cut: it is not what was seen."""
    spoiled: Callable[[str], str | None] | None = getattr(scope, "spoiled", None)
    if spoiled is None:
        return
    for mention in compiled.reading.mentions:
        chain = ".".join(mention.parts)
        word = spoiled(chain)
        if word is not None:
            place = position(compiled.source, mention.starts[0])
            raise ExpressionError(f"`{chain}` was {word}, so nothing can be said about it", *place)
