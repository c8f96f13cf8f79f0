"""Finds what a document leaves to its reader: ``<NAME>``, ``{{name}}``, ``YOUR_KEY``, ``your-domain.com``, ``$NAME``.

Each becomes an input of the runbook, or a secret if its name says that it is one. In a script its place is taken by a
variable of the environment, in whatever quotes it stands; a text keeps it, and says its value below.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runbook.language.markdown.drafted import literal
from runbook.language.markdown.shell import Where, assigned_in, contexts, is_whole, written
from runbook.language.markdown.words import Names, snake

_FORMS = re.compile(
    r"\$\{\{[ \t]*(?P<actions>[A-Za-z_][\w.-]*)[ \t]*\}\}"
    r"|(?<![$\\{])\{\{[ \t]*(?P<braces>(?!(?:end|else|range|if|with)\b)[A-Za-z_][\w.-]*)[ \t]*\}\}"
    r"|(?<!<)<(?P<angles>[A-Za-z][A-Za-z0-9]*(?:[ _./-][A-Za-z0-9]+){0,5})>"
    r"|(?<![\w.$-])(?P<yours>YOUR[_-][A-Z0-9]+(?:[_-][A-Z0-9]+)*|your[-_][a-z0-9]+(?:[-_][a-z0-9]+)*(?:\.[a-z]{2,12})*)\b"
    r"|(?<![\w\])])\[(?P<squares>[A-Za-z]{2,}(?:[_-][A-Za-z0-9]{2,})+)\](?![(\[:\w])"
    r"|(?<![\w$-])(?P<change>CHANGE_?ME|REPLACE_?ME)\b"
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_SHOWN_VARIABLE = re.compile(r"(?<![\w\\$])\$([A-Z][A-Z0-9_]{2,})\b")
_SPAN_OF_CODE = re.compile(r"(?<!`)`([^`\n]{1,200})`(?!`)")
_TAG_NAMES = """
    a abbr article aside audio b blockquote body br button center cite code dd del details dfn div dl dt em embed
    figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label li
    link main map mark meta nav noscript object ol option p picture pre q s samp script section select small
    source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead title tr
    tt u ul var video
"""
_TAGS = frozenset(_TAG_NAMES.split())
_SECRET = re.compile(
    r"password|passwd|passphrase|pwd|secret|token|api_?key|apikey|private_key|access_key|credential|connection_string"
    r"|database_url|dsn"
)
_NO_SECRET = re.compile(r"_(?:name|id|file|path|arn|url|type|count|length)$")
_GIVEN_NAMES = """
    HOME PATH USER LOGNAME PWD OLDPWD SHELL HOSTNAME RANDOM SECONDS LINENO TMPDIR TERM LANG LC_ALL EDITOR VISUAL
    IFS UID EUID PPID BASH BASH_VERSION BASH_SOURCE BASHPID FUNCNAME PIPESTATUS REPLY OPTARG OPTIND OSTYPE
    HOSTTYPE MACHTYPE DISPLAY SSH_AUTH_SOCK SSH_CONNECTION PS1 PS4 ENV BASH_ENV LD_PRELOAD LD_LIBRARY_PATH
    PYTHONPATH CDPATH
"""
_GIVEN = frozenset(_GIVEN_NAMES.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """What is left to the reader: as it is ``written``, its ``name`` among inputs or secrets, and the ``variable``."""

    written: str
    name: str
    variable: str
    secret: bool

    @property
    def reference(self) -> str:
        """The expression that stands for its value."""
        return f"${{{{ {'secrets' if self.secret else 'inputs'}.{self.name} }}}}"


class Placeholders:
    """All placeholders of a document, each known by what it is about."""

    def __init__(self) -> None:
        self._by_meaning: dict[str, Placeholder] = {}
        self._names = Names(*_KEYWORDS)
        self.used: dict[str, Placeholder] = {}

    def in_text(self, text: str) -> Sequence[Placeholder]:
        """The placeholders of a text for people, in their order; one that is a secret is none."""
        found: dict[str, Placeholder] = {}
        spans = [match.span(1) for match in _SPAN_OF_CODE.finditer(text)]
        for match in _FORMS.finditer(text):
            in_code = any(start <= match.start() < end for start, end in spans)
            if _is_meant(match, in_code=in_code):
                found.setdefault(match[0], self._known(match))
        for match in _SHOWN_VARIABLE.finditer(text):
            if match[1] not in _GIVEN:
                found.setdefault(match[0], self._variable(match[0], match[1]))
        return [self._use(each) for each in found.values() if not each.secret]

    def in_script(self, script: str) -> tuple[str, Sequence[Placeholder]] | None:
        """A script with variables for its placeholders, and these; None if one stands where nothing can be put."""
        closing = set(re.findall(r"</([A-Za-z][\w-]*)>", script))
        matches = [match for match in _FORMS.finditer(script) if not _is_markup(match, closing)]
        rest = _blanked(script, matches)
        if len(script) > _MOST or (matches and not is_whole(rest)):
            return None if matches else (script, [])
        found: dict[str, Placeholder] = {}
        text, done = [], 0
        where = contexts(script, [match.span() for match in matches])
        for match in matches:
            here = where.get(match.span(), Where.UNSURE)
            if here is Where.COMMENT:
                continue
            known = self._known(match)
            put = written(here, known.variable)
            if put is None:
                return None
            found.setdefault(known.variable, known)
            text += [script[done : match.start()], put]
            done = match.end()
        given = assigned_in(script) | _GIVEN
        open_ = [match for match in _VARIABLE.finditer(rest) if (match[1] or match[2]) not in given]
        where = contexts(rest, [match.span() for match in open_])
        for match in open_:
            if where.get(match.span()) in {Where.BARE, Where.DOUBLE, Where.DOCUMENT}:
                name = match[1] or match[2]
                found.setdefault(name, self._variable(match[0], name))
        return "".join(text) + script[done:], [self._use(each) for each in found.values()]

    def _known(self, match: "re.Match[str]") -> Placeholder:
        words = next(group for group in match.groups() if group)
        secret = words.startswith("secrets.")
        if match.group("actions"):
            words = words.rpartition(".")[2]
        if match.group("yours"):
            words = words.partition(".")[0][5:]  # without `your-`, and without what ends a domain
        return self._placeholder(match[0], snake(words) or "value", None, secret=secret)

    def _variable(self, text: str, name: str) -> Placeholder:
        return self._placeholder(text, snake(name) or "value", name)

    def _placeholder(self, text: str, bare: str, variable: str | None, *, secret: bool = False) -> Placeholder:
        known = self._by_meaning.get(variable or bare)
        if known is None:
            name = self._names.give(bare, "value")
            env = variable or name.upper()
            known = Placeholder(
                written=text,
                name=name,
                variable=f"{env}_VALUE" if env in _GIVEN else env,
                secret=secret or bool(_SECRET.search(bare) and not _NO_SECRET.search(bare)),
            )
            self._by_meaning[bare] = self._by_meaning[known.variable] = known
        return known

    def _use(self, placeholder: Placeholder) -> Placeholder:
        return self.used.setdefault(placeholder.name, placeholder)


_KEYWORDS = ("in", "true", "false", "null", "value")
_MOST = 100_000
"""From how many characters on a script is no more looked through for variables."""


def values_below(text: str, placeholders: Iterable[Placeholder]) -> str:
    """A text, and below it what each placeholder in it stands for."""
    lines = [f"- `{literal(each.written)}` is {each.reference}" for each in placeholders]
    above = [text.rstrip("\n"), ""] if text else []
    return "\n".join([*above, *lines, ""]) if lines else text


def _is_meant(match: "re.Match[str]", *, in_code: bool) -> bool:
    """Whether what looks like a placeholder in a text is one, and no HTML and no ordinary word."""
    if angles := match.group("angles"):
        first = re.split(r"[ /]", angles.lower())[0]
        return first not in _TAGS and (in_code or angles.isupper() or bool(re.search(r"[ _-]", angles)))
    if match.group("squares"):
        return in_code
    if yours := match.group("yours"):
        return in_code or yours.isupper() or "." in yours
    return True


def _is_markup(match: "re.Match[str]", closing: Iterable[str]) -> bool:
    """Whether it is an element of HTML or XML, which is closed somewhere."""
    angles = match.group("angles")
    return bool(angles) and angles.split(" ")[0] in closing


def _blanked(script: str, matches: Sequence["re.Match[str]"]) -> str:
    """A script with a plain word in the place of each placeholder."""
    text, done = [], 0
    for match in matches:
        text += [script[done : match.start()], "x" * len(match[0])]
        done = match.end()
    return "".join(text) + script[done:]
