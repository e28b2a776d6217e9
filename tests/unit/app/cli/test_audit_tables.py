"""What people see of entries: nothing in them moves the cursor, keys have their names, details are short."""

import dataclasses
import json

import pytest

from app.cli.audit_tables import print_entries, print_lines
from app.storage.audit.reading import Listed
from app.storage.audit.record import LoggedAct

ACT = LoggedAct(
    number=7, at=1_790_000_000.5, who="key:0a1b", what="version_promoted", target="digits@2", outcome="done",
    request_id="req_1", refers_to=6, details='{"alias":"champion","before":null,"gone":false}', digest="ab",
)  # fmt: skip


def test_a_row_has_when_who_what_and_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    evil = dataclasses.replace(ACT, target="\x1b[2J", details=json.dumps({"name": "x" * 90}))
    begun = dataclasses.replace(ACT, number=5, outcome="begun")
    print_entries([Listed(ACT, False), Listed(evil, False), Listed(begun, True)], {"key:0a1b": "alice"}, more=True)
    out = capsys.readouterr().out
    assert "2026-09-21 14:13:20" in out and "(alice)" in out and "alias=champion" in out
    assert "before" not in out and "gone" not in out and "\x1b[2J" not in out and "x" * 41 not in out
    assert "begun, not" in out and "--after 5" in out and max(map(len, out.splitlines())) <= 80


def test_a_line_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([Listed(ACT, False)])
    told = json.loads(capsys.readouterr().out)
    assert told["details"] == {"alias": "champion", "before": None, "gone": False}
    assert (told["number"], told["at"], told["is_open"], told["digest"]) == (7, 1_790_000_000.5, False, "ab")
