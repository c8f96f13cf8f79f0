"""Where a name leads, as ssh_config(5) says, compared with what the system's own ssh says (``ssh -G``)."""

import os
import subprocess
from pathlib import Path

import pytest

from runbook.model.io import NotSent
from runbook.world.ssh_config import Configuration, Destination

CONFIG = """\
Include config.d/*.conf
Host alias
  HostName target.example.com
  Port 2222
Host *.example.org !no.example.org
  User deploy
  IdentityFile ~/.ssh/first
  IdentityFile ~/.ssh/%r-%h
Match host plain.example.net
  Port 2200
Host *
  User everybody
  ConnectTimeout 5
  UserKnownHostsFile ~/.ssh/one ~/.ssh/two
"""
INCLUDED = "Host included\n  HostName 10.0.0.7\n  User inner\n"


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``.ssh`` with a configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".ssh"
    (folder / "config.d").mkdir(parents=True)
    (folder / "config").write_text(CONFIG)
    (folder / "config.d" / "a.conf").write_text(INCLUDED)
    return folder


def lead(ssh: Path, name: str) -> Destination:
    return Configuration(ssh.parent).destination(name)


@pytest.mark.parametrize(
    "name", ["alias", "included", "web.example.org", "no.example.org", "plain.example.net", "other", "ana@alias"]
)
def test_a_name_leads_where_the_systems_ssh_says(ssh: Path, name: str) -> None:
    (ssh / "openssh").write_text(CONFIG.replace("config.d", str(ssh / "config.d")))
    told = subprocess.run(
        ["ssh", "-G", "-F", str(ssh / "openssh"), name], check=True, capture_output=True, text=True
    ).stdout
    wanted = dict(line.split(" ", 1) for line in told.splitlines())
    found = lead(ssh, name)
    assert (found.host, found.port, found.user) == (wanted["hostname"], int(wanted["port"]), wanted["user"])
    assert found.known_hosts[:2] == (ssh / "one", ssh / "two")
    assert found.patience == 5


def test_identity_files_are_those_of_the_configuration_or_the_usual_ones(ssh: Path) -> None:
    assert lead(ssh, "web.example.org").identities[0] == ssh / "first"
    assert lead(ssh, "web.example.org").identities[1] == ssh / "deploy-web.example.org"
    assert ssh / "id_ed25519" in lead(ssh, "alias").identities


@pytest.mark.parametrize(
    "line",
    [
        "ProxyCommand nc %h %p",
        "KnownHostsCommand /bin/true",
        "RevokedHostKeys /etc/revoked",
        "CertificateFile ~/.ssh/x-cert.pub",
        "CanonicalizeHostname yes",
        'Match exec "true"',
        "Host *\n Include config.d/a.conf",
    ],
)
def test_what_the_built_in_client_does_not_do_is_refused_with_a_pointer(ssh: Path, line: str) -> None:
    (ssh / "config").write_text(f"{line}\n")
    with pytest.raises(NotSent) as caught:
        lead(ssh, "alias")
    assert "transport: openssh" in caught.value.help


@pytest.mark.parametrize("text", ["Port many\n", "nonsense\n", "Include config\n", 'UserKnownHostsFile "x\n'])
def test_a_configuration_that_cannot_be_read_is_said(ssh: Path, text: str) -> None:
    (ssh / "config").write_text(text)
    with pytest.raises(NotSent) as caught:
        lead(ssh, "alias")
    assert caught.value.help


def test_no_configuration_leads_to_the_name_itself(tmp_path: Path) -> None:
    found = Configuration(tmp_path).destination("fe80::1%eth0")
    assert (found.host, found.port, found.jumps) == ("fe80::1%eth0", 22, ())
    assert found.user == os.environ.get("LOGNAME", found.user)


def test_a_jump_may_name_its_user_and_port(ssh: Path) -> None:
    found = lead(ssh, "ana@[::1]:2222")
    assert (found.user, found.host, found.port) == ("ana", "::1", 2222)
    assert lead(ssh, "alias:23").port == 23
