from collections import Counter

import pytest

from benchmarks.hostile.honest import Times
from benchmarks.hostile.server import Watch
from benchmarks.hostile.table import Row, show


def row(
    attack: str, digit_ms: float, drawing_ms: float, growth: int, failures: Counter[str], answers: Counter[str]
) -> Row:
    watch = Watch(1)
    watch.growth, watch.together, watch.descriptors = growth, 2 * growth, 1234
    digit, drawing = Times(100 * [digit_ms], failures), Times(100 * [drawing_ms])
    return Row(attack, "/somewhere", digit, drawing, watch, {attack: answers})


@pytest.mark.parametrize(
    ("digit_ms", "drawing_ms", "growth", "failures", "missed"),
    [
        (49, 299, 599_000_000, 0, []),
        (50, 299, 1, 0, ["digit"]),
        (49, 300, 1, 0, ["drawing"]),
        (49, 299, 600_000_000, 0, ["memory"]),
        (49, 299, 1, 1, ["answers"]),
        (float("inf"), float("inf"), 10**9, 200, ["digit", "drawing", "memory", "answers"]),
    ],
)
def test_a_row_is_over_where_a_target_is_missed(
    digit_ms: float, drawing_ms: float, growth: int, failures: int, missed: list[str]
) -> None:
    made = row("webp", digit_ms, drawing_ms, growth, Counter({"503 too_busy": failures} if failures else {}), Counter())
    assert made.over() == missed


def test_what_two_servers_came_to_stands_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    before = row("webp", 40, 12_738, 900_000_000, Counter({"no answer": 3}), Counter({"200": 4, "open at the end": 2}))
    after = row("webp", 20, 200, 1_000_000, Counter(), Counter({"422 image_too_complex": 1000}))
    show([before, after])
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    found = dict(zip(*(line for line in lines if line and "---" not in line[0]), strict=True))
    assert found == {
        "attack": "webp",
        "28x28, p50/p99 ms": "40/40 -> 20/20",
        "a drawing, p50/p99 ms": "12,738/12,738 -> 200/200",
        "not answered": "3 no answer -> 0",
        "a process grew, MB": "900 -> 1",
        "all processes, MB": "1,800 -> 2",
        "descriptors": "1,234 -> 1,234",
        "attackers got": "4 200, 2 open at the end -> 1,000 422 image_too_complex",
        "over": "drawing, memory, answers -> no",
    }
