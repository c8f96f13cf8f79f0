"""Logging in: keys of files and of agents, and all that would ask a person, which ends within seconds instead."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.world.ssh.conftest import NAME, Machine
from tests.world.sshd import Home, Sshd, keygen

from runbook.model.io import NotSent
from runbook.world.ssh import SshClient


class Agent:
    """A real ssh-agent."""

    def __init__(self, place: Path) -> None:
        self.socket = place / "agent"
        command = ["ssh-agent", "-D", "-a", str(self.socket)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self.socket.exists():
            assert time.monotonic() < until
            time.sleep(0.01)  # until it listens

    def add(self, key: Path) -> None:
        """Give it a key."""
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def agent(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent without keys, that this process has."""
    del home  # which takes away that of the person
    it = Agent(tmp_path)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(it.socket))
    yield it
    it.stop()


@pytest.fixture
def timed() -> Iterator[None]:
    """What must not take longer than ten seconds."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 10


def refused(machine: Machine) -> NotSent:
    with pytest.raises(NotSent) as caught:
        machine.run("true")
    assert caught.value.help
    return caught.value


def test_the_keys_of_an_agent_log_in(machine: Machine, agent: Agent) -> None:
    agent.add(keygen(machine.home.place / "other"))
    agent.add(machine.home.key)
    machine.home.key.rename(machine.home.place / "away")
    assert machine.run("echo", "in").stdout == "in\n"


@pytest.mark.parametrize("type_", ["rsa", "ecdsa"])
def test_keys_of_every_type_log_in(machine: Machine, sshd: Sshd, type_: str) -> None:
    machine.home.key.unlink()
    machine.home.key.with_name("id_ed25519.pub").unlink()
    machine.home.let_in(sshd, keygen(machine.home.key, "-t", type_))
    assert machine.run("echo", "in").stdout == "in\n"


def test_a_key_that_the_configuration_names_is_offered_alone_where_it_says_so(
    client: SshClient, home: Home, sshd: Sshd, agent: Agent, transport: str
) -> None:
    named = keygen(home.place / "named")
    home.let_in(sshd, named)
    for number in range(7):  # more than a machine lets anybody try
        agent.add(keygen(home.place / f"other{number}"))
    home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    home.call("web1", sshd, IdentityFile=str(named), IdentitiesOnly="yes")
    assert Machine(client, home, transport).run("echo", "in").stdout == "in\n"


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
def test_e7_a_key_with_a_passphrase_asks_nobody(machine: Machine) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "a passphrase", "-f", str(machine.home.key)], check=True, capture_output=True
    )
    error = refused(machine)
    assert "let" in error.reason
    if machine.transport == "paramiko":
        assert f"the key {machine.home.key} has a passphrase" in error.reason
        assert f"ssh-add {machine.home.key}" in error.help
    else:
        assert "passphrase" in error.help


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
def test_e7_an_agent_that_is_gone_is_said_where_nothing_else_logs_in(machine: Machine, agent: Agent) -> None:
    agent.stop()
    agent.socket.touch()
    assert machine.run("echo", "in").stdout == "in\n"
    machine.home.key.unlink()
    machine.client.close()
    machine.client = SshClient()
    error = refused(machine)
    if machine.transport == "paramiko":
        assert "the ssh agent does not answer" in error.reason
        assert "SSH_AUTH_SOCK" in error.help


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("limit", [30_000, None])
def test_e7_an_agent_that_hangs_is_not_waited_for(machine: Machine, agent: Agent, limit: int | None) -> None:
    agent.process.send_signal(signal.SIGSTOP)
    assert machine.run("echo", "in", limit=limit).stdout == "in\n"


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
def test_e7_an_agent_that_hangs_is_said_where_nothing_else_logs_in(machine: Machine, agent: Agent) -> None:
    agent.process.send_signal(signal.SIGSTOP)
    machine.home.key.unlink()
    assert "the ssh agent does not answer" in refused(machine).reason


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("further", ["password", "keyboard-interactive"])
def test_e7_a_second_factor_is_refused_and_not_asked_for(
    machine: Machine, other: Callable[..., Sshd], further: str
) -> None:
    sshd = other(
        f"AuthenticationMethods publickey,{further}", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes"
    )
    error = refused(machine.at("two", sshd))
    if machine.transport == "paramiko":
        assert error.reason == f"two wants a further factor ({further})"
        assert "transport: openssh" in error.help
    else:
        assert "let nobody in" in error.reason


@pytest.mark.reliability
@pytest.mark.usefixtures("timed")
def test_e7_a_machine_that_takes_no_keys_is_refused(machine: Machine, other: Callable[..., Sshd]) -> None:
    sshd = other("PubkeyAuthentication no", "PasswordAuthentication yes")
    error = refused(machine.at("password", sshd))
    if machine.transport == "paramiko":
        assert "takes no keys" in error.reason


@pytest.mark.reliability
def test_e7_a_machine_that_says_nothing_is_not_waited_for(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, machine.home.config.open("a") as file:
        file.write(f"Host silent\n  HostName 127.0.0.1\n  Port {server.getsockname()[1]}\n  ConnectTimeout 2\n")
        file.flush()
        machine.name = "silent"
        began = time.monotonic()
        with pytest.raises(NotSent):
            machine.run("true", limit=4_000)
        assert time.monotonic() - began < 6


def test_a_person_need_not_wait_for_a_machine_that_says_nothing(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, machine.home.config.open("a") as file:
        file.write(f"Host silent\n  HostName 127.0.0.1\n  Port {server.getsockname()[1]}\n  ConnectTimeout 4\n")
        file.flush()
        machine.name = "silent"
        program = machine.program("true")
        threading.Timer(0.3, program.cancel, [1]).start()
        began = time.monotonic()
        with pytest.raises(Exception, match="was stopped by a person before it was started"):
            program.run()
        assert time.monotonic() - began < 3


def test_a_key_that_cannot_be_read_is_said(machine: Machine) -> None:
    machine.home.key.write_text("no key\n")
    machine.home.key.chmod(0o600)
    error = refused(machine)
    if machine.transport == "paramiko":
        assert f"the key {machine.home.key} cannot be read" in error.reason


def test_jumps_lead_to_a_machine_each_verified(
    client: SshClient, home: Home, sshd: Sshd, other: Callable[..., Sshd]
) -> None:
    behind = other()
    home.let_in(sshd)
    home.let_in(behind)
    home.know(f"[127.0.0.2]:{sshd.port}", sshd.key)
    home.know(f"[127.0.0.1]:{behind.port}", behind.key)
    home.call("bastion", sshd, "127.0.0.2")
    home.call("second", sshd, "127.0.0.3", ProxyJump="bastion")
    home.call("far", behind, ProxyJump="bastion")
    home.call("farther", behind, ProxyJump="second", HostKeyAlias="nobody")
    home.call("round", behind, ProxyJump="round")
    before = behind.log.count("Accepted publickey")
    assert Machine(client, home, "paramiko", "far").run("echo", "in").stdout == "in\n"
    assert behind.log.count("Accepted publickey") == before + 1
    with pytest.raises(NotSent, match=r"the host key of \[127.0.0.3\]:[0-9]+ is not known"):
        Machine(client, home, "paramiko", "farther").run("true")
    with pytest.raises(NotSent, match="jumps through itself"):
        Machine(client, home, "paramiko", "round").run("true")
    behind.stop()
    client.close()
    with pytest.raises(NotSent, match=r"bastion has no way to 127\.0\.0\.1"), closing(SshClient()) as anew:
        Machine(anew, home, "paramiko", "far").run("true")


def test_many_machines_are_reached_side_by_side(client: SshClient, home: Home, sshd: Sshd) -> None:
    home.let_in(sshd)
    for number, address in enumerate(sshd.addresses):
        home.know(f"[{address}]:{sshd.port}", sshd.key)
        home.call(f"host{number}", sshd, address)
    seen: dict[str, str] = {}

    def ask(name: str) -> None:
        seen[name] = Machine(client, home, "paramiko", name).shell("echo $SSH_CONNECTION").stdout.split()[2]

    threads = [threading.Thread(target=ask, args=[f"host{number}"]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"host{number}": address for number, address in enumerate(sshd.addresses)}
    assert NAME not in seen
