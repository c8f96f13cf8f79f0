"""Whoever drives a run, a person, a file, a drill or an engine: the log of the same walk is the same.

Left out of the comparison is exactly what says when, where and how long: ts, mono, prev and h, host, the id of the run,
durations; what ran side by side is put in the order of its addresses. What must differ beside that is looked at, field
by field: who answers (``source``), that workers have no directory in common, and that a drill is one.
"""

import difflib
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.drivers.desk import PATIENCE, Done
from tests.drivers.desk import answers as written
from tests.drivers.engine import Crew, Server
from tests.drivers.plays import PLAYS, Play, plain
from tests.drivers.terminal.pseudo import Terminal
from tests.world.postgres import Postgres
from tests.world.service import raw
from tests.world.sshd import Home, running

from runbook.audit.chain import parse_line
from runbook.audit.verdict import Status
from runbook.cli.drafted import capture_run
from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS

Told: TypeAlias = list[tuple[str, dict[str, Any]]]  # the types of records and their fields, which are any JSON

OF_AN_ENGINE = frozenset({"directory", "payloads"})
"""What a run of workers does not have, for they have no directory in common; and what no other has."""
UNSEEN_IN_A_DRILL = frozenset({"step.output"})
"""Of what is told nothing is printed."""
GUARDED = frozenset({"yes", "no", "undo", "abort", "go ahead", "change one", "passed"})
"""Keys for questions that are deaf at first."""
ANA = "ana@example.com"
HOW_LONG = frozenset({"elapsed_ms", "duration_ms", "waited_ms", "waited_s", "age_s"})
WHERE = frozenset({"run", "host"})
WHEN = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z|(?:after )?\d+ m?s(?: ago)?")
"""A time, or how long ago it was, in a sentence."""
OF_A_DRILL = frozenset({"mode", "scenario", "clock", "guards_see", "lock"})
"""What the first record of a drill says of itself."""


class Stage(Crew):
    """A crew with a worker, a machine to log in to, and a service; the walks of all drivers are kept in one store."""

    def __init__(self, root: Path, postgres: Postgres, engine: Server, service: str) -> None:
        super().__init__(root, postgres, engine)
        self.env |= {"SERVICE": service, "LOGNAME": "ana"}
        self.walked_by: dict[tuple[str, str], Told] = {}
        self.worker()

    def of(self, driver: str, play: Play) -> Told:
        """What the log tells of a play, walked by a driver now or before."""
        key = (driver, play.name)
        if key not in self.walked_by:
            self.walked_by[key] = self._walk(driver, play, f"{play.name}-{driver}")
        return self.walked_by[key]

    def _walk(self, driver: str, play: Play, run: str) -> Told:
        if driver == "drill":
            self.capture(play)
        self.set(play)
        done = DRIVERS[driver](self, play, run)
        assert done.status == (0 if driver == "drill" else play.status), done.text
        assert self.effects() == ([] if driver == "drill" else [*play.effects])
        assert judged(self.run(run).log, KINDS)[0].status is Status.VALID
        return self.told_by(run)

    def set(self, play: Play) -> None:
        """Set the stage: the world as it is before each walk, and what is answered."""
        world = self.root / "world"
        shutil.rmtree(world, ignore_errors=True)
        world.mkdir()
        self.effects_file.unlink(missing_ok=True)
        if play.stage is not None:
            play.stage(world)
        self.write("book.yaml", play.book.replace("SERVICE", self.env["SERVICE"]))
        self.write("answers.yaml", written(*play.entries))
        self.rewrite("truncate runbook.start, runbook.claim")

    def capture(self, play: Play) -> None:
        """Write the scenario that the walk of an answers file was."""
        self.of("answers", play)
        self.set(play)
        assert capture_run(self.run(f"{play.name}-answers"), str(self.root / "scenario.yaml")) == 0

    def told_by(self, run: str) -> Told:
        """The records of a run as they are compared."""
        lines = self.owner("select line from runbook.record where run = %s order by seq", run)
        records = [parse_line(bytes(line)) for (line,) in lines]  # type: ignore[call-overload]  # it is bytes
        return [(record.type, alike(plain(dict(record.fields)), run)) for record in records]

    def at_terminal(self, *argv: str) -> Terminal:
        """A command at a terminal of its own."""

        def start(tty: str) -> Any:  # noqa: ANN401
            return self.start(*argv, stdin=tty, stdout=tty, stderr=tty, env={"TERM": "xterm-256color"})

        return Terminal([], start=start)


def alike(value: Any, run: str) -> Any:  # noqa: ANN401 - JSON
    """A value without what says where, when and how long."""
    match value:
        case dict():
            return {key: alike(each, run) for key, each in value.items() if key not in WHERE | HOW_LONG}
        case list():
            return [alike(each, run) for each in value]
        case str():
            return WHEN.sub("WHEN", value.replace(run, "RUN"))
        case _:
            return value


def answers(stage: Stage, play: Play, run: str) -> Done:
    argv = ("book.yaml", "--run-id", run, "--operator", ANA, "--answers", "answers.yaml", *play.argv)
    return stage.do("run", *argv)


def terminal(stage: Stage, play: Play, run: str) -> Done:
    with stage.at_terminal("run", "book.yaml", "--run-id", run, "--operator", ANA, *play.argv) as seat:
        return typed(seat, play.keys)


def drill(stage: Stage, play: Play, run: str) -> Done:
    del play  # its scenario is captured
    argv = ("scenario.yaml", "--run-id", run, "--operator", ANA, "--answers", "answers.yaml")
    return stage.do("drill", *argv)


def engine(stage: Stage, play: Play, run: str) -> Done:
    submitted(stage, play, run)
    return stage.do("answer", run, "--operator", ANA, "--answers", "answers.yaml")


def engine_at_a_terminal(stage: Stage, play: Play, run: str) -> Done:
    submitted(stage, play, run)
    with stage.at_terminal("answer", run, "--operator", ANA) as seat:
        return typed(seat, [key for key in play.keys if key[0] != "run it"])


def submitted(stage: Stage, play: Play, run: str) -> None:
    done = stage.do("submit", "book.yaml", "--run-id", run, "--operator", ANA, *play.argv)
    assert (done.status, done.out) == (0, f"{run}\n"), done.err


def typed(seat: Terminal, keys: Sequence[tuple[str, str]]) -> Done:
    """Type each key when its text is shown; what a question was deaf to is typed again, as a person does."""
    early, last = 0, ""

    def waited(wait: Callable[[float], object]) -> None:
        nonlocal early
        for _ in range(PATIENCE):
            try:
                wait(1.0)
            except AssertionError:
                if seat.text.count("Typed too early") > early:
                    early += 1
                    seat.answer(last, guarded=True)
            else:
                return
        wait(0.0)

    for shown, key in keys:
        waited(lambda seconds, shown=shown: seat.expect(shown, within=seconds))  # type: ignore[misc] # of this key
        last = key
        seat.answer(key, guarded=key in GUARDED)
    waited(seat.end)
    return Done(seat.process.returncode, seat.text, "")


DRIVERS: Mapping[str, Callable[[Stage, Play, str], Done]] = {
    "answers": answers,
    "terminal": terminal,
    "drill": drill,
    "engine": engine,
    "engine-at-a-terminal": engine_at_a_terminal,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, engine: Server) -> Iterator[Stage]:
    root = tmp_path_factory.mktemp("stage")
    home = Home(root)
    with running(root / "sshd") as sshd, raw(_answer) as service:
        home.let_in(sshd)
        home.call("web1", sshd)
        home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
        at = Stage(root, postgres, engine, service)
        yield at
        at.leave()


def _answer(connection: socket.socket) -> None:
    connection.recv(65536)
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
    connection.sendall(f'{head}{{"status":"ok"}}'.encode())


def ordered(told: Told, beside: str) -> Told:
    """What ran side by side in the order of its addresses."""
    if not beside:
        return told
    places = [number for number, (_, fields) in enumerate(told) if str(fields.get("step")).startswith(beside)]
    parts = sorted((told[number] for number in places), key=lambda each: str(each[1]["step"]))
    found = dict(zip(places, parts, strict=True))
    return [found.get(number, each) for number, each in enumerate(told)]


def differences(told: Told, expected: Told) -> list[str]:
    """In what two logs differ, a line each."""
    types = [[f"{type_} {fields.get('step', '')}" for type_, fields in each] for each in (told, expected)]
    if types[0] != types[1]:
        return [*difflib.unified_diff(types[1], types[0], n=1, lineterm="")]
    found = []
    for (type_, fields), (_, others) in zip(told, expected, strict=True):
        found += [
            f"{type_}.{key}: {fields.get(key)!r}, and not {others.get(key)!r}"
            for key in sorted(fields.keys() | others.keys())
            if fields.get(key) != others.get(key)
        ]
    return found


def without(told: Told, *fields: str) -> Told:
    """Records without these fields."""
    return [(type_, {key: value for key, value in each.items() if key not in fields}) for type_, each in told]


def cases() -> Iterator[Any]:
    """Every play with every driver; in a short run the engine walks them all, and the others a part."""
    often = {"engine": 1, "drill": 3, "terminal": 4, "engine-at-a-terminal": 7}
    for number, play in enumerate(PLAYS):
        for driver, each in often.items():
            marks = () if number % each == 0 else (pytest.mark.full,)
            yield pytest.param(driver, play, id=f"{driver}-{play.name}", marks=marks)


@pytest.mark.parametrize(("driver", "play"), [*cases()])
def test_the_log_is_the_same_whoever_drives(stage: Stage, play: Play, driver: str) -> None:
    told, expected = (ordered(stage.of(each, play), play.beside) for each in (driver, "answers"))
    sources = {fields["source"] for _, fields in told if "source" in fields}
    assert sources <= {"terminal" if "terminal" in driver else "answers"}
    if "terminal" in driver:
        told, expected = without(told, "source"), without(expected, "source")
    if driver == "drill":
        assert [told[0][1][name] for name in ("mode", "clock")] == ["drill", "simulated"]
        told, expected = without(told, *OF_A_DRILL), without(expected, *OF_A_DRILL)
        expected = [(type_, fields) for type_, fields in expected if type_ not in UNSEEN_IN_A_DRILL]
    if "engine" in driver:
        assert ("directory" in told[0][1], told[0][1]["payloads"]) == (False, "plain")
        told, expected = without(told, *OF_AN_ENGINE), without(expected, *OF_AN_ENGINE)
    assert differences(told, expected) == []
