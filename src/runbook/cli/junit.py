"""Results of scenarios as JUnit XML, as the readers of continuous integration take it.

A suite is a runbook, a case is a scenario; where a coverage is demanded, it is one more case of its runbook. There are
only elements and attributes that the strictest reader knows, which is the schema ``junit-10.xsd`` of Jenkins' xUnit
plug-in; a case has no place for its file there, so that stands in its name. As ``classname`` the runbook's path is
written like that of a class, for readers that group by it.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from runbook.drivers.coverage import Coverage
from runbook.drivers.scenarios import Result, Verdict
from runbook.language.frames import one_line

_READABLE = {0x09, 0x0A, 0x0D, *range(0x20, 0xD800), *range(0xE000, 0xFFFE)}


def junit(results: Sequence[Result], coverages: Sequence[Coverage], wanted: int | None) -> str:
    """The document.

    :param wanted: the percentage of its edges that of each runbook must be walked; None if none is demanded.
    """
    suites: dict[str, list[ET.Element]] = {told.file: [] for told in coverages}
    for result in results:
        suites.setdefault(result.runbook or result.file, []).append(_scenario(result))
    told = {coverage.file: coverage for coverage in coverages}
    root = _element("testsuites", {"name": "runbook test"})
    for name, cases in suites.items():
        if wanted is not None and name in told:
            cases.append(_covered(told[name], wanted))
        suite = _element("testsuite", {"name": name, **_counts(cases)})
        if name in told and told[name].runbook is not None:
            edges = f"{told[name].walked} of {len(told[name].edges)}"
            properties = ET.SubElement(suite, "properties")
            properties.append(_element("property", {"name": "edges walked", "value": edges}))
        suite.extend(cases)
        root.append(suite)
    total = _counts([case for suite in root for case in suite.iter("testcase")])
    root.attrib.update({name: count for name, count in total.items() if name != "skipped"})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _scenario(result: Result) -> ET.Element:
    name = f"{result.file}: {result.title}" if result.title else result.file
    case = _case(name, result.runbook or result.file, result.seconds)
    match result.verdict:
        case Verdict.PASSED:
            pass
        case Verdict.FAILED:
            case.append(_said("failure", result.failures))
        case Verdict.UNREADABLE:
            case.append(_said("error", [one_line(diagnostic) for diagnostic in result.diagnostics]))
    return case


def _covered(told: Coverage, wanted: int) -> ET.Element:
    case = _case(f"edge coverage of at least {wanted} %", told.file, 0.0)
    if told.below(wanted):
        case.append(_said("failure", [f"{told.in_words()}; {wanted} % are wanted", *told.named()]))
    return case


def _case(name: str, file: str, seconds: float) -> ET.Element:
    class_ = str(PurePosixPath(file).with_suffix("")).strip("./").replace("/", ".")
    return _element("testcase", {"name": name, "classname": class_, "time": f"{seconds:.3f}"})


def _said(tag: str, lines: Sequence[str]) -> ET.Element:
    """Why a case failed: its first line as the message, all of them as the text."""
    found = _element(tag, {"message": lines[0] if lines else "", "type": tag})
    found.text = _readable("\n".join(lines))
    return found


def _counts(cases: Sequence[ET.Element]) -> dict[str, str]:
    seconds = sum(float(case.get("time", "0")) for case in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }


def _element(tag: str, attributes: Mapping[str, str]) -> ET.Element:
    return ET.Element(tag, {name: _readable(value) for name, value in attributes.items()})


def _readable(text: str) -> str:
    """A text without the characters that no XML document can hold."""
    return "".join(
        sign if ord(sign) in _READABLE or ord(sign) > 0xFFFF else "\N{REPLACEMENT CHARACTER}" for sign in text
    )
