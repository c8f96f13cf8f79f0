"""Compares a walk with what its scenario expects: from the records alone, in a drill and in a headless test alike."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from runbook.audit.record import END, Record
from runbook.drivers.path_diff import Entered, difference, entered
from runbook.model.address import of_each
from runbook.model.durations import spoken
from runbook.model.runbook import Runbook
from runbook.model.scenario import Expected, Scenario
from runbook.model.score import Expectation, PathStep, ReadAgain, Score, TimeSpent
from runbook.walk.events import StepEntered, StepStarted
from runbook.walk.run_events import DeviationRecorded, RunPaused, RunResumed
from runbook.walk.walk import DEVIATIONS


def scored(scenario: Scenario, runbook: Runbook, records: Sequence[Record]) -> Score:
    """The score of a walk, as far as its log goes.

    :param records: those of its log, from the first on.
    """
    expect = scenario.expect
    walked = path_of(records)
    expectations = tuple(_expectations(expect, records, walked))
    path = tuple(_side_by_side(expect.path, walked)) if expect.path else ()
    over = bool(records) and records[-1].type == END
    return Score(
        title=scenario.title,
        met=over and all(each.held for each in expectations),
        points=sum(each.points for each in expectations),
        of=sum(each.of for each in expectations),
        expectations=expectations,
        path=path,
        times=tuple(_times(records, runbook)),
        took_ms=_took(records),
        read_again=tuple(_read_again(scenario, runbook, records, path)),
    )


def path_of(records: Sequence[Record]) -> list[Entered]:
    """The steps of the file in the order in which they were entered, and what led to each."""
    return [each for each in entered(records) if _is_own(each.step)]


def _is_own(address: str) -> bool:
    """Whether an address is that of a step of the file, and not of a part of one or of a runbook inside it."""
    return not {"/", ".", "["} & set(address)


def _expectations(expect: Expected, records: Sequence[Record], walked: Sequence[Entered]) -> Iterator[Expectation]:
    last = records[-1] if records else None
    finish = str(last.fields["finish"]) if last is not None and last.type == END else "not at all"
    if expect.finish is not None:
        wanted = expect.finish.value
        yield _one("finish", wanted, finish, f"it ended {finish}, expected {wanted}", held=finish == wanted)
    if expect.path:
        steps = [each.step for each in walked]
        held = list(expect.path) == steps
        yield Expectation(
            what="path",
            expected=" → ".join(expect.path),
            came=" → ".join(steps),
            held=held,
            points=sum(each.where == "both" for each in _side_by_side(expect.path, walked)),
            of=max(len(expect.path), len(walked)),
            failures=() if held else tuple(difference(expect.path, walked)),
        )
    begun = {str(record.fields["step"]) for record in records if record.type == StepStarted.TYPE}
    begun |= {of_each(step) for step in begun}
    for step in expect.must:
        came = "walked" if step in begun else "not walked"
        yield _one("must", step, came, f"`{step}` must be walked and was not", held=step in begun)
    for step in expect.never:
        came = "started" if step in begun else "not started"
        yield _one("never", step, came, f"`{step}` must never start and did", held=step not in begun)
    if expect.within is not None:
        took, most = _took(records), spoken(expect.within)
        failure = f"it took {spoken(took)}, expected at most {most}"
        yield _one("within", most, spoken(took), failure, held=took <= expect.within)


def _one(what: str, expected: str, came: str, failure: str, *, held: bool) -> Expectation:
    failures = () if held else (failure,)
    return Expectation(what=what, expected=expected, came=came, held=held, points=int(held), of=1, failures=failures)


def _side_by_side(expected: Sequence[str], walked: Sequence[Entered]) -> Iterator[PathStep]:
    """The steps of both paths in order, each with which of them it is on."""
    matcher = SequenceMatcher(a=expected, b=[each.step for each in walked], autojunk=False)
    for tag, begin, end, other, until in matcher.get_opcodes():
        if tag == "equal":
            yield from (PathStep(step=step, where="both", because="") for step in expected[begin:end])
            continue
        yield from (PathStep(step=step, where="expected", because="") for step in expected[begin:end])
        yield from (PathStep(step=each.step, where="walked", because=each.because) for each in walked[other:until])


def _took(records: Sequence[Record]) -> int:
    """How long a walk went on, in milliseconds, without its pauses."""
    return sum(passed for _, passed in _passed(records))


def _passed(records: Sequence[Record]) -> Iterator[tuple[Record, int]]:
    """Each record with the milliseconds that passed before it while somebody walked."""
    before, paused = 0, False
    for record in records:
        yield record, 0 if paused else record.mono - before
        before = record.mono
        paused = record.type == RunPaused.TYPE or (paused and record.type != RunResumed.TYPE)


def _times(records: Sequence[Record], runbook: Runbook) -> Iterator[TimeSpent]:
    """How long the walk was in each step, in the order in which they were entered first."""
    spent: Counter[str] = Counter()
    visits: Counter[str] = Counter()
    at = ""
    for record, passed in _passed(records):
        if at:
            spent[at] += passed
        if record.type == StepEntered.TYPE and _is_own(str(record.fields["step"])):
            at = str(record.fields["step"])
            visits[at] += 1
    for step, number in visits.items():
        yield TimeSpent(step=step, title=_title(step, runbook), visits=number, took_ms=spent[step])


def _title(address: str, runbook: Runbook) -> str:
    step = runbook.at(address)
    return (step.title if step is not None else "") or address


def _read_again(
    scenario: Scenario, runbook: Runbook, records: Sequence[Record], path: Sequence[PathStep]
) -> Iterator[ReadAgain]:
    """The steps at which it went otherwise, each once for each reason, in the order of the walk."""
    told: set[tuple[str, str]] = set()
    for address, why in _reasons(scenario, records, path):
        step = runbook.at(address)
        if step is not None and (step.id, why) not in told:
            told.add((step.id, why))
            yield ReadAgain(step=address, title=step.title or step.id, line=step.span.line, why=why)


def _reasons(scenario: Scenario, records: Sequence[Record], path: Sequence[PathStep]) -> Iterator[tuple[str, str]]:
    expect = scenario.expect
    foreseen = {(each.step, DEVIATIONS[each.do], each.to) for each in scenario.answers if each.do in DEVIATIONS}
    before = ""
    parted = False
    for place, each in enumerate(path):
        if each.where == "both":
            before, parted = each.step, False
        elif not parted:
            parted = True
            rest = path[place:]
            wanted = next((other.step for other in rest if other.where != "walked"), None)
            went = next((other.step for other in rest if other.where != "expected"), None)
            there = f"the walk went on to `{went}`" if went else "the walk ended here"
            yield before or each.step, f"{there}, expected {f'`{wanted}`' if wanted else 'the end'}"
    for expected in _expectations(expect, records, path_of(records)):
        if expected.what in {"must", "never"} and not expected.held:
            yield expected.expected, expected.failures[0].partition("` ")[2]
        elif expected.what == "finish" and not expected.held and not path:
            yield (path_of(records) or [Entered("", "")])[-1].step, expected.failures[0]
    for record in records:
        if record.type != DeviationRecorded.TYPE or "step" not in record.fields:
            continue
        if (record.fields["step"], record.fields["deviation"], record.fields.get("to")) not in foreseen:
            why = f"left the runbook's path ({record.fields['deviation']}): {record.fields['reason']}"
            yield str(record.fields["step"]), why
