"""Signatures with real keys and a real agent: made in time or not at all, and verified for one person at one time."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.persons import ANA, BEN, Persons

from runbook.audit.signatures import NotVerified, read_signers, signers_file
from runbook.audit.signing import NotSigned, fingerprint, key_file, sign
from runbook.model.diagnostics import Refused

NOW = "2026-11-21T09:00:00.000Z"


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path).list(ANA, BEN)


@pytest.fixture
def agent(tmp_path: Path, persons: Persons) -> Iterator[int]:
    """An agent that has the key of ben, whose private file is gone; its pid."""
    path = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    before = os.environ.get("SSH_AUTH_SOCK")
    os.environ["SSH_AUTH_SOCK"] = path
    try:
        while not Path(path).exists():
            time.sleep(0.01)  # it listens when it does
        key = persons.key("ben")
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
        key.unlink()
        yield process.pid
    finally:
        os.environ.pop("SSH_AUTH_SOCK")
        if before is not None:
            os.environ["SSH_AUTH_SOCK"] = before
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


def test_what_a_person_signs_counts_for_that_person_alone(persons: Persons) -> None:
    signers, key = read_signers(persons.signers), persons.key("ben")
    signature = sign("text\n", key, "x@v1", seconds=5)
    assert signers.verify("text\n", signature, BEN, "x@v1", NOW) == fingerprint(key)
    for text, person, namespace in (("text", BEN, "x@v1"), ("text\n", ANA, "x@v1"), ("text\n", BEN, "git")):
        with pytest.raises(NotVerified):
            signers.verify(text, signature, person, namespace, NOW)


@pytest.mark.parametrize("person", ["", " ", "-Y", "*", "a\nb"])
def test_a_name_that_is_none_has_signed_nothing(person: str, persons: Persons) -> None:
    signature = sign("text\n", persons.key("ben"), "x@v1", seconds=5)
    with pytest.raises(NotVerified):
        read_signers(persons.signers).verify("text\n", signature, person, "x@v1", NOW)


@pytest.mark.parametrize(
    ("options", "at", "counts"),
    [
        ('valid-before="20261201"', NOW, True),
        ('valid-before="20261101"', NOW, False),
        ('valid-before="20261101"', "2026-10-01T00:00:00.000Z", True),
        ('valid-after="20261201"', NOW, False),
        ('namespaces="x@v1,git"', NOW, True),
        ('namespaces="git"', NOW, False),
    ],
)
def test_the_options_of_the_file_hold_at_the_time_of_the_record(
    options: str, at: str, counts: bool, persons: Persons
) -> None:
    persons.list(f"{BEN} {options}")
    signature = sign("text\n", persons.key("ben"), "x@v1", seconds=5)
    signers = read_signers(persons.signers)
    try:
        assert (signers.verify("text\n", signature, BEN, "x@v1", at) != "") is counts
    except NotVerified:
        assert not counts
    assert signers.names(fingerprint(persons.key("ben"))) == (BEN,)


def test_a_key_that_stands_among_the_revoked_ones_counts_for_nobody(persons: Persons) -> None:
    public = persons.key("ben").with_name("ben.pub")
    (persons.directory / "revoked_keys").write_bytes(public.read_bytes())
    signature = sign("text\n", persons.key("ben"), "x@v1", seconds=5)
    with pytest.raises(NotVerified, match="not revoked"):
        read_signers(persons.signers).verify("text\n", signature, BEN, "x@v1", NOW)


@pytest.mark.usefixtures("agent")
def test_a_public_key_signs_where_an_agent_has_the_private_one(persons: Persons) -> None:
    public = persons.key("ana").with_name("ben.pub")
    signature = sign("text\n", public, "x@v1", seconds=5)
    assert read_signers(persons.signers).verify("text\n", signature, BEN, "x@v1", NOW) == fingerprint(public)


@pytest.mark.reliability
def test_b4_an_agent_that_hangs_delays_as_long_as_it_may_and_is_named(agent: int, persons: Persons) -> None:
    os.kill(agent, signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(NotSigned, match="did not sign within 1 s"):
        sign("text\n", persons.directory / "ben.pub", "x@v1", seconds=1)
    assert time.monotonic() - begun < 3


@pytest.mark.reliability
def test_b4_without_its_agent_or_with_a_passphrase_a_key_signs_nothing_and_asks_nobody(persons: Persons) -> None:
    locked = persons.key("cleo", passphrase="never told")
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(persons.directory / "nobody"))
        for key, why in ((locked, "it has a passphrase"), (persons.directory / "none", "none")):
            with pytest.raises(NotSigned, match=why) as refused:
                sign("text\n", key, "x@v1", seconds=5)
            assert "ssh-add" in refused.value.help
    assert fingerprint(locked).startswith("SHA256:")  # that needs no passphrase


@pytest.mark.reliability
def test_b4_without_ssh_keygen_nothing_is_signed_and_nothing_judged(persons: Persons, tmp_path: Path) -> None:
    signature = sign("text\n", persons.key("ben"), "x@v1", seconds=5)
    path = os.environ["PATH"]
    os.environ["PATH"] = str(tmp_path)
    try:
        with pytest.raises(NotSigned, match="cannot be started"):
            sign("text\n", persons.key("ben"), "x@v1", seconds=5)
        with pytest.raises(NotVerified) as refused:
            read_signers(persons.signers).verify("text\n", signature, BEN, "x@v1", NOW)
        assert refused.value.unknown
    finally:
        os.environ["PATH"] = path


def test_signers_are_refused_that_others_could_have_written(persons: Persons) -> None:
    read_signers(persons.signers)
    for mode, directory in ((0o620, 0o700), (0o602, 0o700), (0o600, 0o770), (0o600, 0o707)):
        persons.signers.chmod(mode)
        persons.directory.chmod(directory)
        with pytest.raises(Refused):
            read_signers(persons.signers)


def test_where_keys_and_signers_are_looked_for() -> None:
    assert signers_file("mine", {"RUNBOOK_ALLOWED_SIGNERS": "other"}) == Path("mine")
    assert signers_file(None, {"RUNBOOK_ALLOWED_SIGNERS": "other"}) == Path("other")
    assert signers_file(None, {"HOME": "/home/ana"}) == Path("/home/ana/.config/runbook/allowed_signers")
    assert key_file(None, {}) is None
    assert key_file(None, {"RUNBOOK_KEY": "key"}) == Path("key")
    assert key_file("mine", {"RUNBOOK_KEY": "key"}) == Path("mine")


def test_names_of_patterns_and_of_lines_with_options(persons: Persons) -> None:
    public = persons.key("ben").with_name("ben.pub").read_text()
    persons.signers.write_text(f'# ours\n\n"ben@example.com,b2",*@example.org namespaces="a b" {public}nonsense\n')
    signers, key = read_signers(persons.signers), fingerprint(persons.key("ben"))
    assert signers.lists("zoe@example.org", key)
    assert not signers.lists("zoe@example.net", key)
