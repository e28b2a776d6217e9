"""Long lists of numbers: read as a whole parser reads them, or left where they are."""

import json

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import BadRequest
from app.v2 import number_lists
from app.v2.number_lists import shortened

NUMBERS = st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e30, 1e30))
NESTED = st.recursive(st.lists(NUMBERS, min_size=1, max_size=30), lambda inner: st.lists(inner, min_size=1, max_size=5))
BLANKS = st.sampled_from([None, 1, 4])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_lists, "_PIECE", 64)


def flat(value: object) -> list[float]:
    return [one for part in value for one in flat(part)] if isinstance(value, list) else [float(value)]  # type: ignore[arg-type]


@given(NESTED, NESTED, BLANKS)
def test_lists_come_out_flat_and_the_rest_stays(first: list[object], second: list[object], indent: int | None) -> None:
    document = {
        "id": 'a "data": [1] \\"data\\": [2',
        "inputs": [{"name": "data", "data": first}, {"data": second}],
        "x": [1, [2]],
    }
    found = shortened(json.dumps(document, indent=indent).encode())
    rest = orjson.loads(found.text)
    names = [one["data"] for one in rest["inputs"]]
    assert [list(found.lists[name]) for name in names] == [
        np.array(flat(values), np.float32).tolist() for values in (first, second)
    ]
    assert (rest["id"], rest["x"], rest["inputs"][0]["name"]) == (document["id"], [1, [2]], "data")


@given(st.text('[]{}",:0123456789.eE+-truefalsn\\ \ndat', max_size=300))
@example('{"data":[1,2,]}')
@example('{"data":[1],[2]]}')
@example('{"data":[[1]2]}')
@example('{"data":[]}')
@example('{"data":[[],[]]}')
@example('{"data":[' + "1," * 31 + " ]}")
@example('{"data":[' + "1," * 27 + "1 ,]}")
def test_whatever_comes_it_is_no_better_json_afterwards(text: str) -> None:
    """What a parser of the whole text refuses is refused, or left for it to refuse."""
    body = ('{"data":' + text).encode()
    for sent in (body, text.encode()):
        try:
            found = shortened(sent)
        except BadRequest as refusal:
            assert refusal.code == "json_malformed"
            continue
        try:
            orjson.loads(found.text)
        except orjson.JSONDecodeError:
            continue
        try:
            orjson.loads(sent)
        except orjson.JSONDecodeError:
            raise AssertionError(f"{sent!r} became {found.text!r}") from None


@pytest.mark.parametrize(
    "data",
    ['["iVBOR"]', "[true]", "[null]", "[1, {}]", "[NaN]", "3", "[1", "[" * 20 + "1" + "]" * 20,
     "[" + "[1]," * 40 + "[1]]", "[" + "1" * 5000 + "]"],
    ids=["text", "bool", "null", "object", "nan", "no list", "no end", "deep", "brackets", "a long number"],
)  # fmt: skip
def test_what_is_no_list_of_numbers_stays(data: str) -> None:
    text = f'{{"inputs": [{{"data": {data}}}]}}'.encode()
    found = shortened(text)
    assert found.text == text and not found.lists


@pytest.mark.parametrize(
    "data", ["[1,,2]", "[1 2]", "[[1],[2],]", "[-]", "[01]", "[1.]", "[1e999]", "[[1][2]]", "[[],[]]", "[+1]"]
)
def test_numbers_that_are_none_are_refused(data: str) -> None:
    with pytest.raises(BadRequest) as caught:
        shortened(f'{{"data":{data}}}'.encode())
    assert caught.value.code == "json_malformed"


def test_what_is_too_large_for_a_pixel_is_infinite() -> None:
    (numbers,) = shortened(b'{"data":[1e300,-1e300,3]}').lists.values()
    assert numbers.tolist() == [np.inf, -np.inf, 3]


def test_nobody_can_name_a_list_of_anothers() -> None:
    names = {next(iter(shortened(b'{"data":[1,2]}').lists)) for _ in range(20)}
    assert len(names) == 20 and all(len(name) > 16 for name in names)


@pytest.mark.parametrize(
    "body", [b'"data":' * 400_000, b'{"data":' + b"[" * 3_000_000, b'{"data":[' + b"[1]," * 700_000]
)
def test_what_is_dear_to_look_at_is_left_to_the_parser(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """Which refuses it at once: these are too many values, or too deep."""
    monkeypatch.setattr(number_lists, "_PIECE", 16 * 1024)
    assert not shortened(body).lists
