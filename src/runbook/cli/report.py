"""``runbook report``: write the incident report of a run."""

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runbook.audit.store import RunDir
from runbook.audit.verdict import Verdict
from runbook.cli.failing import complain
from runbook.cli.options import Parser, format_option, run_argument, state_option
from runbook.cli.output_file import write_output
from runbook.cli.stores import store_of
from runbook.cli.told_so_far import told_so_far
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.report.content import Report
from runbook.report.html import page
from runbook.report.json_form import to_json
from runbook.report.markdown import markdown

ZONE = Code(
    number="RB318",
    title="no such time zone",
    why="A report shows times in UTC and, with --zone, in one zone more, named as the IANA does: Europe/Berlin. What "
    "zones there are is told by this machine's own list.",
)
FORMATS: Mapping[str, Callable[[Report, tzinfo, str], str]] = {
    "md": markdown,
    "html": page,
    "json": lambda report, _zone, _name: to_json(report),
}
"""What renders a report, by its format, given a zone in which times are shown too and what that is called."""


def main(arguments: Sequence[str]) -> int:
    """Write the report of a run; the exit status is that of ``verify``."""
    parser = Parser("report", "Write the incident report of a run. The exit status is that of `runbook verify`.")
    run_argument(parser)
    format_option(parser, tuple(FORMATS), "md")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it; default: standard output")
    parser.add_argument("--zone", metavar="ZONE", help="show times in this zone too, such as Europe/Berlin")
    state_option(parser)
    options = parser.parse_args(arguments)
    zone = _zone(options.zone)
    with store_of(options) as store:
        run = store.find(options.run)
        run.fetch()
        report, verdict = reported(run)
    _write(FORMATS[options.format](report, zone, options.zone or "UTC"), options.output)
    if verdict.status:
        complain(finding.diagnostic for finding in verdict.findings if finding.status)
    return int(verdict.status)


def reported(run: RunDir) -> tuple[Report, Verdict]:
    """The report of a run, and the verdict on its log, which no signature or anchor has a part in."""
    told = told_so_far(run)
    return told.report, told.verdict


def _zone(name: str | None) -> tzinfo:
    """A zone by its name.

    :raises Refused: if there is none of that name.
    """
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"there is no time zone `{name}`"
        help_ = "name it as the IANA does, such as Europe/Berlin"
        raise Refused(Diagnostic(code=ZONE, message=message, help=help_)) from None


def _write(text: str, path: str | None) -> None:
    """Write the report.

    :raises Refused: if the file cannot be written.
    """
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # the same bytes whatever the locale
        sys.stdout.write(text)
        return
    write_output(text, path, "the report")
