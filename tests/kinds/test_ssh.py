"""The kind ssh, and env's source of that name: as a runbook uses them, on a real sshd."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.drivers.books import book
from tests.drivers.desk import Desk
from tests.world.sshd import Home, Sshd, running

from runbook.kinds.env import Env
from runbook.kinds.ssh import Ssh
from runbook.model.io import Cancelled, NotSent
from runbook.model.runbook import Outcome
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.real import RealIo, RealWorld
from runbook.world.secrets import SecretStore

TOKEN = SecretText((SecretRef("token"),))
SECRET = "sw0rd'fish \"geheim/1"
WRONG = ["-oProxyCommand=x", "a;b", "$(x)", "a\nb", "web1\n", "user@-x", "user@", "a b", "web1:22", "-l root web1"]
RIGHT = ["web1", "deploy@web1.example.com", "10.0.0.1", "::1", "fe80::1%eth0", "deploy@fe80::1%eth0"]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A daemon."""
    with running(tmp_path_factory.mktemp("sshd")) as it:
        yield it


@pytest.fixture
def home(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that knows the machine ``web1``."""
    it = Home(tmp_path / "home")
    it.let_in(sshd)
    it.call("web1", sshd)
    it.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    monkeypatch.setenv("HOME", str(it.place))
    monkeypatch.setenv("PATH", str(it.openssh(tmp_path / "bin")), prepend=":")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return it


@pytest.fixture
def desk(tmp_path: Path, home: Home) -> Desk:
    """A desk at which somebody sits who has that home."""
    it = Desk(tmp_path)
    it.env.update(HOME=str(home.place), PATH=f"{tmp_path / 'bin'}:{it.env.get('PATH', '/usr/bin:/bin')}", TOKEN=SECRET)
    it.env.pop("SSH_AUTH_SOCK", None)
    return it


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_a_script_runs_there_under_bash_and_stops_at_the_first_failure(io: RealIo, transport: str) -> None:
    kind = Ssh(host="web1", script='echo "$A"\nfalse\necho never\n', env={"A": TOKEN}, transport=transport)
    seen = kind.perform(io)
    assert (seen["exit_code"], seen["stdout"]) == (1, "correct-horse-battery\n")
    verdict = kind.judge(seen)
    assert (verdict.outcome, verdict.changed) == (Outcome.FAILED, "maybe")


@pytest.mark.usefixtures("home")
def test_output_is_read_as_json_and_as_lines(io: RealIo) -> None:
    assert Ssh(host="web1", argv=["echo", '{"a": 1}'], output="json").perform(io)["json"] == {"a": 1}
    assert Ssh(host="web1", argv=["printf", "a\\nb\\n"], output="lines").perform(io)["lines"] == ["a", "b"]


@pytest.mark.usefixtures("home")
def test_a_signal_there_is_named_in_the_reason(io: RealIo) -> None:
    kind = Ssh(host="web1", argv=["sh", "-c", "kill -9 $$"])
    seen = kind.perform(io)
    assert (seen["exit_code"], seen["signal"]) == (137, "")
    assert kind.judge(seen).reason == "exit status 137: a program in it was ended by SIGKILL"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("more", [{}, {"transport": "openssh"}])
def test_variables_of_another_machine_are_verified(io: RealIo, more: dict[str, str]) -> None:
    source = {"ssh": {"host": "web1", "command": ["printf", "A=1\nSESION_SECRET=x\n"], **more}}
    kind = Env(from_=source, require=["A", "SESSION_SECRET"])  # type: ignore[arg-type] # a resolved value
    seen = kind.perform(io)
    assert (seen["present"], seen["missing"]) == (["A"], ["SESSION_SECRET"])
    assert "on web1" in kind.preview().detail
    wrong = Env(from_={"ssh": {"host": "nowhere.invalid", "command": ["env"]}}, require=["A"])
    unread = wrong.perform(io)
    assert unread["missing"] == ["A"]
    assert "does not resolve" in str(unread["unreadable"])


@pytest.mark.reliability
@pytest.mark.parametrize("host", WRONG)
def test_e2_a_host_that_ssh_could_misread_is_refused_at_load(desk: Desk, host: str) -> None:
    written = json.dumps(host)
    for kind in (
        f"kind: ssh\neffect: none\nhost: {written}\nargv: [uptime]\n",
        f"kind: env\nfrom: {{ssh: {{host: {written}, command: [env]}}}}\nrequire: [A]\n",
    ):
        desk.write("book.yaml", book(f"id: there\n{kind}next: done\non_fail: bad\n"))
        done = desk.do("check", "book.yaml")
        assert done.status == 1
        assert "RB125" in done.text
        assert "`host`" in done.text


@pytest.mark.reliability
@pytest.mark.parametrize("host", WRONG)
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_e2_a_host_that_an_expression_made_is_refused_before_anything_is_started(
    io: RealIo, host: str, transport: str
) -> None:
    with pytest.raises(NotSent, match="is no name of a machine"):
        Ssh(host=host, argv=["true"], transport=transport).perform(io)


@pytest.mark.reliability
@pytest.mark.parametrize("host", [*RIGHT, "${{ environment.name }}.example.com"])
def test_e2_names_addresses_and_zones_are_fine(desk: Desk, host: str) -> None:
    step = f'id: there\nkind: ssh\neffect: none\nhost: "{host}"\nargv: [uptime]\nnext: done\non_fail: bad\n'
    desk.write("book.yaml", book(step))
    assert "RB125" not in desk.do("check", "book.yaml").text


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_a_person_stops_a_step_and_nothing_of_it_is_left_there(tmp_path: Path, transport: str) -> None:
    begun, long = threading.Event(), f"6.{os.getpid()}"
    secrets = SecretStore({}, register=lambda *_: None)
    with closing(RealWorld(secrets=secrets, output=lambda *_: begun.set(), directory=str(tmp_path))) as world:

        def stop() -> None:
            begun.wait(10)
            world.cancel(1)

        stopper = threading.Thread(target=stop)
        stopper.start()
        kind = Ssh(host="web1", argv=["sh", "-c", f"echo begun; exec sleep {long}"], transport=transport)
        with pytest.raises(Cancelled, match="`sh` on web1 was stopped by a person"):
            world.perform("step", kind, None)
        stopper.join()
        left = Ssh(host="web1", argv=["sh", "-c", f"ps -A -o args | grep '[s]leep {long}'"], transport=transport)
        assert world.perform("step", left, None)["stdout"] == ""


LOUD = """\
id: loud
title: Say it
kind: ssh
host: web1
transport: TRANSPORT
effect: none
env: {T: "${{ secrets.token }}"}
stdin: "${{ secrets.token }}"
script: |
  SCRIPT
next: done
on_fail: bad
"""


def assert_covered(desk: Desk, transport: str, script: str) -> None:
    """A walk in which another machine runs that script shows and keeps no byte of the secret."""
    text = LOUD.replace("TRANSPORT", transport).replace("SCRIPT", script)
    walked = desk.walk(book(text, head="secrets:\n  token: {env: TOKEN}\n"))
    assert walked.status == 0, walked
    told = {f["stream"]: f["masked"] for f in desk.told("step.output")}
    assert told == {"stdout": ["token"], "stderr": ["token"]}
    said = [desk.do(*words.split()) for words in ("status r1", "verify r1", "report r1")]
    everywhere = desk.every_byte() + "".join(done.text for done in (walked, *said)).encode()
    for form in (SECRET, SECRET.replace('"', '\\"'), json.dumps(SECRET)[1:-1]):
        assert form.encode() not in everywhere


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_d1_what_another_machine_prints_of_a_secret_is_covered_everywhere(desk: Desk, transport: str) -> None:
    assert_covered(desk, transport, 'printenv; cat; echo; printf "%s\\n" "$T" "$T" >&2')


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_d2_a_secret_that_another_machine_prints_in_pieces_is_covered(desk: Desk, transport: str) -> None:
    one = 'printf %s "${T:$i:1}"'
    loop = f"i=0; while [ $i -lt ${{#T}} ]; do {one}; {one} >&2; sleep 0.01; i=$((i+1)); done"
    assert_covered(desk, transport, loop)


@pytest.mark.reliability
def test_d1_why_a_machine_was_not_reached_says_nothing_of_a_secret(desk: Desk) -> None:
    step = LOUD.replace("TRANSPORT", "paramiko").replace("SCRIPT", "true").replace("web1", "nowhere.invalid")
    walked = desk.walk(book(step, head="secrets:\n  token: {env: TOKEN}\n"))
    assert "does not resolve" in desk.told("step.finished")[0]["reason"]
    assert SECRET.encode() not in desk.every_byte() + walked.text.encode()


MEND = """\
id: mend
title: Mend it
kind: ssh
host: web1
transport: TRANSPORT
effect: change
undo: none
because: a test
confirm: {phrase: go}
script: |
  SCRIPT
next: done
on_fail: bad
on_unknown: bad
"""
ENDS = {
    "status 255": ("exit 255", "failed", "maybe", "exit status 255"),
    "refused": ("true", "failed", "no", "refused the connection"),
    "not let in": ("true", "failed", "no", "let"),
    "dropped": ("kill -9 $PPID; sleep 1", "unknown", "maybe", "may still run there"),
}


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
@pytest.mark.parametrize("how", ENDS)
def test_e4_a_change_that_was_not_sent_failed_and_one_that_was_dropped_is_unknown(
    desk: Desk, home: Home, sshd: Sshd, how: str, transport: str
) -> None:
    script, outcome, changed, why = ENDS[how]
    if how == "not let in":
        home.key.unlink()
    elif how == "refused":
        home.config.write_text(home.config.read_text().replace(f"Port {sshd.port}", "Port 1"))
    desk.write("answers.yaml", "answers: [{step: mend, confirm: go}]\n")
    text = book(MEND.replace("TRANSPORT", transport).replace("SCRIPT", script))
    walked = desk.walk(text, "--answers", "answers.yaml")
    assert walked.status == 1, walked
    if outcome == "unknown":
        (told,) = desk.told("step.unknown")
    else:
        assert "step.unknown" not in desk.types()
        told = next(told for told in desk.told("step.finished") if told["step"] == "mend")
        assert (told["outcome"], told["changed"]) == (outcome, changed)
    assert why in told["reason"]
    assert desk.verify() == 0


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_e6_a_change_whose_time_is_up_there_is_ended_there_and_unknown(desk: Desk, transport: str) -> None:
    long = f"97.{os.getpid()}"
    text = MEND.replace("TRANSPORT", transport).replace("SCRIPT", f"trap '' TERM; sleep {long}; sleep {long}")
    desk.write("answers.yaml", "answers: [{step: mend, confirm: go}]\n")
    walked = desk.walk(book(text + "timeout: 2s\n"), "--answers", "answers.yaml")
    assert walked.status == 1, walked
    assert "did not end within 2 s and was ended" in desk.told("step.unknown")[0]["reason"]
    assert not [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if f"sleep\0{long}".encode() in _bytes(entry)]
    assert desk.verify() == 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
