"""What runs a program on another machine: a small wrapper in POSIX sh, and the conversation with it. No I/O.

The one command that the other machine's login shell is given is constant and holds nothing of ours. Everything else
goes to its standard input: the wrapper, the arguments, the environment with its secrets. So no secret is ever in an
argument there or here, and no limit on the length of a command line is met.

::

    we                                     the other machine
    BOOTSTRAP (as the command) ──────────▶ reads its first line and evaluates it
    line 1, the wrapper, MARK ───────────▶ evaluates the wrapper
              ◀──────────── MARK:begin:PID on both streams; what came before is noise of its rc files
    go, the program's standard input ────▶ runs the program
              ◀──────────── its output
              ◀──────────── MARK:end:STATUS on both streams

Rules. The mark is a random text for each program. Until ``go`` was sent nothing of the program has happened; after it,
a connection that ends without the end mark is lost. Values are quoted once, here, and nowhere else.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.model.io import Lost, NotSent, WorldError
from runbook.world.descendants import MARK

BOOTSTRAP = "exec /bin/sh -c 'IFS= read -r l && eval \"$l\"'"
"""The command: it means the same to every shell that can be a login shell (POSIX ones, csh, fish)."""

_FIRST = (
    "n=$(printf '\\nx'); n=${{n%x}}; s=; l=; "
    'while IFS= read -r l && [ "$l" != {mark} ]; do s=$s$l$n; done; '
    '[ "$l" = {mark} ] || exit 1; eval "$s"'
)
"""The first line: read the wrapper up to the mark, whole or not at all, and evaluate it."""

_WRAPPER = """\
m={mark}
exec 3>&1 4>&2 2>/dev/null
trap : HUP INT TERM
d=
_rb_say() {{ printf '%s:%s;' "$m" "$1" >&3; printf '%s:%s;' "$m" "$1" >&4; }}
_rb_no() {{ _rb_say "no:$1"; exit 0; }}
{files}
_rb_run() {{
set -- {argv}
export {family}
{exports}
{directory}
command -v "$1" >/dev/null || _rb_no program
_rb_say "begin:$$"
IFS= read -r l && [ "$l" = go ] || exit 1
exec 1>&3 2>&4 3>&- 4>&-
exec "$@"
}}
( _rb_run )
s=$?
[ -z "$d" ] || rm -rf "$d"
_rb_say "end:$s"
"""
"""Its own noise goes to /dev/null. It survives the signals that the program gets, so as to tell how the program ended.
The login shell was replaced by it, so it leads the session and the process group that sshd made."""

_FILES = 'd={place}; ( umask 077; mkdir "$d" && {writes} ) || {{ rm -rf "$d"; _rb_no files; }}'

_STOP = """\
exec 2>/dev/null
_rb_all() {{
a=' '
if [ -d /proc/self ]; then
for f in /proc/[0-9]*/stat; do
read -r l <"$f" || continue
p=${{f#/proc/}}; p=${{p%/stat}}
set -- ${{l##*) }}
case "$1 $3 $4 " in Z*) ;; *" {group} "*) a="$a$p " ;; esac
done
for f in $(grep -ls {family} /proc/[0-9]*/environ); do
p=${{f#/proc/}}; p=${{p%/environ}}
case $a in *" $p "*) ;; *) a="$a$p " ;; esac
done
elif kill -s 0 -- -{group} || kill -s 0 {group}; then a=' {group} '
fi
printf %s "${{a# }}"
}}
_rb_kill() {{ kill -s "$1" -- -{group}; for p in $(_rb_all); do kill -s "$1" "$p"; done; }}
{steps}
"""
"""Signals the program and what descends from it: its process group, and on Linux (proc_pid_stat(5)) its session, and
what has our variable in its environment, which also finds what gave itself a session of its own. What belongs to
another user by now (``sudo``) cannot be signalled and is told."""

_SURE_STOP = """\
_rb_kill TERM
i=0; while [ $i -lt 20 ] && [ -n "$(_rb_all)" ]; do sleep 0.1 || sleep 1; i=$((i+1)); done
i=0; while [ $i -lt 10 ] && [ -n "$(_rb_all)" ]; do _rb_kill KILL; sleep 0.1 || sleep 1; i=$((i+1)); done
rm -rf {place}
printf '{mark}:left:%s;' "$(_rb_all)"
"""

_NOISE = 600  # bytes of what came before the beginning that are kept, for a message
_LONGEST_WORD = 200  # bytes of what may follow a mark


def quoted(text: str) -> str:
    """A text as one word of a POSIX shell (XCU 2.2.2), whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A program to run on another machine, secrets in place: what :class:`~runbook.model.io.Process` asks for."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    stdin: bytes = b""
    files: Mapping[str, str] = field(default_factory=dict)

    def refuse(self) -> None:
        """Refuse what no program can be given.

        :raises NotSent: with the place.
        """
        if not self.argv or not self.argv[0]:
            raise NotSent("there is no program to run", "name one as the first element of `argv`")
        if self.argv[0].startswith("-"):
            raise NotSent(f"`{self.argv[0]}` is no name of a program", "name one as the first element of `argv`")
        places = [(f"argument {number} of `{self.argv[0]}`", text) for number, text in enumerate(self.argv)]
        places += [(f"the environment variable `{name}`", text) for name, text in self.env.items()]
        places += [(f"the file in `{name}`", text) for name, text in self.files.items()]
        for place, text in [*places, ("the working directory", self.cwd or "")]:
            if "\0" in text:
                raise NotSent(f"{place} holds a NUL, which no program can be given", "take the NUL out of the value")
            try:
                text.encode()
            except UnicodeEncodeError:
                raise NotSent(f"{place} holds half a character (a lone surrogate)", "mend the value") from None


class Conversation:
    """One program on another machine, from our side: what to send, and what of that which comes is its output."""

    def __init__(self, host: str, order: Order, take: Callable[[str, bytes], None]) -> None:
        """Prepare to run a program.

        :param host: the machine, for messages.
        :param order: what to run.
        :param take: takes its output: the name of the stream and the bytes.
        :raises NotSent: if no program can be given that.
        """
        order.refuse()
        self._host = host
        self._order = order
        self._mark = f"^runbook-{secrets.token_hex(16)}"
        self._family = f"runbook-{secrets.token_hex(16)}"  # another one: the program can see it
        self._streams = {"stdout": _Stream(self._mark), "stderr": _Stream(self._mark)}
        self._take = take
        self.gone = False
        """Whether ``go`` was handed out to be sent: from then on it may have happened."""
        self.pid: int | None = None
        """The process group there, once it has begun."""
        self.status: int | None = None
        """The exit status, once it has ended and all its output is here."""
        self._refusal = ""

    @property
    def opening(self) -> bytes:
        """What to send first."""
        first = _FIRST.format(mark=self._mark)
        return f"{first}\n{self._wrapper()}{self._mark}\n".encode()

    def go(self) -> bytes:
        """What to send once it has begun: from here on it may have happened. The stream of input ends with it."""
        self.gone = True
        return b"go\n" + self._order.stdin

    @property
    def begun(self) -> bool:
        """Whether the other machine waits for ``go``."""
        return self.pid is not None

    def feed(self, name: str, data: bytes) -> None:
        """Take what came on a stream.

        :raises NotSent: if the other machine says that it cannot run it.
        """
        stream = self._streams[name]
        for word, output in stream.feed(data):
            if output:
                self._take(name, output)
            if word.startswith("begin:"):
                self.pid = int(word[6:]) if word[6:].isdigit() else 0
            elif word.startswith("no:"):
                self._refusal = word[3:]
        if self._refusal:
            raise self._refused()
        if all(stream.status is not None for stream in self._streams.values()):
            self.status = stream.status

    def close(self, name: str) -> None:
        """A stream is over: hand out what could have become a mark."""
        rest = self._streams[name].rest()
        if rest:
            self._take(name, rest)

    def said(self) -> str:
        """What the other machine said before the program began, in a line: banners, rc files, complaints of ssh."""
        noise = self._streams["stderr"].noise + b"\n" + self._streams["stdout"].noise
        lines = [line.strip() for line in plain(noise.decode(errors="replace")).splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def broken(self, why: str) -> WorldError:
        """The connection ended too early: nothing has happened, or nobody knows."""
        host = self._host
        if self.gone:
            return Lost(
                f"the connection to {host} was lost while the program ran, which may still run there: {why}",
                f"look on {host} whether it ran, and whether it still runs (process group {self.pid})",
            )
        said = self.said()
        words = f": it said `{said}`" if said else f": {why}" if why else ""
        return NotSent(
            f"{host} did not run what it was given{words}",
            f"try `ssh {host} /bin/sh -c true`: the account there needs a shell, and no forced command",
        )

    def stop(self, signal: str | None) -> bytes:
        """The input of another :data:`BOOTSTRAP` that signals the program; None ends it surely and tells what is left.

        :param signal: its name without ``SIG``.
        """
        steps = f"_rb_kill {signal}\n" if signal else _SURE_STOP.format(place=self._place(), mark=self._mark)
        family = f"{MARK}=/{self._family}"
        text = _STOP.format(family=family, group=self.pid, steps=steps)
        return f"{_FIRST.format(mark=self._mark)}\n{text}{self._mark}\n".encode()

    def left(self, answer: bytes) -> Sequence[str] | None:
        """The process ids that a sure stop could not end; None if it did not say."""
        found = re.search(rf"{re.escape(self._mark)}:left:([0-9 ]*);".encode(), answer)
        return found.group(1).decode().split() if found else None

    def _place(self) -> str:
        return f'"${{TMPDIR:-/tmp}}"/{self._family}'

    def _wrapper(self) -> str:
        order = self._order
        writes = [f'printf %s {quoted(text)} >"$d"/{n}' for n, text in enumerate(order.files.values())]
        exports = [f"export {name}={quoted(text)}" for name, text in order.env.items()]
        exports += [f'export {name}="$d"/{number}' for number, name in enumerate(order.files)]
        return _WRAPPER.format(
            mark=self._mark,
            files=_FILES.format(place=self._place(), writes=" && ".join(writes)) if writes else "",
            argv=" ".join(map(quoted, order.argv)),
            family=f"{MARK}=/{self._family}",
            exports="\n".join(exports),
            directory=_enter(order.cwd) if order.cwd else "",
        )

    def _refused(self) -> NotSent:
        program, host = self._order.argv[0], self._host
        match self._refusal:
            case "directory":
                return NotSent(f"the directory `{self._order.cwd}` cannot be entered on {host}", "mend `cwd`")
            case "files":
                return NotSent(f"private files cannot be written on {host}", "make room in /tmp there, or set TMPDIR")
            case _:
                return NotSent(
                    f"the command `{program}` was not found on {host}, or may not be executed there",
                    "`shell: sh` needs no bash" if program == "bash" else f"install `{program}` there, or look at PATH",
                )


class _Stream:
    """One stream of the other machine, cut at our marks."""

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode() + b":"
        self._held = b""
        self._begun = False
        self.noise = b""
        self.status: int | None = None

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """What came: pieces of output, and behind each the word of the mark that followed it."""
        data = self._held + data
        pieces = []
        while (at := data.find(self._mark)) >= 0:
            end = data.find(b";", at, at + _LONGEST_WORD)
            if end < 0:
                self._held = data[at:]
                pieces.append(("", self._output(data[:at])))
                return pieces
            word = data[at + len(self._mark) : end].decode(errors="replace")
            pieces.append((word, self._output(data[:at])))
            self._begun = self._begun or word.startswith("begin:")
            if word.startswith("end:") and word[4:].isdigit():
                self.status = int(word[4:])
            data = data[end + 1 :]
        keep = next((n for n in range(len(self._mark) - 1, 0, -1) if data.endswith(self._mark[:n])), 0)
        self._held = data[len(data) - keep :]
        pieces.append(("", self._output(data[: len(data) - keep])))
        return pieces

    def rest(self) -> bytes:
        """What was held back because a mark could have begun with it."""
        held, self._held = self._held, b""
        return self._output(held)

    def _output(self, data: bytes) -> bytes:
        if self._begun:
            return data
        self.noise = (self.noise + data)[-_NOISE:]
        return b""


def plain(text: str) -> str:
    """A text of the other side that may stand in a message: without what steers a terminal."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|\x9b[0-?]*[ -/]*[@-~]", "", text)
    return "".join(character for character in text if character in "\n\t" or character.isprintable())


def _enter(directory: str) -> str:
    """Enter a directory there; ``~`` and ``~name`` are homes there."""
    found = re.fullmatch(r"(~[A-Za-z0-9_.-]*)(?:/(.*))?", directory, re.DOTALL)
    if found:  # a tilde is one only with an unquoted slash behind its name (XCU 2.6.1)
        word = f"{found[1]}/{quoted(found[2] or '')}"
    else:
        word = quoted(f"./{directory}" if directory.startswith("-") else directory)
    return f"unset CDPATH; cd {word} >/dev/null || _rb_no directory"
