"""The kind command, with real processes."""

import pytest

from runbook.kinds.command import Command
from runbook.kinds.registry import make
from runbook.model.io import NotSent
from runbook.model.kind import Kind
from runbook.model.runbook import Outcome
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.real import RealIo

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


def test_arguments_arrive_as_they_are(io: RealIo) -> None:
    argv = ["printf", "%s|", "a b", "$HOME", "`id`", "", "-rf", "'\"", "é\n"]
    assert Command(argv=argv).perform(io)["stdout"] == "a b|$HOME|`id`||-rf|'\"|é\n|"


def test_a_list_inside_of_the_arguments_is_spliced_in() -> None:
    command = make("command", {"argv": ["tar", "-c", ["a b", "c"], 3]})
    assert isinstance(command, Command)
    assert command.argv == ["tar", "-c", "a b", "c", "3"]


@pytest.mark.reliability
@pytest.mark.parametrize("script", ["false | true", "echo $SURELY_NOT_SET", "false\ntrue"])
def test_g8_a_script_stops_at_the_first_thing_that_fails(io: RealIo, script: str) -> None:
    command = Command(script=script)
    assert command.judge(command.perform(io)).outcome is FAILED


def test_a_script_for_sh_runs_under_sh(io: RealIo) -> None:
    seen = Command(script='echo "${BASH_VERSION-none}"; echo "$0"', shell="sh").perform(io)  # noqa: S604 - a field of ours
    assert seen["exit_code"] == 0
    assert str(seen["stdout"]).endswith("sh\n")


def test_secrets_reach_a_program_by_its_environment_and_input_and_files_by_their_path(io: RealIo) -> None:
    token = SecretText((SecretRef("token"),))
    seen = Command(
        script='read -r line; echo "$TOKEN/$line/$(cat "$CONFIG")"',
        env={"TOKEN": token},
        stdin=SecretText((SecretRef("token"), "\n")),
        files={"CONFIG": "a: 1"},
    ).perform(io)
    assert seen["stdout"] == "correct-horse-battery/correct-horse-battery/a: 1\n"


def test_output_is_read_as_lines(io: RealIo) -> None:
    assert Command(script=r"printf 'a\r\nb\n\nc\n'", output="lines").perform(io)["lines"] == ["a", "b", "", "c"]
    assert Command(argv=["true"], output="lines").perform(io)["lines"] == []


def test_output_is_read_as_json(io: RealIo) -> None:
    command = Command(argv=["echo", '{"a": [1, 2.5, null]}'], output="json")
    seen = command.perform(io)
    assert seen["json"] == {"a": [1, 2.5, None]}
    assert command.judge(seen).outcome is PASSED


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1e999]", '"\\ud800"', "{} {}"])
def test_output_that_is_no_json_where_json_was_wanted_fails(io: RealIo, text: str) -> None:
    command = Command(argv=["echo", text], output="json")
    verdict = command.judge(command.perform(io))
    assert verdict.outcome is FAILED
    assert verdict.reason.startswith("its standard output cannot be read as JSON: ")


@pytest.mark.reliability
def test_g7_every_way_to_end_has_a_reason_of_its_own(io: RealIo) -> None:
    def reason(script: str) -> str:
        command = Command(script=script)
        verdict = command.judge(command.perform(io))
        assert verdict.outcome is FAILED
        assert verdict.changed == "maybe"
        return verdict.reason

    assert reason("echo first >&2; echo 'no such table' >&2; exit 3") == "exit status 3: no such table"
    psql = 'psql:1: ERROR:  42P01: relation "threads" does not exist'
    assert reason(f"echo '{psql}\nLINE 1: select\nLOCATION:  parserOpenTable, parse_relation.c:1449' >&2; exit 3") == (
        f"exit status 3: {psql}"
    )
    assert reason("echo 'Error: no such project' >&2; echo 'error: it follows' >&2; echo 'see --help' >&2; exit 1") == (
        "exit status 1: Error: no such project"
    )
    assert reason("echo '0 errors so far' >&2; echo 'it is full' >&2; exit 1") == "exit status 1: it is full"
    assert reason("exit 4") == "exit status 4"
    assert reason("exit 126") == "exit status 126: a program in it cannot be executed"
    assert reason("surely-not-there").startswith("exit status 127: a program in it was not found: ")
    assert reason("kill -9 $$") == "ended by SIGKILL (out of memory?)"
    assert reason("exit 143") == "exit status 143: a program in it was ended by SIGTERM"


def test_a_program_that_is_not_there_was_not_sent(io: RealIo) -> None:
    with pytest.raises(NotSent):
        Command(argv=["surely-not-there"]).perform(io)


def test_a_signal_is_told_apart_from_a_status(io: RealIo) -> None:
    seen = Command(script="kill -TERM $$").perform(io)
    assert (seen["exit_code"], seen["signal"]) == (143, "SIGTERM")
    seen = Command(script="exit 143").perform(io)
    assert (seen["exit_code"], seen["signal"]) == (143, "")


@pytest.mark.reliability
def test_g6_a_program_that_wanted_a_terminal_is_advised(io: RealIo) -> None:
    command = Command(script="read -r answer < /dev/tty")
    verdict = command.judge(command.perform(io))
    assert verdict.outcome is FAILED
    assert verdict.reason.endswith("; it wanted a terminal or a password: make it a `manual` step")


@pytest.mark.reliability
def test_g9_what_a_program_says_is_no_verdict(io: RealIo) -> None:
    command = Command(script="echo 'ERROR: everything failed' >&2; exec 1>&-")
    seen = command.perform(io)
    assert command.judge(seen).outcome is PASSED
    assert seen["stderr"] == "ERROR: everything failed\n"


def test_a_scenario_needs_to_tell_the_exit_code_only() -> None:
    command = Command(argv=["true"], output="json")
    assert command.judge({"exit_code": 0}).outcome is PASSED
    assert command.judge({"exit_code": 2}).reason == "exit status 2"
    with pytest.raises(KeyError):
        command.judge({"stdout": "x"})


def test_a_step_observes_json_or_lines_only_where_it_asks_for_them() -> None:
    extra = {"json", "json_error", "lines"}
    assert not Command.observes({}).keys() & extra
    assert Command.observes({"output": "lines"}).keys() & extra == {"lines"}
    assert Command.observes({"output": "json"}).keys() & extra == {"json", "json_error"}


def shown(kind: Kind) -> str:
    preview = kind.preview()
    return f"{preview.line}\n{preview.detail}"


def test_the_preview_is_exact_and_holds_no_secret() -> None:
    env = {"TOKEN": SecretText(("t=", SecretRef("token")))}
    assert shown(Command(argv=["echo", "a b", "$x"], env=env, cwd="/srv")) == (
        "echo 'a b' '$x'\nwith TOKEN=t=‹secret token›\nin /srv"
    )
    assert shown(Command(script="set -x\nls\n", stdin="hello")) == (
        "bash --norc -euo pipefail, the script:\nset -x\nls\nreading:\nhello"
    )
