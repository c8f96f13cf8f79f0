"""A visit in HTML, folded: what was to be done, exactly, and what was seen."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from runbook.model.durations import spoken
from runbook.report.content import Attempt, Confirmation, Deed, Element, Output, Visit
from runbook.report.dump import dump
from runbook.report.particulars import groups, outcome_of, shown, waited
from runbook.report.results import result_of
from runbook.report.tags import Html, code, joined, prose, tag, text, tone
from runbook.report.times import At, in_zone, since_start


def folded(number: int, visit: Visit, option: str) -> Html:
    """A visit as a block that can be opened; its line says what came of it.

    :param option: what the option says that led there; empty where none did.
    """
    again = f" (visit {visit.visit})" if visit.visit > 1 else ""
    summary = tag(
        "summary",
        tag("span", str(number), class_="number"),
        tag("span", tag("b", visit.title, again), " ", code(visit.step), class_="what"),
        tag("span", prose(result_of(visit)), class_=f"result {tone(visit.outcome)}"),
        moment(visit.entered),
    )
    return tag(
        "details",
        summary,
        tag("div", *_inside(visit, option), class_="fold"),
        id=f"step-{number}",
        class_=tone(visit.outcome),
    )


def moment(when: At) -> Html:
    """A time of the day in UTC, with the day where the run began on another one."""
    utc = in_zone(when)
    day, _, time = utc.partition(" ")
    if not time:  # it is none
        return tag("span", when.ts, class_="time")
    shown = time if day == _first_day(when) else f"{day[5:]} {time}"
    return tag("time", shown, datetime=f"{day}T{time}Z", title=f"{utc} UTC, {since_start(when)} after the start")


def _first_day(when: At) -> str:
    """The day on which the run began."""
    try:
        began = datetime.fromisoformat(when.ts) - timedelta(milliseconds=when.mono)
        return f"{began.astimezone(UTC):%Y-%m-%d}"
    except (ValueError, OverflowError):
        return ""


def _inside(visit: Visit, option: str) -> Iterator[Html]:
    yield tag("ul", *(tag("li", line) for line in _about(visit, option)), class_="about")
    if not visit.attempts and visit.confirmations:
        yield from _deed(visit.confirmations[-1].deed, "Never done")
    if visit.elements:
        for attempt in visit.attempts[-1:]:
            yield from _deed(attempt.deed, "Action")
        yield tag("ul", *(tag("li", *_element(element)) for element in visit.elements), class_="elements")
        for element in visit.elements:
            if element.outcome != "passed" and element.attempts:
                yield tag("h3", code(element.step))
                for attempt in element.attempts:
                    yield from _attempt(attempt, full=True, alone=len(element.attempts) == 1)
        return
    for step, attempts, alone in groups(visit):
        if step != visit.step:
            yield tag("h3", code(step))
        for told in attempts:
            if told.left_out:
                yield tag("p", f"… {told.left_out} more attempts, in the log …", class_="dim")
            if told.action:
                yield from _deed(told.attempt.deed, told.action)
            if told.result:
                yield from _attempt(told.attempt, full=told.full, alone=alone)


def _about(visit: Visit, option: str) -> Iterator[Html]:
    """How it was entered, what was asked and said before its end."""
    via = joined([prose(f"“{option}”"), " (", code(visit.via), ")"]) if option else code(visit.via)
    led = joined([via, " from ", code(visit.source)]) if visit.source else via
    when = f"{in_zone(visit.entered)} UTC, {since_start(visit.entered)}"
    yield joined(["Kind ", code(visit.kind), f"; entered at {when}, ", led])
    yield from (joined(["Might not start: ", prose(reason)]) for reason in visit.refusals)
    yield from (_confirmation(confirmation) for confirmation in visit.confirmations)
    yield from (text(waited(wait)) for wait in visit.waits)
    for settled in visit.settled:
        evidence = f": {settled.evidence}" if settled.evidence else ""
        yield joined(["Settled as ", tag("b", settled.outcome), f" by {settled.by}{evidence}"])
    if visit.changed != "no":
        yield joined(["Changed something: ", tag("b", visit.changed)])


def _confirmation(confirmation: Confirmation) -> Html:
    word = "Confirmed" if confirmation.given else "Not confirmed"
    typed = joined([", typing ", code(confirmation.phrase)]) if confirmation.phrase else Html()
    again = joined([" (asked again: ", prose(confirmation.stale), ")"]) if confirmation.stale else Html()
    why = joined([": ", prose(confirmation.reason)]) if confirmation.reason else Html()
    return joined([f"{word} by {confirmation.by} at {in_zone(confirmation.at)} UTC", typed, again, why])


def _element(element: Element) -> Iterator[Html]:
    """A line about an element of a step that is repeated."""
    took = f" in {spoken(element.took_ms)}" if element.took_ms else ""
    why = f": {element.reason}" if element.reason and element.outcome != "passed" else ""
    settled = f", settled by {element.settled[-1].by}" if element.settled else ""
    said = tag("span", outcome_of(element), class_=f"word {tone(element.outcome)}")
    yield joined([element.item, " ", code(element.step), ": ", said, f"{settled}{took}", prose(why)])


def _deed(deed: Deed, word: str) -> Iterator[Html]:
    yield tag("p", f"{word} ", code(deed.digest[:12]), class_="label")
    yield block(shown(deed.shown))


def block(value: str) -> Html:
    """A text as a block, character by character."""
    # A browser drops the first line feed of a block.
    return tag("pre", Html("\n"), text(value.strip("\n")))


def _attempt(attempt: Attempt, *, full: bool, alone: bool) -> Iterator[Html]:
    said = attempt.outcome or "no result is on record"
    took = f" in {spoken(attempt.took_ms)}" if attempt.took_ms else ""
    reason = joined([": ", prose(attempt.reason)]) if attempt.reason else Html()
    which = "Result" if alone else f"Attempt {attempt.attempt} at {since_start(attempt.began)}"
    outcome = tag("span", said, class_=f"word {tone(attempt.outcome or '')}")
    yield tag("p", f"{which}: ", outcome, took, reason, class_="label")
    if not full:
        return
    if attempt.observation:
        yield block(dump(attempt.observation))
    about = [joined(["Masked: ", _codes(attempt.masked)])] if attempt.masked else []
    about += [joined(["Cut, because it was long: ", _codes(attempt.truncated)])] if attempt.truncated else []
    about += [joined(["Saved: ", code(name)]) for name in attempt.saved]
    about += [_output(output) for output in attempt.outputs if output.size or output.dropped or output.problem]
    if about:
        yield tag("ul", *(tag("li", line) for line in about), class_="about")


def _output(output: Output) -> Html:
    said: list[str] = [f"{output.stream} in full: {output.size:,} bytes"]
    if output.file:
        said += [" in ", code(output.file)]
    if output.dropped:
        said.append(f"; {output.dropped:,} more were not kept")
    if output.masked:
        said += ["; secrets masked in it: ", _codes(output.masked)]
    return joined([*said, f"; {output.problem}" if output.problem else ""])


def _codes(names: Sequence[str]) -> Html:
    return joined(part for place, name in enumerate(names) for part in ((", " if place else ""), code(name)))
