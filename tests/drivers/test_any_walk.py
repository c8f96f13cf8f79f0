"""Any graph, whatever comes of its steps, killed anywhere: it goes on to its end, and its log is a legal walk."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.books import book
from tests.drivers.desk import Desk, answers, count

pytestmark = pytest.mark.reliability
WITH = ("--answers", "answers.yaml")
COUNTED = "n=$(cat {name} 2>/dev/null || echo 0); echo $((n + 1)) > {name}\nset -- {codes}\nshift $((n % $#))\n"
"""A shell script that comes to the next of its codes each time; the last repeats from the first."""
ENOUGH = 9


@dataclass(frozen=True, slots=True)
class Drawn:
    """A step as it was drawn: its text, the entry that answers it once, and those of what is inside it by address."""

    text: str
    answer: str
    inside: Mapping[str, str] = field(default_factory=dict)


@st.composite
def some_step(draw: st.DrawFn, number: int, of: int) -> Drawn:
    """A step that leads to the next one, and anywhere when it fails."""
    name, following = f"s{number}", f"s{number + 1}" if number + 1 < of else "done"
    others = [f"s{other}" for other in range(of) if other != number]
    fail = "bad" if number + 1 == of else draw(st.sampled_from(["bad", "done", *others]))
    ways = f"next: {following}\non_fail: {fail}\nmax_visits: {draw(st.integers(1, 2))}\n"
    if draw(st.booleans()):
        ways += f"when: size(run.id) > {draw(st.sampled_from([0, 99]))}\n"
    codes = " ".join(draw(st.lists(st.sampled_from(["0", "0", "1"]), min_size=1, max_size=3)))
    head = f"id: {name}\ntitle: Step {name}\n"
    script = COUNTED.format(name=f"count_{name}", codes=codes)
    kinds = [
        "read",
        "change",
        "change",
        "lost",
        "hand",
        "gate",
        "choice",
        "list",
        "wait",
        "each",
        "each",
        "undo",
        "all",
    ]
    match draw(st.sampled_from(kinds)):
        case "read":
            retry = f"retry: {{attempts: {draw(st.integers(1, 3))}, delay: 1ms}}\n"
            return Drawn(f"{head}kind: command\neffect: none\n{_script(script + 'exit $1')}{retry}{ways}", "")
        case "change":
            again = "idempotent: true\nretry: {attempts: 2, delay: 1ms}\n" if draw(st.booleans()) else ""
            undo, inside = _undo(draw, name)
            changing = _change(script + f"echo {name} >> $EFFECTS; exit $1", undo)
            return Drawn(f"{head}{changing}{again}{ways}", _settled(draw), inside)
        case "each":
            return _each(draw, head, name, codes, ways)
        case "undo":
            return Drawn(f"{head}kind: undo\n{ways}", "confirm: 'yes'")
        case "all":
            steps = "".join(
                f"  - {{id: p{part}, kind: command, argv: [sh, -c, 'exit {code}']}}\n"
                for part, code in enumerate(codes.split())
            )
            return Drawn(f"{head}kind: parallel\nsteps:\n{steps}{ways}", "")
        case "lost":
            script += f"[ $1 = 1 ] && exit 1\necho {name} >> $EFFECTS; sleep 5"
            probe = f"probe: {{kind: command, argv: [grep, -q, {name}, effects]}}\n" if draw(st.booleans()) else ""
            return Drawn(f"{head}{_change(script)}timeout: 150ms\n{probe}{ways}", _settled(draw))
        case "hand":
            done = draw(st.sampled_from(["done", "failed"]))
            return Drawn(f"{head}kind: manual\neffect: none\ninstructions: Look\n{ways}", f"outcome: {done}")
        case "gate":
            sure = draw(st.sampled_from(["yes", "no"]))
            return Drawn(f"{head}kind: gate\nquestion: Sure?\n{ways}", f"confirm: '{sure}'")
        case "choice":
            options = f"options: [{{id: a, label: A}}, {{id: b, label: B, next: {fail}}}]\n"
            chosen = draw(st.sampled_from("ab"))
            return Drawn(f"{head}kind: choice\n{options}{ways}", f"choose: {chosen}")
        case "list":
            said = draw(st.sampled_from(["yes", "no", "not_verified"]))
            check = f"{{kind: command, argv: [test, -e, count_s{draw(st.integers(0, of))}]}}"
            items = f"items: [{{id: a, title: A}}, {{id: b, title: B, check: {check}}}]\n"
            return Drawn(f"{head}kind: checklist\n{items}{ways}", f"items: {{a: '{said}'}}")
        case _:
            return Drawn(f"{head}kind: wait\nfor: 20ms\n{ways}", "")


def _script(text: str) -> str:
    return "script: |\n" + "".join(f"  {line}\n" for line in ["set +e", *text.splitlines()])


def _change(script: str, undo: str = "undo: none\nbecause: a test\n") -> str:
    return f"kind: command\neffect: change\n{undo}{_script(script)}"


def _undo(draw: st.DrawFn, name: str) -> tuple[str, Mapping[str, str]]:
    """The undo of a step, and how it is answered; one that does not work is left as it is."""
    code = draw(st.sampled_from([0, 0, 1]))
    undo = f"undo: {{kind: command, argv: [sh, -c, 'echo {name}.undo >> $EFFECTS; exit {code}']}}\n"
    return undo, {f"{name}.undo": f"{_settled(draw)}, do: skip, reason: left"}


def _each(draw: st.DrawFn, head: str, name: str, codes: str, ways: str) -> Drawn:
    """A step that is repeated for three elements, which pass, fail or are lost."""
    changes, at_once, bears = draw(st.booleans()), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    loop = (
        f"for_each: {{in: '[0, 1, 2]', at_once: {at_once}, max_failures: {bears}}}\nenv: {{ITEM: 'i${{{{ item }}}}'}}\n"
    )
    script = COUNTED.format(name=f"count_{name}_$ITEM", codes=codes)
    if not changes:
        return Drawn(f"{head}kind: command\neffect: none\n{loop}{_script(script + 'exit $1')}{ways}", "")
    lost = "timeout: 300ms\n" if draw(st.booleans()) else ""
    script += f'echo "{name}[${{ITEM#i}}]" >> $EFFECTS\n'
    script += "[ $1 = 1 ] && sleep 5\nexit 0" if lost else "exit $1"
    written = f'echo "{name}[${{ITEM#i}}].undo" >> $EFFECTS'
    undo = f"undo: {{kind: command, env: {{ITEM: 'i${{{{ item }}}}'}}, argv: [sh, -c, '{written}']}}\n"
    inside = {f"{name}[{place}]": _settled(draw).removeprefix("confirm: 'yes', ") for place in range(3)}
    inside |= {f"{address}.undo": f"{_settled(draw)}, do: skip, reason: left" for address in inside}
    return Drawn(f"{head}{_change(script, undo)}{lost}{loop}{ways}", "confirm: 'yes'", inside)


def _settled(draw: st.DrawFn) -> str:
    settle = draw(st.sampled_from(["passed", "failed"]))
    return f"confirm: 'yes', settle: {settle}, evidence: looked"


@st.composite
def some_book(draw: st.DrawFn) -> tuple[str, str]:
    """A runbook that the checker lets pass, and answers that are enough for it."""
    of = draw(st.integers(1, 5))
    drawn = [draw(some_step(number, of)) for number in range(of)]
    said = [f"step: s{number}, do: abort, reason: stuck, {one.answer}" for number, one in enumerate(drawn)]
    said += [f"step: '{address}', {entry}" for one in drawn for address, entry in one.inside.items()]
    return book(*(one.text for one in drawn)), answers(
        "step: bad, do: retry", *(entry for entry in said for _ in range(ENOUGH))
    )


def survives(desk: Desk, text: str, given: str, kills: list[int]) -> None:
    """Walk it, kill it as often as is said, go on; nothing happens unannounced, and the log is legal all the time."""
    desk.write("answers.yaml", given)
    desk.write("book.yaml", text)
    argv: tuple[str, ...] = ("run", "book.yaml", "--run-id", "r1")
    for kill in [*kills, 0]:
        done = desk.do(*argv, *WITH, kill=kill) if kill else desk.do(*argv, *WITH)
        desk.settled()
        assert done.status in {0, 1, -signal.SIGKILL}, done
        assert "Traceback" not in done.text
        if not desk.run().log.exists() or b"\n" not in desk.run().log.read_bytes():
            assert desk.effects() == []
            return
        verified = desk.do("verify", "r1")
        assert verified.status in {0, 3, 4}, (verified.text, text, given, kills)
        effects, intents = count(desk.effects()), count(desk.intents())
        assert all(number <= intents.get(step, 0) for step, number in effects.items()), (effects, intents)
        if done.status >= 0 or desk.types()[-1] == "run.finished":
            assert desk.types()[-1] == "run.finished"
            assert verified.status == 0
            return
        argv = ("resume", "r1")


KILLS = st.lists(st.integers(1, 90), max_size=2)


@settings(max_examples=25)
@given(drawn=some_book(), kills=KILLS)
def test_i4_any_walk_killed_anywhere_goes_on_and_is_legal(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, str], kills: list[int]
) -> None:
    survives(Desk(tmp_path_factory.mktemp("walk")), *drawn, kills)


@pytest.mark.full
@settings(max_examples=1_000)
@given(drawn=some_book(), kills=KILLS)
def test_i4_a_thousand_walks_killed_anywhere_go_on_and_are_legal(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[str, str], kills: list[int]
) -> None:
    survives(Desk(tmp_path_factory.mktemp("walk")), *drawn, kills)
