"""What a workflow did it does again, however much later; and an hour passes at once where time is skipped."""

import asyncio
import base64
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from tests.drivers.books import GOOD, book, read
from tests.drivers.engine import TEST_SERVER, Crew, installed, plainly
from tests.drivers.test_temporal_runs import ENTRIES, WHOLE

from runbook.audit.chain import parse_line
from runbook.drivers.temporal.activities import Activities
from runbook.drivers.temporal.payloads import HOME, queue_of
from runbook.drivers.temporal.worker import Post, worker_of
from runbook.drivers.temporal.workflow import RunWorkflow

FAILS = """runbook: v1
id: fails
title: A step that fails twice, and is skipped
reminders: [{every: 1s, say: Say something}]
steps:
  - {id: look, title: Look, kind: command, effect: none, argv: ["false"], retry: {attempts: 2, delay: 1s}}
  - {id: each, title: Each, kind: command, effect: none, argv: [echo, "${{ item }}"],
     for_each: {in: "['a', 'b', 'c']", at_once: 2}}
  - {id: until, title: Until, kind: wait, every: 1s, timeout: 3s, until: {kind: command, argv: ["false"]},
     on_fail: next, next: done}
  - {id: done, title: Done, kind: finish, outcome: resolved}
"""
SKIP = "step: look, do: skip, reason: seen"
REST = "id: rest\ntitle: Rest\nkind: wait\nfor: 1ms\nnext: look\n"
SHORT = ("--history-events", "40")
LONG = book(read("look", "false", then="done", fail="rest", more="max_visits: 4\n"), REST, end=GOOD)
ENDED = "step: look, do: abort, reason: enough"
RECORDED = {"whole": (WHOLE, ENTRIES, ()), "fails": (FAILS, (SKIP,), ()), "long": (LONG, (ENDED,), SHORT)}
"""What the committed histories are of: a runbook, its answers, and options of ``submit``."""
EVERY = "reminders: [{every: 15m, say: Go}]\n"
HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("*.json"))


@pytest.mark.skipif("RUNBOOK_GOLDEN" not in os.environ, reason="RUNBOOK_GOLDEN=1 records the histories anew")
@pytest.mark.parametrize("name", RECORDED)
def test_histories_are_recorded_anew(name: str, crew: Crew) -> None:
    crew.worker()
    text, entries, options = RECORDED[name]
    assert crew.submit(text, *options, run=name).status == 0
    assert crew.answer(*entries, run=name).status in {0, 1}
    crew.walked("run.finished", name)
    for number, history in enumerate(crew.histories(f"runbook:{name}")):
        path = Path(__file__).parents[1] / "histories" / f"{name}{'-' * bool(number)}{number or ''}.json"
        here = re.sub(r'"identity": "[^"]*"', '"identity": "worker"', history)
        path.write_text(json.dumps(json.loads(here), indent=1) + "\n")


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_is_walked_again_to_the_byte(path: Path) -> None:
    walked_again(path.stem, path.read_text())


def walked_again(name: str, history: str) -> None:
    """Walk a history again; it raises where something else would be done."""
    with ThreadPoolExecutor(1) as walks:
        replayer = Replayer(
            workflows=[RunWorkflow], workflow_runner=UnsandboxedWorkflowRunner(), workflow_task_executor=walks
        )
        asyncio.run(replayer.replay_workflow(WorkflowHistory.from_json(name, history)))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_the_records_in_a_history_are_a_chain(path: Path) -> None:
    lines: dict[int, str] = {}
    for event in json.loads(path.read_text())["events"]:
        for first, stored in _stored(event.get("activityTaskScheduledEventAttributes", {})):
            for seq, line in enumerate(stored, first):
                assert lines.setdefault(seq, line) == line
    records = [parse_line(lines[seq].encode()) for seq in sorted(lines)]
    assert [record.seq for record in records] == [*range(records[0].seq, records[-1].seq + 1)]
    assert [record.prev for record in records[1:]] == [record.h for record in records[:-1]]
    goes_on = "workflowExecutionContinuedAsNewEventAttributes" in path.read_text()
    assert (records[-1].type == "run.finished") is not goes_on


def _stored(attributes: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """The number of the first record, and the records, that an activity was given to store."""
    payloads = attributes.get("input", {}).get("payloads", [])
    decoded = [json.loads(base64.b64decode(payload["data"])) for payload in payloads]
    found = [each.get("records", each) for each in decoded if isinstance(each, dict)]
    return [(each["seq"], each["lines"]) for each in found if "lines" in each]


def test_an_hour_of_waiting_passes_at_once_where_time_is_skipped(tmp_path: Path, crew: Crew) -> None:
    program = installed(TEST_SERVER)
    rest = "id: rest\ntitle: Rest\nkind: wait\nfor: 60m\nnext: again\n"
    text = book(read("look", then="rest"), rest, read("again", then="done"), head=EVERY)

    async def walked() -> str:
        environment = await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(program))
        post = Post(site=HOME, store="", engine="", namespace="", signers=tmp_path / "none", at_once=4, grace_s=1.0)
        url, copies = crew.server.url_of(crew.database), tmp_path / "copies"
        made = Activities(url, copies, post.signers, "test", at_once=4)
        with closing(made) as activities, ThreadPoolExecutor(1) as walks:
            async with environment, worker_of(environment.client, post, activities, walks):
                hour = plainly("hour", text)
                return await environment.client.execute_workflow(
                    RunWorkflow.run, hour, id="hour", task_queue=queue_of(HOME)
                )

    assert asyncio.run(walked()) == "resolved"
    records = crew.records("hour")
    assert 3_600_000 <= records[-1].mono < 3_700_000
    said = [record.mono // 60_000 for record in records if record.type == "reminder.due"]
    assert said[:3] == [15, 30, 45]
    assert crew.verify("hour") == 0
    assert sha256(text.encode()).hexdigest() in str(records[0].fields["files"])
