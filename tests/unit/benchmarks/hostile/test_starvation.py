from collections import Counter

import pytest

from benchmarks.hostile.honest import Times
from benchmarks.hostile.starvation import Found, show


def found(digit_ms: float, photograph_ms: float, answers: int = 0) -> Found:
    return Found(
        Times(90 * [2.0] + 10 * [digit_ms]), Times(90 * [20.0] + 10 * [photograph_ms]),
        {"pages": Counter({"200": answers, "503 too_busy": 5})} if answers else {}, 10.0, 19.5, 12.0,
    )  # fmt: skip


def test_what_people_wait_is_compared_with_what_they_wait_alone() -> None:
    assert found(9, 120).times(found(3, 40)) == (3, 3)


def test_servers_stand_side_by_side_each_beside_itself_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"nobody": found(4, 40), "pages": found(100, 9000, 40)}
    after = {"nobody": found(2, 30), "pages": found(5, 45, 50)}
    show(["nobody", "pages"], [before, after])
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    _, _, alone, beside = [line for line in lines if line]
    assert alone[:5] == ["nobody", "2.0/4.0 -> 2.0/2.0", "1.0 -> 1.0", "20/40 -> 20/30", "1.0 -> 1.0"]
    assert beside == [
        "pages", "2.0/100.0 -> 2.0/5.0", "25.0 -> 2.5", "20/9000 -> 20/45", "225.0 -> 1.5", "0 -> 0",
        "4.0 pages -> 5.0 pages", "1.95 -> 1.95", "1.20 -> 1.20",
    ]  # fmt: skip
