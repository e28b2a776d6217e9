from benchmarks.load import Result
from benchmarks.peers.compared import Case, Measured, report
from benchmarks.peers.servers import BARE, MOSEC, OURS, TUTORIAL
from models_store.machine import cores

ONE, MANY = Case("one", 64), Case("many", 1)


def runs(*rates: float, p99_ms: float = 10.0) -> list[Result]:
    return [{"requests_per_second": rate, "p50_ms": 5.0, "p99_ms": p99_ms, "wrong": 0.0} for rate in rates]


MEASURED = Measured(
    {
        (OURS, ONE): runs(900, 3000, 3000, p99_ms=20),
        (MOSEC, ONE): runs(300, 2000, 1500, p99_ms=50),
        (BARE, ONE): runs(9000, 9000, 9000),
        (OURS, MANY): runs(30, 30, 30),
        (MOSEC, MANY): runs(10, 11, 12),
        (TUTORIAL, MANY): runs(15, 15, 15),
        (TUTORIAL, ONE): runs(1000, 1000, 1000),
    },
    {1: 1000.0, 256: 40_000.0},
)


def cells(first: str) -> list[str]:
    (line,) = [line for line in report(MEASURED).splitlines() if line.startswith(f"| {first}")]
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_a_server_has_the_median_of_its_rounds() -> None:
    assert cells(f"{MOSEC} |") == [MOSEC, "1,500, 5.0/50.0", "2,816"]


def test_a_ratio_is_of_runs_that_stood_beside_each_other() -> None:
    """The rounds come to 3, 1.5 and 2 times; the ratio of the medians is 2 too, but that of the first round alone 3."""
    assert MEASURED.ratio(MOSEC, ONE) == 2
    assert cells(f"{MOSEC}, 64 connections") == [
        f"{MOSEC}, 64 connections", "2.00", "0.40", "≥ 2.5 times, p99 ≤ 0.5",
    ]  # fmt: skip


def test_many_pictures_are_held_against_the_best_peer() -> None:
    assert cells(f"{TUTORIAL}, the best with")[1] == "2.00"


def test_the_share_of_a_limit() -> None:
    assert cells("uvicorn alone")[1:] == ["9,000 req/s", "0.33"]
    limit = cores() * 40_000
    assert cells("the model alone in batches of 256")[1:] == [f"{limit:,.0f} images/s", f"{30 * 256 / limit:.2f}"]
