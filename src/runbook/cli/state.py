"""``runbook state``: make a state directory that a group of users shares."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runbook.audit import footing
from runbook.cli.options import Parser


def main(arguments: Sequence[str]) -> int:
    """Make a shared store; 2 if it cannot be."""
    text = "Make a state directory whose runs, cooldowns and locks a group of users of this machine shares."
    parser = Parser("state", text)
    parser.add_argument("act", metavar="init", choices=("init",), help="make one")
    parser.add_argument("directory", metavar="DIR", help="where; it must not be there yet, or be empty")
    parser.add_argument("--group", metavar="G", required=True, help="the group: its name or its number")
    options = parser.parse_args(arguments)
    root = Path(os.path.realpath(options.directory))
    try:
        footing.make_shared(root, options.group)
        footing.check_local(root, footing.mount_table())
    except OSError as error:
        raise footing.unusable(root, error) from None
    sys.stdout.write(f"{root}\n")
    sys.stderr.write(
        f"shared by group {footing.group_of(root)}; each of its members sets\n  export RUNBOOK_STATE_DIR={root}\n"
    )
    return 0
