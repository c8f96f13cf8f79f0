"""One run that meets its secrets in every way there is leaves none of them anywhere, whole, escaped or encoded."""

import base64
import html
import json
import os
import re
import shlex
import signal
import tarfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings
from tests.drivers.books import book
from tests.drivers.desk import Desk, answers, wait_for

from runbook.audit.masking import Masker
from runbook.cli.failing import our_fault

pytestmark = pytest.mark.reliability
ODD, PLAIN, LINES = "p@ss'w0rd\"/+ <&$x\\y%zé", "hunter2-correct-horse", "first-line-of-it\nsecond-line-of-it"
LOGS = Path(__file__).parents[1] / "logs"
SECRETS = {"odd": ODD, "plain": PLAIN, "lines": LINES}
HEAD = """\
secrets: {odd: {env: ODD}, plain: {file: plain.txt}, lines: {file: lines.txt}}
"""
ENV = "{O: '${{ secrets.odd }}', P: '${{ secrets.plain }}', L: '${{ secrets.lines }}'}"
PRINTING = r"""
import base64, html, json, os, pathlib, shlex, sys, urllib.parse
for name in "OPL":
    value = os.environ[name]
    split = "\u200b".join(value)
    for form in (
        value, split, "\x1b[1m".join(value), "\0".join(value), json.dumps(value), json.dumps(json.dumps([value])),
        json.dumps(split), json.dumps(json.dumps(split)),
        urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value), html.escape(value),
        shlex.quote(value), repr(value), value.encode().hex(), value.replace("'", "''"),
        base64.encodebytes(b"a" + value.encode() + b"tail" * 40).decode(),
    ):
        print(f"<{form}>")
        sys.stderr.write(f"in a line: {form} goes on\n")
    pathlib.Path("kept " + value.replace("/", "_") if "/" in value else value).touch()
os.system("ls; printenv; set")
raise RuntimeError(os.environ["O"] + os.environ["P"])
"""
JSON = r"""
import json, os
split = {name: "\u200b".join(os.environ[name]) for name in "OPL"}
keys = {f"key {value}": 1 for value in split.values()}
print(json.dumps({"value": split, **keys, "deep": [json.dumps(split), json.dumps(json.dumps(split))]}))
"""


def python(name: str, *, then: str, more: str = "") -> str:
    """A step that runs a program in Python with the secrets in its environment."""
    return (
        f"id: {name}\ntitle: Step {name}\nkind: command\neffect: none\nenv: {ENV}\nargv: [python3, {name}.py]\n"
        f"next: {then}\non_fail: bad\n{more}"
    )


TOLD = """\
id: told
title: "It said ${{ steps.told_json.json.value.O }} and ${{ steps.loud.stderr }}"
description: "${{ steps.loud.stdout }}"
kind: ask
fields: {what: {prompt: "What?"}}
next: change
on_fail: bad
"""
CHANGE = """\
id: change
title: Change it
kind: command
effect: change
undo: none
because: a test
env: {X: "${{ secrets.odd }}"}
script: 'printf "%s" "$X"; printf "%s" "$X" > "changed by ${X%%/*}"; ls >&2; cat "no $X"'
confirm: {reason: required}
next: hand
on_fail: next
"""
CALM = "id: calm\nkind: wait\nfor: 1h\nnext: done\n"
HAND = "id: hand\nkind: manual\neffect: none\ninstructions: Look\nevidence: required\nnext: calm\non_fail: bad\n"


def split(value: str) -> str:
    """A value with something in it that nobody sees, and that files and names may hold."""
    return "\ufe0f".join(value)


def forms(value: str) -> Iterator[bytes]:
    """A value as programs write it."""
    yield from (form.encode() for form in (value, html.escape(value), shlex.quote(value)[1:-1], repr(value)[1:-1]))
    inner = value
    for _ in range(3):
        inner = json.dumps(inner)[1:-1]
        yield inner.encode()
    yield json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield urllib.parse.quote(value, safe="").encode()
    yield urllib.parse.quote_plus(value).encode()
    yield value.encode().hex().encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value.encode() + bytes(3))
        yield encoded[4 if before else 0 : -(len(encoded) // 4)]


def seen(data: bytes) -> bytes:
    """What is left of a text when all that nobody sees is taken out, escaped in JSON how often it may be."""
    text = re.sub(rb"\\+u(?:200b|fe0f|001b\[[0-9;]*m|0000)|\xe2\x80\x8b|\xef\xb8\x8f|\x1b\[[0-9;]*m|\0", b"", data)
    return text + b"\n" + re.sub(rb"\s+", b"", text)


def leaks(everything: bytes, *, more: tuple[str, ...] = ()) -> list[bytes]:
    """The forms of the secrets, and of each of their lines, that stand in what a run has left."""
    parts = [*SECRETS.values(), *LINES.splitlines(), *more]
    looked = everything + b"\n" + seen(everything)
    return [form for part in parts for form in forms(part) if len(form) >= 8 and form in looked]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all that a run leaves that meets its secrets in every way: what it kept, said, and became."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    for name, text in {"plain.txt": PLAIN, "lines.txt": LINES, "loud.py": PRINTING, "told_json.py": JSON}.items():
        desk.write(name, text)
    desk.env |= {"ODD": ODD, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    loud = python("loud", then="told_json", more="expect: exit_code == 1\n")
    told = python("told_json", then="told", more="output: json\n")
    desk.write("book.yaml", book(loud, told, TOLD, CHANGE, HAND, CALM, head=HEAD))
    what = json.dumps(f"{split(ODD)} and {split(PLAIN)} and {split(LINES)}")
    desk.write(
        "answers.yaml",
        answers(
            f"step: told, fields: {{what: {what}}}",
            f"step: change, confirm: 'yes', reason: {what}",
            f"step: hand, outcome: done, evidence: {what}, reason: {what}",
        ),
    )
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--incident", PLAIN, "--answers", "answers.yaml")
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == ["wait.started"], "it does not wait")
    said = [desk.do("note", "r1", f"they say {value} or {split(value)}") for value in SECRETS.values()]
    said.append(desk.do("handover", "r1", "--to", "ben@example.com", "--reason", split(ODD)))
    wait_for(lambda: "run.handed_over" in desk.types(), "it is not handed over")
    process.signal(signal.SIGTERM)
    said.append(process.ended())
    said.append(desk.do("note", "r1", json.dumps(split(PLAIN))))
    refused = desk.do("resume", "r1", "--operator", f"me {PLAIN}")
    assert "the operator's name holds the secret `plain`" in refused.err
    process = desk.start("resume", "r1", "--operator", "ben@example.com")
    wait_for(lambda: "run.resumed" in desk.types(), "it does not go on")
    process.signal(signal.SIGTERM)
    said.append(process.ended())
    said.append(desk.do("abort", "r1", "--reason", what))
    assert desk.types()[-1] == "run.finished", said
    assert desk.verify() == 0
    for form in ("md", "html", "json"):
        said.append(desk.do("report", "r1", "--format", form))
        assert said[-1].status == 0
    said += [desk.do(*words.split()) for words in ("status r1", "status r1 --format json", "runs", "watch r1")]
    said += [desk.do("verify", "r1", "--format", "json"), desk.do("bundle", "r1", "-o", "r1.tar.gz")]
    assert [done.status for done in said[-2:]] == [0, 0]
    kept = desk.root / "left"
    desk.state.rename(kept)
    for number, done in enumerate(said):
        (kept / f"said-{number}.txt").write_text(done.text)
    with tarfile.open(desk.root / "r1.tar.gz") as bundle:
        bundle.extractall(kept / "bundle", filter="data")
    return kept


def test_d1_no_secret_is_left_anywhere_by_a_run_that_meets_it_in_every_way(left: Path) -> None:
    files = [path for path in sorted(left.rglob("*")) if path.is_file()]
    everything = b"\n".join([os.fsencode(path) + b"\n" + path.read_bytes() for path in files])
    assert everything.count(b"[MASKED:odd]") > 20
    assert everything.count(b"[MASKED:lines]") > 20
    assert leaks(everything) == []


DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{16}")
"""Digests of records, files, outputs and actions; the numbers of requests and deliveries. A log is made of them."""
WRITTEN_OUT = re.compile(r"[A-Za-z0-9+/=]*(?:dGFpb|RhaWx|YWls)[A-Za-z0-9+/=]*")
"""Base64 of ``tail``, which the run prints behind each secret: it is what is left when the secret is cut out."""


def test_d15_a_scanner_of_others_finds_nothing_true_in_any_log_output_and_export(left: Path) -> None:
    found = SecretsCollection()
    files = [path for root in (left, LOGS) for path in sorted(root.rglob("*")) if path.is_file()]
    assert len(files) > 20
    with default_settings():
        for path in files:
            found.scan_file(str(path))
    values = {(found_.type, str(found_.secret_value)) for _, found_ in found}
    assert len(values) > 50  # it looked
    # The record that a secret was read says its name: `"secret":"plain"`.
    true = [
        (kind, value)
        for kind, value in values
        if not (DIGEST.fullmatch(value) or WRITTEN_OUT.fullmatch(value) or value in SECRETS)
    ]
    assert sorted(true) == []


def test_d1_an_operator_whose_name_holds_a_secret_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.env["ODD"] = ODD
    desk.write("plain.txt", PLAIN)
    desk.write("lines.txt", LINES)
    text = book("id: calm\nkind: wait\nfor: 1s\nnext: done\non_fail: bad\n", head=HEAD)
    refused = desk.walk(text, "--operator", f"me {PLAIN}")
    assert refused.status == 2
    assert "the operator's name holds the secret `plain`" in refused.err
    assert leaks(desk.every_byte() + refused.text.encode()) == []


def test_d1_a_fault_of_ours_leaves_no_secret_in_its_trace_and_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    masker = Masker()
    for name, value in SECRETS.items():
        masker.register(name, value)
    error = RuntimeError(f"{ODD} {split(PLAIN)} {LINES} PGPASSWORD=s3cr3t-of-theirs")
    for cover in (masker.cover, None):
        assert our_fault(error, cover) == 70
        said = capsys.readouterr().err
        trace = Path(said.rpartition("the trace is in ")[2].strip())
        left = said.encode() + trace.read_bytes()
        trace.unlink()
        assert b"s3cr3t-of-theirs\n" not in left
        assert cover is None or leaks(left) == []


def test_d1_a_walk_and_what_it_starts_leave_no_core(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    look = "id: look\nkind: command\neffect: none\nscript: ulimit -c\nnext: done\non_fail: bad\n"
    assert desk.walk(book(look)).status == 0
    assert json.loads(desk.told("step.finished")[0]["obs"])["stdout"] == "0\n"
