"""Which store a command works with: the directory that is named, or the database."""

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.audit.store import RunDir, Store
from runbook.audit.whereabouts import state_dir
from runbook.cli.failing import COPIES, USAGE, complain, named
from runbook.model.diagnostics import Diagnostic, Refused

if TYPE_CHECKING:
    from runbook.audit.postgres.link import Link

VARIABLE = "RUNBOOK_STORE"


@contextmanager
def store_of(options: argparse.Namespace, *, walks: bool = False) -> Iterator[Store]:
    """The store that the options of a command, or the environment, name.

    :param walks: somebody walks a run in it, and is told what speaks against that.
    :raises Refused: if it is not there, or cannot be used.
    """
    if options.store and options.state_dir:
        message = "a store and a state directory are both named"
        raise Refused(Diagnostic(code=USAGE, message=message, help="leave out --store or --state-dir"))
    url = options.store or ("" if options.state_dir else os.environ.get(VARIABLE, ""))
    if not url:
        yield Store(state_dir(options.state_dir, os.environ))
        return
    with (
        connected(url, typed=bool(options.store)) as link,
        tempfile.TemporaryDirectory(prefix="runbook-store-") as root,
    ):
        from runbook.audit.postgres.store import PostgresStore

        store = PostgresStore(Path(os.path.realpath(root)), link)
        COPIES[str(store.root)] = store.shown
        store.look()
        if walks:
            complain(store.warnings())
            sys.stderr.flush()  # the terminal is written to from elsewhere in a moment
        yield store


@contextmanager
def connected(url: str, *, typed: bool) -> Iterator["Link"]:
    """The database of a store.

    :param typed: the URL stands on the command line.
    :raises Refused: if it cannot be used.
    """
    from runbook.audit.postgres.link import NO_URL, Link, StoreFailed, without_password
    from runbook.audit.postgres.store import unreached

    safe = without_password(url)
    if typed and safe != url:
        message = "there is a password in the URL of the store, and everybody on this machine can read it there"
        help_ = "put it into ~/.pgpass, and change it if others use this machine"
        raise Refused(Diagnostic(code=NO_URL, message=message, help=help_))
    if VARIABLE in os.environ:
        os.environ[VARIABLE] = without_password(os.environ[VARIABLE])  # what is started from here inherits it
    link = Link(url)
    try:
        yield link
    except StoreFailed as failed:
        raise unreached(failed, link.name) from None
    finally:
        link.close()


def run_to_write(store: Store, text: str) -> RunDir:
    """The run that a user means, in a store that is safe to write to.

    :raises Refused: if there is none, or the store is not.
    """
    store.find(text)  # a store that is not there is not made for this
    return store.prepare().find(text)


def elsewhere(run: RunDir) -> str:
    """The option that the commands of a run need, where its store is not the one that this shell would take."""
    flag, place = run.store.option
    try:
        url = os.environ.get(VARIABLE)
        usual = ("--store", url) if url else ("--state-dir", os.path.realpath(state_dir(None, os.environ)))
    except Refused:
        usual = None
    return "" if usual == (flag, place) else f" {flag} {shlex.quote(place)}"


def shown(path: Path) -> str:
    """A path as a user is told of it: what is in a copy is called after what it is a copy of."""
    return named(str(path))
