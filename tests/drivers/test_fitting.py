"""Whatever a text holds and however long it is, the log takes it, or the step says why not; and it hides no secret."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers

from runbook.audit.masking import Masker
from runbook.drivers.fitting import covered, covered_action, fit, secrets_in
from runbook.model.canonical import Json, JsonObject, canonical, size

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SECRETS = ["passed", "command", '"}},', "fields", "123456", 'say "hi"\\', "pässwörd", "kind"]


def masking(*values: str) -> Masker:
    masker = Masker()
    for number, value in enumerate(values):
        masker.register(f"s{number}", value)
    return masker


@given(st.sampled_from(["reason", "text"]), st.text(st.characters(exclude_categories=())), st.integers(0, 60_000))
def test_a_text_fits_once_it_is_made_to_and_stays_as_it_is_then(name: str, text: str, times: int) -> None:
    made = fit(name, text * (times // (len(text) or 1)))
    assert size(made) <= (2_048 if name == "reason" else 16_384)
    assert fit(name, made) == made
    made.encode()


def test_a_text_that_fits_is_left_alone() -> None:
    for text in ("", "x" * 2_000, "😀" * 150, "zwei\nZeilen"):
        assert fit("reason", text) == text


@given(JSON, st.sampled_from(SECRETS))
def test_covering_leaves_json_json_and_no_secret_in_it(value: Json, secret: str) -> None:
    masker = masking(secret)
    text = canonical({"said": [value, f"<{secret}>"], "number": 1234567})
    made = json.loads(covered(text, masker.cover))
    assert secret not in made["said"][1]
    assert "[MASKED:s0]" in made["said"][1]


@pytest.mark.reliability
@pytest.mark.parametrize("noise", ["\u200b", "\x1b[1m", "\0", "\r", "\ufe0f", "\x7f", "x\b"])
def test_d8_a_secret_that_only_escapes_of_json_split_is_covered_in_every_value(noise: str) -> None:
    masker = masking('say "hi"\\ to /them', "hunter2-correct")
    odd, plain = (noise.join(value) for value in ('say "hi"\\ to /them', "hunter2-correct"))
    value: Json = {"a": [odd, {f"key {plain}": plain}], "b": f"é{odd}\n{plain}", "kind": "as it was"}
    made = covered(canonical(value), masker.cover)
    assert made == (
        '{"a":["[MASKED:s0]",{"key [MASKED:s1]":"[MASKED:s1]"}],'
        '"b":"\\u00e9[MASKED:s0]\\n[MASKED:s1]","kind":"as it was"}'
    )
    action: JsonObject = {"kind": "command", "version": "1", "fields": {"argv": [odd, plain]}}
    both = json.loads(covered_action(canonical({**action, "undo": action}), masker.cover))
    assert [each["fields"]["argv"] for each in (both, both["undo"])] == [["[MASKED:s0]", "[MASKED:s1]"]] * 2
    assert set(secrets_in(value, masker.mask)) == {"s0", "s1"}


@pytest.mark.reliability
def test_d10_what_a_rule_finds_only_in_the_value_itself_is_covered() -> None:
    """A letter that JSON escapes ends in a digit there; a line that ends in the value goes on in the text."""
    key = "AK" + "IA" + "ABCDEFGHIJKLMNOP"  # so that no scanner of this tree takes it for one
    for text in (f"é{key}", f"first\n{key}", "x\nPGPASSWORD=s3cr3t-of-theirs\ny"):
        made = covered(canonical({"text": text}), masking().cover)
        assert "[MASKED:rule:" in made
        assert key not in made


@given(JSON)
def test_covering_what_holds_no_secret_changes_nothing(value: Json) -> None:
    assert covered(canonical(value), masking("a-secret-of-ours").cover) == canonical(value)


@pytest.mark.parametrize("secret", SECRETS)
def test_covering_an_action_leaves_its_kind_and_the_names_of_its_fields(secret: str) -> None:
    masker = masking(secret)
    inner: JsonObject = {"kind": "command", "version": "1", "fields": {"argv": [secret, "123456", 123456]}}
    text = canonical({**inner, "nested": {"until": inner}, "undo": inner})
    made = json.loads(covered_action(text, masker.cover))
    for action in (made, made["nested"]["until"], made["undo"]):
        assert (action["kind"], [*action["fields"]]) == ("command", ["argv"])
        assert secret not in str(action["fields"]["argv"][0])


def test_an_action_that_no_record_can_hold_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    long = book(change("one", then="done", before="# " + "y" * 70_000))
    done = desk.walk(long, "--answers", "answers.yaml")
    assert done.status == 3
    assert "the action takes 70," in done.err
    assert [f["by"] for f in desk.told("step.refused")] == ["expression"]
    assert desk.effects() == []
    assert desk.verify() == 3


def test_values_that_no_record_can_hold_are_not_saved_and_the_step_fails_with_the_reason(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    save = "save: {once: stdout, twice: stdout}\n"
    done = desk.walk(book(read("look", "head", "-c", "30000", "long", then="done", more=save)), "--run-id", "r0")
    desk.write("long", "x" * 30_000)
    done = desk.walk(book(read("look", "head", "-c", "30000", "long", then="done", more=save)))
    assert done.status == 1
    assert "`save`: with what was observed it takes" in done.err
    assert desk.verify() == 0
    desk.write("long", "x" * 15_000)
    assert desk.walk(book(read("look", "cat", "long", then="done", more=save)), run="r2").status == 0


def test_a_long_output_on_every_stream_is_cut_where_the_log_needs_it_and_walked_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    loud = "import sys; print('\\1' * 90000); print('é' * 90000 + '\\n' + 'e' * 9000, file=sys.stderr); exit(3)"
    assert desk.walk(book(read("look", "python3", "-c", loud, then="done"))).status == 1
    assert [f["outcome"] for f in desk.told("step.finished")] == ["failed", "passed"]
    assert desk.verify() == 0


def test_a_question_with_much_in_it_is_asked_and_an_answer_that_is_too_long_pauses(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    fields = "".join(f"  field_{number}: {{required: false}}\n" for number in range(400))
    ask = f"id: form\ntitle: Fill it in\nkind: ask\nfields:\n{fields}next: done\non_fail: bad\n"
    long = "x" * 45_000
    desk.write("answers.yaml", answers(f"step: form, fields: {{field_1: {long}}}"))
    done = desk.walk(book(ask), "--answers", "answers.yaml")
    assert done.status == 3
    assert "the answer takes 45," in done.err
    assert [f["question"] for f in desk.told("question.asked")] == ['{"ask":"AskForm"}']
    desk.write("answers.yaml", answers("step: form, fields: {field_1: short}"))
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert desk.verify() == 0
