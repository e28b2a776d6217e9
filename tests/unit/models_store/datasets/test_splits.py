"""Words that people have for training, validation and test, and those that only look so."""

import pytest

from models_store.datasets.rows import RowRejected, Split
from models_store.datasets.splits import judging_part, split_called, split_of, splits_of


@pytest.mark.parametrize("name", ["7", "trains", "latest", "validity", "contest", "evaluator", "set", "", "training 2"])
def test_no_other_name_is_a_part(name: str) -> None:
    assert split_of(name) is None


@pytest.mark.parametrize(
    ("parts", "as_test", "as_validation"),
    [
        (("train",), "train", "train"),
        (("train", "validation"), "validation", "validation"),
        (("test", "train"), "test", "test"),
        (("test", "train", "validation"), "test", "validation"),
        (("validation",), "validation", "validation"),
    ],
)
def test_the_part_that_judges(parts: tuple[Split, ...], as_test: Split, as_validation: Split) -> None:
    assert (judging_part(parts, "test"), judging_part(parts, "validation")) == (as_test, as_validation)


@pytest.mark.parametrize(
    ("word", "split"),
    [("Training", "train"), ("PublicTest", "validation"), ("PrivateTest", "test"), (" TEST ", "test"), ("", None),
     (" ", None)],
)  # fmt: skip
def test_the_part_that_a_row_says(word: str, split: Split | None) -> None:
    assert split_called(word) == split


@pytest.mark.parametrize("word", ["holdout", "0", "fold 3", "true", "\x1b[2J", "x" * 1_000])
def test_a_word_that_is_no_part_is_refused_by_name(word: str) -> None:
    with pytest.raises(RowRejected) as caught:
        split_called(word)
    assert caught.value.code == "split_unknown" and str(caught.value).endswith(
        "no part: write train, validation or test."
    )
    assert "\x1b" not in str(caught.value) and len(str(caught.value)) < 120


def test_the_parts_that_a_path_names() -> None:
    assert splits_of(["data", "Train", "7"]) == {"train"} and splits_of(["train", "val"]) == {"train", "validation"}
    assert splits_of(["7"]) == set()
