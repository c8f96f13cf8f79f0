"""What becomes of an attempt: the kind's demand, the file's expectation beside it or in its place, what is saved."""

import json
import socket
from pathlib import Path
from textwrap import indent

import pytest
from tests.drivers.books import END, book
from tests.drivers.desk import Desk
from tests.drivers.sitting import rehearsed, told
from tests.world.service import raw

HTTP = "id: ask\nkind: http\nurl: https://app.example.com\nnext: done\non_fail: bad\n"
RUN = "id: run\nkind: command\neffect: none\nargv: [look]\noutput: json\nnext: done\non_fail: bad\n"
CHANGE = (
    "id: alter\nkind: command\neffect: change\nundo: none\nbecause: x\nargv: [alter]\n"
    "next: done\non_fail: bad\non_unknown: lost\n"
)
LOST = END + "  - {id: lost, kind: finish, outcome: escalated}\n"


def ended(root: Path, step: str, entry: str, *, expect: str = "", more: str = "") -> tuple[str, str, dict[str, object]]:
    """The outcome of one attempt, its reason, and the record of it."""
    wanted = f"expect: |-\n{indent(expect, '  ')}\n" if expect else ""
    name = step.partition("\n")[0].removeprefix("id: ")
    walked = rehearsed(root, book(step + wanted + more), f"world: {{{name}: [{entry}]}}\n")
    (record,) = told(walked.records, "step.finished", name)
    return str(record["outcome"]), str(record["reason"]), dict(record)


@pytest.mark.parametrize(
    ("entry", "expect", "outcome"),
    [
        # Without an expectation the kind's own demand holds.
        ("{status: 200}", "", "passed"),
        ("{status: 204}", "", "passed"),
        ("{status: 301}", "", "failed"),
        ("{status: 500}", "", "failed"),
        ("{refused: true}", "", "failed"),
        ("{timeout: true}", "", "failed"),
        ("{lost: true}", "", "failed"),
        # One that does not speak of the status stands beside it.
        ("{status: 200, body: {ok: true}}", "body.ok", "passed"),
        ("{status: 500, body: {ok: true}}", "body.ok", "failed"),
        ("{status: 200, body: {ok: false}}", "body.ok", "failed"),
        # One that does stands in its place.
        ("{status: 404}", "status == 404", "passed"),
        ("{status: 200}", "status == 404", "failed"),
        ("{status: 503, body: {ok: true}}", "status in [500, 503] && body.ok", "passed"),
        ("{status: 500, body: {ok: false}}", "body.ok || status == 500", "passed"),
        # True and nothing else.
        ("{status: 200, body: {ok: 1}}", "body.ok", "failed"),
        ('{status: 200, body: {ok: "true"}}', "body.ok", "failed"),
        ("{status: 200, body: {ok: null}}", "body.ok", "failed"),
        ("{status: 200, body: {}}", "body.ok", "failed"),
        ('{status: 200, body: {n: "3"}}', "body.n == 3", "failed"),
        ("{status: 200, body: {n: 3}}", "body.n == 3", "passed"),
        ("{status: 200, body: {n: 3}}", "body.n == 3 || body.missing", "passed"),
        ("{status: 200, body: {n: [1, 2]}}", "body.n.size() == 2 && 1 in body.n", "passed"),
    ],
)
def test_an_expectation_stands_beside_the_kinds_demand_or_in_its_place(
    entry: str, expect: str, outcome: str, tmp_path: Path
) -> None:
    assert ended(tmp_path, HTTP, entry, expect=expect)[0] == outcome


@pytest.mark.parametrize(
    ("entry", "expect", "outcome"),
    [
        ("{exit_code: 0}", "", "passed"),
        ("{exit_code: 1, stderr: 'no such file'}", "", "failed"),
        ("{exit_code: 1}", "exit_code == 1", "passed"),
        ("{exit_code: 0}", "exit_code == 1", "failed"),
        ("{exit_code: 1, json: {n: 1}}", "json.n == 1", "failed"),
        ("{exit_code: 0, json: {n: 1}}", "json.n == 1", "passed"),
        ("{exit_code: 0, json_error: it is not JSON}", "", "failed"),
    ],
)
def test_a_commands_demand_is_its_exit_status(entry: str, expect: str, outcome: str, tmp_path: Path) -> None:
    assert ended(tmp_path, RUN, entry, expect=expect)[0] == outcome


@pytest.mark.parametrize(
    ("step", "entry", "expect", "reason"),
    [
        (HTTP, "{status: 500}", "", "500 Internal Server Error"),
        (
            HTTP,
            "{status: 500, body: {}}",
            "status == 200",
            "expected status == 200, but status is 500; 500 Internal Server Error",
        ),
        (HTTP, "{status: 200, body: {ok: false}}", "body.ok", "expected body.ok, but body.ok is false"),
        (
            HTTP,
            "{status: 200, body: {rows: [{n: 4}]}}",
            "status == 200 && (body.rows.size() > 0 && body.rows[0].n > 5)",
            "expected body.rows[0].n > 5, but body.rows[0].n is 4",
        ),
        (HTTP, "{status: 200, body: {}}", "body.ok", "`expect`: "),
        (HTTP, "{refused: nobody listens}", "", "nobody listens"),
        (HTTP, "{timeout: true}", "", "no answer within 30 s"),
        (RUN, "{exit_code: 1, stderr: 'no such file'}", "", "exit status 1: no such file"),
        (RUN, "{exit_code: 137, signal: SIGKILL}", "", "ended by SIGKILL (out of memory?)"),
    ],
)
def test_a_failure_says_what_was_expected_and_what_there_was(
    step: str, entry: str, expect: str, reason: str, tmp_path: Path
) -> None:
    assert ended(tmp_path, step, entry, expect=expect)[1].startswith(reason)


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ("200 OK", '{"ok": tru', "`expect`: `body` is not set: the answer is not JSON; look at its text, and"),
        ("502 Bad Gateway", "<html>", "502 Bad Gateway; `expect`: `body` is not set: the answer is not JSON; look"),
    ],
)
def test_an_answer_that_is_no_json_is_said_to_be_none_and_its_status_first(
    head: str, body: str, reason: str, tmp_path: Path
) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(
            f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )

    desk = Desk(tmp_path)
    with raw(talk) as url:
        desk.walk(
            book(f"id: ask\nkind: http\nurl: {url}\nexpect: status == 200 && body.ok\nnext: done\non_fail: bad\n")
        )
    assert str(desk.told("step.finished")[0]["reason"]).startswith(reason)
    assert desk.verify() == 0


@pytest.mark.parametrize(
    ("entry", "expect", "outcome", "changed"),
    [
        ("{exit_code: 0}", "", "passed", "yes"),
        ("{exit_code: 3}", "", "failed", "maybe"),
        ("{exit_code: 143, signal: SIGTERM}", "", "failed", "maybe"),
        ("{exit_code: 0, stdout: oh}", 'stdout == "ok"', "failed", "yes"),
        ("{exit_code: 3}", "exit_code == 3", "passed", "yes"),
        ("{refused: true}", "", "failed", "no"),
        ("{error: there is no such program}", "", "failed", "no"),
    ],
)
def test_what_a_change_did_is_yes_no_or_maybe(
    entry: str, expect: str, outcome: str, changed: str, tmp_path: Path
) -> None:
    wanted = f"expect: {json.dumps(expect)}\n" if expect else ""
    walked = rehearsed(
        tmp_path,
        book(CHANGE + wanted, end=LOST),
        f"world: {{alter: [{entry}]}}\nanswers: [{{step: alter, confirm: 'yes'}}]\n",
    )
    (record,) = told(walked.records, "step.finished", "alter")
    assert (record["outcome"], record["changed"]) == (outcome, changed)


@pytest.mark.parametrize("entry", ["{lost: true}", "{timeout: true}"])
def test_a_change_whose_result_nobody_saw_is_unknown_and_goes_where_the_file_says(entry: str, tmp_path: Path) -> None:
    told_so = f"world: {{alter: [{entry}]}}\nanswers: [{{step: alter, confirm: 'yes'}}]\n"
    walked = rehearsed(tmp_path, book(CHANGE + "timeout: 5s\n", end=LOST), told_so + "expect: {finish: escalated}\n")
    assert walked.failures == []
    assert len(told(walked.records, "step.unknown")) == 1
    assert told(walked.records, "step.finished", "alter") == []


def test_only_what_passed_is_saved_and_what_cannot_be_saved_fails_the_step(tmp_path: Path) -> None:
    save = "save: {code: status, name: body.name}\n"
    assert ended(tmp_path, HTTP, "{status: 200, body: {name: x}}", more=save)[2]["saved"] == '{"code":200,"name":"x"}'
    assert "saved" not in ended(tmp_path, HTTP, "{status: 500, body: {name: x}}", more=save)[2]
    outcome, reason, record = ended(tmp_path, HTTP, "{status: 200, body: {}}", more=save)
    assert (outcome, reason.partition(":")[0], "saved" in record) == ("failed", "`save`", False)


def test_saved_values_keep_their_type_and_meet_where_branches_do(tmp_path: Path) -> None:
    choose = "id: which\nkind: choice\noptions: [{id: a, label: A, next: one}, {id: b, label: B, next: two}]\n"
    one = "id: one\nkind: http\nurl: https://a.example.com\nsave: {n: status}\nnext: meet\non_fail: bad\n"
    two = "id: two\nkind: http\nurl: https://b.example.com\nsave: {n: status + 1}\nnext: meet\non_fail: bad\n"
    meet = "id: meet\nkind: assert\nthat: saved.n == 201\nnext: done\non_fail: bad\n"
    for option, path in (("a", "[which, one, meet, bad]"), ("b", "[which, two, meet, done]")):
        scenario = (
            f"world: {{one: [{{status: 200}}], two: [{{status: 200}}]}}\nanswers: [{{step: which, choose: {option}}}]\n"
        )
        assert rehearsed(tmp_path, book(choose, one, two, meet), f"{scenario}expect: {{path: {path}}}\n").failures == []


def test_a_step_is_skipped_where_its_condition_does_not_hold_and_leads_where_passing_does(tmp_path: Path) -> None:
    first = "id: first\nkind: http\nurl: https://a.example.com\nsave: {n: status}\nnext: maybe\non_fail: bad\n"
    maybe = "id: maybe\nkind: http\nurl: https://b.example.com\nwhen: saved.n == 201\nnext: last\non_fail: bad\n"
    last = 'id: last\nkind: assert\nthat: steps.maybe.outcome == "{}"\nnext: done\non_fail: bad\n'
    for status, outcome in ((200, "skipped"), (201, "passed")):
        scenario = f"world: {{first: [{{status: {status}}}], maybe: [{{status: 200}}]}}\nexpect: {{finish: resolved}}\n"
        walked = rehearsed(tmp_path, book(first, maybe, last.replace("{}", outcome)), scenario)
        assert walked.failures == []
        assert len(told(walked.records, "step.skipped")) == (outcome == "skipped")


def test_a_text_from_outside_stays_the_text_that_it_is_wherever_it_goes(tmp_path: Path) -> None:
    first = "id: first\nkind: http\nurl: https://a.example.com\nsave: {name: body.name}\nnext: then\non_fail: bad\n"
    argv = "argv: [echo, '${{ saved.name }}', 'x${{ steps.first.body.name }}']"
    then = f"id: then\nkind: command\neffect: none\n{argv}\nnext: done\non_fail: bad\n"
    for name in ("${{ 1 + 1 }}", "{{7*7}}", "; rm -rf ~ #", "$(id)", "`id`", "a\nb", "'", '"', "-rf", "%s", "\\"):
        scenario = (
            f"world: {{first: [{{status: 200, body: {{name: {json.dumps(name)}}}}}], then: [{{exit_code: 0}}]}}\n"
        )
        walked = rehearsed(tmp_path, book(first, then), scenario)
        what = json.loads(str(told(walked.records, "step.started", "then")[0]["what"]))
        assert what["fields"]["argv"] == ["echo", name, f"x{name}"]
