"""Secrets: where they come from, what is refused, and that nothing of a value is said."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runbook.audit.masking import Masker as RealMasker
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.model.runbook import SecretSource
from runbook.world.secrets import SHORTEST, SecretStore

VALUE = "s3cr3t-v4lue"


class Masker:
    """Remembers what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def register(self, name: str, value: str) -> None:
        """Remember."""
        self.told.append((name, value))


def source(kind: str, value: str | tuple[str, ...], *, strip: bool = False) -> dict[str, SecretSource]:
    return {"token": SecretSource(name="token", kind=kind, value=value, strip_newline=strip)}


def store(
    sources: Mapping[str, SecretSource],
    *,
    environ: Mapping[str, str] = os.environ,
    directory: str = ".",
    prompt: Callable[[str, str], str] | None = None,
    masker: Masker | None = None,
) -> SecretStore:
    register = (masker or Masker()).register
    return SecretStore(sources, register=register, environ=environ, directory=directory, prompt=prompt)


def refused(secrets: SecretStore, *names: str) -> Diagnostic:
    with pytest.raises(Refused) as caught:
        secrets.resolve(names or ["token"])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.help
    assert "s3cr3t" not in diagnostic.message + diagnostic.help
    return diagnostic


def test_a_variable_is_read_byte_by_byte() -> None:
    secrets = store(source("env", "TOKEN"), environ={"TOKEN": f" {VALUE}\t"})
    assert secrets.value_of("token") == f" {VALUE}\t"


def test_a_file_is_seen_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(VALUE)
    assert store(source("file", "token"), directory=str(tmp_path)).value_of("token") == VALUE


def test_a_command_gives_its_standard_output_and_no_secret_variable() -> None:
    command = ("sh", "-c", 'printf "%s" "value-${TOKEN-withheld}"; echo noise >&2')
    sources = source("command", command) | {"other": SecretSource(name="other", kind="env", value="TOKEN")}
    environ = {"PATH": os.environ["PATH"], "TOKEN": VALUE}
    assert store(sources, environ=environ).value_of("token") == "value-withheld"


def test_a_person_is_asked_once_a_walk() -> None:
    asked: list[tuple[str, str]] = []

    def prompt(name: str, question: str) -> str:
        asked.append((name, question))
        return VALUE

    secrets = store(source("prompt", "The token?"), prompt=prompt)
    assert secrets.resolve(["token"]) == secrets.resolve(["token"])
    assert secrets.value_of("token") == VALUE
    assert asked == [("token", "The token?")]


def test_a_person_who_typed_something_unusable_is_asked_again() -> None:
    typed = iter(["abc", VALUE])
    secrets = store(source("prompt", "The token?"), prompt=lambda *_: next(typed))
    assert refused(secrets).code.number == "RB404"
    assert secrets.value_of("token") == VALUE


def test_a_value_is_read_afresh_and_a_change_shows(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(VALUE)
    secrets = store(source("file", "token"), directory=str(tmp_path))
    before, again = secrets.resolve(["token"]), secrets.resolve(["token"])
    (tmp_path / "token").write_text(VALUE + "!")
    after = secrets.resolve(["token"])
    assert before == again
    assert before != after
    assert secrets.value_of("token") == VALUE + "!"


def test_a_commitment_says_nothing_about_the_value_elsewhere() -> None:
    """Each process has a key of its own, and each name its own commitment to the same value."""
    both = source("env", "TOKEN") | {"other": SecretSource(name="other", kind="env", value="TOKEN")}
    first, second = (store(both, environ={"TOKEN": VALUE}).resolve(both).commitments for _ in range(2))
    assert len({*first.values(), *second.values()}) == 4


def test_the_masker_knows_a_value_before_anybody_else() -> None:
    masker = Masker()
    store(source("env", "TOKEN"), environ={"TOKEN": VALUE}, masker=masker).resolve(["token"])
    assert masker.told == [("token", VALUE)]


@pytest.mark.parametrize(("end", "name"), [("\n", "newline"), ("\r\n", "newline"), ("\r", "carriage return")])
def test_a_line_end_is_refused_unless_it_is_wanted_away(end: str, name: str) -> None:
    environ = {"TOKEN": VALUE + end}
    diagnostic = refused(store(source("env", "TOKEN"), environ=environ))
    assert (diagnostic.code.number, name in diagnostic.message) == ("RB405", True)
    assert store(source("env", "TOKEN", strip=True), environ=environ).value_of("token") == VALUE


def test_one_line_end_is_taken_off_and_not_two() -> None:
    secrets = store(source("env", "TOKEN", strip=True), environ={"TOKEN": VALUE + "\n\n"})
    assert refused(secrets).code.number == "RB405"


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=SHORTEST, max_size=40))
def test_any_other_text_is_kept_as_it_is(text: str) -> None:
    assume(not text.endswith(("\n", "\r")))
    secrets = store(source("env", "TOKEN", strip=True), environ={"TOKEN": text})
    assert secrets.value_of("token") == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "RB400"),
        ("", "RB400"),
        ("abc", "RB404"),
        ("a\0bcdefgh", "RB406"),
        (b"abc\xff\xfedefgh".decode(errors="surrogateescape"), "RB406"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(value: str | None, code: str) -> None:
    environ = {} if value is None else {"TOKEN": value}
    assert refused(store(source("env", "TOKEN"), environ=environ)).code.number == code


def test_every_secret_that_is_wrong_is_named_at_once() -> None:
    sources = source("env", "ONE") | {"other": SecretSource(name="other", kind="env", value="TWO")}
    with pytest.raises(Refused) as caught:
        store(sources, environ={}).resolve(sources)
    assert len(caught.value.diagnostics) == 2


def test_a_short_secret_is_taken_with_one_warning() -> None:
    masker = Masker()
    secrets = store(source("env", "TOKEN"), environ={"TOKEN": "abcdefg"}, masker=masker)
    (warning,) = secrets.resolve(["token"]).warnings
    assert warning.code.number == "RB407"
    assert "abcdefg" not in warning.message
    assert secrets.resolve(["token"]).warnings == ()
    assert ("token", "abcdefg") in masker.told


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["production", "PRODUCTION", "localhost:5432", "Password1", "undefined", "changeme!"])
def test_d6_a_common_word_is_taken_with_a_warning_that_does_not_say_it(value: str) -> None:
    (warning,) = store(source("env", "TOKEN"), environ={"TOKEN": value}).resolve(["token"]).warnings
    assert warning.message == "the secret `token` is a common word"
    assert value not in warning.message + warning.help


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["a", " ", "{", "dev", "true", "1234", "    ", "null"])
def test_d6_what_stands_everywhere_is_refused_where_it_is_used(value: str) -> None:
    secrets = SecretStore(source("env", "TOKEN"), register=RealMasker().register, environ={"TOKEN": value})
    assert refused(secrets).code.number in {"RB404", "RB545"}


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["production-db-7f3a", "correct horse battery", "hunter2hunter2"])
def test_d6_a_long_value_that_is_no_word_is_taken_without_a_word(value: str) -> None:
    assert store(source("env", "TOKEN"), environ={"TOKEN": value}).resolve(["token"]).warnings == ()


def test_a_file_that_cannot_be_read_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    for name in ("missing", "fifo", "large", "."):
        assert refused(store(source("file", name), directory=str(tmp_path))).code.number == "RB401"


@pytest.mark.parametrize(
    "argv",
    [
        ("no-such-command",),
        ("sh", "-c", f"echo {VALUE}; exit 3"),
        ("sh", "-c", f"echo {VALUE}; kill -9 $$"),
        ("head", "-c", "2000000", "/dev/zero"),
    ],
)
def test_a_command_that_fails_is_refused_without_its_output(argv: tuple[str, ...]) -> None:
    secrets = store(source("command", argv))
    with pytest.raises(Refused) as caught:
        secrets.resolve(["token"])
    assert caught.value.diagnostics[0].code.number == "RB402"
    assert VALUE not in caught.value.diagnostics[0].message


def test_a_prompt_without_a_person_is_refused() -> None:
    assert refused(store(source("prompt", "The token?"))).code.number == "RB403"


def test_a_secret_that_a_step_made_is_kept_in_memory_only() -> None:
    masker = Masker()
    secrets = store({}, masker=masker)
    secrets.keep("made", VALUE)
    assert masker.told == [("made", VALUE)]
    assert secrets.value_of("made") == VALUE
    assert len(secrets.resolve(["made"]).commitments) == 1
    secrets.forget()
    assert refused(secrets, "made").code.number == "RB408"


def test_a_made_secret_has_to_be_fit_too() -> None:
    with pytest.raises(Refused):
        store({}).keep("made", "abc")


def test_rules_about_bytes_see_what_would_be_refused_and_the_masker_knows_it() -> None:
    masker = Masker()
    sources = {
        name: SecretSource(name=name, kind="env", value=name.upper()) for name in ("stray", "short", "odd", "unset")
    }
    odd = b"abc\xff\xfedef".decode(errors="surrogateescape")
    environ = {"STRAY": f"{VALUE}\n", "SHORT": "a", "ODD": odd}
    secrets = store(sources, environ=environ, masker=masker)
    assert secrets.look() == {"stray": f"{VALUE}\n", "short": "a", "odd": odd}
    assert ("stray", VALUE) in masker.told
    assert all(value != "a" for _, value in masker.told)


def test_the_variables_of_secrets_are_withheld() -> None:
    assert store(source("env", "TOKEN") | source("file", "token")).withheld == frozenset()
    assert store(source("env", "TOKEN")).withheld == {"TOKEN"}
