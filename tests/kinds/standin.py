"""A stand-in on loopback for three platforms, so that their real clients have somebody to talk to.

It is none of the platforms: it knows just the requests that our commands make the clients send, answers them as the
platforms' public references say, and keeps one service `api` with three revisions. What it shows is that the commands
are right for the real client, and that its output is read rightly; not that a platform behaves so.
"""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from runbook.model.canonical import Json, JsonObject

NAMES = ("api-00001-aaa", "api-00002-bbb", "api-00003-ccc")
TIMES = ("2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z")
MILLISECONDS = (1_795_075_200_000, 1_795_161_600_000, 1_795_248_000_000)


class Platform:
    """One service with three revisions, oldest first, and what is said of them."""

    def __init__(self) -> None:
        self.shares: dict[str, int] = {NAMES[2]: 100}
        self.broken = frozenset[str]()
        self.numbers = {name: number for number, name in enumerate(NAMES, 1)}
        self.generation = 1
        self.changes: list[str] = []
        self.refusing = False
        self.deaf = False
        self.seen: list[str] = []

    def activate(self, name: str) -> None:
        """All traffic goes to one revision, unless the platform does not care."""
        self.changes.append(name)
        self.generation += 1
        if not self.deaf:
            self.shares = {name: 100}

    # Cloud Run Admin API v1, the Knative resources: reference/rest/v1/namespaces.services and .revisions

    def run_revisions(self) -> JsonObject:
        """The revisions, as Cloud Run lists them."""
        items: list[Json] = [self.run_revision(name, time) for name, time in zip(NAMES, TIMES, strict=True)]
        return {"apiVersion": "serving.knative.dev/v1", "kind": "RevisionList", "metadata": {}, "items": items}

    def run_revision(self, name: str, time: str) -> JsonObject:
        """One of them."""
        ready = "False" if name in self.broken else "True"
        return {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Revision",
            "metadata": {
                "name": name,
                "namespace": "demo-project",
                "creationTimestamp": time,
                "labels": {"serving.knative.dev/service": "api", "commit-sha": f"sha-{name[-3:]}"},
                "annotations": {"serving.knative.dev/creator": "ana@example.com"},
                "generation": 1,
            },
            "spec": {"containers": [{"image": f"registry.example.com/api:{name[-3:]}"}]},
            "status": {
                "observedGeneration": 1,
                "conditions": [{"type": "Active", "status": "False"}, {"type": "Ready", "status": ready}],
            },
        }

    def run_service(self) -> JsonObject:
        """The service and its traffic."""
        traffic: list[Json] = [{"revisionName": name, "percent": share} for name, share in self.shares.items()]
        tagged: list[Json] = [*traffic, {"revisionName": NAMES[0], "tag": "old", "url": "https://old.example.com"}]
        return {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": {
                "name": "api",
                "namespace": "demo-project",
                "generation": self.generation,
                "resourceVersion": str(self.generation),
                "annotations": {},
                "labels": {"cloud.googleapis.com/location": "europe-west1"},
            },
            "spec": {
                "template": {"metadata": {}, "spec": {"containers": [{"image": "registry.example.com/api:ccc"}]}},
                "traffic": traffic,
            },
            "status": {
                "observedGeneration": self.generation,
                "conditions": [
                    {"type": kind, "status": "True"} for kind in ("Ready", "ConfigurationsReady", "RoutesReady")
                ],
                "latestReadyRevisionName": NAMES[2],
                "latestCreatedRevisionName": NAMES[2],
                "traffic": tagged,
                "url": "https://api.example.com",
                "address": {"url": "https://api.example.com"},
            },
        }

    # Kubernetes API, group apps/v1

    def deployment(self) -> JsonObject:
        """The deployment."""
        (name,) = self.shares
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "api",
                "namespace": "web",
                "uid": "d-1",
                "generation": self.generation,
                "annotations": {"deployment.kubernetes.io/revision": str(self.numbers[name])},
            },
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": _template(name)},
            "status": {"observedGeneration": self.generation, "replicas": 2, "readyReplicas": 2},
        }

    def replica_sets(self) -> JsonObject:
        """Its replica sets, and one of somebody else."""
        ours: list[Json] = [self.replica_set(name, time) for name, time in zip(NAMES, TIMES, strict=True)]
        foreign = self.replica_set(NAMES[0], TIMES[0]) | {"metadata": {"name": "other-1", "ownerReferences": []}}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSetList",
            "metadata": {"resourceVersion": "7"},
            "items": [foreign, *ours],
        }

    def replica_set(self, name: str, time: str) -> JsonObject:
        """One of them."""
        hashed = _template(name)
        hashed["metadata"] = {"labels": {"app": "api", "pod-template-hash": name[-3:]}}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": "web",
                "uid": f"rs-{name}",
                "creationTimestamp": time,
                "labels": {"app": "api", "pod-template-hash": name[-3:]},
                "annotations": {"deployment.kubernetes.io/revision": str(self.numbers[name])},
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": "d-1", "controller": True}
                ],
            },
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": hashed},
            "status": {"replicas": 2, "readyReplicas": 2} if name in self.shares else {"replicas": 0},
        }

    def roll(self, patch: Json) -> JsonObject:
        """What the controller does with a template that it knows: that replica set gets the next number."""
        image = json.dumps(patch)
        name = next(name for name in NAMES if f"registry.example.com/api:{name[-3:]}" in image)
        self.activate(name)
        self.numbers[name] = max(self.numbers.values()) + 1
        return self.deployment()

    # Vercel REST API

    def project(self) -> JsonObject:
        """The project and what serves in production."""
        (name,) = self.shares
        return {
            "id": "prj_1",
            "name": "api",
            "accountId": "team_1",
            "updatedAt": 1,
            "createdAt": 1,
            "targets": {"production": self.vercel_deployment(NAMES.index(name))},
            "lastAliasRequest": {
                "type": "promote",
                "jobStatus": "succeeded",
                "requestedAt": 1,
                "fromDeploymentId": "dpl_2",
                "toDeploymentId": f"dpl_{NAMES.index(name)}",
            },
        }

    def vercel_deployment(self, number: int) -> JsonObject:
        """One deployment."""
        return {
            "id": f"dpl_{number}",
            "uid": f"dpl_{number}",
            "url": f"{NAMES[number]}.example.com",
            "name": "api",
            "projectId": "prj_1",
            "ownerId": "team_1",
            "team": {"id": "team_1", "slug": "web", "name": "web"},
            "target": "production",
            "readyState": "READY",
            "state": "READY",
            "createdAt": MILLISECONDS[number],
            "created": MILLISECONDS[number],
            "creator": {"uid": "u1", "username": "ana"},
            "meta": {"githubCommitSha": f"sha-{NAMES[number][-3:]}"},
        }

    def answer(self, method: str, path: str, body: Json) -> tuple[int, JsonObject]:
        """The status and the JSON for one request."""
        url = urlsplit(path)
        if self.refusing and method in {"PUT", "PATCH", "POST"}:
            no = "no, says the stand-in"
            refusal: JsonObject = {"kind": "Status", "status": "Failure", "code": 403, "message": no}
            return 403, {**refusal, "error": {"code": 403, "message": no, "status": "PERMISSION_DENIED"}}
        knative, apps = "/apis/serving.knative.dev/v1/namespaces/demo-project", "/apis/apps/v1/namespaces/web"
        match method, url.path:
            case "GET", place if place == f"{knative}/revisions":
                return 200, self.run_revisions()
            case "GET", place if place == f"{knative}/services/api":
                return 200, self.run_service()
            case "PUT", place if place == f"{knative}/services/api":
                assert isinstance(body, dict)
                (one,) = [target for target in body["spec"]["traffic"] if target.get("percent")]  # type: ignore[index, call-overload, union-attr] # as the client sends it
                self.activate(str(one["revisionName"]))  # type: ignore[index, call-overload] # as the client sends it
                return 200, self.run_service()
            case "GET", "/api":
                return 200, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
            case "GET", "/apis":
                version: JsonObject = {"groupVersion": "apps/v1", "version": "v1"}
                group: JsonObject = {"name": "apps", "versions": [version], "preferredVersion": version}
                return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
            case "GET", "/api/v1":
                return 200, {"kind": "APIResourceList", "groupVersion": "v1", "resources": []}
            case "GET", "/apis/apps/v1":
                resources: list[Json] = [
                    {
                        "name": name,
                        "singularName": one,
                        "namespaced": True,
                        "kind": kind,
                        "verbs": ["get", "list", "patch"],
                    }
                    for name, one, kind in (
                        ("deployments", "deployment", "Deployment"),
                        ("replicasets", "replicaset", "ReplicaSet"),
                    )
                ]
                return 200, {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": resources}
            case "GET", place if place == f"{apps}/replicasets":
                return 200, self.replica_sets()
            case "GET", place if place == f"{apps}/deployments/api":
                return 200, self.deployment()
            case "PATCH", place if place == f"{apps}/deployments/api":
                return 200, self.roll(body)
            case _:
                return self.vercel(method, url.path, parse_qs(url.query))

    def vercel(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, JsonObject]:
        """The same for what only the client of Vercel asks."""
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["v2", "user"]:
                user: JsonObject = {"id": "u1", "username": "ana", "email": "ana@example.com", "version": "northstar"}
                return 200, {"user": user | {"defaultTeamId": "team_1"}}
            case "GET", ["v2", "teams"] | ["v1", "teams"]:
                return 200, {"teams": [{"id": "team_1", "slug": "web"}], "pagination": {"count": 1, "next": None}}
            case "GET", ["teams", "team_1"] | [_, "teams", "team_1"]:
                return 200, {"id": "team_1", "slug": "web"}
            case "GET", [_, "projects", "api" | "prj_1"]:
                return 200, self.project()
            case "GET", [_, "deployments"]:
                found: list[Json] = [self.vercel_deployment(number) for number in (2, 1, 0)]
                return 200, {"deployments": found, "pagination": {"count": 3, "next": None}}
            case "GET", [_, "deployments", name]:
                wanted = query.get("url", [name])[0]
                for number, each in enumerate(NAMES):
                    if wanted in {f"dpl_{number}", f"{each}.example.com"}:
                        return 200, self.vercel_deployment(number)
                return 404, {"error": {"code": "not_found", "message": "no such deployment"}}
            case "POST", [_, "projects", "prj_1", "promote", deployment]:
                self.activate(NAMES[int(deployment.removeprefix("dpl_"))])
                return 201, {}
            case _:
                return 404, {"error": {"code": 404, "message": f"the stand-in does not know {method} {path}"}}


def _template(name: str) -> JsonObject:
    return {
        "metadata": {"labels": {"app": "api"}},
        "spec": {"containers": [{"name": "api", "image": f"registry.example.com/api:{name[-3:]}"}]},
    }


def certificate(place: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, its key in the same file."""
    path = place / "stand-in.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=stand-in"]
    files = ["-keyout", str(place / "key.pem"), "-out", str(path), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *options, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + (place / "key.pem").read_text())
    return path


@contextmanager
def standing_in(platform: Platform, tls: Path | None = None) -> Iterator[str]:
    """Let it answer on loopback; the URL. A client may also take it for an HTTP proxy.

    :param tls: a file with a certificate and its key, for a client that speaks https only.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer, whatever the method."""
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            platform.seen.append(f"{self.command} {self.path}")
            status, answer = platform.answer(self.command, self.path, json.loads(text) if text else None)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_PUT = do_PATCH = do_POST = do_GET  # noqa: N815 - the names that the class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
