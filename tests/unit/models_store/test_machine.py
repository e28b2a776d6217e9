from importlib.metadata import version
from pathlib import Path

from app.supervision.slots import environment
from models_store.machine import cores, gpus


def test_at_least_one_core_may_be_used() -> None:
    assert cores() >= 1


def test_cards_are_counted_unless_torch_is_built_without_them(tmp_path: Path) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert gpus(tmp_path) == (0 if version("torch").endswith("+cpu") else 2)
    assert gpus(tmp_path / "nothing") == 0


def test_each_process_gets_a_card_of_its_own_in_turn() -> None:
    given = [environment({"A": "b"}, number, cards=2)["CUDA_VISIBLE_DEVICES"] for number in (1, 2, 3)]
    assert given == ["0", "1", "0"]


def test_without_cards_or_with_the_operators_choice_no_card_is_named() -> None:
    given = environment({"A": "b"}, 1, cards=0)
    assert given["A"] == "b" and "CUDA_VISIBLE_DEVICES" not in given
    assert {name for name in given if name.startswith("MALLOC")} == set(given) - {"A"}  # glibc is told to be sparing
    chosen = {"CUDA_VISIBLE_DEVICES": "5", **dict.fromkeys(set(given) - {"A"}, "4")}
    assert environment(chosen, 1, cards=2) == chosen
