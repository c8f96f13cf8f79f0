"""No byte of a secret is left by a walk: not in its directory, not in what it says, whoever prints it and however."""

import json
import signal
from pathlib import Path
from textwrap import dedent

import pytest
from tests.drivers.books import GOOD, book, change
from tests.drivers.desk import Desk, Done, answers, wait_for

pytestmark = pytest.mark.reliability
FROM_ENV, FROM_FILE, FROM_COMMAND = "env-Wert:geheim/1", 'file\\secret "two"', "command-secret-3"
MADE, TYPED = "made-by-a-step-4", "typed-into-a-form-5"
SECRETS = (FROM_ENV, FROM_FILE, FROM_COMMAND, MADE, TYPED)
HEAD = """\
secrets:
  token: {env: TOKEN}
  filed: {file: filed.txt, strip: newline}
  made: {command: [cat, commanded.txt], strip: newline}
"""
ALL = "{T: '${{ secrets.token }}', F: '${{ secrets.filed }}', C: '${{ secrets.made }}'}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("filed.txt", FROM_FILE + "\n")
    desk.write("commanded.txt", FROM_COMMAND + "\n")
    desk.write("minted.txt", MADE)
    desk.env["TOKEN"] = FROM_ENV
    return desk


def step(name: str, script: str, *, then: str, env: str = "{}", more: str = "", effect: str = "none") -> str:
    """A step that runs a script."""
    lines = "\n".join("  " + line for line in script.splitlines())
    undo = "undo: none\nbecause: a test\n" if effect != "none" else ""
    return (
        f"id: {name}\ntitle: Step {name}\nkind: command\neffect: {effect}\n{undo}env: {env}\n"
        f"script: |\n{lines}\nnext: {then}\non_fail: bad\n{more}"
    )


def assert_kept(desk: Desk, *dones: Done) -> None:
    """None of the secrets is anywhere, whole or as JSON writes it."""
    everywhere = desk.every_byte() + "".join(done.text for done in dones).encode()
    for secret in SECRETS:
        for form in (secret, secret.replace("\\", "\\\\").replace('"', '\\"')):
            assert form.encode() not in everywhere, (secret, everywhere[everywhere.find(form.encode()) - 200 :][:300])


LOUD = """\
set +x
printenv
for value in "$T" "$F" "$C"; do
  printf '%s\\n' "$value"
  printf 'in the middle:%s:of a line\\n' "$value" >&2
  touch "kept-${value%%[/ ]*}"
done
ls
exit 3
"""


def test_d1_what_a_step_prints_of_its_secrets_is_covered_everywhere(desk: Desk) -> None:
    shown = """
        id: told
        title: It said ${{ steps.loud.stdout }}
        kind: manual
        effect: none
        instructions: Look for it
        evidence: required
        next: done
        on_fail: bad
    """
    text = book(step("loud", LOUD, env=ALL, then="told", more="expect: exit_code == 3\n"), dedent(shown), head=HEAD)
    walked = desk.walk(text)
    assert walked.status == 3
    outputs = {f["stream"]: f["masked"] for f in desk.told("step.output")}
    assert set(outputs["stdout"]) == set(outputs["stderr"]) == {"token", "filed", "made"}
    finished = desk.told("step.finished")[0]
    assert set(finished["masked"]) == {"stdout", "stderr"}
    desk.write("answers.yaml", answers(f"step: told, outcome: done, evidence: '{FROM_ENV} {FROM_FILE}'"))
    resumed = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert resumed.status == 0
    said = [desk.do(*words.split()) for words in ("status r1", "verify r1", "runs", "report r1")]
    said += [desk.do("report", "r1", "--format", "json"), desk.do("status", "r1", "--format", "json")]
    assert_kept(desk, walked, resumed, *said)
    assert desk.verify() == 0


def test_d1_a_step_that_prints_a_secret_before_any_step_uses_it_is_covered_too(desk: Desk) -> None:
    text = book(
        step("early", "cat filed.txt; echo env-Wert:geheim/1", then="late"),
        step("late", "true", env=ALL, then="done"),
        head=HEAD,
    )
    desk.write("early", "")
    walked = desk.walk(text.replace("echo env-Wert:geheim/1", 'echo env-Wert":"geheim/1'))
    assert walked.status == 0
    assert_kept(desk, walked)


def test_d1_a_value_that_is_a_secret_too_is_covered_in_actions_and_confirmations(desk: Desk) -> None:
    copied = step("copied", "cat commanded.txt", then="used")
    used = step(
        "used",
        'test "$T" = "$X"',
        env="{T: '${{ secrets.made }}', X: '${{ steps.copied.stdout }}'}",
        then="done",
        effect="change",
    )
    walked = desk.walk(book(copied, used, head=HEAD))
    assert walked.status == 3
    # It was read as a plain text before anybody knew that it is one: the value is covered from then on.
    assert FROM_COMMAND not in str(desk.told("confirmation.requested")[0]["what"])


def test_d1_a_value_that_is_a_secret_too_is_no_element_of_a_list(desk: Desk) -> None:
    copied = step("copied", "cat commanded.txt", then="used", more="output: lines\n")
    used = step("used", 'test -n "$T"', env="{T: '${{ secrets.made }}'}", then="each")
    each = step("each", "true", env="{X: '${{ item }}'}", then="done", effect="change")
    walked = desk.walk(book(copied, used, f"{each}for_each: {{in: steps.copied.lines}}\n", head=HEAD))
    assert walked.status == 3
    assert "element 0 holds a secret" in walked.text
    after = [record for record in desk.records() if record.fields.get("step") not in {None, "copied"}]
    assert not any(json.dumps(FROM_COMMAND)[1:-1] in str(record.fields) for record in after)
    assert not desk.told("confirmation.requested")
    assert desk.verify() == 3


def test_d1_a_secret_is_no_input(desk: Desk) -> None:
    text = book(step("quiet", "true", then="done"), head=HEAD + "inputs: {x: {}}\n")
    for value in (FROM_ENV, f"before {FROM_FILE} behind"):
        refused = desk.walk(text, "-i", f"x={value}")
        assert refused.status == 2
        assert "error[RB321]" in refused.err
        assert not desk.run().path.exists()
        assert_kept(desk, refused)


def test_d1_what_people_write_down_is_covered(desk: Desk) -> None:
    waiting = "id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: one\n"
    text = book(step("quiet", "true", env=ALL, then="calm"), waiting, change("one", then="done"), head=HEAD)
    desk.write("book.yaml", text)
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--incident", f"INC {FROM_ENV}")
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == ["wait.started"], "it does not wait")
    notes = [desk.do("note", "r1", f"it says {secret}") for secret in (FROM_ENV, FROM_FILE, FROM_COMMAND)]
    wait_for(lambda: len(desk.told("note.added")) == 3, "the notes do not arrive")
    process.signal(signal.SIGTERM)
    walked = process.ended()
    notes.append(desk.do("note", "r1", f"and now {FROM_ENV} or {FROM_FILE}"))
    notes.append(desk.do("abort", "r1", "--reason", f"because of {FROM_FILE}"))
    assert [str(f["text"]).count("[MASKED:") for f in desk.told("note.added")] == [1, 1, 1, 2]
    assert_kept(desk, walked, *notes)
    assert desk.verify() == 0


def test_d1_why_something_could_not_be_done_says_nothing_of_a_secret(desk: Desk) -> None:
    elsewhere = """
        id: elsewhere
        title: Go
        kind: command
        effect: none
        argv: [cat]
        cwd: ${{ steps.early.json.path }}
        stdin: ${{ secrets.made }}
        next: done
        on_fail: bad
    """
    early = step(
        "early", 'echo "{\\"path\\": \\"/nowhere\\"}"; cat filed.txt >&2', then="elsewhere", more="output: json\n"
    )
    text = book(early, dedent(elsewhere), head=HEAD)
    walked = desk.walk(text)
    assert walked.status in (1, 3)
    (desk.root / "commanded.txt").rename(desk.root / "gone")
    desk.write("commanded.txt", FROM_COMMAND + "\n\n")
    again = desk.walk(text, run="r2")
    assert again.status == 3
    assert "the secret `made` ends in a newline (17 characters with it)" in again.err
    assert_kept(desk, walked, again)


def test_d2_a_secret_is_covered_however_it_is_cut_into_pieces(desk: Desk) -> None:
    slow = "python3 -c 'import os\nfor c in os.environ[\"T\"]: os.write(1, c.encode()); os.write(2, c.encode())'"
    walked = desk.walk(book(step("slow", slow, env=ALL, then="done"), head=HEAD))
    assert walked.status == 0
    assert [f["masked"] for f in desk.told("step.output")] == [["token"], ["token"]]
    assert_kept(desk, walked)


def test_d2_a_secret_at_the_edge_of_what_is_kept_is_covered(desk: Desk) -> None:
    flood = 'i=0; while [ $i -lt 3000 ]; do printf "x%s" "$T"; i=$((i+1)); done'
    walked = desk.walk(book(step("flood", flood, env=ALL, then="done"), head=HEAD))
    assert walked.status == 0
    assert_kept(desk, walked)
    assert b"geheim" not in desk.every_byte()
    assert desk.verify() == 0


MAKE = """\
head -c 4 minted.txt; tail -c +5 minted.txt; echo
printf 'again '; head -c 9 minted.txt; cat minted.txt >&2; tail -c +10 minted.txt
"""
SAVE = """save_secret: {minted: 'stdout.split("\\n")[0]'}\n"""


def test_d14_a_secret_that_a_step_makes_is_covered_from_its_first_byte_in_that_step_and_the_next(desk: Desk) -> None:
    use = step("use", 'echo "it is $M"; test -n "$M"', env="{M: '${{ secrets.minted }}'}", then="done")
    walked = desk.walk(book(step("make", MAKE, then="use", more=SAVE), use))
    assert walked.status == 0, walked
    assert [f["masked"] for f in desk.told("step.output")] == [["minted"]] * 3
    assert_kept(desk, walked)
    assert desk.verify() == 0


def test_d14_a_secret_that_a_step_made_is_gone_after_a_resume_and_the_step_that_wants_it_says_so(desk: Desk) -> None:
    use = step("use", "true", env="{M: '${{ secrets.minted }}'}", then="done")
    calm = "id: calm\ntitle: Sure?\nkind: gate\nquestion: Go on?\nnext: use\non_fail: bad\n"
    assert desk.walk(book(step("make", MAKE, then="calm", more=SAVE), calm, use)).status == 3
    desk.write("answers.yaml", answers("step: calm, confirm: 'yes'"))
    resumed = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert resumed.status == 3
    assert "the secret `minted` is gone; go back to the step that makes it" in resumed.err
    assert_kept(desk, resumed)


@pytest.mark.parametrize("expression", ['stdout.split("x")[7]', '"abc"', '"true"'])
def test_d14_of_a_step_whose_secret_cannot_be_known_nothing_is_kept(expression: str, desk: Desk) -> None:
    walked = desk.walk(book(step("make", MAKE, then="done", more=f"save_secret: {{minted: '{expression}'}}\n")))
    assert walked.status == 1, walked
    assert "`save_secret`" in walked.err
    assert desk.told("step.output") == []
    assert "obs" not in desk.told("step.finished")[0]
    assert_kept(desk, walked)
    assert desk.verify() == 0


def test_d14_of_a_step_that_is_ended_before_its_secret_is_known_nothing_is_kept(desk: Desk) -> None:
    more = SAVE + "timeout: 500ms\n"
    walked = desk.walk(book(step("make", "cat minted.txt; exec sleep 60", then="done", more=more)))
    assert walked.status == 1, walked
    assert "did not end within" in str(desk.told("step.finished")[0]["reason"])
    assert desk.told("step.output") == []
    assert_kept(desk, walked)


def test_d14_more_than_can_be_held_back_is_a_failure_and_nothing_of_it_is_kept(desk: Desk) -> None:
    flood = "cat minted.txt; echo; head -c 20000000 /dev/zero | tr '\\0' x"
    walked = desk.walk(book(step("make", flood, then="done", more=SAVE)))
    assert walked.status == 1, walked
    assert "more was printed than can be held back" in str(desk.told("step.finished")[0]["reason"])
    assert desk.told("step.output") == []
    assert_kept(desk, walked)


def test_d13_a_secret_field_of_a_form_is_never_written_down(desk: Desk) -> None:
    form = "id: form\nkind: ask\nfields: {code: {secret: true}, plain: {default: x}}\nnext: use\non_fail: bad\n"
    use = step("use", 'echo "$M"', env="{M: '${{ secrets.code }}'}", then="done")
    desk.write("answers.yaml", answers(f"step: form, fields: {{code: {TYPED}, plain: 'or {TYPED}?'}}"))
    walked = desk.walk(book(form, use), "--answers", "answers.yaml")
    assert walked.status == 0, walked
    assert_kept(desk, walked)
    assert desk.verify() == 0


def test_k6_a_variable_that_a_secret_comes_from_is_no_childs_and_in_no_record(desk: Desk) -> None:
    look = step(
        "look", 'test -z "${TOKEN+set}"; tr "\\0" "\\n" < /proc/self/environ | grep -c TOKEN || true', then="given"
    )
    given = step(
        "given", 'test "$TOKEN" = "$T"', env="{TOKEN: '${{ secrets.token }}', T: '${{ secrets.token }}'}", then="vars"
    )
    rules = "require: {TOKEN: {min_length: 3, secret: true}, HOME: {}}"
    checked = f"id: vars\nkind: env\nfrom: process\n{rules}\nnext: done\non_fail: bad\n"
    walked = desk.walk(book(look, given, checked, head=HEAD))
    assert walked.status == 0, walked
    assert [f["secret"] for f in desk.told("secret.resolved")] == ["token"]
    assert desk.run().path.joinpath("output").is_dir()
    assert_kept(desk, walked)


def test_an_expression_that_needs_a_covered_field_fails_and_says_so_the_same_on_replay(desk: Desk) -> None:
    loud = step("loud", 'echo "$T"', env=ALL, then="done", more="expect: 'stdout.startsWith(\"env\")'\n")
    walked = desk.walk(book(loud, head=HEAD))
    assert walked.status == 1
    assert "masked" in str(desk.told("step.finished")[0]["reason"])
    assert_kept(desk, walked)
    assert desk.verify() == 0


@pytest.mark.parametrize(
    "secret",
    [
        "passed",
        "command",
        "staging",
        "fields",
        "resolved",
        "123456",
        '"}},{"',
        "answers",
        "argv",
        "exit_code",
        "done",
        "look",
    ],
)
def test_d9_a_secret_that_looks_like_one_of_our_words_breaks_nothing(secret: str, desk: Desk) -> None:
    desk.env["TOKEN"] = secret
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    look = step(
        "look",
        'printf %s "$T"; echo 123456 done >&2',
        env="{T: '${{ secrets.token }}'}",
        then="one",
        more="expect: exit_code == 0\n",
    )
    walked = desk.walk(
        book(look, change("one", then="done"), head=HEAD, end=GOOD + "  - {id: bad, kind: finish, outcome: failed}\n"),
        "--answers",
        "answers.yaml",
    )
    assert walked.status == 0, walked
    assert desk.told("step.finished")[0]["masked"][0] == "stdout"
    assert desk.verify() == 0


def test_d1_what_cannot_be_used_is_said_at_the_start_and_stops_only_who_needs_it(desk: Desk) -> None:
    del desk.env["TOKEN"]
    text = book(step("look", "true", then="done"), head=HEAD)
    walked = desk.walk(text)
    assert walked.status == 0
    assert [told["text"].partition(";")[0] for told in desk.told("warning")] == [
        "the variable `TOKEN` of the secret `token` is not set"
    ]
    assert desk.types()[:2] == ["run.started", "warning"]
    assert desk.verify() == 0


def test_d14_a_resume_knows_secrets_of_variables_and_files_before_the_first_step_that_uses_one(desk: Desk) -> None:
    desk.write("leak.txt", f"{FROM_ENV} {FROM_FILE}")
    text = book(
        "id: sure\nkind: gate\nquestion: Sure?\nnext: leak\n",
        step("leak", "cat leak.txt", then="use"),
        step("use", "true", then="done", env="{T: '${{ secrets.token }}', F: '${{ secrets.filed }}'}"),
        head=HEAD.partition("  made:")[0],
    )
    walked = desk.walk(text)
    assert walked.status == 3
    desk.write("answers.yaml", answers("step: sure, confirm: 'yes'"))
    resumed = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert resumed.status == 0, resumed
    everywhere = desk.every_byte() + resumed.text.encode()
    assert b"[MASKED:token] [MASKED:filed]" in everywhere
    for secret in (FROM_ENV, FROM_FILE):
        assert secret.encode() not in everywhere
