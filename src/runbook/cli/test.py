"""``runbook test``: walk scenarios without anybody, and say which edges no scenario walks.

Where all is well it says little: a line for each runbook, and how many scenarios came out as they expect.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing

from runbook.cli.below import files_below, says
from runbook.cli.failing import complain
from runbook.cli.main import INTERRUPTED
from runbook.cli.options import Parser, format_option, is_directory, number
from runbook.cli.output_file import write_output
from runbook.cli.rows import folded
from runbook.drivers.coverage import Coverage
from runbook.drivers.processes import Died, cores, in_order
from runbook.drivers.scenarios import Result, Suite, Verdict
from runbook.kinds.registry import KINDS
from runbook.language.frames import visible
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused

NO_SCENARIO = Code(
    number="RB355",
    title="no scenario",
    why="A path for `runbook test` is a scenario, or a directory with scenarios below it. A test of nothing says "
    "nothing, and would be taken for a success.",
)
_LABELS = {Verdict.PASSED: "ok   ", Verdict.FAILED: "FAIL ", Verdict.UNREADABLE: "ERROR"}


def main(arguments: Sequence[str]) -> int:
    """Walk scenarios; 0 if all came out as they expect, 1 if not, 2 if one cannot be read."""
    options = _parser().parse_args(arguments)
    scenarios, alone = _files(options.paths)
    suite = Suite(scenarios, KINDS)
    for path in alone:
        suite.add(path)
    spoken = options.format == "text"
    results: list[Result] = []
    told: set[str] = set()
    try:
        with closing(in_order(suite.walk, len(suite.cases), options.jobs or cores())) as walked:
            for result in walked:
                results.append(result)
                if spoken:
                    _tell(result, told, options.verbose)
    except Died as died:
        file = suite.cases[died.index].file
        raise RuntimeError(f"{file} could not be walked to its end: {died}") from None
    except KeyboardInterrupt:
        sys.stderr.write(f"\ninterrupted: {len(results)} of {len(suite.cases)} scenarios were walked\n")
        return INTERRUPTED
    coverages = suite.coverage(results)
    if spoken:
        for coverage in coverages:
            _tell_coverage(coverage, results, options.min_coverage)
            if options.rail:
                from runbook.cli.coverage_rail import write_rail  # few want it

                write_rail(coverage, results)
        sys.stdout.write(_count(results) + "\n")
    else:
        sys.stdout.write(json.dumps(_as_json(results, coverages), indent=2) + "\n")
    if options.junit is not None:
        from runbook.cli.junit import junit  # it writes XML

        write_output(junit(results, coverages, options.min_coverage), options.junit, "the results")
    return _status(results, coverages, options.min_coverage)


def _parser() -> Parser:
    parser = Parser("test", "Walk scenarios without anybody, and print which edges of their runbooks none walks.")
    parser.add_argument("paths", metavar="PATH", nargs="*", default=["."], help="a scenario or a directory; default: .")
    parser.add_argument(
        "--min-coverage", metavar="N", type=_percentage, help="fail below N percent of a runbook's edges"
    )
    parser.add_argument("--rail", action="store_true", help="draw each runbook, with what was walked of it")
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML too")
    parser.add_argument("-v", "--verbose", action="store_true", help="print a line for each scenario that passed, too")
    parser.add_argument(
        "-j", "--jobs", metavar="N", type=number, default=0, help="so many processes; default: as many as processors"
    )
    format_option(parser, ("text", "json"))
    return parser


def _percentage(text: str) -> int:
    """A part of a hundred.

    :raises ArgumentTypeError: if it is something else.
    """
    percent = number(text)
    if percent > 100:
        raise argparse.ArgumentTypeError(f"{percent} is no percentage: it is from 0 to 100")
    return percent


def _files(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The scenarios that paths mean, each once, and the runbooks below them, which may have none.

    :raises Refused: if there is no scenario below a directory.
    """
    scenarios: dict[str, str] = {}
    alone: list[str] = []
    for path in paths:
        found = files_below(path, ("scenario:", "runbook:")) if is_directory(path) else [path]
        mine = [file for file in found if file == path or says(file, "scenario:")]
        if not mine:
            message = "there is no scenario below this directory"
            raise Refused(Diagnostic(code=NO_SCENARIO, message=message, file=path, help="name a scenario's file"))
        scenarios.update({os.path.realpath(file): file for file in mine})
        alone += [file for file in found if file not in mine]
    return list(scenarios.values()), alone


def _write(text: str) -> None:
    sys.stdout.write(folded(text, sys.stdout))


def _tell(result: Result, told: set[str], verbose: bool) -> None:
    """Print how a scenario came out, where that is of interest; what is wrong with a runbook is told once."""
    if result.verdict is Verdict.PASSED and not verbose:
        return
    _write(f"{_LABELS[result.verdict]} {visible(result.file)}  {visible(result.title)}".rstrip() + "\n")
    _write("".join(f"      {visible(line)}\n" for line in result.failures))
    new = [diagnostic for diagnostic in result.diagnostics if repr(diagnostic) not in told]
    told.update(map(repr, new))
    if new:
        sys.stdout.flush()
        complain(new)
    elif result.diagnostics:
        sys.stdout.write("      its runbook has errors, as above\n")


def _tell_coverage(coverage: Coverage, results: Sequence[Result], wanted: int | None) -> None:
    """Print how much of a runbook was walked, and each edge that was not."""
    mine = [result for result in results if result.runbook == coverage.file]
    failed = sum(result.verdict is not Verdict.PASSED for result in mine)
    thin = wanted is not None and coverage.below(wanted)
    scenarios = f"{len(mine)} scenario{'s' * (len(mine) != 1)}" if mine else "no scenario"
    words = [f"{failed} of {scenarios} failed" if failed else scenarios, coverage.in_words()]
    words += [f"{wanted} % are wanted"] if thin else []
    label = "FAIL " if failed or thin else "ok   " if mine else "none "
    _write(f"{label} {visible(coverage.file)}  {', '.join(words)}\n")
    _write("".join(f"      {visible(line)}\n" for line in coverage.named()))
    silent = sum(not result.counts and result.verdict is not Verdict.UNREADABLE for result in mine)
    if silent and coverage.unwalked:
        _write(f"      scenarios without `finish` and `path`, which walk no edge that counts: {silent}\n")


def _count(results: Sequence[Result]) -> str:
    found = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    words = [f"{found[Verdict.PASSED]} passed", f"{found[Verdict.FAILED]} failed"]
    return ", ".join([*words, f"{found[Verdict.UNREADABLE]} unreadable"] if found[Verdict.UNREADABLE] else words)


def _as_json(results: Sequence[Result], coverages: Sequence[Coverage]) -> JsonObject:
    return {
        "scenarios": [*map(_result_as_json, results)],
        "runbooks": [*map(_coverage_as_json, coverages)],
    }


def _result_as_json(result: Result) -> Json:
    return {
        "file": result.file,
        "title": result.title,
        "runbook": result.runbook,
        "result": result.verdict.value,
        "counts": result.counts,
        "path": [*result.path],
        "failures": [*result.failures],
        "diagnostics": [diagnostic.as_json() for diagnostic in result.diagnostics],
        "seconds": f"{result.seconds:.3f}",
    }


def _coverage_as_json(coverage: Coverage) -> Json:
    unwalked: Iterator[Json] = (
        {
            "file": coverage.file,
            "line": told.span.line,
            "column": told.span.column,
            "step": told.edge.source,
            "via": told.edge.via,
            "to": told.edge.target,
        }
        for told in coverage.unwalked
    )
    return {
        "file": coverage.file,
        "valid": coverage.runbook is not None,
        "edges": len(coverage.edges),
        "walked": coverage.walked,
        "percent": coverage.percent,
        "unwalked": [*unwalked],
    }


def _status(results: Sequence[Result], coverages: Sequence[Coverage], wanted: int | None) -> int:
    if any(result.verdict is Verdict.UNREADABLE for result in results):
        return 2
    thin = wanted is not None and any(coverage.below(wanted) for coverage in coverages)
    return 1 if thin or any(result.verdict is Verdict.FAILED for result in results) else 0
