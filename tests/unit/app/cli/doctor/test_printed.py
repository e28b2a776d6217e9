"""Findings as lines and as one document; both say whether one is bad."""

import json

import pytest

from app.cli.doctor.finding import bad, note, ok
from app.cli.doctor.printed import document, lines

GOOD = [ok("python", "Python 3"), note("data", "no [red]MNIST", "get it.")]
ALL = [*GOOD, bad("store", "x" * 200, "mend it.")]


def test_a_line_for_each_however_long_and_no_markup_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(GOOD) and not lines(ALL)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["ok    Python 3", "note  no [red]MNIST: get it."] == said[2:4]
    assert said[4] == f"BAD   {'x' * 200}: mend it."


def test_one_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert not document(ALL)
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and [one["mark"] for one in told["findings"]] == ["ok", "note", "bad"]
    assert told["findings"][0] == {"mark": "ok", "about": "python", "what": "Python 3", "do": None}
    assert document(GOOD) and json.loads(capsys.readouterr().out)["ok"] is True
