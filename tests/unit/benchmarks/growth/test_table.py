import struct
from pathlib import Path

from benchmarks.growth.table import Grown, Point, bend, draw, report


def point(per_second: float, p99_ms: float = 3.0, refused: float = 0.0) -> Point:
    return Point(per_second, 1.0, p99_ms, refused, 0.5)


GROWN = Grown(
    {
        ("28x28", 1, 1): point(100), ("28x28", 1, 16): point(950), ("28x28", 1, 64): point(1000),
        ("28x28", 2, 1): point(100), ("28x28", 2, 16): point(1200), ("28x28", 2, 64): point(1900, 40, 0.25),
    },
    {(1, 1): point(1000), (256, 1): point(50), (1, 2): point(1500), (256, 2): point(90)},
)  # fmt: skip


def test_a_run_becomes_a_point() -> None:
    run = {"requests": 300.0, "requests_per_second": 100.0, "p50_ms": 1.0, "p99_ms": 2.0, "wrong": 100.0}
    assert Point.of(run, 0.6) == Point(100.0, 1.0, 2.0, 0.25, 2.0)
    nothing = {"requests": 0.0, "requests_per_second": 0.0, "p50_ms": 0.0, "p99_ms": 0.0, "wrong": 0.0}
    assert Point.of(nothing, 0.0).refused == 0


def test_it_bends_where_more_connections_bring_little() -> None:
    assert bend(GROWN.series("28x28", 1)) == 16
    assert bend(GROWN.series("28x28", 2)) == 64


def test_a_row_for_each_picture_and_number_of_processes() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report(GROWN).splitlines() if line]
    assert lines[0] == ["picture, processes", "1 conn.", "16 conn.", "64 conn.", "bends at", "CPU, ms: alone, most"]
    assert lines[3] == [
        "28x28, 2", "100/s, 1/3 ms", "1,200/s, 1/3 ms", "1,900/s, 1/40 ms, 25% refused", "64", "0.5, 0.5",
    ]  # fmt: skip
    assert lines[-1] == ["256", "12,800 pictures/s, 3 ms", "23,040 pictures/s, 3 ms", "2"]


def test_it_is_drawn(tmp_path: Path) -> None:
    draw(GROWN, tmp_path / "growth.png")
    data = (tmp_path / "growth.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width > 2 * height > 400
