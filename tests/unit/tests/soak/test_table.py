"""The one table of a soak."""

from collections import Counter

from tests.soak.promises import Found
from tests.soak.table import Round, lines


def one(seed: str, **accidents: int) -> Round:
    found = Found(Counter(succeeded=2), 3, 1, ["a line"])
    done, later = Counter(pages=4), Counter(pages=1)
    trend = ["api 1 flat"]
    return Round("sqlite", seed, 90.0, Counter(accidents), done, later, 0, 5, (1.0, 2.0), {"api": 400}, trend, found)


def test_each_kind_of_work_and_accident_has_a_row_and_each_round_a_column() -> None:
    told = lines([one("1-1", kill=2), one("1-2", stop=1)])
    rows = {line[:27].strip(): line[27:].split() for line in told if len(line) > 27}
    assert rows["seed"] == ["1-1", "1-2"] and rows["minutes"] == ["1.5", "1.5"]
    assert (rows["pages"], rows["come later: pages"], rows["jobs succeeded"]) == (["4", "4"], ["1", "1"], ["2", "2"])
    assert (rows["accident: kill"], rows["accident: stop"]) == (["2", "0"], ["0", "1"])
    assert rows["most MB, api"] == ["400", "400"] and rows["BROKEN PROMISES"] == ["1", "1"]
    assert told.count("api 1 flat") == 2


def test_five_rounds_stand_in_two_blocks() -> None:
    told = lines([one(f"1-{number}", kill=1) for number in range(5)])
    assert [line.split()[1:] for line in told if line.startswith("seed")] == [["1-0", "1-1", "1-2", "1-3"], ["1-4"]]
