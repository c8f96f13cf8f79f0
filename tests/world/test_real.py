"""The real world behind its seam: limits, secrets, files, and what a kind's own failure becomes."""

import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runbook.kinds.command import Command
from runbook.kinds.http import Http
from runbook.model.canonical import JsonObject
from runbook.model.io import Cancelled, HttpRequest, Io, Lost, NotSent, Process, TimedOut, World
from runbook.model.kind import Traits
from runbook.model.runbook import SecretSource
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.real import LARGEST_FILE, RealWorld
from runbook.world.secrets import SecretStore

TOKEN = SecretText((SecretRef("token"),))
Printed = list[tuple[str, str, bytes]]


class Act:
    """Performs what it is told."""

    def __init__(self, act: Callable[[Io], object], limit: int | None = None) -> None:
        self._act = act
        self.TRAITS = Traits(timeout=limit)

    def perform(self, io: Io) -> JsonObject:
        """Do it."""
        return {"seen": self._act(io)}  # type: ignore[dict-item]  # each test knows what it looks at


@pytest.fixture
def printed() -> Printed:
    return []


@pytest.fixture
def world(tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealWorld]:
    monkeypatch.setenv("WALK_TOKEN", "s3cr3t-v4lue")
    secrets = SecretStore(
        {"token": SecretSource(name="token", kind="env", value="WALK_TOKEN")}, register=lambda *_: None
    )
    with closing(RealWorld(secrets=secrets, output=lambda *it: printed.append(it), directory=str(tmp_path))) as made:
        yield made


def act(world: World, what: Callable[[Io], object], timeout: int | None = None) -> object:
    return world.perform("step", Act(what), timeout)["seen"]


def shell(script: str, **fields: object) -> Process:
    return Process(argv=("sh", "-c", script), **fields)  # type: ignore[arg-type]  # each test names its fields


def test_output_goes_out_with_the_address_of_its_step_unless_it_is_quiet(world: RealWorld, printed: Printed) -> None:
    loud, quiet = shell("echo loud"), shell("echo quiet")
    act(world, lambda io: [io.run(loud), io.run(quiet, quiet=True)])
    assert printed == [("step", "stdout", b"loud\n")]


def test_a_program_runs_in_the_working_directory_or_below(world: RealWorld, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    assert act(world, lambda io: io.run(shell("pwd -P")).stdout) == f"{tmp_path.resolve()}\n"
    assert act(world, lambda io: io.run(shell("pwd -P", cwd="below")).stdout) == f"{(tmp_path / 'below').resolve()}\n"
    assert act(world, lambda io: io.run(shell("pwd", cwd="/")).stdout) == "/\n"


@pytest.mark.reliability
def test_k6_a_variable_that_a_secret_comes_from_is_not_inherited(world: RealWorld) -> None:
    dump = act(world, lambda io: io.run(shell("env")).stdout)
    assert "WALK_TOKEN" not in str(dump)
    assert "s3cr3t" not in str(dump)
    assert f"PATH={os.environ['PATH']}\n" in str(dump)


def test_secrets_reach_a_program_by_variable_standard_input_and_private_file(world: RealWorld) -> None:
    process = shell('printf "%s,%s,%s,%s" "$A" "$(cat)" "$(cat "$B")" "$B"', env={"A": TOKEN}, stdin=TOKEN)
    process = Process(argv=process.argv, env=process.env, stdin=process.stdin, files={"B": TOKEN})
    seen = act(world, lambda io: io.run(process).stdout)
    *values, path = str(seen).split(",")
    assert values == ["s3cr3t-v4lue"] * 3
    assert not Path(path).exists()
    assert not Path(path).parent.exists()


def test_a_private_file_is_private_and_gone_however_the_program_ends(world: RealWorld) -> None:
    modes: list[int] = []
    paths: list[Path] = []

    def look(io: Io) -> None:
        said = io.run(shell('echo "$B"; stat -c %a "$B" "$(dirname "$B")"', files={"B": "text"})).stdout.split()
        paths.append(Path(said[0]))
        modes.extend(int(mode, 8) for mode in said[1:])

    if sys.platform == "linux":
        act(world, look)
        assert modes == [stat.S_IRUSR | stat.S_IWUSR, stat.S_IRWXU]
    process = shell('echo "$B"; sleep 100', files={"B": "text"})
    with pytest.raises(TimedOut):
        act(world, lambda io: io.run(process), timeout=300)
    assert not any(path.exists() for path in paths)


@pytest.mark.reliability
@pytest.mark.parametrize(
    "value", ['"; rm -rf ~ #', "$(id)", "`id`", "a\nb", "'", "-rf", "%s", "", "ä\u2028", "${{ secrets.token }}", "*"]
)
def test_f9_a_value_reaches_the_program_as_data(world: RealWorld, value: str) -> None:
    shown = Process(argv=("printf", "%s|", "--", value), env={"VALUE": value})
    assert act(world, lambda io: io.run(shown).stdout) == f"--|{value}|"
    by_env = shell('printf "%s" "$VALUE"', env={"VALUE": value})
    assert act(world, lambda io: io.run(by_env).stdout) == value


@pytest.mark.reliability
def test_f9_a_nul_is_rejected(world: RealWorld) -> None:
    with pytest.raises(NotSent, match="NUL"):
        act(world, lambda io: io.run(Process(argv=("echo", "a\0b"))))


def test_the_limit_of_an_attempt_holds_for_all_it_does(world: RealWorld) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut):
        act(world, lambda io: [io.run(shell("sleep 0.2")) for _ in range(100)], timeout=500)
    assert time.monotonic() - began < 2
    with pytest.raises(TimedOut):
        world.perform("step", Act(lambda io: io.run(shell("sleep 100")), limit=100), None)


def test_the_limit_holds_for_a_request_too(world: RealWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(TimedOut):
            world.perform("step", Http(url=url), 200)
        assert time.monotonic() - began < 2


@pytest.mark.reliability
def test_g5_a_person_stops_what_runs_and_nothing_more_begins(world: RealWorld, printed: Printed) -> None:
    def twice(io: Io) -> None:
        try:
            io.run(shell("echo begun; sleep 100"))
        except Cancelled:
            io.run(shell("echo again"))

    def stop() -> None:
        until = time.monotonic() + 10
        while not printed and time.monotonic() < until:
            time.sleep(0.01)  # until it has begun
        world.cancel(1)

    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        act(world, twice)
    assert [chunk for _, _, chunk in printed] == [b"begun\n"]
    assert act(world, lambda io: io.run(shell("echo next")).exit_code) == 0, "the next attempt is another matter"


def test_a_fault_of_a_kind_becomes_one_line(world: RealWorld) -> None:
    def fault(io: Io) -> None:
        del io
        raise ZeroDivisionError("first line\nsecond line")

    with pytest.raises(Lost) as caught:
        act(world, fault)
    assert caught.value.reason == "ZeroDivisionError: first line second line"


def test_a_fault_of_whoever_takes_the_output_goes_through(tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    secrets = SecretStore({}, register=lambda *_: None)
    with closing(RealWorld(secrets=secrets, output=full, directory=str(tmp_path))) as world:
        with pytest.raises(OSError, match="No space left"):
            act(world, lambda io: io.run(shell("echo out; touch done")))
        assert (tmp_path / "done").exists()


def test_a_secret_that_went_away_means_that_nothing_was_sent(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WALK_TOKEN")
    with pytest.raises(NotSent, match="WALK_TOKEN"):
        act(world, lambda io: io.run(shell("true", env={"A": TOKEN})))
    with pytest.raises(NotSent, match="WALK_TOKEN"):
        act(world, lambda io: io.http(HttpRequest(method="GET", url="http://127.0.0.1:1/", headers={"A": TOKEN})))


def test_a_file_is_read_from_the_working_directory(world: RealWorld, tmp_path: Path) -> None:
    (tmp_path / "settings").write_bytes(b"A=1\n\xff")
    assert act(world, lambda io: list(io.read("settings"))) == list(b"A=1\n\xff")


def test_a_tilde_is_the_home(world: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings").write_bytes(b"at home")
    assert act(world, lambda io: io.read("~/settings")) == b"at home"
    assert act(world, lambda io: io.run(shell("pwd", cwd="~")).stdout) == f"{tmp_path}/home\n"
    with pytest.raises(NotSent):
        act(world, lambda io: io.read("~no-such-user/settings"))


def test_a_file_that_cannot_be_read_says_why(world: RealWorld, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * (LARGEST_FILE + 1))
    said = set()
    for path in ("missing", "fifo", "large", "."):
        with pytest.raises(NotSent) as caught:
            act(world, lambda io, path=path: io.read(path))  # type: ignore[misc]  # bound at once
        said.add(caught.value.reason)
    assert len(said) == 4


def test_a_kind_sees_the_environment_and_the_secrets_it_may_judge(world: RealWorld) -> None:
    assert act(world, lambda io: io.environ()["WALK_TOKEN"]) == "s3cr3t-v4lue"
    assert act(world, lambda io: dict(io.secret_values())) == {"token": "s3cr3t-v4lue"}


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("script", "code"), [("false | true", 1), ('echo "$UNSET_VARIABLE"', 1), ("true\nfalse\ntrue", 1), ("true", 0)]
)
def test_g8_a_script_stops_at_the_line_that_fails(world: RealWorld, script: str, code: int) -> None:
    assert world.perform("step", Command(script=script), None)["exit_code"] == code
