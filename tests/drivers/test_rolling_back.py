"""Walks that list revisions and activate one: releases as directories, for real, from the question to the log."""

from pathlib import Path

import pytest
from tests.drivers.books import book
from tests.drivers.desk import Desk
from tests.kinds.test_releases import MADE, release, serves

CALM = "on_unknown: bad\n"
LOOK = "id: revisions\nkind: revisions\nprovider: releases\nservice: app\nnext: roll_back\non_fail: bad\n"
BACK = (
    "id: roll_back\nkind: activate\nprovider: releases\nservice: app\npatience: 100ms\n"
    "revision: ${{ steps.revisions.previous }}\n"
    "undo: {kind: activate, provider: releases, service: app, revision: '${{ steps.revisions.current }}'}\n"
    "probe: {kind: revisions, provider: releases, service: app, expect: current == steps.revisions.previous}\n"
    "next: done\non_fail: bad\n" + CALM
)
YES = "answers: [{step: roll_back, confirm: yes}]\n"
WITH = ("--answers", "answers.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def app(desk: Desk) -> Path:
    """Two releases, of which the newer serves, below the directory of the desk."""
    place = desk.root / "app"
    for number, name in enumerate(("r1", "r2")):
        release(place, name, made=MADE + 60 * number)
    (place / "current").symlink_to("releases/r2")
    desk.write("answers.yaml", YES)
    return place


def finish(desk: Desk) -> str:
    return str(desk.told("run.finished")[0]["finish"])


def test_the_release_that_served_before_serves_again_and_the_log_can_be_judged(desk: Desk, app: Path) -> None:
    done = desk.walk(book(LOOK, BACK), *WITH)
    assert done.status == 0, done.text
    assert serves(app) == "r1"
    assert desk.intents() == ["roll_back"]
    ended = [told for told in desk.told("step.finished") if told["step"] == "roll_back"]
    assert [(told["outcome"], told["changed"], told["obs"]) for told in ended] == [
        ("passed", "yes", '{"current":"r1","previous":""}')
    ]
    assert desk.verify() == 0


def test_the_exact_command_is_shown_before_it_is_confirmed(desk: Desk, app: Path) -> None:
    assert app.exists()
    done = desk.walk(book(LOOK, BACK))
    assert done.status == 3
    assert serves(app) == "r2"
    asked = desk.told("confirmation.requested")[0]
    assert '"revision":"r1"' in str(asked["what"])


def test_where_none_served_before_nothing_is_confirmed_or_activated(desk: Desk, app: Path) -> None:
    (app / "releases" / "r1" / "REVISION").unlink()
    done = desk.walk(book(LOOK, BACK), *WITH)
    assert done.status in {1, 3}
    assert "`activate.revision` is empty" in done.text
    assert serves(app) == "r2"
    assert desk.intents() == []
    assert "confirmation.requested" not in desk.types()


def test_a_switch_that_nobody_saw_is_settled_by_the_probe(desk: Desk, app: Path) -> None:
    """The program is killed after the rename: the step is unknown, the look behind it finds that it happened."""
    (desk.root / "bin").mkdir()
    mv = desk.root / "bin" / "mv"
    mv.write_text('#!/bin/sh\n/bin/mv "$@"\nexec sleep 60\n')
    mv.chmod(0o755)
    desk.env["PATH"] = f"{mv.parent}:{desk.env['PATH']}"
    done = desk.walk(book(LOOK, BACK.replace("patience: 100ms", "timeout: 3s")), *WITH)
    assert done.status == 0, done.text
    assert serves(app) == "r1"
    assert [told["outcome"] for told in desk.told("step.settled")] == ["passed"]
    assert desk.verify() == 0


def test_what_is_activated_and_does_not_serve_leads_where_the_unknown_leads(desk: Desk, app: Path) -> None:
    back = f"#!/bin/sh\n/bin/mv \"$@\"\nln -sfn releases/r2 '{app}/current'\n"
    (desk.root / "bin").mkdir()
    mv = desk.root / "bin" / "mv"
    mv.write_text(back)
    mv.chmod(0o755)
    desk.env["PATH"] = f"{mv.parent}:{desk.env['PATH']}"
    done = desk.walk(book(LOOK, BACK), *WITH)
    assert done.status == 1, done.text
    assert finish(desk) == "failed"
    (unknown,) = desk.told("step.unknown")
    assert str(unknown["reason"]).startswith("r1 was activated and does not serve yet: r2 serves; ")
    assert desk.verify() == 0


def test_a_missing_client_is_named_with_its_code_and_nothing_is_changed(desk: Desk) -> None:
    look = LOOK.replace("provider: releases", "provider: vercel")
    (desk.root / "bin").mkdir()
    desk.env["PATH"] = str(desk.root / "bin")
    done = desk.walk(book(look, BACK))
    assert done.status == 1, done.text
    told, _ = desk.told("step.finished")
    assert told["reason"] == (
        "vercel is spoken to by `vercel`, which is not installed here (RB420); "
        "install it with `npm install --global vercel` and run `vercel login`"
    )
