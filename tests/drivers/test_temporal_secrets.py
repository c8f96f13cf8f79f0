"""Secrets that are typed or made in a run that an engine walks: no history, no log and no output holds one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers
from tests.drivers.engine import Crew, Server
from tests.drivers.test_temporal_runs import alike
from tests.world.postgres import Postgres

from runbook.audit.masking import Masker

SECRET = "hunter2-hunter2"
MADE = "made-for-this-run"
FORM = """id: form
title: Which token?
kind: ask
fields:
  token: {secret: true, prompt: Which token, pattern: "hunter.*"}
  why: {prompt: Why}
next: make
"""
ABOUT = {"TO_MAKE": json.dumps({"key": "made-for-"}), "SHOWN": f"{SECRET} and {MADE}"}
"""What stands where steps are performed; a runbook that held it would be in the history with it."""
MAKES = read(
    "make", "printenv", "TO_MAKE", then="use", more="output: json\nsave_secret: {key: 'json.key + inputs.tail'}\n"
)
USES = change("use", then="print", before='printf "%s" "$GIVEN:$KEY" | wc -c; echo "$GIVEN $KEY"') + (
    "env: {GIVEN: '${{ secrets.token }}', KEY: '${{ secrets.key }}'}\n"
)
PRINTS = read("print", "printenv", "SHOWN", then="done")


@pytest.fixture
def crew(tmp_path: Path, postgres: Postgres, engine: Server) -> Iterator[Crew]:
    at = Crew(tmp_path, postgres, engine)
    yield at
    at.leave()


def found(crew: Crew, *secrets: str) -> list[str]:
    """Where one of these stands, in whatever form: in the engine, the store, or files of workers."""
    masker = Masker()
    for each in secrets:
        masker.register("found", each)
    kept = {
        "history": crew.history("runbook:r1").encode(),
        "records": b"\n".join(record.raw for record in crew.records()),
        "outputs": b"\n".join(path.read_bytes() for path in (crew.run().path / "output").iterdir()),
        "engine": b"".join(path.read_bytes() for path in crew.engine.files()),
    }
    return [name for name, data in kept.items() if any(each.encode() in data for each in secrets)]


def test_what_is_typed_and_made_is_used_at_every_site_and_stands_nowhere(crew: Crew, tmp_path: Path) -> None:
    crew.worker(env=ABOUT)
    crew.worker("db")
    text = book(FORM, MAKES, USES + "site: db\n", PRINTS, head="inputs: {tail: {default: this-run}}\n")
    submitted = crew.submit(text)
    assert submitted.status == 0, submitted.err
    entries = (f"step: form, fields: {{token: {SECRET}, why: because of {SECRET}}}", "step: use, confirm: yes")
    answered = crew.answer(*entries)
    assert answered.status == 0, answered.err
    assert crew.effects() == ["use"]
    assert found(crew, SECRET, MADE) == []
    outputs = [(crew.run().path / str(told["file"])).read_text() for told in crew.told("step.output")]
    assert outputs[1].splitlines() == [str(len(SECRET + ":" + MADE)), "[MASKED:token] [MASKED:key]"]
    assert outputs[2] == "[MASKED:token] and [MASKED:key]\n"
    assert crew.verify() == 0
    (tmp_path / "hand").mkdir()
    hand = Desk(tmp_path / "hand")
    hand.env |= ABOUT
    hand.write("answers.yaml", answers(*entries))
    walked = hand.walk(text.replace("    site: db\n", ""), "--answers", "answers.yaml", "--operator", "ana@example.com")
    assert walked.status == 0
    assert [each for each in alike(crew.records())[1:] if each[1].get("obs")] != []
