"""The parsers of commands, and the options that several of them have."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from runbook.cli.width import room_on
from runbook.model.diagnostics import Diagnostic, Refused

if TYPE_CHECKING:
    from runbook.drivers.notary import Credentials


OPERATOR = "RUNBOOK_OPERATOR"
"""The variable that names who sits here."""


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=room_on(sys.stdout))


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are diagnostics, and which takes no abbreviated option."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(
            prog=f"runbook {name}", description=description, allow_abbrev=False, formatter_class=_formatter
        )

    def error(self, message: str) -> NoReturn:
        """Refuse a command line.

        :raises Refused: always.
        """
        from runbook.cli.failing import USAGE

        raise Refused(Diagnostic(code=USAGE, message=message, help=f"`{self.prog} --help` shows how it is used"))


def state_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--state-dir`` and ``--store``."""
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="where runs are kept; default: $RUNBOOK_STATE_DIR, or $XDG_STATE_HOME/runbook",
    )
    parser.add_argument(
        "--store", metavar="URL", help="a database that holds the runs: postgresql://…; default: $RUNBOOK_STORE"
    )


def format_option(parser: argparse.ArgumentParser, formats: Sequence[str], default: str = "text") -> None:
    """Add ``--format``."""
    parser.add_argument(
        "--format", choices=formats, default=default, help=f"one of {', '.join(formats)}; default: {default}"
    )


def signers_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--allowed-signers``."""
    parser.add_argument(
        "--allowed-signers",
        metavar="FILE",
        help="whose keys count; default: $RUNBOOK_ALLOWED_SIGNERS, or ~/.config/runbook/allowed_signers",
    )


def key_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--key`` and ``--allowed-signers``."""
    parser.add_argument(
        "--key", metavar="FILE", help="your SSH key, or its .pub where an agent has it; default: $RUNBOOK_KEY"
    )
    signers_option(parser)


def credentials_of(options: argparse.Namespace) -> "Credentials":
    """What a person signs and verifies with, as the options and the environment say."""
    from runbook.audit.signatures import signers_file
    from runbook.audit.signing import key_file
    from runbook.drivers.notary import Credentials

    key, signers = options.key, options.allowed_signers
    return Credentials(key=key_file(key, os.environ), signers=signers_file(signers, os.environ))


def run_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``RUN``."""
    parser.add_argument("run", metavar="RUN", help="the id of a run, a unique beginning of it, or `last`")


def is_directory(path: str) -> bool:
    """Whether there is a directory of that name; what cannot be looked at is none, and whoever opens it says why."""
    return os.path.isdir(path)  # noqa: PTH112 - one of pathlib raises what cannot be looked at


def name(text: str) -> str:
    """A name of somebody or something: one line of 1 to 200 characters.

    :raises ArgumentTypeError: if it is something else.
    """
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("a name is one line of 1 to 200 characters")
    return text


def number(text: str) -> int:
    """How many, from 0 on.

    :raises ArgumentTypeError: if it is something else.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"`{text[:20]}` is no whole number from 0 on")
    return int(text)


def note(text: str) -> str:
    """What somebody writes down, not blank, and not longer than a record can be."""
    return _words(text, 12_000)


def reason(text: str) -> str:
    """Why something is done, not blank and in short."""
    return _words(text, 2_000)


def _words(text: str, longest: int) -> str:
    from runbook.model.canonical import size

    if not text.strip():
        raise argparse.ArgumentTypeError("it is blank")
    if size(text) > longest:
        raise argparse.ArgumentTypeError(f"it takes {size(text):,} bytes in the log, and {longest:,} are allowed")
    return text


def operator_option(parser: argparse.ArgumentParser, does: str, *, instead: str = "login@host") -> None:
    """Let a person say who they are.

    :param does: what they do, such as ``walks``.
    :param instead: who it is where nothing is said.
    """
    help_ = f"who {does}; default: ${OPERATOR}, or {instead}"
    parser.add_argument("--operator", metavar="ID", type=name, help=help_)


def said_operator(options: argparse.Namespace) -> str | None:
    """Who sits here, if they say it: on the command line or in their environment.

    :raises Refused: if what the environment says is no name.
    """
    if options.operator is not None or not os.environ.get(OPERATOR):
        said: str | None = options.operator
        return said
    try:
        return name(os.environ[OPERATOR])
    except argparse.ArgumentTypeError as wrong:
        from runbook.cli.failing import USAGE

        help_ = f"set ${OPERATOR} to your name or address, or unset it"
        raise Refused(Diagnostic(code=USAGE, message=f"${OPERATOR}: {wrong}", help=help_)) from None


def operator_of(options: argparse.Namespace) -> str:
    """Who sits here: as they say, else ``login@host``."""
    return said_operator(options) or login_at_host()


def login_at_host() -> str:
    """Whom the machine takes for the one who sits here."""
    import getpass
    import platform

    try:
        login = name(getpass.getuser())
    except (OSError, KeyError, argparse.ArgumentTypeError):  # $LOGNAME may be anything
        login = str(os.getuid())
    return f"{login}@{platform.node()}"


def start_options(parser: Parser) -> None:
    """Add what a run begins with: an environment, inputs, an operator, an incident; where and how it does."""
    parser.add_argument("-e", "--environment", metavar="ENV", help="one of the runbook's environments")
    parser.add_argument(
        "-i", "--input", metavar="KEY=VALUE", action="append", default=[], help="an input; may be given several times"
    )
    operator_option(parser, "walks")
    parser.add_argument("--incident", metavar="ID", type=name, help="the incident that this is about")
    parser.add_argument("--dry-run", action="store_true", help="perform reads only; show what would change something")
    parser.add_argument("--start-at", metavar="STEP", help="begin at another step than the first; needs --reason")
    parser.add_argument("--reason", metavar="TEXT", type=reason, help="why, for --start-at")
    parser.add_argument(
        "--break-lock", metavar="REASON", type=reason, help="take the lock of a run that nobody walks, for this reason"
    )


def look_at_start(parser: Parser, options: argparse.Namespace) -> None:
    """Refuse such options that do not go together."""
    if options.dry_run and options.break_lock:
        parser.error("a dry run takes no lock, so it breaks none")
