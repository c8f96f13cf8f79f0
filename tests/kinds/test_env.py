"""The kind env: exactly what is wrong with which variable, and never a value."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds.env import Env
from runbook.kinds.registry import make
from runbook.kinds.variable_rules import FORMATS, findings
from runbook.model.canonical import JsonObject, canonical
from runbook.model.kind import Kind
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved
from runbook.world.real import RealIo

FIVE = {"present", "missing", "invalid", "typos", "forbidden"}
GOOD = "k9Xw2LmQ7vRt4YbN8cJd5HfG3sZa6PeU"


def look(io: RealIo, **fields: Resolved) -> tuple[JsonObject, str]:
    """What such a step observes, and its reason; empty if it passes."""
    kind = make("env", {name.removesuffix("_"): value for name, value in fields.items()})
    assert isinstance(kind, Env)
    seen = kind.perform(io)
    assert seen.keys() >= FIVE
    verdict = kind.judge(seen)
    assert (verdict.outcome is Outcome.PASSED) is (verdict.reason == "")
    return seen, verdict.reason


def test_all_is_well(io: RealIo, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"CONVEX_URL=https://backend.example.com\nSESSION_SECRET={GOOD}\n")
    seen, reason = look(
        io,
        from_={"file": ".env"},
        require={"CONVEX_URL": {"format": "url"}, "SESSION_SECRET": {"min_length": 32, "secret": True}},
        forbid=["DEBUG"],
    )
    assert reason == ""
    assert seen == {
        "present": ["CONVEX_URL", "SESSION_SECRET"],
        "missing": [],
        "invalid": [],
        "typos": [],
        "forbidden": [],
    }


def test_a_misspelt_name_is_missing_and_its_look_alike_is_named(io: RealIo, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SESION_SECRET={GOOD}\nOTHER=1\n")
    seen, reason = look(io, from_={"file": ".env"}, require=["SESSION_SECRET", "CSRF_SECRET"])
    assert seen["missing"] == ["SESSION_SECRET", "CSRF_SECRET"]
    assert seen["typos"] == ["SESION_SECRET (for SESSION_SECRET)"]
    assert reason == "missing: SESSION_SECRET, CSRF_SECRET; misspelt: SESION_SECRET (for SESSION_SECRET)"


def test_a_name_in_small_letters_is_a_typing_error_and_a_required_one_is_none(io: RealIo, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("session_secret=x\nTOKEN_1=y\n")
    seen, _ = look(io, from_={"file": ".env"}, require=["SESSION_SECRET", "TOKEN_1", "TOKEN_2"])
    assert seen["typos"] == ["session_secret (for SESSION_SECRET)"]


def test_the_reason_says_what_is_wrong_with_which(io: RealIo, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        'URL=not a url\nSHORT="twelve chars\r\n"\nEMPTY=\nLEVEL=verbose\nDEBUG=1\n', newline=""
    )
    _, reason = look(
        io,
        from_={"file": ".env"},
        require={
            "URL": {"format": "url"},
            "SHORT": {"min_length": 32},
            "EMPTY": {},
            "LEVEL": {"one_of": ["info", "error"]},
            "GONE": {},
        },
        forbid=["DEBUG"],
    )
    assert reason == (
        "missing: GONE; invalid: URL: is not a URL, "
        "SHORT: length 14, at least 32; ends with a newline, EMPTY: is empty, LEVEL: is none of info, error; "
        "must not be set: DEBUG"
    )


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        (f"{GOOD}\n", "ends with a newline"),
        (f"{GOOD}\r", "ends with a carriage return"),
        (f'"{GOOD}', "starts with a quote"),
        (f"{GOOD}'", "ends with a quote"),
        (f" {GOOD}", "starts with a space"),
        (f"\t{GOOD}", "starts with a tab"),
        (f"{GOOD}\u200b", "ends with an invisible character (U+200B)"),
        (f"\ufeff{GOOD}", "starts with an invisible character (U+FEFF)"),
        (f"{GOOD}\u00a0", "ends with an invisible character (U+00A0)"),
    ],
)
def test_a_stray_character_at_an_edge_is_found(value: str, finding: str) -> None:
    assert findings(value, {"min_length": 32, "secret": True}) == [finding]


def test_json_may_begin_and_end_with_a_quote() -> None:
    assert findings('"text"', {"format": "json"}) == []


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("url", ["https://a.example.com/x", "postgresql://u@db:5432/x"], ["a.example.com", "https://", "http://a b"]),
        ("email", ["ana@example.com"], ["ana", "ana@example", "a b@example.com"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567"]),
        ("integer", ["0", "-12"], ["1.5", "x"]),
        ("number", ["0", "-1.5"], ["1,5", "1e3"]),
        ("boolean", ["true", "false"], ["yes", "True", "1"]),
        ("hex", ["00ff", "AB"], ["abc", "zz"]),
        ("base64", ["aGk=", "aGVs", "aA=="], ["aGk", "a-_b", "===="]),
        ("json", ["{}", "[1]"], ["{", "NaN"]),
    ],
)
def test_every_format_tells_right_from_wrong(form: str, right: list[str], wrong: list[str]) -> None:
    assert [value for value in right if findings(value, {"format": form})] == []
    for value in wrong:
        assert findings(value, {"format": form}) == [f"is not {FORMATS[form][0]}"]


def test_every_format_is_tried() -> None:
    assert set(FORMATS) == {"url", "email", "uuid", "integer", "number", "boolean", "hex", "base64", "json"}


def test_a_secret_tells_not_even_what_is_allowed() -> None:
    rules: dict[str, Resolved] = {"one_of": ["alpha", "beta"], "pattern": "[a-z]+", "secret": True}
    assert findings("GAMMA", rules) == ["does not match its pattern", "is none of those allowed"]
    assert findings("GAMMA", rules | {"secret": False}) == ["does not match [a-z]+", "is none of alpha, beta"]
    preview = shown(make("env", {"require": {"KEY": rules}}))
    assert "KEY: one_of, pattern, secret" in preview
    assert "alpha" not in preview


def test_an_empty_value_may_be_allowed() -> None:
    assert findings("", {"min_length": 0}) == []
    assert findings("", {}) == ["is empty"]


def test_a_pattern_that_is_none_is_said_to_be_none() -> None:
    assert findings("x", {"pattern": "("}) == ["its `pattern` is not a regular expression"]


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=4), st.sampled_from(sorted(FORMATS)))
def test_no_finding_holds_the_value(value: str, form: str) -> None:
    rules: dict[str, Resolved] = {"format": form, "pattern": "x", "one_of": ["y"], "min_length": 9, "max_length": 9}
    assert value not in " ".join(findings(value, rules))


@pytest.mark.reliability
def test_d1_no_value_of_a_variable_is_observed(io: RealIo, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('A=hunter2-a\nB="hunter2-b\n"\nc=hunter2-c\nD=hunter2-d')
    seen, reason = look(
        io, from_={"file": ".env"}, require={"A": {"min_length": 99, "format": "url"}, "B": {}, "C": {}}, forbid=["D"]
    )
    assert "hunter2" not in canonical(seen) + reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"file": "gone.env"}, "`gone.env` cannot be read: no such file"),
        ({"file": "broken.env"}, "broken.env cannot be read: line 2 is not NAME=value"),
        (
            {"command": ["sh", "-c", "echo A=1; echo hunter2 >&2; exit 3"]},
            "cannot be read: it ended with exit status 3",
        ),
        ({"command": ["sh", "-c", "kill -9 $$"]}, "cannot be read: it ended with SIGKILL"),
        ({"command": ["surely-not-there"]}, "`surely-not-there`"),
        ({"command": ["head", "-c", "20000000", "/dev/zero"]}, "cannot be read: it is longer than can be read"),
        ({"ssh": {"host": "-oX=y", "command": ["env"]}}, "`-oX=y` is no name of a machine"),
    ],
)
def test_a_source_that_cannot_be_read_leaves_all_five_and_says_why(
    io: RealIo, tmp_path: Path, source: dict[str, Resolved], reason: str
) -> None:
    (tmp_path / "broken.env").write_text("A=1\nhunter2\n")
    seen, said = look(io, from_=source, require=["A", "B"])
    assert seen["missing"] == ["A", "B"]
    assert seen["present"] == []
    assert reason in said
    assert "hunter2" not in canonical(seen) + said


def test_a_command_prints_variables(io: RealIo) -> None:
    seen, reason = look(io, from_={"command": ["printf", "A=1\nB='2'\n"]}, require=["A", "B", "C"])
    assert seen["present"] == ["A", "B"]
    assert reason == "missing: C"


def test_the_process_and_the_secrets_are_sources(io: RealIo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOK_TEST_HERE", "x")
    seen, _ = look(io, require=["RUNBOOK_TEST_HERE", "RUNBOOK_TEST_GONE"])
    assert (seen["present"], seen["missing"]) == (["RUNBOOK_TEST_HERE"], ["RUNBOOK_TEST_GONE"])
    seen, reason = look(io, from_="secrets", require={"token": {"min_length": 30}, "other": {}})
    assert (seen["present"], seen["missing"]) == (["token"], ["other"])
    assert "token: length 21, at least 30" in reason


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"missing": ["A"], "typos": []}, Outcome.FAILED),
        ({"invalid": ["A: is empty"]}, Outcome.FAILED),
        ({"forbidden": ["DEBUG"]}, Outcome.FAILED),
        ({"missing": []}, Outcome.PASSED),
        ({"missing": [], "invalid": [], "forbidden": [], "typos": [], "present": ["A"]}, Outcome.PASSED),
    ],
)
def test_a_scenario_needs_to_tell_what_decides(told: JsonObject, outcome: Outcome) -> None:
    assert Env(require=["A"]).judge(told).outcome is outcome


def test_a_scenario_that_tells_nothing_that_decides_is_refused() -> None:
    with pytest.raises(KeyError):
        Env(require=["A"]).judge({"typos": []})


def shown(kind: Kind) -> str:
    preview = kind.preview()
    return f"{preview.line}\n{preview.detail}"
