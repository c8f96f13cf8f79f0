"""``runbook worker``: walk submitted runs, or perform their steps near the hosts that they touch."""

import asyncio
import os
import re
import sys
from collections.abc import Sequence

from runbook.audit.signatures import signers_file
from runbook.cli.engine_options import engine_of, engine_options
from runbook.cli.failing import USAGE
from runbook.cli.options import Parser, number, signers_option
from runbook.cli.stores import VARIABLE, store_of
from runbook.cli.walking import leave_no_core
from runbook.model.diagnostics import Diagnostic, Refused

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def main(arguments: Sequence[str]) -> int:
    """Work until SIGTERM; 0 then, 2 if it could not begin."""
    parser = Parser("worker", "Walk runs that were submitted, or perform their steps near the hosts that they touch.")
    parser.add_argument(
        "--site", default="home", metavar="NAME", help="perform the steps of this site; default: home, which walks too"
    )
    parser.add_argument(
        "--at-once", type=number, default=20, metavar="N", help="how many attempts at once; default: 20"
    )
    parser.add_argument(
        "--grace", type=number, default=600, metavar="S", help="seconds to finish what was begun; default: 600"
    )
    engine_options(parser)
    signers_option(parser)
    options = parser.parse_args(arguments)
    if not _SITE.fullmatch(options.site):
        message = f"`{options.site[:40]}` is no name of a site"
        help_ = "a name is letters, digits, dots, underscores and hyphens"
        raise Refused(Diagnostic(code=USAGE, message=message, help=help_))
    engine, namespace = engine_of(options)
    url = options.store or os.environ[VARIABLE]
    with store_of(options, walks=True) as store:
        store.prepare()  # before anything is taken up
    leave_no_core()
    from runbook.drivers.temporal.codec import VARIABLE as KEY
    from runbook.drivers.temporal.worker import Post, work

    if not os.environ.get(KEY):
        _say(f"what goes through the engine is not encrypted: ${KEY} is not set; no secret in it can be read")
    post = Post(
        site=options.site,
        store=url,
        engine=engine,
        namespace=namespace,
        signers=signers_file(options.allowed_signers, os.environ),
        at_once=max(options.at_once, 1),
        grace_s=float(options.grace),
    )
    asyncio.run(work(post, _say))
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"worker: {text}\n")
    sys.stderr.flush()
