from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.pictures import report, wrong
from benchmarks.pictures.judged import Judged, distance, judge
from benchmarks.pictures.labelled import OTHER, ROW, SINGLE, Labelled
from models_store.model import Model
from models_store.pictures.decode import to_png
from models_store.refs import Ref
from models_store.shipped_version import open_store


def picture(kind: str, label: str) -> Labelled:
    paper = np.full((100, 60 + 60 * len(label), 1), 240, np.uint8)
    for place, digit in enumerate(label):
        x = 50 + 60 * place
        if digit == "1":
            cv2.line(paper, (x, 20), (x, 80), 20, 6)
        else:
            cv2.ellipse(paper, (x, 50), (18, 30), 0, 0, 360, 20, 6)
    return Labelled(f"{kind}.png", to_png(np.moveaxis(paper, 2, 0)), kind, label, "drawn")


def test_drawn_digits_are_read_as_the_service_reads_them(tmp_path: Path) -> None:
    version = open_store(tmp_path).resolve(Ref.parse("digits"))
    model = Model.load(version.folder, version.manifest)
    pictures = [picture(SINGLE, "0"), picture(ROW, "101"), picture(OTHER, "")]
    single, row, other = judge(pictures, version, model)
    assert (single.text, row.text, other.uncertain) == ("0", "101", True)
    assert other.warnings == ("blank_image",)
    (refused,) = judge([Labelled("a.png", b"none", SINGLE, "1", "photo")], version, model)
    assert (refused.refused, refused.right, refused.silent) == ("image_invalid", False, False)
    found = report.figures([refused], 0)
    assert (found["refused"], found["singles"]) == (1, {"pictures": 1, "right": 0, "sure": 0, "sure_right": 0})
    assert "1 read as nothing (image_invalid)" in wrong.page([refused])


@pytest.mark.parametrize(
    ("read", "written", "far"), [("12", "12", 0), ("", "12", 2), ("132", "12", 1), ("21", "12", 2), ("13", "12", 1)]
)
def test_the_distance_counts_digits_to_add_drop_or_change(read: str, written: str, far: int) -> None:
    assert distance(read, written) == far


def test_figures_count_each_kind_and_the_page_shows_the_wrong_ones() -> None:
    judged = [
        Judged(picture(SINGLE, "0"), "0", False),
        Judged(picture(SINGLE, "1"), "7", True),
        Judged(picture(ROW, "101"), "11", False),
        Judged(picture(ROW, "10"), "1", False, ("low_contrast",)),
        Judged(picture(OTHER, ""), "3", True),
    ]
    found = report.figures(judged, 1)
    assert found["singles"] == {"pictures": 2, "right": 1, "sure": 1, "sure_right": 1}
    assert found["by_digit"]["1"] == {"pictures": 1, "right": 0, "sure": 0, "sure_right": 0}
    assert found["rows"] == {"rows": 2, "whole": 0, "wrong_silently": 1, "digits": 5, "digits_right": 3}
    assert found["others"] == {"pictures": 1, "uncertain": 1}
    assert found["left_out"] == 1
    sheet = wrong.page(judged)
    assert sheet.count("<figure>") == 3
    assert "single, drawn: 1 read as 7 (uncertain)" in sheet
    assert report.share(1, 0) == "-"
