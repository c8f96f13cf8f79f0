"""What a user reads when a command cannot do what it should: a code, a place, and one thing to do next."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from runbook.audit.chained import LogFailed
from runbook.audit.plain_file import open_plain
from runbook.cli.main import COMMANDS, LOG_FAILED, OUR_FAULT, USAGE_STATUS
from runbook.cli.width import room_on
from runbook.language.files import LARGEST
from runbook.language.frames import frame
from runbook.language.near import nearest
from runbook.model.diagnostics import Code, Diagnostic, Refused

USAGE = Code(
    number="RB310",
    title="command line that cannot be read",
    why="An option, a command or an argument is not one of those that there are. Nothing was begun.",
)
LOST = Code(
    number="RB309",
    title="output not written",
    why="What the command has to say could not be written where it was sent: a disk is full, or the file went away. "
    "The command has done its work, and nobody can read what came of it.",
)
LACKING = Code(
    number="RB308",
    title="nowhere to work",
    why="A command needs the directory that it was begun in, and one for what is temporary. Here one of them is gone, "
    "or nothing can be written there.",
)


COPIES: dict[str, str] = {}
"""Directories of this process that hold copies of what is kept elsewhere, and what that is called."""


def named(text: str) -> str:
    """A path as the user knows it: what is in a copy is called after what it is a copy of."""
    for copy, name in COPIES.items():
        if text == copy or text.startswith(f"{copy}/"):
            return name + text[len(copy) :]
    return text


def told(diagnostic: Diagnostic) -> Diagnostic:
    """A diagnostic that calls its file as the user knows it."""
    return diagnostic if diagnostic.file is None else replace(diagnostic, file=named(diagnostic.file))


def complain(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to the terminal as frames, with the lines that they are about."""
    texts: dict[str, str] = {}
    for diagnostic in diagnostics:
        file = diagnostic.file
        if file is not None and diagnostic.span is not None and file not in texts:
            try:
                with open_plain(file, follow=True) as opened:
                    texts[file] = opened.read(LARGEST).decode(errors="replace")
            except OSError:
                texts[file] = ""
        shown = frame(told(diagnostic), texts.get(file or "", ""), width=room_on(sys.stderr))
        sys.stderr.write(shown.rstrip("\n") + "\n")


def unknown_command(name: str) -> int:
    """Refuse a command that there is not."""
    near = nearest(name, COMMANDS)
    help_ = f"did you mean `runbook {near}`?" if near else "`runbook --help` lists the commands"
    complain([Diagnostic(code=USAGE, message=f"there is no command `{name}`", help=help_)])
    return USAGE_STATUS


def not_text(argument: str) -> int:
    """Refuse an argument that no log can hold, or that this locale cannot read."""
    data = os.fsencode(argument)
    try:
        shown, encoding = data.decode(), sys.getfilesystemencoding()
        message = f"the argument `{shown}` cannot be read in this locale ({encoding})"
        help_ = "use a UTF-8 locale: `export LC_ALL=C.UTF-8`"
    except UnicodeDecodeError:
        shown = data.decode(errors="backslashreplace")
        message, help_ = f"the argument `{shown}` holds bytes that are no UTF-8", "write it in UTF-8"
    complain([Diagnostic(code=USAGE, message=message, help=help_)])
    return USAGE_STATUS


def output_lost(error: OSError) -> int:
    """Say that standard output could not be written, and return the exit status that means it."""
    message = f"the output could not be written: {(error.strerror or str(error)).lower()}"
    complain([Diagnostic(code=LOST, message=message, help="make room there, or send it elsewhere, and ask again")])
    return LOG_FAILED


def status_of(error: Exception) -> int:
    """Say what went wrong, and return the exit status that means it."""
    match error:
        case Refused():
            complain(error.diagnostics)
            return USAGE_STATUS
        case LogFailed():
            complain([error.diagnostic])
            return LOG_FAILED
        case OSError() if lacking := _lacking():
            complain([lacking])
            return USAGE_STATUS
        case _:
            return our_fault(error)


def _lacking() -> Diagnostic | None:
    """What every command needs and this machine does not give, if there is such a thing."""
    try:
        Path.cwd()
    except OSError:
        message = "the current directory is not there any more"
        return Diagnostic(code=LACKING, message=message, help="go to another: cd ~")
    try:
        tempfile.gettempdir()
    except OSError:
        message = "there is no directory where temporary files can be written"
        return Diagnostic(code=LACKING, message=message, help="make room in /tmp, or name another with TMPDIR")
    return None


def our_fault(error: BaseException, cover: Callable[[str], str] | None = None) -> int:
    """Something happened that should not: one line, and where the whole story is.

    :param cover: covers the secrets that are known; without it, those that rules know.
    """
    from runbook.audit.masking import Masker  # most commands load it never

    cover = cover or Masker().cover
    text = cover("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="runbook-trace-", suffix=".txt", delete=False) as file:
            file.write(text)
            where = f"the trace is in {file.name}"
    except OSError:
        where = "the trace could not be written"
    what = " ".join(cover(f"{type(error).__name__}: {error}").split())[:200]
    sys.stderr.write(f"runbook: this is our fault: {what}; {where}\n")
    return OUR_FAULT
