"""A visit in Markdown, folded: what was to be done, exactly, and what was seen."""

from collections.abc import Iterator, Sequence

from runbook.model.durations import spoken
from runbook.report.content import Attempt, Deed, Element, Output, Visit
from runbook.report.dump import dump
from runbook.report.markup import code, fenced, html, html_code, inline, joined
from runbook.report.particulars import groups, outcome_of, shown, waited
from runbook.report.results import result_of
from runbook.report.times import in_zone, since_start


def folded(number: int, visit: Visit, option: str) -> str:
    """A visit as a block that can be opened; its line says what came of it.

    :param option: what the option says that led there; empty where none did.
    """
    again = f", visit {visit.visit}" if visit.visit > 1 else ""
    name = f"{html(visit.title)} ({html_code(visit.step)})"
    said = html(result_of(visit))
    said = said if visit.outcome == "passed" else f"<b>{said}</b>"
    summary = f"<details><summary>{number}. {name}{again}: {said}</summary>"
    return joined(iter([summary, *_inside(visit, option), "</details>"])).rstrip("\n")


def _inside(visit: Visit, option: str) -> Iterator[str]:
    via = f"“{inline(option)}” ({code(visit.via)})" if option else code(visit.via)
    led = f"{via} from {code(visit.source)}" if visit.source else via
    when = f"{in_zone(visit.entered)} UTC, {since_start(visit.entered)}"
    about = [f"- Kind {code(visit.kind)}; entered at {when}, {led}"]
    about += [f"- Might not start: {inline(reason)}" for reason in visit.refusals]
    for confirmation in visit.confirmations:
        word = "Confirmed" if confirmation.given else "Not confirmed"
        typed = f", typing {code(confirmation.phrase)}" if confirmation.phrase else ""
        again = f" (asked again: {inline(confirmation.stale)})" if confirmation.stale else ""
        why = f": {inline(confirmation.reason)}" if confirmation.reason else ""
        about.append(f"- {word} by {inline(confirmation.by)} at {in_zone(confirmation.at)} UTC{typed}{again}{why}")
    about += [f"- {inline(waited(wait))}" for wait in visit.waits]
    for settled in visit.settled:
        evidence = f": {inline(settled.evidence)}" if settled.evidence else ""
        about.append(f"- Settled as {inline(settled.outcome)} by {inline(settled.by)}{evidence}")
    if visit.changed != "no":
        about.append(f"- Changed something: {inline(visit.changed)}")
    yield "\n".join(about)
    if not visit.attempts and visit.confirmations:
        yield from _deed(visit.confirmations[-1].deed, "Never done")
    if visit.elements:
        for attempt in visit.attempts[-1:]:
            yield from _deed(attempt.deed, "Action")
        yield "\n".join(_element(element) for element in visit.elements)
        for element in visit.elements:
            if element.outcome != "passed" and element.attempts:
                yield f"**{code(element.step)}**"
                for attempt in element.attempts:
                    yield from _attempt(attempt, full=True, alone=len(element.attempts) == 1)
        return
    for step, attempts, alone in groups(visit):
        if step != visit.step:
            yield f"**{code(step)}**"
        for told in attempts:
            if told.left_out:
                yield f"… {told.left_out} more attempts, in the log …"
            if told.action:
                yield from _deed(told.attempt.deed, told.action)
            if told.result:
                yield from _attempt(told.attempt, full=told.full, alone=alone)


def _element(element: Element) -> str:
    """A line about an element of a step that is repeated."""
    took = f" in {spoken(element.took_ms)}" if element.took_ms else ""
    why = f": {inline(element.reason)}" if element.reason and element.outcome != "passed" else ""
    said = inline(outcome_of(element))
    said = said if element.outcome == "passed" else f"**{said}**"
    settled = f", settled by {inline(element.settled[-1].by)}" if element.settled else ""
    return f"- {inline(element.item)} ({code(element.step)}): {said}{settled}{took}{why}"


def _deed(deed: Deed, word: str) -> Iterator[str]:
    yield f"{word} {code(deed.digest[:12])}:"
    yield fenced(shown(deed.shown))


def _attempt(attempt: Attempt, *, full: bool, alone: bool) -> Iterator[str]:
    said = attempt.outcome or "no result is on record"
    took = f" in {spoken(attempt.took_ms)}" if attempt.took_ms else ""
    reason = f": {inline(attempt.reason)}" if attempt.reason else ""
    which = "Result" if alone else f"Attempt {attempt.attempt} at {since_start(attempt.began)}"
    yield f"{which}: **{inline(said)}**{took}{reason}"
    if not full:
        return
    if attempt.observation:
        yield fenced(dump(attempt.observation))
    about = [f"- Masked: {_codes(attempt.masked)}"] if attempt.masked else []
    about += [f"- Cut, because it was long: {_codes(attempt.truncated)}"] if attempt.truncated else []
    about += [f"- Saved: {code(name)}" for name in attempt.saved]
    about += [f"- {_output(output)}" for output in attempt.outputs if output.size or output.dropped or output.problem]
    yield "\n".join(about)


def _output(output: Output) -> str:
    kept = f" in {code(output.file)}" if output.file else ""
    said = f"{inline(output.stream)} in full: {output.size:,} bytes{kept}"
    if output.dropped:
        said += f"; {output.dropped:,} more were not kept"
    if output.masked:
        said += f"; secrets masked in it: {_codes(output.masked)}"
    return f"{said}; {inline(output.problem)}" if output.problem else said


def _codes(names: Sequence[str]) -> str:
    return ", ".join(code(name) for name in names)
