"""What a report says is still open: what a checklist found and was mended stands with the checklist alone."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers

LIST = (
    "id: found\ntitle: What works?\nkind: checklist\nnext: mend\non_fail: mend\n"
    "items: [{id: a, title: Sign-in works}, {id: b, title: Mail goes out}]\n"
)
ANSWERS = answers("step: found, items: {a: no, b: not_verified}", "step: mend, confirm: yes")


@pytest.mark.parametrize(
    ("then", "finish", "found"),
    [
        ("look", "resolved", []),
        ("done", "resolved", ["- [ ] Sign-in works: no"]),  # nobody has looked since
        ("look", "completed", ["- [ ] Sign-in works: no"]),  # nobody says that all is well
    ],
)
def test_a_no_is_open_until_something_was_changed_and_a_look_passed(
    tmp_path: Path, then: str, finish: str, found: list[str]
) -> None:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", ANSWERS)
    end = f"  - {{id: done, kind: finish, outcome: {finish}}}\n  - {{id: bad, kind: finish, outcome: failed}}\n"
    steps = [LIST, change("mend", then=then), *([read("look", then="done")] if then == "look" else [])]
    done = desk.walk(book(*steps, end=end), "--answers", "answers.yaml")
    assert done.status == 0, done.text
    page = desk.do("report", "r1").out
    still_open = page.partition("## Still open")[2].partition("\n## ")[0]
    assert still_open.strip().splitlines() == [*found, "- [ ] Mail goes out: not verified"]
    assert "Sign-in works" in page.partition("## Checklists")[2]
