"""What is kept of a data set, what is left out, and what is said about it."""

import dataclasses
import json
import tracemalloc
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models_store.datasets.clean import CleaningReport, clean, count
from models_store.datasets.rows import Refused, Row
from models_store.specs import InputSpec
from tests.support.pictures import encoded, png
from tests.unit.models_store.pictures.test_contained import BROKEN

SPEC = InputSpec()


def unit(seed: int) -> NDArray[np.uint8]:
    """A picture in MNIST's own format, which preparation leaves alone."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 8:18] = np.random.default_rng(seed).integers(0, 256, (20, 10))
    return pixels


def row(where: str, label: str, seed: int) -> Row:
    return Row(where, label, png(unit(seed)))


def test_good_rows_come_in_their_order() -> None:
    cleaned = clean([row("a", "7", 1), row("b", "1", 2), row("c", "7", 3)], SPEC)
    assert cleaned.pictures.dtype == np.uint8
    assert np.array_equal(cleaned.pictures, np.stack([unit(seed)[None] for seed in (1, 2, 3)]))
    assert cleaned.labels == ("7", "1", "7")
    assert cleaned.report == CleaningReport(3, 3, 0, 0, {}, (), {"7": 2, "1": 1})


def test_the_same_picture_with_the_same_label_is_kept_once() -> None:
    rows = [row("a", "7", 1), row("b", "7", 2), row("c", "7", 1), row("d", "7", 1)]
    cleaned = clean(rows, SPEC)
    assert np.array_equal(cleaned.pictures[:, 0], [unit(1), unit(2)])
    assert (cleaned.report.kept, cleaned.report.duplicates, cleaned.report.per_label) == (2, 2, {"7": 2})
    assert cleaned.names == (("a", "c", "d"), ("b",))


def test_a_picture_of_a_table_is_called_as_its_file() -> None:
    rows = [Row("line 2", "7", png(unit(1)), file="pictures/a.png"), Row("line 3", "7", png(unit(2)))]
    assert clean(rows, SPEC).names == (("pictures/a.png",), ("line 3",))


def test_the_same_pixels_in_another_file_are_the_same_picture() -> None:
    copy = Row("b", "7", encoded(unit(1), "BMP"))
    assert copy.data != row("a", "7", 1).data
    assert clean([row("a", "7", 1), copy], SPEC).report.duplicates == 1


def test_of_a_picture_with_two_labels_no_copy_is_kept() -> None:
    rows = [row("a", "7", 1), row("b", "7", 1), row("c", "2", 2), row("d", "1", 1), row("e", "7", 1)]
    cleaned = clean(rows, SPEC)
    assert (cleaned.labels, cleaned.pictures.shape) == (("2",), (1, 1, 28, 28))
    assert np.array_equal(cleaned.pictures[0, 0], unit(2))
    report = cleaned.report
    assert (report.rows, report.kept, report.duplicates, report.conflicting_labels) == (5, 1, 0, 4)
    assert [(found.where, found.code) for found in report.examples] == [("d", "conflicting_labels")]
    assert "a" in report.examples[0].why and "7" in report.examples[0].why


def test_counting_says_the_same() -> None:
    rows: list[Row | Refused] = [
        row("a", "7", 1), row("b", "7", 1), row("c", "2", 2), row("d", "1", 1), row("e", "3", 3), row("f", "3", 3),
        Row("g", "7", b"no picture"), Refused("h", "label_missing", "There is no label."),
    ]  # fmt: skip
    heard: list[int] = []
    report = count(rows, SPEC, heard.append)
    assert report == clean(rows, SPEC).report
    assert (report.rows, report.kept, report.duplicates, report.conflicting_labels) == (8, 2, 1, 3)
    assert heard == [1, 2, 3, 4, 5, 6, 7, 8]


def test_bad_and_blank_pictures_are_refused_and_counted() -> None:
    rows: list[Row | Refused] = [
        Refused("line 1", "label_missing", "There is no label."),
        row("line 2", "7", 1),
        Row("line 3", "7", b"no picture"),
        Row("line 4", "7", png(np.full((40, 40), 255, np.uint8))),
        Row("line 5", "7", png(unit(2))[:-30]),
        Row("line 6", "7", b""),
    ]
    report = clean(rows, SPEC).report
    assert report.refused == {"label_missing": 1, "image_invalid": 2, "image_blank": 1, "image_truncated": 1}
    assert [found.where for found in report.examples] == ["line 1", "line 3", "line 4", "line 5", "line 6"]
    assert all(found.why.endswith(".") for found in report.examples)
    assert report.rows == report.kept + report.duplicates + report.conflicting_labels + sum(report.refused.values())


def test_a_hundred_examples_are_enough() -> None:
    report = clean((Refused(f"line {n}", "not_utf8", "No.") for n in range(1, 5001)), SPEC).report
    assert report.refused == {"not_utf8": 5000}
    assert [found.where for found in report.examples] == [f"line {n}" for n in range(1, 101)]


def test_no_rows_make_no_pictures() -> None:
    spec = InputSpec(height=32, width=20)
    cleaned = clean([], spec)
    assert (cleaned.pictures.shape, cleaned.labels) == ((0, 1, 32, 20), ())
    assert cleaned.report == CleaningReport(0, 0, 0, 0, {}, (), {})


def test_pictures_have_the_shape_that_was_asked_for(rng: np.random.Generator) -> None:
    drawn = np.full((90, 70), 250, np.uint8)
    drawn[20:70, 30:36] = 10
    cleaned = clean([Row("a", "1", png(drawn))], InputSpec(height=32, width=32))
    assert cleaned.pictures.shape == (1, 1, 32, 32)
    assert cleaned.pictures.max() > 200


def test_large_pictures_are_refused_as_in_serving() -> None:
    report = clean([row("a", "7", 1)], SPEC, max_pixels=28 * 28 - 1).report
    assert report.refused == {"image_too_large": 1}


def test_progress_is_heard_after_each_row() -> None:
    heard: list[int] = []
    clean([row("a", "7", 1), Refused("b", "not_utf8", "No."), row("c", "7", 1)], SPEC, heard.append)
    assert heard == [1, 2, 3]


def test_files_are_not_held_beside_their_pixels() -> None:
    """200 files of 1 MB; the pixels of all are 0.16 MB."""

    def rows() -> Iterator[Row]:
        for seed in range(200):
            yield Row(f"line {seed}", "7", png(unit(seed)) + bytes(2**20))

    tracemalloc.start()
    try:
        assert clean(rows(), SPEC).report.kept == 200
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20


def test_a_report_is_one_sentence_and_plain_data() -> None:
    report = clean([row("a", "7", 1), row("b", "7", 1), Row("c", "7", b"x")], SPEC).report
    assert str(report).startswith(
        "1 of 3 pictures are usable; left out: 1 duplicates, 1 image_invalid, for example c: "
    )
    assert str(clean([row("a", "7", 1)], SPEC).report) == "1 of 1 pictures are usable."
    assert json.loads(json.dumps(dataclasses.asdict(report)))["refused"] == {"image_invalid": 1}


def test_what_nobody_foresaw_costs_its_row_only() -> None:
    page = png(np.full((60, 50), 250, np.uint8))
    cleaned = clean([row("a", "7", 1), Row("b", "7", page), row("c", "1", 2)], BROKEN)
    assert cleaned.labels == ("7", "1")
    assert cleaned.report.refused == {"picture_unreadable": 1}
    assert [(one.where, one.code) for one in cleaned.report.examples] == [("b", "picture_unreadable")]
