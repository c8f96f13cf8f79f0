"""The schema of the log is made from the events, and every record of a walk fits it."""

import json
from pathlib import Path

import jsonschema_rs
from tests.walk.hand import Hand, runbook, step

from runbook.audit.chain import encode
from runbook.audit.record import NO_RECORD
from runbook.language.schema_files import file_text
from runbook.walk.record_schema import record_schema
from runbook.walk.records import EVENTS, FIELDS, from_record, to_record

COMMITTED = Path(__file__).parents[2] / "schemas" / "audit.schema.json"


def test_the_committed_schema_of_the_log_is_current() -> None:
    assert COMMITTED.read_text() == file_text(record_schema()), "write it anew: make schema"


def test_every_record_of_a_walk_fits_the_schema_and_comes_back_as_the_same_event() -> None:
    hand = Hand(runbook(step("a"), step("done", "finish"))).begin()
    hand.follow()
    hand.start()
    hand.finish()
    validator = jsonschema_rs.validator_for(record_schema())
    for seq, event in enumerate(hand.told):
        fields = to_record(event)
        record = encode(seq=seq, prev=NO_RECORD, ts=event.ts, mono=event.mono, type_=event.TYPE, fields=fields)
        validator.validate(json.loads(record.raw))
        assert from_record(event.TYPE, event.ts, event.mono, fields) == event


def test_a_field_too_many_or_too_few_does_not_fit() -> None:
    validator = jsonschema_rs.validator_for(record_schema())
    good = {
        "v": 1,
        "seq": 0,
        "prev": NO_RECORD,
        "ts": "2026-11-21T09:00:00.000Z",
        "mono": 0,
        "type": "run.finished",
        "finish": "resolved",
        "h": NO_RECORD,
    }
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "more": 1})
    assert not validator.is_valid({key: value for key, value in good.items() if key != "finish"})
    assert not validator.is_valid({**good, "type": "run.ended"})
    assert validator.is_valid({**good, "type": "x-mine"})


def test_every_event_has_a_record_type_of_its_own_and_fields() -> None:
    assert len(EVENTS) == 35
    assert all(FIELDS[cls] for cls in EVENTS.values())
