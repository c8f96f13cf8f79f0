"""Revisions of a provider that the runbook describes itself, with real programs."""

import json
import stat
import threading
from pathlib import Path
from typing import cast

import pytest

from runbook.kinds.activate import Activate
from runbook.kinds.registry import make
from runbook.kinds.revisions import Revisions
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Refused
from runbook.model.evaluator import ExpressionError
from runbook.model.io import Cancelled, Lost, NotSent, TimedOut
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved
from runbook.world.real import RealIo

LIST: dict[str, Resolved] = {
    "argv": ["./deployctl", "list", "{service}"],
    "items": "data.releases",
    "id": "name",
    "created": "at",
    "author": "by.login",
    "commit": "git.sha",
    "serving": "live",
}
CTL = """#!/bin/sh
# Keeps its answer in state.json; `activate` lets the named release serve.
case $1 in
  list) [ "$2" = 'my api' ] && exec cat state.json; echo "Error: no app $2" >&2; exit 4 ;;
  activate) sed -i.bak 's/"live": true/"live": false/; /"name": "'"$2"'"/s/"live": false/"live": true/' state.json ;;
esac
"""


def program(place: Path, text: str, name: str = "deployctl") -> None:
    (place / name).write_text(text)
    (place / name).chmod(stat.S_IRWXU)


def state(place: Path, *releases: JsonObject) -> None:
    """A release a line, as the little program wants it."""
    lines = ",\n".join(json.dumps(one) for one in releases)
    (place / "state.json").write_text(f'{{"data": {{"releases": [\n{lines}\n]}}}}\n')


def row(name: str, at: Json, *, live: bool = False, **more: Json) -> JsonObject:
    return {"name": name, "live": live, "at": at, "by": {"login": "ana"}, "git": {"sha": f"sha-{name}"}, **more}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the program and three releases, of which the newest serves."""
    program(tmp_path, CTL)
    state(
        tmp_path,
        row("r1", 1_700_000_000),
        row("r3", "2023-11-15T00:00:00+01:00", live=True),
        row("r2", 1_700_000_060_000),
    )
    return tmp_path


def revisions(listing: dict[str, Resolved] | None = None, **fields: Resolved) -> Revisions:
    given: dict[str, Resolved] = {"provider": "custom", "service": "my api", "list": listing or LIST, **fields}
    return cast("Revisions", make("revisions", given))


def activate(revision: str, argv: list[Resolved] | None = None, **fields: Resolved) -> Activate:
    given: dict[str, Resolved] = {"provider": "custom", "service": "my api", "list": LIST, "revision": revision}
    given["activate"] = {"argv": argv or ["./deployctl", "activate", "{revision}"]}
    return cast("Activate", make("activate", {"patience": "1s", **given, **fields}))


def ids(observation: JsonObject) -> list[str]:
    return [str(one["id"]) for one in cast("list[JsonObject]", observation["revisions"])]


@pytest.mark.usefixtures("place")
def test_what_the_program_lists_is_read_as_the_paths_say_and_put_in_order(io: RealIo) -> None:
    observation = revisions().perform(io)
    assert ids(observation) == ["r3", "r2", "r1"]
    assert (observation["current"], observation["previous"]) == ("r3", "r2")
    newest = cast("list[JsonObject]", observation["revisions"])[0]
    assert newest.pop("age_s", -1) != -1
    assert newest == {
        "id": "r3",
        "created": "2023-11-14T23:00:00Z",
        "author": "ana",
        "commit": "sha-r3",
        "serving": True,
    }


@pytest.mark.usefixtures("place")
def test_a_revision_is_activated_and_back(io: RealIo) -> None:
    for name, before in (("r1", ""), ("r2", "r1"), ("r3", "r2")):
        kind = activate(name)
        observation = kind.perform(io)
        assert observation == {"current": name, "previous": before}
        assert kind.judge(observation).outcome is Outcome.PASSED


def test_only_what_served_before_is_gone_back_to(io: RealIo, place: Path) -> None:
    state(place, row("r3", 3, live=True), row("r2", 2), row("r1", 1, went_live=1))
    assert revisions({**LIST, "served": "went_live"}).perform(io)["previous"] == "r1"


def test_where_several_serve_the_newest_is_current_and_an_older_one_that_serves_is_previous(
    io: RealIo, place: Path
) -> None:
    state(place, row("r3", 3, live=True), row("r2", 2), row("r1", 1, live=True))
    observation = revisions({**LIST, "served": "surely_not"}).perform(io)
    assert (observation["current"], observation["previous"]) == ("r3", "r1")


def test_without_times_the_order_of_the_list_counts(io: RealIo, place: Path) -> None:
    state(place, row("b", "yesterday"), row("a", 5, live=True), row("c", "nan"), row("d", "2023-11-15T00:00:00"))
    observation = revisions().perform(io)
    assert ids(observation) == ["b", "a", "c", "d"]
    assert observation["previous"] == "c"
    assert ["age_s" in one for one in cast("list[JsonObject]", observation["revisions"])] == [False, True, False, False]


def test_numbers_are_ordered_as_numbers(io: RealIo, place: Path) -> None:
    state(place, row("a", 1, n="9", live=True), row("b", 1, n="10"))
    assert ids(revisions({**LIST, "order": "n"}).perform(io)) == ["b", "a"]


def test_another_command_may_tell_what_serves(io: RealIo, place: Path) -> None:
    program(place, '#!/bin/sh\necho \'{"routes": [{"to": "r2"}]}\'\n', "routes")
    serving: dict[str, Resolved] = {"argv": ["./routes"], "id": "routes[*].to"}
    observation = revisions(serving=serving).perform(io)
    assert (observation["current"], observation["previous"]) == ("r2", "r1")


def test_what_serves_and_is_not_in_the_list_is_told_and_has_no_previous(io: RealIo, place: Path) -> None:
    program(place, '#!/bin/sh\necho \'{"to": "r0"}\'\n', "routes")
    observation = revisions(serving={"argv": ["./routes"], "id": "to"}).perform(io)
    assert (observation["current"], observation["previous"]) == ("r0", "")


def test_an_empty_list_is_no_crash(io: RealIo, place: Path) -> None:
    for text in ('{"data": {"releases": []}}', "{}", "[]", "null", '{"data": {"releases": [null, 3, {"name": ""}]}}'):
        (place / "state.json").write_text(text)
        assert revisions().perform(io) == {"revisions": [], "current": "", "previous": ""}


@pytest.mark.usefixtures("place")
def test_a_program_that_fails_or_answers_no_json_is_quoted(io: RealIo, tmp_path: Path) -> None:
    with pytest.raises(NotSent, match=r"^`./deployctl`: exit status 4: Error: no app other$") as caught:
        revisions(service="other").perform(io)
    assert caught.value.help == "try it yourself: ./deployctl list other"
    (tmp_path / "state.json").write_text("not yet")
    with pytest.raises(NotSent, match=r"what `./deployctl` answered cannot be read as JSON"):
        revisions().perform(io)


def test_a_client_that_is_not_installed_has_a_code_and_says_what_to_do(io: RealIo) -> None:
    with pytest.raises(Refused) as caught:
        activate("r1", list={**LIST, "argv": ["surely-not-there"]}).perform(io)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code.number == "RB420"
    assert diagnostic.message == "custom is spoken to by `surely-not-there`, which is not installed here (RB420)"
    assert diagnostic.help == "install it, or look at PATH"


@pytest.mark.usefixtures("place")
def test_values_stay_one_argument_and_are_never_code(io: RealIo, place: Path) -> None:
    nasty = "$(touch pwned); {service} 'x'"
    state(place, row(nasty, 1), row("r3", 3, live=True))
    program(
        place, f"#!/bin/sh\nprintf '%s|' \"$@\" >args\nsed -i.bak 's/true/false/' state.json\n{_live(nasty)}", "put"
    )
    kind = activate(nasty, ["./put", "--to={revision}=100", "{handle}", "{other}", "{{service}}"])
    assert kind.perform(io)["current"] == nasty
    assert (place / "args").read_text() == f"--to={nasty}=100|{nasty}|{{other}}|{{my api}}|"
    assert not (place / "pwned").exists()


def _live(name: str) -> str:
    """A line of shell that makes the release on the first line of the list serve."""
    del name
    return 'sed -i.bak \'2s/"live": false/"live": true/\' state.json\n'


@pytest.mark.usefixtures("place")
def test_an_empty_revision_is_refused_before_there_is_an_action() -> None:
    with pytest.raises(ExpressionError, match=r"`activate.revision` is empty"):
        activate("")


def test_a_custom_provider_without_a_list_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="the provider `custom` needs `list`"):
        make("revisions", {"provider": "custom", "service": "api"})


@pytest.mark.reliability
@pytest.mark.parametrize("argv", [["sh", "-c", "put {revision}"], ["/bin/bash", "-euc", "true\nput {service}"]])
def test_f9_a_placeholder_in_a_script_is_refused_before_there_is_an_action(argv: list[Resolved]) -> None:
    with pytest.raises(ValueError, match="in a script would become code: write `\\$1` there"):
        activate("r2", argv)
    assert activate("r2", ["sh", "-c", 'put "$1"', "put", "{revision}"])


@pytest.mark.usefixtures("place")
def test_a_revision_that_is_not_in_the_list_sends_nothing(io: RealIo, place: Path) -> None:
    with pytest.raises(NotSent, match="`my api` has no revision `r9`") as caught:
        activate("r9", ["touch", "sent"]).perform(io)
    assert caught.value.help == "the newest are: r3, r2, r1"
    assert not (place / "sent").exists()


@pytest.mark.usefixtures("place")
def test_what_says_that_it_failed_may_have_changed_something(io: RealIo) -> None:
    kind = activate("r2", ["sh", "-c", "./deployctl activate r2; echo 'ERROR: quota' >&2; echo more >&2; exit 3"])
    observation = kind.perform(io)
    assert observation == {"current": "r2", "previous": "r1", "problem": "`sh`: exit status 3: ERROR: quota"}
    verdict = kind.judge(observation)
    assert (verdict.outcome, verdict.changed) == (Outcome.FAILED, "maybe")
    assert verdict.reason == "`sh`: exit status 3: ERROR: quota; r2 serves now"


@pytest.mark.usefixtures("place")
def test_what_failed_and_hides_what_serves_is_unknown(io: RealIo) -> None:
    with pytest.raises(
        Lost, match=r"`sh`: exit status 1; and nobody can see what serves now: `./deployctl`: exit status 1"
    ):
        activate("r2", ["sh", "-c", "rm state.json; exit 1"]).perform(io)


@pytest.mark.usefixtures("place")
def test_not_yet_is_not_did_not_happen(io: RealIo) -> None:
    with pytest.raises(
        TimedOut, match=r"^r2 was activated and does not serve yet: r3 serves; no other answer within 1 s"
    ):
        activate("r2", ["true"]).perform(io)


@pytest.mark.usefixtures("place")
def test_a_client_that_goes_away_after_sending_proves_nothing(io: RealIo) -> None:
    with pytest.raises(TimedOut, match="r2 was activated and does not serve yet: nobody can see what serves: "):
        activate("r2", ["rm", "deployctl"]).perform(io)


@pytest.mark.usefixtures("place")
def test_it_waits_until_the_revision_serves_and_it_alone(io: RealIo, place: Path) -> None:
    """The switch takes effect in two steps, later than the client returns."""
    state(place, row("r2", 2), row("r3", 3, live=True))
    first, then = "sed -i.bak '2s/false/true/' state.json", "sed -i.bak '3s/true/false/' state.json"
    slow = f"(sleep 0.3; {first}; sleep 0.9; {then}) >/dev/null 2>&1 &"
    assert activate("r2", ["sh", "-c", slow], patience="10s").perform(io)["current"] == "r2"


@pytest.mark.usefixtures("place")
def test_a_person_may_stop_the_waiting_and_it_is_said_what_was_seen(io: RealIo) -> None:
    timer = threading.Timer(0.5, lambda: io.cancel(1))
    timer.start()
    with pytest.raises(Cancelled, match="r2 was activated and does not serve yet: r3 serves; stopped by a person"):
        activate("r2", ["true"], patience="20s").perform(io)
    timer.join()


@pytest.mark.usefixtures("place")
def test_stopped_before_anything_was_sent_is_surely_no_change(io: RealIo, place: Path) -> None:
    io.cancel(1)
    with pytest.raises(NotSent, match=r"^nothing was activated: stopped"):
        activate("r2", ["touch", "sent"]).perform(io)
    assert not (place / "sent").exists()


def test_the_preview_shows_the_very_commands() -> None:
    preview = activate("r2").preview()
    assert preview.line == "./deployctl activate r2"
    assert preview.detail == "make r2 of my api serve; before and after it look with:\n./deployctl list 'my api'"
    look = revisions(serving={"argv": ["./routes", "{service}"], "id": "to"}).preview()
    assert look.line == "./deployctl list 'my api'"
    assert look.detail == "./routes 'my api'\nlist the revisions of my api (custom)"
    script = activate("r2", ["sh", "-c", 'put "$1"\nlook', "put", "{revision}"]).preview()
    assert script.line == "sh -c SCRIPT put r2"
    assert script.detail.endswith('\nSCRIPT is:\nput "$1"\nlook')


def test_a_scenario_needs_to_tell_what_serves_only() -> None:
    assert revisions().judge({"current": "r1"}).outcome is Outcome.PASSED
    assert revisions().judge({"current": ""}).reason == "no revision serves"
    assert activate("r2").judge({"current": "r2"}).outcome is Outcome.PASSED
    verdict = activate("r2").judge({"current": "r1"})
    assert (verdict.outcome, verdict.reason, verdict.changed) == (Outcome.FAILED, "r1 serves, not r2", "maybe")
