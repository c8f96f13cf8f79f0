"""Which machines are believed: known_hosts in all its forms, through both transports."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world.ssh.conftest import NAME, Machine
from tests.world.sshd import Home, Sshd, keygen, running

from runbook.model.io import NotSent
from runbook.world.ssh import SshClient
from runbook.world.ssh_known_hosts import fingerprint, known

POINTER = "transport: openssh"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, str]]:
    """A daemon with a certificate, and the public key of its authority."""
    place = tmp_path_factory.mktemp("certified")
    authority = keygen(place / "authority")
    sshd = Sshd(place)
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "host", "-h", "-n", "127.0.0.1"]
    subprocess.run([*command, str(sshd.host_key.with_name("host_key.pub"))], check=True, capture_output=True)
    with running(place, f"HostCertificate {place}/host_key-cert.pub", "KexAlgorithms ^ecdh-sha2-nistp256") as it:
        yield it, " ".join(authority.with_name("authority.pub").read_text().split()[:2])


@pytest.fixture
def stranger(client: SshClient, home: Home, sshd: Sshd, transport: str) -> Machine:
    """A machine that lets us in and is not known."""
    home.let_in(sshd)
    home.call(NAME, sshd)
    return Machine(client, home, transport)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A public key of somebody else."""
    return " ".join(keygen(tmp_path_factory.mktemp("wrong") / "key").with_name("key.pub").read_text().split()[:2])


def refused(machine: Machine) -> NotSent:
    before = machine.home.known_hosts.read_bytes() if machine.home.known_hosts.exists() else b""
    with pytest.raises(NotSent) as caught:
        machine.run("true")
    after = machine.home.known_hosts.read_bytes() if machine.home.known_hosts.exists() else b""
    assert before == after
    assert caught.value.help
    return caught.value


@pytest.mark.reliability
def test_e1_an_unknown_key_is_refused_and_not_learnt(stranger: Machine, sshd: Sshd) -> None:
    error = refused(stranger)
    assert "is not known" in error.reason
    if stranger.transport == "paramiko":
        assert fingerprint_of(sshd) in error.reason
        assert f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> ~/.ssh/known_hosts" in error.help


@pytest.mark.reliability
def test_e1_a_changed_key_is_refused(stranger: Machine, sshd: Sshd, wrong: str) -> None:
    stranger.home.know(f"[127.0.0.1]:{sshd.port}", wrong)
    error = refused(stranger)
    assert "another one than the known one" in error.reason
    if stranger.transport == "paramiko":
        assert f"{stranger.home.known_hosts}:1" in error.reason
        assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in error.help


@pytest.mark.reliability
@pytest.mark.parametrize(
    "name",
    [
        "[127.0.0.1]:{port}",
        "127.0.0.1",
        "other.example.com,[127.0.0.1]:{port}",
        "!other.example.com,[127.0.0.1]:{port}",
    ],
)
def test_e1_a_known_key_is_believed_with_its_port_and_without(stranger: Machine, sshd: Sshd, name: str) -> None:
    stranger.home.know(name.format(port=sshd.port), sshd.key)
    assert stranger.run("echo", "in").stdout == "in\n"


@pytest.mark.reliability
def test_e1_a_hashed_name_is_found(stranger: Machine, sshd: Sshd, wrong: str) -> None:
    stranger.home.know("other.example.com", wrong)
    stranger.home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    command = ["ssh-keygen", "-q", "-H", "-f", str(stranger.home.known_hosts)]
    subprocess.run(command, check=True, capture_output=True)
    assert "127.0.0.1" not in stranger.home.known_hosts.read_text()
    assert stranger.run("echo", "in").stdout == "in\n"


@pytest.mark.reliability
def test_e1_a_negated_name_is_not_known(stranger: Machine, sshd: Sshd) -> None:
    here = f"[127.0.0.1]:{sshd.port}"
    stranger.home.know(f"{here},!{here}", sshd.key)
    stranger.home.know(f"*,!{here},!127.0.0.1", sshd.key)
    assert "is not known" in refused(stranger).reason


@pytest.mark.reliability
@pytest.mark.parametrize("name", ["[127.0.0.1]:{port}", "*", "[127.0.0.*]:{port}"])
def test_e1_a_revoked_key_is_refused_even_if_it_is_known_too(stranger: Machine, sshd: Sshd, name: str) -> None:
    stranger.home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    stranger.home.know(name.format(port=sshd.port), sshd.key, "@revoked")
    error = refused(stranger)
    assert "revoked" in error.reason
    if stranger.transport == "paramiko":
        assert POINTER in error.help


@pytest.mark.reliability
def test_e1_a_wildcard_is_judged_by_openssh_alone(stranger: Machine, sshd: Sshd) -> None:
    stranger.home.know(f"[127.0.0.*]:{sshd.port}", sshd.key)
    if stranger.transport == "openssh":
        assert stranger.run("echo", "in").stdout == "in\n"
    else:
        error = refused(stranger)
        assert "wildcard" in error.reason
        assert POINTER in error.help


@pytest.mark.reliability
def test_e1_an_authority_is_judged_by_openssh_alone(
    client: SshClient, home: Home, certified: tuple[Sshd, str], transport: str, wrong: str
) -> None:
    sshd, authority = certified
    home.let_in(sshd)
    home.call("certified", sshd)
    there = Machine(client, home, transport, "certified")
    home.know(f"[127.0.0.1]:{sshd.port}", authority, "@cert-authority")
    if transport == "openssh":
        assert there.run("echo", "in").stdout == "in\n"
        home.known_hosts.unlink()
        home.know(f"[127.0.0.1]:{sshd.port}", wrong, "@cert-authority")
        assert "not known" in refused(there).reason
    else:
        error = refused(there)
        assert "@cert-authority" in error.reason
        assert POINTER in error.help


@pytest.mark.reliability
def test_e1_lines_about_other_machines_are_no_matter(stranger: Machine, sshd: Sshd, wrong: str) -> None:
    home = stranger.home
    home.know("other.example.com", sshd.key, "@revoked")
    home.know("*.example.com", wrong, "@cert-authority")
    home.know("192.168.*", wrong)
    for line in ("# a comment", "", "not a line", "@revoked", "|1|x|y ssh-rsa AAAA"):
        home.know(line, "")
    home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    assert stranger.run("echo", "in").stdout == "in\n"


def test_a_machine_whose_configuration_names_other_files_and_another_name(
    client: SshClient, home: Home, sshd: Sshd, tmp_path: Path
) -> None:
    home.let_in(sshd)
    home.know("the-alias", sshd.key)
    mine = tmp_path / "mine hosts"
    home.known_hosts.rename(mine)
    home.call("web2", sshd, HostKeyAlias="the-alias", UserKnownHostsFile=f'/none "{mine}"', GlobalKnownHostsFile="none")
    home.call("web3", sshd, HostKeyAlias="the-alias", GlobalKnownHostsFile="none")
    assert Machine(client, home, "paramiko", "web2").run("echo", "in").stdout == "in\n"
    assert "the-alias is not known" in refused(Machine(client, home, "paramiko", "web3")).reason


def test_a_known_line_that_cannot_be_read_is_no_reason_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    for line in ("web1 ssh-rsa", "web1 ssh-rsa !!!", "web1"):
        file.write_text(line)
        with pytest.raises(NotSent, match="known_hosts:1 speaks of web1 and holds no key"):
            known("web1", 22, [file])
    file.unlink()
    file.mkdir()
    with pytest.raises(NotSent, match="cannot be read"):
        known("web1", 22, [file])


def test_names_are_compared_without_regard_to_case(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"Web1.Example.COM {wrong}\n")
    assert known("wEB1.example.com", 22, [file]).types() == ("ssh-ed25519",)
    assert known("web1-example.com", 22, [file]).types() == ()


def fingerprint_of(sshd: Sshd) -> str:
    command = ["ssh-keygen", "-l", "-f", str(sshd.host_key)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]
    assert fingerprint(base64.b64decode(sshd.key.split()[1])) == told
    return told
