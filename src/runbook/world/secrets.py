"""Looks up secrets where they come from: a variable, a file, a command, a person.

Rules. A value is read afresh each time it is resolved, but for what a person typed. It is byte-exact: nothing is
trimmed unless the file says ``strip: newline``, and then one line end. It goes to the masker before anybody else can
see it, and no message says anything of it but its length. What leaves this room of a value is a commitment: an HMAC
under a key that lives and dies with the process, so that a change between confirmation and start shows.
"""

import hashlib
import hmac
import os
import re
import secrets
import shlex
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused, Severity
from runbook.model.inputs import typed
from runbook.model.io import WorldError
from runbook.model.runbook import Input, SecretSource
from runbook.world.places import placed
from runbook.world.processes import Program

RB400 = Code(
    number="RB400",
    title="secret is not set",
    why="The environment variable that the runbook names as the source of a secret does not exist, or is empty. "
    "Nothing was started that would have needed it. Set it in the shell that runs the walk and go on; a child process "
    "will not inherit it.",
)
RB401 = Code(
    number="RB401",
    title="secret file cannot be read",
    why="The file that the runbook names as the source of a secret does not exist, may not be read, is no regular "
    "file, or is larger than 1 MiB. A relative path is seen from the directory that the walk was started in.",
)
RB402 = Code(
    number="RB402",
    title="secret command failed",
    why="The command that should print a secret could not be started, ended with another status than 0, printed more "
    "than 1 MiB, or did not end within 30 s. Its output is not shown, because it may hold a secret; run it by hand.",
)
RB403 = Code(
    number="RB403",
    title="secret must be typed",
    why="The runbook has this secret typed in by a person, and nobody is there to ask: the walk has no terminal. Run "
    "it in a terminal, or give the secret another source: `env`, `file` or `command`.",
)
RB404 = Code(
    number="RB404",
    title="secret is too short",
    why="A secret has at least 4 characters. A shorter one cannot be masked: its bytes stand in too many innocent "
    "places, and a log in which they are all covered tells everybody what they are.",
)
RB405 = Code(
    number="RB405",
    title="secret ends in a line end",
    why="Secrets are used byte by byte as they are. A newline or carriage return at the end is nearly always an "
    "accident of an editor or of `echo`, and a password with one is another password: it has taken services down. "
    "If the source always adds one, say `strip: newline`, and exactly one is taken off.",
)
RB406 = Code(
    number="RB406",
    title="secret is not text",
    why="A secret holds a NUL or bytes that are no UTF-8. Neither can be passed on in a header, a variable or JSON "
    "without a silent change. Store it encoded, in base64 for instance, and decode it where it is used.",
)
RB407 = Code(
    number="RB407",
    title="secret is short or a common word",
    why="A secret of fewer than 8 characters, or a word like `production`, is masked like any other, but its text may "
    "stand in innocent places too, which are then covered as well; and it is easy to guess.",
    severity=Severity.WARNING,
)
RB408 = Code(
    number="RB408",
    title="secret is not known any more",
    why="A secret that a step saved or a person typed into a form lives in memory only; it is never written down, and "
    "so it is gone when a walk is resumed. Walk the step that makes it again.",
)

SHORTEST = 4
"""Characters that a secret has at least."""
_GUESSABLE = 8
_COMMON = re.compile(
    r"(?:pre-?)?production|development|staging[-_]?\w*|localhost\S*|postgres(?:ql)?|password\W?\d*|username|administrator"
    r"|changeme\W?\d*|undefined|default\w*|database|example\S*|internal|disabled|required|unauthorized|anonymous",
    re.IGNORECASE,
)
"""What stands in many outputs that hold no secret, though it is long enough."""
_LARGEST = 1024 * 1024
_PATIENCE = 30_000  # milliseconds
_LINE_END = re.compile(r"(?:\r\n|\n|\r)\Z")

Register = Callable[[str, str], None]
"""Tells the masker a name and a value."""
Prompt = Callable[[str, str], str]
"""Asks a person for a secret, without echo: its name and the question of the runbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What came of a look-up: a commitment to each value by name, and what a person should know."""

    commitments: Mapping[str, str]
    warnings: tuple[Diagnostic, ...] = ()


class SecretStore:
    """The secrets of one walk."""

    def __init__(
        self,
        sources: Mapping[str, SecretSource],
        *,
        register: Register,
        prompt: Prompt | None = None,
        directory: str = ".",
        environ: Mapping[str, str] = os.environ,
        key: bytes | None = None,
    ) -> None:
        """Know where the secrets come from; nothing is read yet.

        :param register: is told each value before anybody else; it may be told the same one again.
        :param prompt: asks the operator; None when nobody is there.
        :param directory: the working directory of the run.
        :param environ: the variables to look in.
        :param key: what commitments are made under; None: something that nobody else knows.
        """
        self._sources = sources
        self._register = register
        self._prompt = prompt
        self._directory = directory
        self._environ = environ
        self._key = key or secrets.token_bytes(32)
        self._values: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self._warned: set[str] = set()

    @property
    def withheld(self) -> frozenset[str]:
        """The variables that secrets come from, which no child inherits."""
        return frozenset(str(source.value) for source in self._sources.values() if source.kind == "env")

    def resolve(self, names: Iterable[str]) -> Resolution:
        """Read the secrets of those names afresh.

        :raises Refused: with a diagnostic for each that cannot be used.
        """
        problems: list[Diagnostic] = []
        warnings: list[Diagnostic] = []
        commitments: dict[str, str] = {}
        for name in sorted(set(names)):
            try:
                value = self._values[name] = self._exact(name)
            except Refused as refused:
                problems.extend(refused.diagnostics)
                self._typed.pop(name, None)  # so that it is asked for again
                continue
            commitments[name] = hmac.new(self._key, f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()
            if name not in self._warned and (why := _weakness(value)):
                self._warned.add(name)
                warnings.append(_weak(name, why))
        if problems:
            raise Refused(*problems)
        return Resolution(commitments=commitments, warnings=tuple(warnings))

    def value_of(self, name: str) -> str:
        """The value that was read last; only what performs an action calls this.

        :raises Refused: if there is none.
        """
        if name not in self._values:
            self.resolve([name])
        return self._values[name]

    def keep(self, name: str, value: str) -> None:
        """Take in a secret that a step made.

        :raises Refused: if it cannot be used.
        """
        self._typed[name] = self._fit(name, value)

    def take(self, field: Input, given: Json) -> None:
        """Take in a secret that a person typed into a form; nothing, where nothing must be given.

        :raises ValueError: with one line for the person, if it does not fit.
        :raises Refused: if it cannot be used.
        """
        if (value := typed(field, given)) is not None:
            self.keep(field.name, value)

    def answered(self, name: str, value: str) -> None:
        """Take in what a person typed elsewhere for a secret of the runbook; it is looked at when it is used."""
        self._typed[name] = value
        self._warn_masker(name, value)

    def look(self) -> dict[str, str]:
        """Every secret that can be read, as it is, also one that would be refused; for rules about its bytes.

        A byte that is no UTF-8 stands as a lone surrogate (PEP 383).
        """
        found: dict[str, str] = {}
        for name, source in self._sources.items():
            try:
                value = found[name] = self._read(source)
            except Refused:
                continue
            self._warn_masker(name, value)
        return found

    def foresee(self) -> list[Diagnostic]:
        """Tell the masker every secret that can be read without running a command or asking anybody.

        A step may print one before the first step that uses it.

        :returns: what would be said of each that cannot be used now, if a step wanted it.
        """
        unusable: list[Diagnostic] = []
        for name, source in self._sources.items():
            if source.kind in {"env", "file"}:
                try:
                    value = self._read(source)
                    self._warn_masker(name, value)
                    self._fit(name, value)
                except Refused as refused:
                    unusable += refused.diagnostics
        return unusable

    def _warn_masker(self, name: str, value: str) -> None:
        if len(core := value.strip("\r\n")) >= SHORTEST:
            with suppress(Refused):  # it cannot be masked, and so it will be refused where it is used
                self._register(name, core)

    def carried(self, name: str, form: str) -> None:
        """Tell the masker a form of a secret that something sent is about to carry: base64 of it, for instance.

        A form that cannot be masked is passed over: the value itself can, or it would not have been sent.
        """
        with suppress(Refused):
            self._register(name, form)

    def forget(self) -> None:
        """Drop every value."""
        self._values.clear()
        self._typed.clear()

    def _exact(self, name: str) -> str:
        source = self._sources.get(name)
        if source is not None:
            return self._fit(name, self._read(source))
        if name not in self._typed:
            raise _refused(RB408, f"the secret `{name}` is gone", "go back to the step that makes it")
        return self._typed[name]

    def _fit(self, name: str, value: str) -> str:
        """Refuse what cannot be used, and tell the masker the rest."""
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            what = "a NUL" if "\0" in value else "bytes that are no UTF-8"
            raise _refused(RB406, f"the secret `{name}` holds {what}", "store it encoded, in base64 for instance")
        if value.endswith(("\n", "\r")):
            end = "carriage return" if value.endswith("\r") else "newline"
            raise _refused(
                RB405,
                f"the secret `{name}` ends in a {end} ({len(value)} characters with it)",
                "take it out at the source, or write `strip: newline` if the source always adds one",
            )
        if len(value) < SHORTEST:
            raise _refused(
                RB404, f"the secret `{name}` has fewer than {SHORTEST} characters", "use a longer one, or no secret"
            )
        self._register(name, value)
        return value

    def _read(self, source: SecretSource) -> str:
        """What the source holds, less one line end if that is wanted."""
        match source.kind:
            case "env":
                value = os.fsencode(self._environ.get(str(source.value), "")).decode(errors="surrogateescape")
                if not value:
                    raise _refused(
                        RB400,
                        f"the variable `{source.value}` of the secret `{source.name}` is not set",
                        "pause, set it in the shell with `export`, and resume",
                    )
            case "file":
                value = self._file(source.name, str(source.value))
            case "command":
                value = self._command(source.name, source.value)
            case _:
                value = self._asked(source)
        return _LINE_END.sub("", value, count=1) if source.strip_newline else value

    def _file(self, name: str, path: str) -> str:
        try:
            with open(placed(self._directory, path), "rb", opener=_opener) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _refused(RB401, f"`{path}` of the secret `{name}` is no regular file", "name a file")
                data = file.read(_LARGEST + 1)
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            raise _refused(
                RB401, f"the file `{path}` of the secret `{name}` cannot be read: {why}", f"look at `ls -l {path}`"
            ) from error
        if len(data) > _LARGEST:
            raise _refused(RB401, f"the file `{path}` of the secret `{name}` is larger than 1 MiB", "name another file")
        return data.decode(errors="surrogateescape")

    def _command(self, name: str, argv: Sequence[str]) -> str:
        chunks: list[bytes] = []
        env = {key: value for key, value in self._environ.items() if key not in self.withheld}

        def take(stream: str, chunk: bytes) -> None:
            if stream == "stdout" and sum(map(len, chunks)) <= _LARGEST:
                chunks.append(chunk)

        try:
            result = Program(argv, env=env, cwd=self._directory, limit=_PATIENCE, output=take).run()
        except WorldError as error:
            raise _refused(RB402, f"the command of the secret `{name}` failed: {error.reason}", error.help) from error
        data = b"".join(chunks)
        if result.exit_code != 0 or result.incomplete or len(data) > _LARGEST:
            ended = result.signal or f"status {result.exit_code}"
            why = f"it ended with {ended}" if result.exit_code != 0 else "it printed more than 1 MiB, or never ended"
            raise _refused(RB402, f"the command of the secret `{name}` failed: {why}", f"try `{shlex.join(argv)}`")
        return data.decode(errors="surrogateescape")

    def _asked(self, source: SecretSource) -> str:
        if source.name not in self._typed:
            if self._prompt is None:
                raise _refused(
                    RB403, f"the secret `{source.name}` must be typed, and there is no terminal", "run it in a terminal"
                )
            self._typed[source.name] = self._prompt(source.name, str(source.value))
        return self._typed[source.name]


def _opener(path: str, flags: int) -> int:
    """Open without waiting for a writer, should it be a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _refused(code: Code, message: str, help_: str) -> Refused:
    return Refused(Diagnostic(code=code, message=message, help=help_))


def _weakness(value: str) -> str:
    """Why a value may stand in innocent places; empty if it is long and no common word."""
    if len(value) < _GUESSABLE:
        return f"has only {len(value)} characters"
    return "is a common word" if _COMMON.fullmatch(value) else ""


def _weak(name: str, why: str) -> Diagnostic:
    return Diagnostic(
        code=RB407,
        message=f"the secret `{name}` {why}",
        help=f"use one of at least {_GUESSABLE} characters that is no word: it is masked wherever it stands",
    )
