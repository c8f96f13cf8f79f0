"""Revisions as directories and a symbolic link, for real: listed, switched, raced for, killed in between."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from runbook.kinds.activate import Activate
from runbook.kinds.releases import ACTIVATE
from runbook.kinds.revisions import Revisions
from runbook.model.canonical import JsonObject
from runbook.model.io import NotSent, TimedOut
from runbook.model.runbook import Outcome
from runbook.world.real import RealIo

NAMES = ("v9", "v10", "v11")
MADE = 1_700_000_000


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A directory with three complete releases, of which the newest serves."""
    place = tmp_path / "srv" / "my api"
    for number, name in enumerate(NAMES):
        release(place, name, made=MADE + 60 * number)
    (place / "current").symlink_to("releases/v11")
    return place


def release(place: Path, name: str, *, made: int, revision: str | None = "0a1b2c3\nana@example.com\n") -> None:
    directory = place / "releases" / name
    directory.mkdir(parents=True)
    if revision is not None:
        (directory / "REVISION").write_text(revision)
    os.utime(directory, (made, made))


def serves(place: Path) -> str:
    return (place / "current").readlink().name


def seen(io: RealIo, place: Path) -> JsonObject:
    return Revisions(provider="releases", service=str(place)).perform(io)


def activate(place: Path, name: str, patience: str = "1s") -> Activate:
    return Activate(provider="releases", service=str(place), revision=name, patience=patience)


def rows(observation: JsonObject) -> list[JsonObject]:
    found = observation["revisions"]
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def test_releases_are_listed_newest_first_with_age_author_and_commit(io: RealIo, app: Path) -> None:
    observation = seen(io, app)
    assert (observation["current"], observation["previous"]) == ("v11", "v10")
    assert [row["id"] for row in rows(observation)] == ["v11", "v10", "v9"]
    newest = rows(observation)[0]
    age = newest.pop("age_s")
    assert isinstance(age, int)
    assert age > 0
    assert newest == {
        "id": "v11",
        "created": "2023-11-14T22:15:20Z",
        "author": "ana@example.com",
        "commit": "0a1b2c3",
        "serving": True,
    }
    assert Revisions(provider="releases", service=str(app)).judge(observation).outcome is Outcome.PASSED


def test_a_release_that_nobody_called_complete_is_not_the_previous_one(io: RealIo, app: Path) -> None:
    (app / "releases" / "v10" / "REVISION").unlink()
    os.utime(app / "releases" / "v10", (MADE + 60, MADE + 60))
    observation = seen(io, app)
    assert observation["previous"] == "v9"
    assert [row["id"] for row in rows(observation)] == ["v11", "v10", "v9"]


def test_names_and_files_of_any_kind_break_no_list(io: RealIo, tmp_path: Path) -> None:
    names = ["-rf", 'quo"te', "back\\slash", "ä b", "$(id)", "%s"]
    for number, name in enumerate(names):
        release(tmp_path, name, made=MADE - number, revision='"\\\x01\t€\nanybody "x"\nmore\n')
    (tmp_path / "releases" / "no-directory").write_text("")
    (tmp_path / "releases" / "link").symlink_to("-rf")
    (tmp_path / "current").symlink_to(tmp_path / "releases" / "-rf")
    observation = seen(io, tmp_path)
    assert [row["id"] for row in rows(observation)] == names
    assert rows(observation)[0]["commit"] == '"\\€'
    assert rows(observation)[0]["author"] == 'anybody "x"'
    for name in (*names[1:], names[0]):
        assert activate(tmp_path, name).perform(io)["current"] == name
        assert serves(tmp_path) == name


def test_where_nothing_serves_the_look_fails_and_says_so(io: RealIo, app: Path) -> None:
    (app / "current").unlink()
    kind = Revisions(provider="releases", service=str(app))
    observation = kind.perform(io)
    assert (observation["current"], observation["previous"]) == ("", "")
    verdict = kind.judge(observation)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, "no revision serves")


def test_a_directory_that_is_not_there_is_said_in_words(io: RealIo, tmp_path: Path) -> None:
    with pytest.raises(NotSent, match=r"`sh`: exit status \d+: .*surely-not"):
        seen(io, tmp_path / "surely-not")


def test_an_older_release_is_made_to_serve_and_back(io: RealIo, app: Path) -> None:
    kind = activate(app, "v10")
    observation = kind.perform(io)
    assert observation == {"current": "v10", "previous": "v9"}
    verdict = kind.judge(observation)
    assert (verdict.outcome, verdict.changed) == (Outcome.PASSED, "yes")
    assert serves(app) == "v10"
    assert activate(app, "v11").perform(io)["current"] == "v11"
    assert sorted(path.name for path in app.iterdir()) == ["current", "releases"]


@pytest.mark.parametrize("name", ["v8", "../v9", "", "v9/", "$(touch here)", "."])
def test_a_release_that_does_not_exist_changes_nothing(io: RealIo, app: Path, name: str) -> None:
    with pytest.raises(NotSent, match="has no revision") as caught:
        activate(app, name).perform(io)
    assert caught.value.help == "the newest are: v11, v10, v9"
    assert serves(app) == "v11"


def test_a_directory_in_the_place_of_the_link_is_never_replaced(io: RealIo, app: Path) -> None:
    (app / "current").unlink()
    (app / "current").mkdir()
    (app / "current" / "precious").write_text("")
    kind = activate(app, "v10")
    observation = kind.perform(io)
    verdict = kind.judge(observation)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == "`sh`: exit status 1: current is no symbolic link; nothing serves now"
    assert (app / "current" / "precious").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run the tests as another user")
def test_a_directory_that_nobody_may_write_to_leaves_the_former_release(io: RealIo, app: Path) -> None:
    app.chmod(0o500)
    kind = activate(app, "v10")
    verdict = kind.judge(kind.perform(io))
    app.chmod(0o700)
    assert (verdict.outcome, verdict.changed) == (Outcome.FAILED, "maybe")
    assert serves(app) == "v11"


def test_two_who_race_never_leave_the_service_without_a_release(app: Path) -> None:
    stop, torn = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            try:
                serves(app)
            except OSError as error:  # the link was not there for a moment
                torn.append(error)

    def switch(name: str) -> None:
        for _ in range(20):
            subprocess.run(["sh", "-c", ACTIVATE, "activate", str(app), name], check=True)

    watcher = threading.Thread(target=look)
    racers = [threading.Thread(target=switch, args=(name,)) for name in ("v9", "v10")]
    for thread in (watcher, *racers):
        thread.start()
    for thread in racers:
        thread.join()
    stop.set()
    watcher.join()
    assert torn == []
    assert sorted(path.name for path in app.iterdir()) == ["current", "releases"]


def test_who_loses_a_race_hears_what_serves_and_that_the_end_is_not_known(
    io: RealIo, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another operator switches between our rename and our look, each time."""
    path = app.parent / "bin"
    path.mkdir()
    (path / "mv").write_text(f'#!/bin/sh\n/bin/mv "$@"\nln -sfn releases/v9 {json.dumps(str(app / "current"))}\n')
    (path / "mv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{path}:{os.environ['PATH']}")
    with pytest.raises(TimedOut, match="v10 was activated and does not serve yet: v9 serves"):
        activate(app, "v10", patience="100ms").perform(io)


@pytest.mark.parametrize("step", ["ln", "mv"])
def test_a_kill_between_leaves_the_former_release_serving_and_the_next_activation_works(
    io: RealIo, app: Path, step: str
) -> None:
    """Killed before the link is made, and between that and the rename: nothing but a hidden link is left."""
    path = app.parent / "bin"
    path.mkdir()
    (path / step).write_text("#!/bin/sh\nkill -9 $PPID\n")
    (path / step).chmod(0o755)
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    ended = subprocess.run(["sh", "-c", ACTIVATE, "activate", str(app), "v10"], env=env, check=False)
    assert ended.returncode == -9
    assert serves(app) == "v11"
    assert seen(io, app)["current"] == "v11"
    assert activate(app, "v10").perform(io)["current"] == "v10"


def test_the_preview_shows_the_command_and_says_what_its_script_does(app: Path) -> None:
    preview = activate(app, "v10").preview()
    assert preview.line == f"sh -c SCRIPT activate '{app}' v10"
    assert preview.detail == (
        f"make v10 of {app} serve; before and after it look with:\nsh -c SCRIPT list '{app}'\n"
        "SCRIPT makes the link `current` there lead to `releases/v10`, by one rename"
    )
