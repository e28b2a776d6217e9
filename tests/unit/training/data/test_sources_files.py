"""A person's own files as a data set to learn from, and to judge a version with."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models_store.errors import DataSetRejected
from models_store.specs import DataSpec, InputSpec
from tests.support.pictures import png
from training.data import sources

PICTURE = InputSpec()


def unit(number: int) -> bytes:
    """A picture of its own in MNIST's format, with `number` written into one pixel."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 8:18] = np.random.default_rng(number).integers(1, 256, (20, 10))
    pixels[0, 0] = number
    return png(pixels)


def folder(root: Path, counts: dict[str, int]) -> Path:
    number = 0
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
    assert data.report is not None
    assert (data.report.kept, data.report.per_label) == (35, {"1": 20, "7": 10, "x": 5})


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


def test_what_the_readers_refuse_is_passed_on(tmp_path: Path) -> None:
    rejected("data_missing", tmp_path / "none")
    rejected("data_empty", tmp_path)


def test_files_for_a_version_that_has_labels(tmp_path: Path) -> None:
    path = folder(tmp_path, {"7": 2, "1": 1})
    (path / "1" / "bad.png").write_bytes(b"bad")
    rows, report = sources.labelled(path, PICTURE, ("0", "1", "7"))
    assert rows.labels.tolist() == [1, 2, 2]
    assert rows.pictures[:, 0, 0, 0].tolist() == [3, 1, 2]
    assert (report.kept, report.refused) == (3, {"image_invalid": 1})


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
    rows, report = sources.labelled(path, PICTURE, ("1", "7"))
    assert (len(rows), report.refused) == (8, {"image_invalid": 1})


def test_a_thousand_other_labels_make_a_short_sentence(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = ["label," + ",".join(f"pixel{n}" for n in range(784))]
    for label in range(1000):  # no two pictures are the same: two points, each time elsewhere
        pixels = [0] * 784
        pixels[100 + label % 500] = pixels[650 + label // 500] = 255
        rows.append(",".join(map(str, [label, *pixels])))
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
