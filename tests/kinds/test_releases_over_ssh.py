"""Revisions as directories on another machine, through a real sshd on loopback, with both transports."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kinds.test_releases import MADE, release, serves
from tests.world.sshd import Home, Sshd, running

from runbook.kinds.activate import Activate
from runbook.kinds.revisions import Revisions
from runbook.model.io import NotSent, WorldError
from runbook.model.runbook import Outcome
from runbook.world.real import RealIo

both = pytest.mark.parametrize("transport", ["paramiko", "openssh"])


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A daemon that runs."""
    with running(tmp_path / "sshd") as it:
        yield it


@pytest.fixture
def machine(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> str:
    """A machine that is known and lets us in."""
    home = Home(tmp_path / "home")
    monkeypatch.setenv("HOME", str(home.place))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("PATH", str(home.openssh(tmp_path / "bin")), prepend=":")
    home.let_in(sshd)
    home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    return home.call("web1", sshd)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Two releases, of which the newer serves."""
    place = tmp_path / "srv" / "my 'api'"
    for number, name in enumerate(("r1", "$(r2)")):
        release(place, name, made=MADE + 60 * number)
    (place / "current").symlink_to("releases/$(r2)")
    return place


@both
def test_releases_on_another_machine_are_listed_and_switched(
    io: RealIo, machine: str, app: Path, transport: str
) -> None:
    look = Revisions(provider="releases", service=str(app), host=machine, transport=transport)
    observation = look.perform(io)
    assert (observation["current"], observation["previous"]) == ("$(r2)", "r1")
    assert look.preview().line.startswith("on web1: sh -c SCRIPT list ")
    for name in ("r1", "$(r2)"):
        kind = Activate(
            provider="releases", service=str(app), host=machine, transport=transport, revision=name, patience="2s"
        )
        assert kind.judge(kind.perform(io)).outcome is Outcome.PASSED
        assert serves(app) == name


@both
def test_a_machine_that_cannot_be_reached_changes_nothing(
    io: RealIo, machine: str, app: Path, transport: str, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(NotSent):
        Activate(provider="releases", service=str(app), host=machine, transport=transport, revision="r1").perform(io)
    assert serves(app) == "$(r2)"


@both
def test_a_connection_that_is_lost_while_it_switches_is_unknown(
    io: RealIo, machine: str, transport: str, sshd: Sshd, tmp_path: Path
) -> None:
    """Never failed: the rename may have happened, and here it has not."""
    custom = Activate(
        provider="custom",
        service="api",
        host=machine,
        transport=transport,
        revision="r1",
        list_={"argv": ["echo", '[{"id": "r1"}, {"id": "r2", "live": true}]'], "serving": "live"},
        activate={"argv": ["sh", "-c", 'touch "$1"; exec sleep 60', "activate", str(tmp_path / "sent")]},
    )
    with pytest.raises(WorldError) as caught, _stopping(sshd, tmp_path / "sent"):
        custom.perform(io)
    assert not isinstance(caught.value, NotSent)


@contextlib.contextmanager
def _stopping(sshd: Sshd, sign: Path) -> Iterator[None]:
    """Stop the daemon and every connection as soon as a file is there."""
    stop = threading.Event()

    def watch() -> None:
        while not sign.exists() and not stop.wait(0.02):
            pass
        sshd.stop()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
