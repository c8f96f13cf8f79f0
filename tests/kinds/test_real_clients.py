"""The real clients of the platforms, each talking to the stand-in on loopback; none has met its platform here.

A client that is not installed is skipped, with the command that installs it.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kinds.standin import NAMES, Platform, certificate, standing_in

from runbook.kinds.activate import Activate
from runbook.kinds.revisions import Revisions
from runbook.model.canonical import JsonObject
from runbook.model.io import NotSent, TimedOut
from runbook.model.runbook import Outcome
from runbook.world.real import RealIo

INSTALL = {
    "gcloud": "install the Google Cloud CLI",
    "kubectl": "install kubectl",
    "vercel": "`npm install --global vercel`",
}
OLD, LAST, NOW = NAMES


class Client:
    """A client whose home and endpoint are the test's own."""

    def __init__(self, provider: str, program: str, platform: Platform, names: tuple[str, ...], **fields: str) -> None:
        self.provider = provider
        self.program = program
        self.platform = platform
        self.names = names
        self.fields = fields

    def look(self) -> Revisions:
        """A step that lists."""
        return Revisions(provider=self.provider, service="api", **self.fields)  # type: ignore[arg-type] # texts, all of them

    def activate(self, revision: str, patience: str = "20s") -> Activate:
        """A step that activates."""
        return Activate(provider=self.provider, service="api", revision=revision, patience=patience, **self.fields)  # type: ignore[arg-type] # texts, all of them


SLOW = pytest.param("cloud_run", marks=pytest.mark.full)
"""Each start of gcloud takes seconds: a part is tried every time, all of it where time does not count."""
every_client = pytest.mark.parametrize("client", ["cloud_run", "kubernetes", "vercel"], indirect=True)
quick_clients = pytest.mark.parametrize("client", [SLOW, "kubernetes", "vercel"], indirect=True)


@pytest.fixture
def io(io: RealIo) -> RealIo:
    """The same world, without a limit."""
    io._until = None
    return io


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Each client that is installed here, with a login of its own."""
    program = {"cloud_run": "gcloud", "kubernetes": "kubectl", "vercel": "vercel"}[request.param]
    if program == "vercel" and shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine; `apt-get install openssl` enables this test")
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine; {INSTALL[program]} enables this test")
    monkeypatch.setenv("HOME", str(tmp_path))
    platform = Platform()
    tls = certificate(tmp_path) if program == "vercel" else None
    with standing_in(platform, tls) as url:
        if program == "gcloud":
            (tmp_path / "access").write_text("made-up")
            address, _, port = url.removeprefix("http://").partition(":")
            settings = {
                "CONFIG": str(tmp_path / "gcloud"),
                "AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "access"),
                "API_ENDPOINT_OVERRIDES_RUN": "http://run.example.com/",  # it puts the region before this name
                "PROXY_TYPE": "http",
                "PROXY_ADDRESS": address,
                "PROXY_PORT": port,
                "CORE_CHECK_GCE_METADATA": "false",
                "CORE_DISABLE_USAGE_REPORTING": "1",
                "COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            }
            for name, value in settings.items():
                monkeypatch.setenv(f"CLOUDSDK_{name}", value)
            yield Client(request.param, program, platform, NAMES, project="demo-project", region="europe-west1")
        elif program == "kubectl":
            configuration: JsonObject = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "stand-in", "cluster": {"server": url}}],
                "users": [{"name": "operator", "user": {"token": "made-up"}}],
                "contexts": [{"name": "stand-in", "context": {"cluster": "stand-in", "user": "operator"}}],
            }
            (tmp_path / "kubeconfig").write_text(json.dumps(configuration))
            monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
            yield Client(request.param, program, platform, NAMES, namespace="web", context="stand-in")
        else:
            home = tmp_path / "share" / "com.vercel.cli"
            home.mkdir(parents=True)
            (home / "config.json").write_text(json.dumps({"api": url, "telemetry": {"enabled": False}}))
            (home / "auth.json").write_text(json.dumps({"token": "madeup1234567890"}))
            monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
            monkeypatch.setenv("NO_UPDATE_NOTIFIER", "1")
            monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tls))
            names = tuple(f"{name}.example.com" for name in NAMES)
            yield Client(request.param, program, platform, names, scope="web")


@every_client
def test_the_client_lists_revisions_with_what_is_known_of_them(io: RealIo, client: Client) -> None:
    old, last, now = client.names
    look = client.look()
    observation = look.perform(io)
    assert (observation["current"], observation["previous"]) == (now, last)
    rows = observation["revisions"]
    assert isinstance(rows, list)
    assert [row["id"] for row in rows if isinstance(row, dict)] == [now, last, old]
    newest = rows[0]
    assert isinstance(newest, dict)
    assert newest["created"] == "2026-11-21T08:00:00Z"
    assert newest["author"] == {"cloud_run": "ana@example.com", "kubernetes": "", "vercel": "ana"}[client.provider]
    image = "registry.example.com/api:ccc"
    assert newest["commit"] == (image if client.provider == "kubernetes" else "sha-ccc")
    assert newest["serving"] is True
    assert client.platform.changes == []


@every_client
def test_the_client_makes_an_older_revision_serve_and_the_former_one_again(io: RealIo, client: Client) -> None:
    _, last, now = client.names
    ways = ((last, LAST), (now, NOW))
    for revision, name in ways[:1] if client.provider == "cloud_run" else ways:
        kind = client.activate(revision)
        observation = kind.perform(io)
        assert kind.judge(observation).outcome is Outcome.PASSED, observation
        assert client.platform.changes[-1] == name


@quick_clients
def test_a_platform_that_refuses_is_quoted_and_may_have_changed_something(io: RealIo, client: Client) -> None:
    client.platform.refusing = True
    kind = client.activate(client.names[1])
    verdict = kind.judge(kind.perform(io))
    assert (verdict.outcome, verdict.changed) == (Outcome.FAILED, "maybe")
    assert verdict.reason.startswith(f"`{client.program}`: exit status 1: ")
    assert "no, says the stand-in" in verdict.reason
    assert verdict.reason.endswith(f"; {client.names[2]} serves now")


@quick_clients
def test_a_revision_that_is_not_there_is_refused_before_anything_is_sent(io: RealIo, client: Client) -> None:
    with pytest.raises(NotSent, match="`api` has no revision `surely-not`"):
        client.activate("surely-not").perform(io)
    assert client.platform.changes == []
    assert all(request.startswith("GET ") for request in client.platform.seen)


@quick_clients
def test_a_service_that_is_not_there_is_said_in_the_clients_words(io: RealIo, client: Client) -> None:
    look = Revisions(provider=client.provider, service="nobody", **client.fields)  # type: ignore[arg-type] # texts, all of them
    if client.provider == "kubernetes":  # its list is empty then, and no error
        assert look.perform(io)["current"] == ""
    else:
        with pytest.raises(NotSent, match=rf"^`{client.program}`: exit status 1: "):
            look.perform(io)


@pytest.mark.parametrize("client", [SLOW], indirect=True)
def test_traffic_that_is_split_has_the_newer_revision_as_current(io: RealIo, client: Client) -> None:
    client.platform.shares = {LAST: 90, NOW: 10}
    client.platform.broken = frozenset({LAST})
    observation = client.look().perform(io)
    assert (observation["current"], observation["previous"]) == (NOW, LAST)


@pytest.mark.parametrize("client", [SLOW], indirect=True)
def test_a_revision_that_never_came_up_is_not_the_previous_one(io: RealIo, client: Client) -> None:
    client.platform.broken = frozenset({LAST})
    assert client.look().perform(io)["previous"] == OLD


@pytest.mark.parametrize("client", [SLOW, "kubernetes"], indirect=True)
def test_what_does_not_serve_in_time_is_unknown(io: RealIo, client: Client) -> None:
    client.platform.deaf = True
    with pytest.raises(TimedOut, match=rf"{client.names[1]} was activated and does not serve yet: {client.names[2]}"):
        client.activate(client.names[1], patience="100ms").perform(io)
