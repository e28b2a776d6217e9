"""Baselines on disk: whole, private, and of no harm whatever stands there."""

import stat
from pathlib import Path

import pytest

from app.supervision.watch.baselines import MOST, Baselines
from app.telemetry.drift.tally import Tally
from tests.support.read_only import read_only

ONE = Tally(1000, 50, {"7": 600, "1": 400})


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    kept = Baselines(tmp_path / "state")
    assert not kept.is_there() and kept.read() == {}
    assert kept.keep({"digits@7": (ONE, 612.34)})
    assert kept.is_there()
    assert Baselines(tmp_path / "state").read() == {"digits@7": (ONE, 612.3)}
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_only_the_last_ones_are_kept(tmp_path: Path) -> None:
    kept = Baselines(tmp_path)
    kept.keep({f"digits@{number}": (ONE, 600.0) for number in range(MOST + 5)})
    assert list(kept.read()) == [f"digits@{number}" for number in range(5, MOST + 5)]


def test_where_nothing_can_be_written_nothing_breaks(tmp_path: Path) -> None:
    with read_only(tmp_path):
        assert not Baselines(tmp_path).keep({"digits@7": (ONE, 600.0)})
    (tmp_path / "file").touch()
    assert not Baselines(tmp_path / "file").keep({"digits@7": (ONE, 600.0)})


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"digits@7": 3}', '{"digits@7": {"readings": 1}}', "[" * 100_000,
        '{"digits@7": {"readings": -1, "uncertain": 0, "labels": {}, "seconds": 1}}',
        '{"digits@7": {"readings": 5, "uncertain": 6, "labels": {}, "seconds": 1}}',
        '{"digits@7": {"readings": 5, "uncertain": 0, "labels": {"7": 6}, "seconds": 1}}',
        '{"digits@7": {"readings": 5, "uncertain": 0, "labels": {"7": 1e400}, "seconds": 1}}',
        '{"digits@7": {"readings": 5, "uncertain": 0, "labels": [], "seconds": 1}}',
        '{"digits@7": {"readings": 5, "uncertain": 0, "labels": {}, "seconds": NaN}}',
    ],
)  # fmt: skip
def test_what_is_no_baseline_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "drift.json").write_text(text)
    assert Baselines(tmp_path).read() == {}
