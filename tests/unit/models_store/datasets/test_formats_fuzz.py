"""Whatever bytes come, reading them ends in rows or in a refusal, and what comes out keeps its promises."""

import base64
import json
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from models_store.datasets.formats import read
from models_store.datasets.passed_over import PassedOver
from models_store.datasets.rows import Refused, Row
from models_store.errors import DataSetRejected
from tests.unit.models_store.datasets.test_formats import zipped

CELL = st.text(st.sampled_from('7a,;\t"\r\n\\ \0\ufeff\u200b./-Ä'), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=4
)


def checked(data: bytes) -> list[Row | Refused]:
    rows: list[Row | Refused] = []
    try:
        for item in read(data):
            if isinstance(item, Row | Refused):
                rows.append(item)
            elif isinstance(item, PassedOver):
                assert item.name.isprintable() and item.name
    except DataSetRejected as refusal:
        assert refusal.code and str(refusal).endswith(".")
    for row in rows:
        assert row.where.isprintable() and row.where
        if isinstance(row, Row):
            assert 0 < len(row.label) <= 64 and row.label == unicodedata.normalize("NFC", row.label.strip())
            row.label.encode()
        else:
            assert row.code and row.why.endswith(".") and row.why.encode()
    return rows


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    checked(data)
    checked(b"label,pixel0,pixel1,pixel2,pixel3\n" + data)
    checked(b'{"image": "", "label": ""}\n' + data)
    checked(b"PK\3\4" + data)


@given(st.lists(st.lists(CELL, max_size=4), max_size=6), st.sampled_from(",;\t"))
def test_any_table(table: list[list[str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in [["file", "label"], *table])
    for row in checked(text.encode()):
        assert isinstance(row, Refused)  # no file lies beside bytes


@given(st.lists(st.dictionaries(st.sampled_from(["image", "label", "x"]), JSON, max_size=3), max_size=5))
def test_any_json(rows: list[dict[str, object]]) -> None:
    text = "\n".join(map(json.dumps, rows))
    assert len(checked(text.encode())) == len(rows)


@given(st.lists(st.tuples(st.text("0123456789abcÄé", min_size=1, max_size=64), st.binary(min_size=1)), min_size=1))
def test_what_was_written_is_read_back(pairs: list[tuple[str, bytes]]) -> None:
    lines = [json.dumps({"image": base64.b64encode(data).decode(), "label": label}) for label, data in pairs]
    expected = [
        Row(f"line {number}", unicodedata.normalize("NFC", label), data)
        for number, (label, data) in enumerate(pairs, 1)
    ]
    assert checked("\n".join(lines).encode()) == expected


@settings(max_examples=50)
@given(st.dictionaries(st.text("ab7/. \\:", min_size=1, max_size=8), st.binary(max_size=5), min_size=1, max_size=5))
def test_any_names_in_a_zip(files: dict[str, bytes]) -> None:
    for row in checked(zipped(files)):
        assert not row.where.startswith("/") and ".." not in row.where.split("/")
