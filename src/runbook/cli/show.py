"""``runbook show``: print a runbook as text, Markdown, a graph or a page."""

import io
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import unquote

from runbook.cli.failing import complain
from runbook.cli.options import Parser, format_option
from runbook.cli.output_file import write_output
from runbook.cli.painted import coloured, painted
from runbook.kinds.registry import KINDS, make
from runbook.language.loading import load
from runbook.model.canonical import Json
from runbook.model.diagnostics import Severity
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Preview, preview_as_written
from runbook.model.secrets import Resolved
from runbook.report.plan.content import Plan
from runbook.report.plan.wording import plan

_NARROWEST, _WIDEST = 30, 110


def main(arguments: Sequence[str]) -> int:
    """Show a runbook that has no errors; 1 where it has."""
    parser = Parser("show", "Print a runbook to be read: as text, as Markdown for paper, as a graph, as a page.")
    parser.add_argument("file", metavar="FILE", help="a runbook")
    format_option(parser, ("text", *_FORMATS))
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it; default: standard output")
    options = parser.parse_args(arguments)
    loaded = load(options.file, KINDS)
    complain(loaded.diagnostics)
    if loaded.runbook is None:
        return 2 if loaded.document is None else int(any(d.severity is Severity.ERROR for d in loaded.diagnostics))
    shown = plan(loaded.runbook, preview_of)
    text = _text(shown, to_file=options.output) if options.format == "text" else _FORMATS[options.format](shown)
    if options.output is not None:
        write_output(text, options.output, "the runbook")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # the same bytes whatever the locale
    sys.stdout.write(text)
    return 0


_ENCODED = re.compile("%24%7B%7B.*?%7D%7D")
"""An expression in the query of a URL, which holds values when it is asked for, and what is written until then."""


def preview_of(kind: str, fields: Mapping[str, Json]) -> Preview:
    """What a kind would do with fields as they are written, whose values only a walk knows."""
    try:
        preview = make(kind, cast("Mapping[str, Resolved]", fields)).preview()
        return replace(preview, line=_ENCODED.sub(lambda found: unquote(found[0]), preview.line))
    except (ExpressionError, ValueError, TypeError, KeyError):
        return preview_as_written(kind, dict(fields))


def _text(shown: Plan, *, to_file: str | None) -> str:
    from runbook.report.plan.text import plan_text

    columns = min(max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST), _WIDEST)
    colour = to_file is None and coloured()
    return "".join(f"{painted(line, colour=colour)}\n" for line in plan_text(shown, columns))


def _markdown(shown: Plan) -> str:
    from runbook.report.plan.markdown import plan_markdown

    return plan_markdown(shown)


def _mermaid(shown: Plan) -> str:
    from runbook.report.plan.mermaid import mermaid

    return mermaid(shown)


def _svg(shown: Plan) -> str:
    from runbook.report.plan.svg import svg

    return svg(shown)


def _html(shown: Plan) -> str:
    from runbook.report.plan.html import plan_html

    return plan_html(shown)


_FORMATS: Mapping[str, Callable[[Plan], str]] = {
    "md": _markdown,
    "mermaid": _mermaid,
    "svg": _svg,
    "html": _html,
}
"""What renders a runbook, by its format."""
