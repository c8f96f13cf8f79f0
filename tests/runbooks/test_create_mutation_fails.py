"""The runbook for a create that fails, walked against a backend whose newest functions demand too much."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, answers
from tests.runbooks.copied import copied
from tests.runbooks.loopback import PAGE, Answer, RefusedError, Request, answering

NAME = "create_mutation_fails.yaml"
TOKEN = "made-up-token-of-the-test-user"
REQUEST = "[Request ID: 7c1f0a92d3] Server Error"
KEY = "a-private-key-that-is-long-enough-to-be-one-" * 2
VARIABLES = {
    "SITE_URL": "https://app.example.com",
    "AUTH_PRIVATE_KEY": KEY,
    "AUTH_KEY_SET": "'{\"keys\": []}'",
    "AI_API_KEY": "made-up-key-of-the-ai-service",
}
TOLD = {
    "step: tell_begin/tell_team": "outcome: done",
    "step: tell_begin/tell_users": "outcome: done",
    "step: create_without": "confirm: yes",
    "step: create_with": "confirm: yes",
    "step: create_again": "confirm: yes",
    "step: verify/journeys": "items: {what: yes, journeys: yes}",
    "step: verify/rates": "items: {errors: yes, latency: yes}",
    "step: verify/users": "items: {reporter: yes, support: not_verified}",
    "step: remove_tests": "confirm: yes",
    "step: post_incident": (
        "items: {cause: yes, contract: not_verified, order: not_verified, errors: yes, data: yes, review: yes}"
    ),
    "step: remove_tests_anyway": "confirm: yes",
    **{
        f"step: {step}/{whom}": "outcome: done"
        for step in ("tell_over", "tell_hand_over", "tell_not_reproduced")
        for whom in ("tell_team", "tell_users")
    },
}
"""What an operator says who finds nothing surprising."""
BROKEN = "step: what_works, items: {sign_in: yes, read: yes, change: yes, create: no}"
MENDED = "step: what_works, items: {sign_in: yes, read: yes, change: yes, create: yes}"
REVERT = (
    "step: way_out, choose: revert",
    "step: fits, confirm: yes",
    "step: revert, confirm: production, reason: INC-9",
)


class Backend:
    """A hosted backend: functions that were deployed, oldest first, the entries that they wrote, its variables."""

    def __init__(self) -> None:
        self.demanded: dict[str, set[str]] = {"fn-41": {"title"}, "fn-42": {"title", "category"}}
        self.live = "fn-42"
        self.entries: list[str] = ["the first one"]
        self.variables = dict(VARIABLES)
        self.activated: list[str] = []

    def mutation(self, path: str, args: dict[str, str]) -> object:
        """Carry out a function; what is wrong with a request nobody is told."""
        match path:
            case "entries:create":
                if not self.demanded[self.live] <= args.keys() or self.variables.get("AUTH_PRIVATE_KEY") != KEY:
                    return {"status": "error", "message": REQUEST}
                self.entries.append(args["title"])
            case "entries:remove_by_title":
                self.entries = [title for title in self.entries if title != args["title"]]
        return {"status": "success", "value": None}

    def deployctl(self, argv: Sequence[str], project: str, stdin: bytes) -> bytes:
        """What the program of the platform prints."""
        assert (project, stdin) == ("", b"")
        assert argv[argv.index("--deployment") + 1] == "production"
        match argv[:3]:
            case ["functions", "list", _]:
                found = [
                    {
                        "id": name,
                        "created_at": f"2026-11-2{day}T03:10:00Z",
                        "commit": f"c{day}",
                        "live": name == self.live,
                    }
                    for day, name in enumerate(self.demanded)
                ]
                return json.dumps({"deployments": found}).encode()
            case ["functions", "compare", "entries:create"]:
                return json.dumps({"disagree": sorted(self.demanded[self.live] - {"title"})}).encode()
            case ["functions", "activate", name]:
                self.activated.append(name)
                self.live = name
                return b""
            case ["env", "print", _]:
                return "".join(f"{name}={value}\n" for name, value in self.variables.items()).encode()
            case ["indexes", "list", _]:
                return json.dumps({"indexes": [{"name": "by_owner", "state": "ready"}]}).encode()
        raise RefusedError(f"unknown command {argv}")

    def respond(self, asked: Request) -> Answer:
        """A page, what the backend says of itself, or a function."""
        known = asked.authorization == f"Bearer {TOKEN}"
        match asked.path:
            case "/":
                return 200, PAGE
            case "/api/usage":
                return 200, {"remaining": 900}
            case "/api/whoami":
                return 200 if known else 401, {"user": "test" if known else ""}
            case "/api/mutation":
                assert known
                return 200, self.mutation(asked.body["path"], asked.body["args"])
        return 200, {"status": "ok"}


@pytest.fixture
def backend() -> Backend:
    """Its newest functions demand what the schema calls optional."""
    return Backend()


@pytest.fixture
def desk(tmp_path: Path, backend: Backend) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.env["TEST_USER_TOKEN"] = TOKEN
    with answering(backend.respond, "deployctl", backend.deployctl, desk.root / "bin") as url:
        desk.env["PATH"] = f"{desk.root / 'bin'}:{desk.env['PATH']}"
        copied(desk, NAME, {"https://app.example.com": url, "https://backend.example.com": url})
        yield desk.settled()


def walk(desk: Desk, *said: str) -> tuple[int, list[str]]:
    """How a walk ended, and the steps of the runbook itself that it went through."""
    spoken = {each.partition(",")[0] for each in said}
    desk.write(
        "answers.yaml", answers(*(f"{step}, {word}" for step, word in TOLD.items() if step not in spoken), *said)
    )
    who = ("-i", "commander=ana@example.com", "-i", "since=03:12")
    done = desk.do("run", NAME, "-e", "production", "--run-id", "r1", *who, "--answers", "answers.yaml")
    for secret in (TOKEN, KEY, VARIABLES["AI_API_KEY"]):
        assert secret.encode() not in desk.every_byte() + done.text.encode()
    assert desk.verify() == 0, done.text
    entered = [str(fields["step"]) for fields in desk.told("step.entered")]
    return done.status, [step for step in entered if "/" not in step]


def offered(desk: Desk) -> list[list[str]]:
    """The ways out that a person could choose among, each time."""
    asked = [json.loads(fields["question"]) for fields in desk.told("question.asked") if fields["step"] == "way_out"]
    return [[option["id"] for option in each["options"]] for each in asked]


def test_s2_the_functions_that_demand_too_much_are_found_and_the_former_ones_serve_again(
    desk: Desk, backend: Backend
) -> None:
    status, path = walk(desk, BROKEN, MENDED, *REVERT)
    assert path == [
        *("tell_begin", "deployments", "what_works", "which_runbook", "schema_and_code"),
        *("create_without", "create_with", "which_one", "serving", "way_out", "fits", "revert", "create_again"),
        *("what_works", "how_far"),
        *("verify", "remove_tests", "post_incident", "tell_over", "how", "mitigated"),
    ]
    assert status == 0
    assert (backend.live, backend.activated) == ("fn-41", ["fn-41"])
    assert backend.mutation("entries:create", {"title": "a user's"}) == {"status": "success", "value": None}
    assert backend.entries == ["the first one", "a user's"]  # and nothing is left of the tests
    report = desk.do("report", "r1", "--format", "md").out
    for part in (REQUEST, "Creating an entry", "fn-41", "03:12 UTC", "A test creates an entry with as few fields"):
        assert part in report, part
    still_open = report.partition("## Still open")[2].partition("## ")[0]
    assert still_open.count("not verified") == still_open.count("- [ ]") == 3


def test_s2_a_key_that_was_lost_is_named_and_nothing_is_reverted(desk: Desk, backend: Backend) -> None:
    backend.demanded["fn-42"] = {"title"}
    del backend.variables["AUTH_PRIVATE_KEY"]
    backend.variables["AUTH_PRIVATE_KEI"] = KEY
    said = (BROKEN, "step: set_variables, confirm: yes, outcome: failed")
    status, path = walk(desk, *said)
    ended = ["variables", "set_variables", "remove_tests_anyway", "tell_hand_over", "escalate"]
    assert (status, path[-5:], backend.activated) == (1, ended, [])
    (sent,) = [fields for fields in desk.told("step.finished") if fields["step"] == "variables"]
    assert "AUTH_PRIVATE_KEI (for AUTH_PRIVATE_KEY)" in sent["obs"]
    assert backend.entries == ["the first one"]


def test_s2_what_is_already_well_again_is_not_touched(desk: Desk, backend: Backend) -> None:
    status, path = walk(desk, MENDED)
    assert (status, path[-3:]) == (1, ["how_far", "tell_not_reproduced", "not_reproduced"])
    assert backend.activated == []


def test_s2_going_back_is_not_offered_where_the_backend_creates_entries_when_it_is_asked_directly(
    desk: Desk, backend: Backend
) -> None:
    backend.demanded["fn-42"] = {"title"}
    said = (BROKEN, "step: way_out, choose: none")
    status, path = walk(desk, *said)
    assert status == 1
    assert path[path.index("create_without") :] == [
        *("create_without", "create_with", "which_one", "rate_limits", "auth_flow", "serving", "way_out"),
        *("remove_tests_anyway", "tell_hand_over", "escalate"),
    ]
    assert offered(desk) == [["workaround", "none"]]
    assert backend.entries == ["the first one"]
    told = {
        f["step"]: str(f["what"]) for f in desk.told("step.started") if str(f["step"]).startswith("tell_hand_over/")
    }
    assert "Backend on-call takes over. Still deploy nothing" in told["tell_hand_over/tell_team"]
    assert "still trouble with creating" in told["tell_hand_over/tell_users"]


def test_s2_what_serves_is_looked_at_afresh_and_nobody_goes_back_twice(desk: Desk, backend: Backend) -> None:
    backend.demanded["fn-41"] = {"title", "category"}
    more = ("step: still_broken, choose: more", "step: way_out, choose: none")
    status, _ = walk(desk, BROKEN, *REVERT, *more)
    assert (status, backend.live) == (1, "fn-41")
    assert offered(desk) == [["revert", "fix", "workaround", "none"], ["fix", "workaround", "none"]]
    seen = [json.loads(f["obs"])["current"] for f in desk.told("step.finished") if f["step"] == "serving"]
    assert seen == ["fn-42", "fn-41"]
