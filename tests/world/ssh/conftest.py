"""What the tests of ssh share: one real sshd whose loopback addresses pose as machines, and a home that knows them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.world.sshd import Home, Sshd, running

from runbook.model.io import ProcessResult
from runbook.world.processes import Output
from runbook.world.ssh import Running, SshClient
from runbook.world.ssh_wrapper import Order

NAME = "web1"
"""The alias of the machine that everybody uses."""


class Machine:
    """A machine as a test uses it."""

    def __init__(self, client: SshClient, home: Home, transport: str, name: str = NAME) -> None:
        self.client = client
        self.home = home
        self.transport = transport
        self.name = name

    def program(self, *argv: str, limit: int | None = 30_000, output: Output | None = None, **order: object) -> Running:
        """A program there, to be run."""
        there = Order(argv=argv, **order)  # type: ignore[arg-type] # each test names its fields
        return self.client.program(self.name, there, transport=self.transport, limit=limit, output=output)

    def run(
        self, *argv: str, limit: int | None = 30_000, output: Output | None = None, **order: object
    ) -> ProcessResult:
        """Run a program there to its end."""
        return self.program(*argv, limit=limit, output=output, **order).run()

    def at(self, name: str, sshd: Sshd, *, let_in: bool = True) -> "Machine":
        """Another machine, known, under another name."""
        self.home.call(name, sshd)
        self.home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
        if let_in:
            self.home.let_in(sshd)
        return Machine(self.client, self.home, self.transport, name)

    def shell(self, script: str, **order: object) -> ProcessResult:
        """Run a script there to its end."""
        return self.program("sh", "-c", script, limit=30_000, output=None, **order).run()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A daemon with many addresses."""
    with running(tmp_path_factory.mktemp("sshd"), addresses=[f"127.0.0.{n}" for n in range(1, 9)]) as it:
        yield it


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start a daemon of the test's own, with lines of sshd_config(5)."""
    with contextlib.ExitStack() as stack:
        yield lambda *settings: stack.enter_context(running(tmp_path / f"sshd{len(settings)}", *settings))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home without anything known; the person's own agent and configuration are out of sight."""
    it = Home(tmp_path / "home")
    monkeypatch.setenv("HOME", str(it.place))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("PATH", str(it.openssh(tmp_path / "bin")), prepend=":")
    return it


@pytest.fixture
def client() -> Iterator[SshClient]:
    """An ssh as a run has it."""
    with contextlib.closing(SshClient()) as it:
        yield it


@pytest.fixture(params=["paramiko", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    """Each of the two ways."""
    return str(request.param)


@pytest.fixture
def machine(client: SshClient, home: Home, sshd: Sshd, transport: str) -> Machine:
    """A machine that is known and lets us in."""
    home.let_in(sshd)
    home.call(NAME, sshd)
    home.know(f"[127.0.0.1]:{sshd.port}", sshd.key)
    return Machine(client, home, transport)
