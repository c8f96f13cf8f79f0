"""A dry run: reads are performed, changes are shown, nothing changes, and each outcome has a label of its worth."""

import http.server
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers
from tests.drivers.forgery import Forgery, judged


class Seen:
    """A service on loopback that writes down what is asked of it."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        seen = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def _any(self) -> None:
                seen.append(self.command)
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the names that the server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Seen]:
    """The service."""
    it = Seen()
    yield it
    it.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


EVERY_CHANGE = """\
runbook: v1
id: tested
title: Every kind that changes something
environments: {{staging: {{x: "1"}}}}
secrets:
  token: {{command: [./effect, read-secret]}}
inputs: {{}}
steps:
  - {{id: look, kind: http, url: "{url}"}}
  - {{id: vars, kind: env, from: {{command: [sh, -c, "./effect read-env >/dev/null; echo SET=1"]}},
     require: {{SET: {{}}}}}}
  - {{id: post, kind: http, method: POST, url: "{url}", effect: change,
     headers: {{x-token: "${{{{ secrets.token }}}}"}}, undo: {{kind: http, method: DELETE, url: "{url}"}}}}
  - {{id: local, kind: command, effect: change, argv: [./effect, local],
     undo: {{kind: command, argv: [./effect, undo]}}, probe: {{kind: http, url: "{url}"}}}}
  - {{id: far, kind: ssh, host: nowhere.example.com, effect: change, argv: [touch, x], undo: none, because: a test}}
  - {{id: rows, kind: sql, database: "sqlite:{root}/rows.db", effect: change, statement: "delete from rows", undo: none,
     because: a test}}
  - {{id: serve, kind: activate, provider: releases, service: "{root}/app", revision: second,
     undo: {{kind: activate, provider: releases, service: "{root}/app", revision: first}}}}
  - {{id: tell, kind: message, text: All is well, audience: everybody, webhook: "{url}"}}
  - {{id: by_hand, kind: manual, effect: irreversible, because: a test, instructions: Press the button}}
  - {{id: all, kind: command, effect: change, argv: [./effect, "${{{{ item }}}}"],
     for_each: {{in: '["a", "b"]', at_once: 2}}, undo: none, because: a test}}
  - {{id: wait_long, kind: wait, for: 1h}}
  - {{id: back, kind: undo, of: [post, local, serve]}}
  - {{id: again, kind: http, url: "{url}", expect: status == 404}}
  - {{id: done, kind: finish, outcome: completed}}
"""


@pytest.mark.reliability
def test_k7_a_dry_run_of_every_kind_of_change_changes_nothing(desk: Desk, service: Seen) -> None:
    effect = desk.write("effect", '#!/bin/sh\necho "$1" >> "$EFFECTS"\nprintf "a long secret"\n')
    effect.chmod(0o755)
    with sqlite3.connect(desk.root / "rows.db") as base:
        base.execute("create table rows (n)")
        base.execute("insert into rows values (1)")
    for release in ("first", "second"):
        (desk.root / "app" / "releases" / release).mkdir(parents=True)
    (desk.root / "app" / "current").symlink_to("releases/first")
    text = EVERY_CHANGE.format(url=service.url, root=desk.root)

    done = desk.walk(text, "-e", "staging", "--dry-run")

    assert done.status == 0, done.text
    assert set(service.requests) == {"GET"}
    assert set(desk.effects()) == {"read-secret", "read-env"}
    with sqlite3.connect(desk.root / "rows.db") as base:
        assert base.execute("select count(*) from rows").fetchone() == (1,)
    assert (desk.root / "app" / "current").readlink() == Path("releases/first")
    labels = {str(fields["step"]): fields["fidelity"] for fields in desk.told("step.finished")}
    shown = {"post", "local", "far", "rows", "serve", "tell", "by_hand", "all[0]", "all[1]"}
    assert {step for step, label in labels.items() if label == "shown"} == shown | {
        *("serve.undo", "local.undo", "post.undo"),
    }
    assert labels["look"] == labels["vars"] == "ran"
    assert labels["again"] == "unverifiable"
    assert labels["wait_long"] == "assumed"
    assert {fields["changed"] for fields in desk.told("step.finished")} == {"no"}
    assert desk.verify() == 0
    report = desk.do("report", "r1").out
    assert "DRY RUN" in report.splitlines()[0]
    assert "a long secret" not in desk.every_byte().decode(errors="replace") + done.text + report


@pytest.mark.reliability
def test_j9_a_dry_run_counts_for_no_guard_and_is_held_back_by_none(desk: Desk) -> None:
    text = book(change("reset", then="done", more="guards: [{cooldown: 60m, key: k}]\n"))
    desk.write("yes.yaml", answers("step: reset, confirm: yes"))
    assert desk.walk(text, "--dry-run", run="dry1").status == 0
    assert desk.walk(text, "--answers", "yes.yaml", run="live").status == 0
    assert desk.effects() == ["reset"]
    done = desk.walk(text, "--dry-run", run="dry2")
    assert done.status == 0
    assert "would hold it back" in done.text
    assert "run live" in done.text
    assert desk.walk(text, "--answers", "yes.yaml", run="second").status == 3


@pytest.mark.reliability
@pytest.mark.parametrize(("mode", "other"), [("dry", "live"), ("live", "dry"), ("dry", "drill")])
def test_i3_a_log_of_one_mode_is_no_legal_walk_of_another(desk: Desk, mode: str, other: str) -> None:
    text = book(read("look", then="reset"), change("reset", then="done"))
    desk.write("yes.yaml", answers("step: reset, confirm: yes"))
    assert desk.walk(text, *(["--dry-run"] if mode == "dry" else []), "--answers", "yes.yaml").status == 0
    forgery = Forgery.of(desk.run().log)
    forgery.edit(forgery.find("run.started"), mode=other)
    assert judged(desk, forgery)[0] == 6


def test_what_only_a_real_run_sets_is_shown_as_unknown_and_not_performed(desk: Desk) -> None:
    token = change("make", then="use", after="echo made").replace("undo: none", "output: text\nundo: none")
    done = desk.walk(book(token, read("use", "cat", "${{ steps.make.stdout }}", then="done")), "--dry-run")
    assert done.status == 0, done.text
    assert "‹unknown: steps.make.stdout›" in done.text
    assert desk.told("step.finished")[1]["fidelity"] == "assumed"
    assert desk.verify() == 0


def test_a_list_that_only_a_real_run_sets_is_not_walked_and_an_undo_of_what_is_unknown_is_shown(desk: Desk) -> None:
    make = change("make", then="each", more="output: lines\n")
    each = change("each", then="second").replace("echo each", 'echo "$ITEM"')
    each += "env: {ITEM: '${{ item }}'}\nfor_each: {in: steps.make.lines}\n"
    second = change("second", then="back").replace("undo: none\nbecause: a test\n", "")
    second += "undo: {kind: command, argv: [echo, '${{ steps.make.stdout }}']}\n"
    done = desk.walk(book(make, each, second, "id: back\nkind: undo\nof: [second]\nnext: done\n"), "--dry-run")
    assert done.status == 0, done.text
    labels = {str(fields["step"]): fields["fidelity"] for fields in desk.told("step.finished")}
    assert labels["each"] == "assumed"
    assert labels["second.undo"] == "shown"
    assert desk.verify() == 0
    assert desk.effects() == []


def test_before_anything_is_shown_a_failure_is_a_failure(desk: Desk) -> None:
    done = desk.walk(book(read("look", "false", then="done", fail="bad")), "--dry-run")
    assert done.status == 1
    assert desk.told("step.finished")[0]["fidelity"] == "ran"
    assert desk.verify() == 0


def test_answers_say_as_what_a_change_is_taken(desk: Desk) -> None:
    text = book(change("reset", then="done", fail="bad"))
    desk.write("answers.yaml", answers("step: reset, settle: failed, evidence: as if"))
    assert desk.walk(text, "--dry-run", "--answers", "answers.yaml").status == 1
    assert [fields["step"] for fields in desk.told("step.entered")] == ["reset", "bad"]
    assert desk.verify() == 0


def test_a_dry_run_takes_no_lock_and_waits_for_none(desk: Desk) -> None:
    text = book(change("reset", then="done"))
    desk.write("none.yaml", "answers: []\n")
    assert desk.walk(text, "--answers", "none.yaml", run="paused").status == 3
    assert desk.walk(text, "--dry-run", run="dry").status == 0


def test_the_status_of_a_dry_run_says_what_would_change_and_not_that_it_has(desk: Desk) -> None:
    gate = "id: ask\nkind: gate\nquestion: Go on?\nnext: done\n"
    assert desk.walk(book(change("reset", then="ask"), gate), "--dry-run").status == 3
    said = desk.do("status", "r1").out
    assert "would change  reset" in said
    assert "\n  changed" not in said


def test_at_the_end_a_dry_run_counts_what_its_outcomes_are_worth(desk: Desk) -> None:
    text = book(read("look", then="reset"), change("reset", then="again"), read("again", "false", then="done"))
    done = desk.walk(text, "--dry-run")
    assert "2 ran, 1 shown, 1 unverifiable" in done.err
    assert "2 ran, 1 shown, 1 unverifiable" in desk.do("report", "r1").out
    page = desk.do("report", "r1", "--format", "html").out
    assert '<span class="word dull">shown</span>' in page
    assert '<span class="word dull">unverifiable</span>' in page
