"""Entry point: finds the command, and turns whatever comes of it into an exit status.

Nothing heavy is imported here; ``--version`` and ``--help`` cost two interpreter starts and no more.
"""

import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn, Protocol

from runbook.cli.streams import prepare
from runbook.version import VERSION

COMMANDS: Mapping[str, str] = {
    "check": "look for mistakes in runbooks and scenarios",
    "run": "walk a runbook",
    "resume": "go on with a run that was paused or interrupted",
    "drill": "walk a scenario in a scripted world, and be scored",
    "test": "walk scenarios without anybody, with edge coverage",
    "runs": "list past and present runs",
    "status": "show where a run stands",
    "watch": "follow a run from another terminal, read-only",
    "submit": "have a run walked on several machines",
    "worker": "perform the steps of submitted runs",
    "answer": "answer for a submitted run",
    "approve": "approve a step of somebody else's run",
    "note": "write something down in a run's log",
    "handover": "hand a run over to another operator",
    "abort": "end a run",
    "report": "write the incident report of a run",
    "bundle": "pack a run into one archive",
    "verify": "judge a log, or a bundle",
    "show": "print a runbook as text, Markdown, a graph or a page",
    "new": "begin a runbook, with a scenario",
    "import": "turn a Markdown document into a draft",
    "explain": "explain a code",
    "kinds": "describe the kinds of steps",
    "schema": "print a schema",
    "state": "make a state directory that a group shares",
}
"""Every command that works, with what it does."""
USAGE_STATUS, OUR_FAULT, LOG_FAILED, INTERRUPTED = 2, 70, 74, 130


class Command(Protocol):
    """A module of this room."""

    def main(self, arguments: Sequence[str]) -> int:
        """Do what the command does and return the exit status."""


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    # A start makes tens of thousands of objects that stay; looking through them after each 700 finds nothing.
    gc.set_threshold(50_000)
    if sys.platform != "win32":
        # Where whoever started us ignores it, so would we, and the system throws away how each of our children ended.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out, err = prepare()
    status = run(sys.argv[1:])
    out.flush()
    if out.lost is not None and not isinstance(out.lost, BrokenPipeError):
        from runbook.cli.failing import output_lost

        status = output_lost(out.lost) if status == 0 else status
    err.flush()
    # Daemon threads and destructors have nothing left to do that could matter; some libraries crash in theirs.
    os._exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status; nothing that goes wrong leaves a traceback on the terminal."""
    if sys.platform == "win32":
        sys.stderr.write("runbook: Windows is not supported; use Linux or macOS, or WSL\n")
        return USAGE_STATUS
    try:
        return _dispatch(list(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as asked:  # --help of a command
        return int(asked.code or 0)
    except Exception as error:  # noqa: BLE001 - the last place where anything can be caught
        from runbook.cli.failing import status_of

        return status_of(error)


def _dispatch(arguments: list[str]) -> int:
    for argument in arguments:
        if not _is_text(argument):
            from runbook.cli.failing import not_text

            return not_text(argument)
    moved: list[str] = []
    while len(arguments) > 1 and arguments[0] in {"--state-dir", "--store"}:
        # Options of the store may stand before the command too.
        moved += arguments[:2]
        del arguments[:2]
    if not arguments or arguments[0] in {"-h", "--help"}:
        from runbook.cli.rows import folded

        sys.stdout.write(folded(_help(), sys.stdout))
        return 0 if arguments else USAGE_STATUS
    name, rest = arguments[0], [*moved, *arguments[1:]]
    if name in {"-V", "--version"}:
        sys.stdout.write(f"runbook {VERSION}\n")
        return 0
    if name in COMMANDS:
        module: Command = import_module(f"runbook.cli.{name}")
        return module.main(rest)
    from runbook.cli.failing import unknown_command

    return unknown_command(name)


def _is_text(argument: str) -> bool:
    """Whether an argument can stand in a record; bytes that are no UTF-8 come here as lone surrogates (PEP 383)."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: runbook COMMAND [ARGUMENT…]",
            "",
            "Runbooks as code: checked before the incident, walked with confirmations, recorded in an audit log.",
            "",
            "commands:",
            *lines,
            "",
            "`runbook COMMAND --help` says more. --version prints the version.",
            "",
        ]
    )
