"""JSON lines, with the traps that JSON has."""

import base64
import json
import sys
from pathlib import Path

import pytest

from models_store.datasets.formats import read
from models_store.datasets.rows import Refused, Row
from models_store.errors import DataSetRejected

IMAGE = base64.b64encode(b"a picture").decode()
GOOD = json.dumps({"image": IMAGE, "label": "7"})


def refused(line: str | bytes) -> str:
    """The code of the one bad line between two good ones."""
    line = line.encode() if isinstance(line, str) else line
    first, bad, last = read(GOOD.encode() + b"\n" + line + b"\n" + GOOD.encode())
    assert (first, last) == (Row("line 1", "7", b"a picture"), Row("line 3", "7", b"a picture"))
    assert isinstance(bad, Refused) and bad.where == "line 2" and bad.why.endswith(".")
    return bad.code


@pytest.mark.parametrize("label", ["7", 7, " 7 ", "7\n", "\u00a07"])
@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        f"data:image/png;base64,{IMAGE}",
        f"DATA:;BASE64,{IMAGE}",
        f" {IMAGE[:4]}\r\n{IMAGE[4:]}\n",
        IMAGE.rstrip("="),
    ],
)
def test_labels_and_images_in_every_spelling(label: str | int, image: str) -> None:
    line = json.dumps({"id": 1.5, "image": image, "label": label, "more": [None]})
    assert list(read(line.encode())) == [Row("line 1", "7", b"a picture")]


def test_files_that_were_joined_have_a_byte_order_mark_in_the_middle() -> None:
    line = b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n"
    assert [row.label for row in read(line * 2) if isinstance(row, Row)] == ["7", "7"]


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".JSONL", ""])
@pytest.mark.parametrize("begin", ["", "\ufeff", "\n\r\n"])
def test_files_are_read_line_by_line(tmp_path: Path, suffix: str, begin: str) -> None:
    path = tmp_path / f"data{suffix}"
    text = begin + GOOD + "\r\n\n" + GOOD.replace('"7"', "-1")
    path.write_bytes(text.encode())
    after = begin.count("\n")
    expected = [Row(f"line {after + 1}", "7", b"a picture"), Row(f"line {after + 3}", "-1", b"a picture")]
    assert list(read(path)) == list(read(text.encode())) == expected


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "[" * 100_000, '{"a":' * 100_000, "", "{", "'7'", "01"]
)
def test_what_is_no_json_refuses_its_row_only(text: str) -> None:
    assert refused(f'{{"image": "{IMAGE}", "label": "7", "more": {text}}}') == "row_malformed"


def test_other_rows_that_are_no_objects() -> None:
    for line in ("[]", "7", "null", '"text"', "true", GOOD + GOOD, "nothing", "\0"):
        assert refused(line) == "row_malformed"


def test_bytes_that_are_no_utf8() -> None:
    assert refused(GOOD.encode().replace(b'"7"', b'"\xff"')) == "not_utf8"
    assert refused(GOOD.encode().replace(b'"7"', b'"\xed\xa0\x80"')) == "not_utf8"


@pytest.mark.parametrize(
    ("label", "code"),
    [
        *((text, "label_missing") for text in ('""', '"  "', "null")),
        *(
            (text, "label_invalid")
            for text in ("true", "7.0", "1e999", "[7]", "{}", '"\\ud800"', '"a\\u0000"', '"\\u200b7"')
        ),
        *((text, "label_invalid") for text in ("9" * 65, "9" * 4_300, "9" * 10_000, "-" + "9" * 10_000)),
        (f'"{"x" * 65}"', "label_invalid"),
    ],
)
def test_bad_labels(label: str, code: str) -> None:
    assert refused(f'{{"image": "{IMAGE}", "label": {label}}}') == code


def test_no_integer_needs_the_interpreter_to_be_patient() -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as a program may that reads long numbers
    try:
        assert refused(f'{{"image": "{IMAGE}", "label": {"9" * 1_000_000}}}') == "label_invalid"
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        *((value, "file_missing") for value in ("", None, 7, ["x"])),
        *((value, "base64_invalid") for value in ("%%%%", "abcde", "a=bc", "ä", "\ud800", "data:", "data:,abcd")),
        *((value, "base64_invalid") for value in ("data:image/png,abcd", "data:image/png;base64", "data:;base64,a")),
    ],
)
def test_bad_images(image: object, code: str) -> None:
    assert refused(json.dumps({"image": image, "label": "7"})) == code


def test_a_missing_key_is_a_refused_row() -> None:
    assert refused(f'{{"image": "{IMAGE}"}}') == "label_missing"
    assert refused('{"label": "7"}') == "file_missing"


def test_a_picture_under_another_key_is_told_what_came() -> None:
    (row,) = [row for row in read(f'{GOOD}\n{{"b64": "{IMAGE}", "label": "7"}}\n'.encode()) if isinstance(row, Refused)]
    assert row.why == "There is no text `image`; the line has `b64`, `label`. Put the picture's file there in base64."


def test_a_file_without_any_label() -> None:
    with pytest.raises(DataSetRejected) as caught:
        list(read(f'{{"image": "{IMAGE}"}}\n{{"image": "{IMAGE}", "label": ""}}\n'.encode()))
    assert caught.value.code == "labels_missing"


@pytest.mark.parametrize(
    ("value", "split"), [("test", "test"), (" Val ", "validation"), ("Training", "train"), ("", None), (None, None)]
)
def test_a_line_names_its_part(value: str | None, split: str | None) -> None:
    (row,) = read(json.dumps({"image": IMAGE, "label": "7", "split": value}).encode())
    assert isinstance(row, Row) and row.split == split


@pytest.mark.parametrize("value", ["holdout", 0, True, ["test"], {}])
def test_a_part_that_nobody_knows_refuses_its_row_only(value: object) -> None:
    assert refused(json.dumps({"image": IMAGE, "label": "7", "split": value})) == "split_unknown"
