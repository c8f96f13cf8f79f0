"""A log that its owner wrote anew, with every hash right: replay finds what is no legal walk, and names the line."""

import os
from collections.abc import Callable
from hashlib import sha256

import pytest
from tests.drivers.desk import Desk
from tests.drivers.everything import BOOK, walked
from tests.drivers.forgery import Forgery, judged

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with the walk in which everything happens."""
    return walked(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def forged(desk: Desk) -> Forgery:
    """That walk's log, to be changed."""
    return Forgery.of(desk.run().log)


def test_the_log_as_it_is_and_written_anew_unchanged_is_valid(desk: Desk, forged: Forgery) -> None:
    assert judged(desk, forged)[0] == 0
    assert judged(desk, forged.drop(len(forged.lines) - 1))[0] == 3


def steps_of(f: Forgery, step: str) -> list[int]:
    """The places of everything about a step."""
    return [n for n, line in enumerate(f.lines) if str(line.fields.get("step", "")).partition(".")[0] == step]


ORDER: dict[str, tuple[Callable[[Forgery], object], str]] = {
    "a step entered that nothing leads to": (
        lambda f: f.edit(f.find("step.entered", "done"), step="bad"),
        "rule: edge",
    ),
    "an edge that the graph does not have": (
        lambda f: f.edit(f.find("step.entered", "hop"), via="passed"),
        "rule: edge",
    ),
    "a step taken out": (lambda f: f.drop(*steps_of(f, "nap")), "rule: edge"),
    "a gate taken out": (lambda f: f.drop(*steps_of(f, "sure")), "rule: edge"),
    "a gate passed that was never asked": (
        lambda f: f.drop(f.find("question.asked", "sure"), f.find("answer.given", "sure")),
        "an answer that nobody gave",
    ),
    "a gate answered by somebody else": (
        lambda f: f.edit(f.find("answer.given", "sure"), by="eve@example.com"),
        "rule: operator",
    ),
    "finished without started": (lambda f: f.drop(f.find("step.started", "stuck")), "rule: attempts"),
    "finished twice": (
        lambda f: f.insert(
            f.find("step.finished", "nap") + 1, "step.finished", **f.lines[f.find("step.finished", "nap")].fields
        ),
        "rule: order",
    ),
    "two steps in the other order": (
        lambda f: f.swap(f.find("step.started", "nap"), f.find("step.entered", "nap")),
        "rule: order",
    ),
    "an attempt too many": (
        lambda f: f.insert(
            f.find("step.finished", "stuck") + 1,
            "step.retrying",
            step="stuck",
            visit=1,
            attempt=2,
            delay_ms=1_000,
        ),
        "rule: order",
    ),
    "a repetition before its delay": (
        lambda f: f.edit(f.find("step.retrying", "look"), delay_ms=1),
        "rule: attempts",
    ),
    "another attempt than is on": (lambda f: f.edit(f.find("step.finished", "nap"), attempt=2), "rule: attempts"),
    "another visit than is on": (lambda f: f.edit(f.find("step.started", "nap"), visit=2), "rule: order"),
    "a confirmation taken out": (lambda f: f.drop(f.find("confirmation.given", "one")), "rule: order"),
    "a confirmation never asked for": (
        lambda f: f.drop(f.find("confirmation.requested", "one"), f.find("confirmation.given", "one")),
        "rule: confirmation",
    ),
    "a confirmation by somebody else": (
        lambda f: f.edit(f.find("confirmation.given", "one"), by="eve@example.com"),
        "rule: operator",
    ),
    "a confirmation without its reason": (
        lambda f: f.edit(f.find("confirmation.given", "one"), reason=None),
        "rule: confirmation",
    ),
    "a confirmation of another action": (
        lambda f: f.edit(f.find("confirmation.given", "one"), action="0" * 64),
        "rule: confirmation",
    ),
    "a confirmation without its phrase": (
        lambda f: f.edit(f.find("confirmation.requested", "one"), phrase=None),
        "another phrase",
    ),
    "a confirmation with another phrase": (
        lambda f: f.edit(f.find("confirmation.requested", "one"), phrase="production"),
        "another phrase",
    ),
    "a confirmation that demands no reason": (
        lambda f: f.edit(f.find("confirmation.requested", "one"), reason_required=False),
        "rule: confirmation",
    ),
    "a change started as a read": (lambda f: f.edit(f.find("step.started", "two"), effect="none"), "rule: effect"),
    "a read that changed something": (lambda f: f.edit(f.find("step.finished", "nap"), changed="yes"), "changed"),
    "a read that is unknown": (
        lambda f: f.edit(f.find("step.finished", "stuck"), outcome="unknown"),
        "judged again",
    ),
    "a step skipped whose condition held": (
        lambda f: f.edit(f.find("step.finished", "look", nth=2), saved='{"number":9}'),
        "saves other values",
    ),
    "a skip by hand that nobody asked for": (
        lambda f: f.edit(f.find("step.skipped", "skipped"), by="operator"),
        "rule: deviation",
    ),
    "a wait that ended before its time": (
        lambda f: f.edit(f.find("wait.started", "nap"), for_ms=1),
        "waits for another time",
    ),
    "a wait that was never started": (
        lambda f: f.drop(f.find("wait.started", "nap"), f.find("wait.ended", "nap")),
        "rule: order",
    ),
    "a wait that looks more often": (lambda f: f.edit(f.find("wait.started", "until"), every_ms=1), "another time"),
    "a failed look that counts as passed": (
        lambda f: f.edit(f.find("wait.checked", "until"), passed=True),
        "rule: outcome",
    ),
    "a look that was never taken": (
        lambda f: f.drop(f.find("step.started", "until.until"), f.find("step.finished", "until.until")),
        "rule: outcome",
    ),
    "an unknown change called failed": (
        lambda f: f.edit(f.find("step.settled", "two"), outcome="failed"),
        "settled as failed",
    ),
    "a change that did not happen called passed": (
        lambda f: f.edit(f.find("step.settled", "three"), outcome="passed"),
        "rule: settle",
    ),
    "a change settled by nobody": (lambda f: f.drop(f.find("step.settled", "three")), "rule: edge"),
    "a change settled before its probe": (
        lambda f: f.drop(f.find("step.started", "three.probe"), f.find("step.finished", "three.probe")),
        "settled as failed",
    ),
    "an unknown change of which nothing is said": (lambda f: f.drop(f.find("step.unknown", "two")), "rule: order"),
    "a hand-over taken out": (lambda f: f.drop(f.find("run.handed_over")), "rule: operator"),
    "a pause in the middle of a command": (
        lambda f: f.insert(f.find("step.started", "one") + 1, "run.paused", reason="x", by="ben@example.com"),
        "rule: order",
    ),
    "a resume taken out": (lambda f: f.drop(f.find("run.resumed")), "while the run is paused"),
    "another end": (lambda f: f.edit(f.find("run.finished"), finish="mitigated"), "rule: finish"),
    "an end in the middle": (
        lambda f: Forgery.__init__(f, [*f.lines[: f.find("step.entered", "one")], f.lines[-1]]),
        "rule: finish",
    ),
    "a need that was not met": (
        lambda f: f.edit(f.find("step.settled", "two"), outcome="unknown", by="ben@example.com"),
        "rule: settle",
    ),
    "a reminder that the file does not have": (lambda f: f.edit(f.find("reminder.due"), reminder=1), "rule: reminder"),
    "an act of somebody else": (lambda f: f.edit(f.find("operator.acted"), by="eve@example.com"), "rule: operator"),
    "an act that there is not": (lambda f: f.edit(f.find("operator.acted"), do="dance"), "rule: act"),
    "a deviation out of nowhere": (
        lambda f: f.insert(
            f.find("step.entered", "one"),
            "deviation.recorded",
            step="nap",
            visit=1,
            deviation="jump",
            to="done",
            reason="x",
            by="ben@example.com",
        ),
        "rule: deviation",
    ),
    "a pause by somebody else": (
        lambda f: f.edit(f.find("run.paused"), by="eve@example.com"),
        "`eve@example.com` pauses the run",
    ),
    "an unknown field": (lambda f: f.edit(f.find("run.paused"), mood="bad"), "rule: record"),
    "a field of another type": (lambda f: f.edit(f.find("run.paused"), reason=7), "rule: record"),
    "a field that is missing": (lambda f: f.edit(f.find("run.paused"), reason=None), "rule: record"),
}

MEANING: dict[str, tuple[Callable[[Forgery], object], str]] = {
    "a secret that the action does not need": (
        lambda f: f.insert(f.find("step.started", "look"), "secret.resolved", step="look", visit=1, secret="token"),
        "are not those that its action needs",
    ),
    "a reminder told twice": (
        lambda f: f.insert(f.find("step.entered", "done"), "reminder.due", reminder=0, say="Look at the clock"),
        "rule: reminder",
    ),
    "a reminder that the file does not have": (
        lambda f: f.insert(f.find("step.entered", "done"), "reminder.due", reminder=1, say="Look at the clock"),
        "rule: reminder",
    ),
    "what a reminder says": (
        lambda f: f.edit(f.find("reminder.due"), say="Do not look at the clock"),
        "says something else than the file does",
    ),
    "a file that the runbook does not walk": (
        lambda f: f.edit(0, files={**dict(f.lines[0].fields["files"]), "other.yaml": "0" * 64}),  # type: ignore[arg-type]  # a mapping
        "RB547",
    ),
    "an empty file that the runbook does not walk": (
        lambda f: f.edit(0, files={**dict(f.lines[0].fields["files"]), "x.yaml": sha256().hexdigest()}),  # type: ignore[arg-type]  # a mapping
        "RB547",
    ),
    "an action": (
        lambda f: f.action(f.find("step.started", "look"), lambda a: a["fields"].update(argv=["rm", "-rf", "/"])),
        "does not follow from the runbook",
    ),
    "an action and its version": (
        lambda f: f.action(
            f.find("step.started", "look"), lambda a: a.update(version="0.0.0", fields={"argv": ["rm"]})
        ),
        "does not follow from the runbook",
    ),
    "an action and a mask": (
        lambda f: f.action(f.find("step.started", "look"), lambda a: a["fields"].update(argv=["rm", "[MASKED:x]"])),
        "does not follow from the runbook",
    ),
    "a confirmed action": (
        lambda f: f.action(f.find("confirmation.requested", "two"), lambda a: a["fields"].update(script="true")),
        "does not follow from the runbook",
    ),
    "the undo of a confirmed action": (
        lambda f: f.action(f.find("confirmation.requested", "two"), lambda a: a["undo"]["fields"].update(argv=["x"])),
        "does not follow from the runbook",
    ),
    "the action of a probe": (
        lambda f: f.action(f.find("step.started", "two.probe"), lambda a: a["fields"].update(argv=["true"])),
        "does not follow from the runbook",
    ),
    "an action without its digest": (
        lambda f: f.within(f.find("step.started", "until.until"), "what", lambda a: a.update(version="x")),
        "does not follow from the runbook",
    ),
    "an action that is none": (
        lambda f: f.edit(
            f.find("step.started", "look"),
            what="[]",
            action="4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
        ),
        "no JSON object",
    ),
    "an action without an end": (lambda f: f.edit(f.find("step.started", "look"), what="[" * 30_000), "no JSON object"),
    "a verdict": (lambda f: f.edit(f.find("step.finished", "stuck"), outcome="passed"), "judged again"),
    "a verdict without an observation": (
        lambda f: f.edit(f.find("step.finished", "stuck"), outcome="passed", obs=None),
        "rule: observation",
    ),
    "an observation": (
        lambda f: f.within(f.find("step.finished", "stuck"), "obs", lambda o: o.update(exit_code=0)),
        "judged again",
    ),
    "an observation that an expectation reads": (
        lambda f: f.within(f.find("step.finished", "look", nth=2), "obs", lambda o: o.update(json={"n": 4})),
        "judged again",
    ),
    "an observation that lacks what its verdict needs": (
        lambda f: f.within(f.find("step.finished", "stuck"), "obs", lambda o: o.pop("exit_code")),
        "lacks 'exit_code'",
    ),
    "an observation of other types": (
        lambda f: f.within(f.find("step.finished", "items"), "obs", lambda o: o.update(failed=7)),
        "what `items` observed",
    ),
    "an observation that is no object": (lambda f: f.edit(f.find("step.finished", "nap"), obs="7"), "no JSON object"),
    "an observation in another form": (
        lambda f: f.edit(f.find("step.finished", "done"), obs="{ }"),
        "no JSON object in its canonical form",
    ),
    "an observation with no number": (
        lambda f: f.edit(f.find("step.finished", "nap"), obs='{"checks":NaN,"met":true,"waited_s":0}'),
        "no JSON object",
    ),
    "an observation without an end": (lambda f: f.edit(f.find("step.finished", "nap"), obs="[" * 30_000), "no JSON"),
    "a reason": (lambda f: f.edit(f.find("step.finished", "stuck"), reason="the disk was full"), "another reason"),
    "a saved value": (lambda f: f.edit(f.find("step.finished", "look", nth=2), saved='{"number":4}'), "other values"),
    "a value that the file does not save": (
        lambda f: f.edit(f.find("step.finished", "nap"), saved='{"number":4}'),
        "saves",
    ),
    "what a change did": (lambda f: f.edit(f.find("step.finished", "one"), changed="no"), "changed no, in the log"),
    "a choice": (
        lambda f: f.within(f.find("step.finished", "which"), "obs", lambda o: o.update(chosen="back")),
        "does not follow from what was answered",
    ),
    "the machine's choice": (
        lambda f: f.within(f.find("step.finished", "sized"), "obs", lambda o: o.update(chosen="large")),
        "does not follow",
    ),
    "an answer": (
        lambda f: f.within(f.find("answer.given", "form"), "answer", lambda o: o["fields"].update(count=8)),
        "does not follow from what was answered",
    ),
    "an answer that does not fit": (
        lambda f: f.within(f.find("answer.given", "which"), "answer", lambda o: o.update(choose="sideways")),
        "is none",
    ),
    "what the machine looked at in a checklist": (
        lambda f: f.within(f.find("answer.given", "items"), "answer", lambda o: o["items"].update(there="no")),
        "than what the machine looked at",
    ),
    "the checks of a wait": (
        lambda f: f.within(f.find("step.finished", "until"), "obs", lambda o: o.update(checks=9)),
        "does not follow",
    ),
    "how long a wait took": (
        lambda f: f.within(f.find("step.finished", "until"), "obs", lambda o: o.update(waited_s=900)),
        "waited for another time",
    ),
    "what a probe saw": (
        lambda f: f.within(f.find("step.finished", "three.probe"), "obs", lambda o: o.update(exit_code=2)),
        "than judged again",
    ),
    "the inputs": (lambda f: f.edit(0, inputs='{"ticket":"INC-8"}'), "does not follow from the runbook"),
    "inputs that are none": (lambda f: f.edit(0, inputs="[" * 30_000), "rule: inputs"),
    "the environment": (lambda f: f.edit(0, environment="production"), "rule: lock"),
    "the environment and the lock": (
        lambda f: f.edit(0, environment="production", lock="everything/production"),
        "asks something else",
    ),
    "an environment that there is not": (lambda f: f.edit(0, environment="moon"), "rule: environment"),
    "the mode": (lambda f: f.edit(0, mode="practice"), "rule: mode"),
    "the graph": (lambda f: f.edit(0, graph="0" * 64), "rule: runbook"),
    "the runbook's id": (lambda f: f.edit(0, runbook="something"), "rule: runbook"),
}


@pytest.mark.parametrize("name", ORDER)
def test_i1_a_walk_in_another_order_is_none(name: str, desk: Desk, forged: Forgery) -> None:
    forge, words = ORDER[name]
    forge(forged)
    status, out = judged(desk, forged)
    assert status == 6, out
    assert words in out
    assert "audit.jsonl:" in out.partition("error RB54")[0].rpartition("\n")[2]  # the line is named


@pytest.mark.parametrize("name", MEANING)
def test_i2_what_was_done_and_seen_and_answered_cannot_be_edited(name: str, desk: Desk, forged: Forgery) -> None:
    forge, words = MEANING[name]
    forge(forged)
    status, out = judged(desk, forged)
    assert status == 6, out
    assert words in out


def test_i2_a_log_beside_another_runbook_is_no_walk_of_it(desk: Desk, forged: Forgery) -> None:
    for text, words in ((BOOK.replace("gate", "assert", 1), "not the one that the log names"), (None, "is not there")):
        assert judged(desk, forged)[0] == 0
        snapshot = next((desk.run("forged").path / "runbook").iterdir())
        if text is None:
            snapshot.unlink()
        else:
            snapshot.write_text(text)
        done = desk.do("verify", "forged")
        assert done.status == 6
        assert words in done.out


@pytest.mark.parametrize("digest", ["../../../../etc/hostname", "0" * 64, "", "A" * 64])
def test_i2_the_name_of_a_snapshot_leads_nowhere_else(digest: str, desk: Desk, forged: Forgery) -> None:
    assert judged(desk, forged.edit(0, files={"book.yaml": digest}))[0] == 6


def test_i2_a_snapshot_that_is_a_pipe_is_refused_and_not_waited_for(desk: Desk, forged: Forgery) -> None:
    judged(desk, forged)
    snapshot = next((desk.run("forged").path / "runbook").iterdir())
    snapshot.unlink()
    os.mkfifo(snapshot)
    assert desk.do("verify", "forged").status == 6


def test_i3_the_mode_is_in_the_log_and_in_every_word_about_it(desk: Desk, forged: Forgery) -> None:
    assert "LIVE" in desk.do("verify", "r1").out
    assert '"mode": "live"' in desk.do("verify", "r1", "--format", "json").out
    for mode in ("dry", "drill"):
        status, out = judged(desk, forged.edit(0, mode=mode, lock=None))
        assert f", {mode.upper()}, of `everything`" in out
        assert f", {mode.upper()}" in desk.do("status", "forged").out
        assert f"{mode}" in desk.do("runs").out
        assert status == (6 if mode == "dry" else 0)  # no outcome of a live run has the label of a dry one
