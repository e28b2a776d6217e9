"""A person's own files as a data set to learn from, and to judge a version with."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models_store.errors import DataSetRejected
from models_store.specs import DataSpec, InputSpec
from tests.support.pictures import png
from training.data import sources
from training.data.rows import Rows

PICTURE = InputSpec()


def unit(number: int) -> bytes:
    """A picture of its own in MNIST's format, with `number` written into one pixel."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 8:18] = np.random.default_rng(number).integers(1, 256, (20, 10))
    pixels[0, 0] = number
    return png(pixels)


def folder(root: Path, counts: dict[str, int], first: int = 1) -> Path:
    number = first - 1
    for label, count in counts.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            number += 1
            (root / label / f"{number:03}.png").write_bytes(unit(number))
    return root


def rejected(code: str, path: Path) -> str:
    with pytest.raises(DataSetRejected) as caught:
        sources.files(path, PICTURE, 0.2, 1)
    assert caught.value.code == code
    return str(caught.value)


def test_own_files_become_a_data_set(tmp_path: Path) -> None:
    path = folder(tmp_path / "mine", {"7": 10, "1": 20, "x": 5})
    data = sources.load(DataSpec(source="files", path=str(path), test_share=0.2), PICTURE, Path("/nowhere"), seed=4)
    assert (data.labels, data.source) == (("1", "7", "x"), "files: mine")
    assert data.test.labels.bincount().tolist() == [4, 2, 1]
    assert data.train.labels.bincount().tolist() == [16, 8, 4]
    numbers = torch.cat([data.train.pictures, data.test.pictures])[:, 0, 0, 0].tolist()
    assert sorted(numbers) == list(range(1, 36))
    for rows in (data.train, data.test):
        assert (rows.pictures.dtype, rows.labels.dtype) == (torch.uint8, torch.int64)
        for number, label in zip(rows.pictures[:, 0, 0, 0].tolist(), rows.labels.tolist(), strict=True):
            assert label == (1 if number <= 10 else 0 if number <= 30 else 2)


def test_the_seed_decides_what_is_tested(tmp_path: Path) -> None:
    path = folder(tmp_path, {"0": 20, "1": 20})
    digests = [sources.files(path, PICTURE, 0.5, seed).digest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_the_same_rows_are_the_same_data_set_in_any_format(tmp_path: Path) -> None:
    path = folder(tmp_path / "folder", {"0": 5, "1": 5})
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.png"))
    table = path / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},{name[0]}\n" for name in names))
    digest = sources.files(path, PICTURE, 0.2, 1).digest()
    assert sources.files(table, PICTURE, 0.2, 1).digest() == digest
    table.unlink()
    assert sources.files(path, PICTURE, 0.2, 1).digest() == digest


def test_numbers_come_by_value_and_before_words(tmp_path: Path) -> None:
    path = folder(tmp_path, dict.fromkeys(["b", "10", "9", "A", "007", "²", "-1", "7"], 5))
    assert sources.files(path, PICTURE, 0.2, 1).labels == ("007", "7", "9", "10", "-1", "A", "b", "²")


def test_too_few_say_how_many_are_missing(tmp_path: Path) -> None:
    sentence = rejected("too_few_examples", folder(tmp_path / "a", {"7": 5, "1": 3, "x": 4}))
    assert "2 of '1', 1 of 'x'" in sentence and "'7'" not in sentence
    assert "two labels" in rejected("too_few_examples", folder(tmp_path / "b", {"7": 50}))


def test_copies_and_bad_pictures_do_not_count(tmp_path: Path) -> None:
    path = folder(tmp_path, {"0": 5, "1": 4})
    (path / "1" / "copy.png").write_bytes((path / "1" / "006.png").read_bytes())
    assert "1 of '1'" in rejected("too_few_examples", path)
    (path / "1" / "bad.png").write_bytes(b"bad")
    assert "1 of '1'" in rejected("too_few_examples", path)
    for file in path.rglob("*.png"):
        file.write_bytes(b"no picture at all")
    assert "0 of 11 pictures are usable" in rejected("too_few_examples", path)


def numbers(rows: Rows | None) -> set[int]:
    assert rows is not None
    return set(rows.pictures[:, 0, 0, 0].tolist())


def test_parts_are_used_as_what_they_are(tmp_path: Path) -> None:
    """Nothing of validation and test is learned, and nothing of train is tested."""
    path = folder(tmp_path, {"train/1": 6, "train/7": 6, "val/1": 2, "val/7": 1, "test/1": 3, "test/7": 3})
    told: list[str] = []
    data = sources.files(path, PICTURE, 0.2, 1, tell=told.append)
    assert (data.labels, numbers(data.train)) == (("1", "7"), set(range(1, 13)))
    assert (numbers(data.validation), numbers(data.test)) == ({13, 14, 15}, set(range(16, 22)))
    assert told == ["21 of 21 pictures are usable. Parts: test 6, train 12, validation 3. Only train is learned."]


def test_without_a_test_a_share_of_train_is_it(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train/1": 10, "train/7": 10, "dev/1": 5})
    data = sources.files(path, PICTURE, 0.2, 1)
    assert (len(data.train), len(data.test), numbers(data.validation)) == (16, 4, set(range(21, 26)))
    assert numbers(data.train) | numbers(data.test) == set(range(1, 21))


def test_a_picture_of_two_parts_is_not_learned(tmp_path: Path) -> None:
    path = folder(tmp_path, {"train/1": 6, "train/7": 6, "test/1": 3})
    (path / "test" / "1" / "copy.png").write_bytes(unit(1))
    data = sources.files(path, PICTURE, 0.2, 1)
    assert 1 in numbers(data.test) and 1 not in numbers(data.train)


def test_other_files_may_judge_in_place_of_parts(tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine", {"train/1": 8, "train/7": 8, "test/1": 5})
    theirs = folder(tmp_path / "theirs", {"1": 2, "7": 4}, first=100)
    told: list[str] = []
    (theirs / "7" / "bad.png").write_bytes(b"bad")
    (theirs / "7" / "seen.png").write_bytes(unit(9))
    data = sources.files(mine, PICTURE, 0.2, 1, validation=str(theirs), test="TEST", tell=told.append)
    assert numbers(data.validation) == {9, *range(100, 106)}
    assert (numbers(data.train), numbers(data.test)) == (set(range(1, 17)) - {9}, set(range(17, 22)))
    assert told[0] == "21 of 21 pictures are usable. Parts: test 5, train 16. Only train is learned."
    assert told[1].startswith("Of the validation data: 7 of 8 pictures are usable; left out: 1 image_invalid")
    assert told[2:] == ["Not learned from, as pictures that judge are the same: 1 of 16 pictures."]


def test_a_part_may_stand_for_another(tmp_path: Path) -> None:
    mine = folder(tmp_path, {"train/1": 5, "train/7": 5, "val/1": 4})
    data = sources.files(mine, PICTURE, 0.2, 1, test="val")
    assert (data.validation, numbers(data.test), len(data.train)) == (None, set(range(11, 15)), 10)


def test_of_other_files_with_parts_only_the_part_that_judges_does(tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine", {"1": 8, "7": 8})
    theirs = folder(tmp_path / "theirs", {"train/1": 2, "test/7": 4}, first=100)
    assert numbers(sources.files(mine, PICTURE, 0.2, 1, test=str(theirs)).test) == {102, 103, 104, 105}
    told: list[str] = []
    assert numbers(sources.labelled(theirs, PICTURE, ("1", "7"), told.append)) == {102, 103, 104, 105}
    assert told == [
        "6 of 6 pictures are usable. Parts: test 4, train 2.", "Judged by the part test (4 pictures)."
    ]  # fmt: skip


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    assert "All pictures are in test" in rejected(
        "too_few_examples", folder(tmp_path / "a", {"test/1": 9, "test/7": 9})
    )
    counts = {"train/1": 5, "train/7": 5, "val/9": 1}
    assert "label '9'" in rejected("label_unknown", folder(tmp_path / "b", counts))
    mine = folder(tmp_path / "c", {"1": 5, "7": 5})
    with pytest.raises(DataSetRejected, match="Of the validation data: The version does not know '3'"):
        sources.files(mine, PICTURE, 0.2, 1, validation=str(folder(tmp_path / "d", {"3": 5})))
    for validation, test in ((str(mine), ""), ("", str(mine))):  # it is all that there is to learn
        with pytest.raises(DataSetRejected) as refusal:
            sources.files(mine, PICTURE, 0.2, 1, validation, test)
        assert str(refusal.value) == (
            "Each label needs 5 pictures: add at least 5 of '1', 5 of '7', or let others judge. "
            "Not learned from, as pictures that judge are the same: 10 of 10 pictures."
        )


def test_parts_that_only_watch_change_the_digest(tmp_path: Path) -> None:
    mine, theirs = folder(tmp_path / "mine", {"1": 8, "7": 8}), folder(tmp_path / "theirs", {"1": 5}, first=100)
    plain = sources.files(mine, PICTURE, 0.2, 1)
    watched = sources.files(mine, PICTURE, 0.2, 1, validation=str(theirs))
    assert plain.digest() != watched.digest()
    assert torch.equal(plain.train.pictures, watched.train.pictures)


def test_what_the_readers_refuse_is_passed_on(tmp_path: Path) -> None:
    rejected("data_missing", tmp_path / "none")
    rejected("data_empty", tmp_path)


def test_files_for_a_version_that_has_labels(tmp_path: Path) -> None:
    path = folder(tmp_path, {"7": 2, "1": 1})
    (path / "1" / "bad.png").write_bytes(b"bad")
    told: list[str] = []
    rows = sources.labelled(path, PICTURE, ("0", "1", "7"), told.append)
    assert rows.labels.tolist() == [1, 2, 2]
    assert rows.pictures[:, 0, 0, 0].tolist() == [3, 1, 2]
    assert len(told) == 1 and told[0].startswith("3 of 4 pictures are usable; left out: 1 image_invalid")


def test_other_labels_are_named_with_their_rows(tmp_path: Path) -> None:
    path = folder(tmp_path, {"7": 6, "10": 4, "x": 3})
    with pytest.raises(DataSetRejected) as caught:
        sources.labelled(path, PICTURE, ("1", "7"))
    assert caught.value.code == "label_unknown"
    sentence = str(caught.value)
    assert "'10', 'x'" in sentence
    assert all(name in sentence for name in ("10/007.png", "10/010.png", "x/011.png"))
    assert "x/012.png" not in sentence and str(tmp_path) not in sentence


def test_another_label_that_only_a_bad_picture_has_is_no_other_label(tmp_path: Path) -> None:
    path = folder(tmp_path, {"7": 6, "1": 2})
    (path / "x").mkdir()
    (path / "x" / "bad.png").write_bytes(b"bad")
    assert len(sources.labelled(path, PICTURE, ("1", "7"))) == 8


def test_a_thousand_other_labels_make_a_short_sentence(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = ["label," + ",".join(f"pixel{n}" for n in range(784))]
    for label in range(1000):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 8:18] = np.random.default_rng(label).integers(1, 256, (20, 10))
        rows.append(",".join(map(str, [label, *pixels.ravel().tolist()])))
    table.write_text("\n".join(rows))
    with pytest.raises(DataSetRejected, match="'0', '1', '2', '3', '4' and 995 more") as caught:
        sources.labelled(table, PICTURE, ("x",))
    assert len(str(caught.value)) < 300


def test_nothing_usable_for_a_version_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_bytes(b"bad")
    with pytest.raises(DataSetRejected, match=r"7/a\.png") as caught:
        sources.labelled(tmp_path, PICTURE, ("7",))
    assert caught.value.code == "too_few_examples"
