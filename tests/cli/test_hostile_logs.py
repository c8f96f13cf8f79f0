"""A log that somebody else wrote, every hash of it right, steers no terminal and stops no command that reads it."""

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk
from tests.drivers.forgery import Forgery

pytestmark = pytest.mark.reliability
STEERS = "x\x1b]0;owned\x07\x1b[31m\u202e\x9b2J\nrun r9 is over: resolved"
PLACES = [
    ("run.started", "operator"),
    ("run.started", "mode"),
    ("run.started", "runbook"),
    ("run.started", "lock"),
    ("step.finished", "outcome"),
    ("run.finished", "finish"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a run that is over."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    assert desk.walk(book(read("look", "echo", "seen", then="done", fail="bad"))).status == 0
    return desk


@pytest.mark.parametrize(("record", "field"), PLACES)
def test_h1_what_a_forged_log_holds_is_shown_and_not_sent(record: str, field: str, whole: Desk) -> None:
    log = whole.run().log
    as_it_is = log.read_bytes()
    forgery = Forgery.of(log)
    forgery.edit(forgery.find(record), **{field: STEERS}).write(log)
    try:
        for command in (["runs"], ["status", "r1"], ["verify", "r1"], ["watch", "r1"]):
            done = whole.do(*command)
            assert "our fault" not in done.err, done
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.text), (command, done)
            assert "\nrun r9 is over" not in done.text, (command, done)
    finally:
        log.write_bytes(as_it_is)
