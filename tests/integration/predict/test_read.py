"""POST /v1/read through the whole app, on the shipped version."""

import asyncio
import io
import math
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from PIL import Image

from app.main import create_app
from app.settings import Settings
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.conftest import EXAMPLES, republished, running
from tests.support.pictures import encoded, png, saved
from tests.support.rows import Sheet, boxed, squared, written

PNG = {"content-type": "image/png"}


@pytest.fixture
def sheet() -> bytes:
    return png(written(["1907 365", "42"], np.random.default_rng(3), height=60).levels)


async def test_multipart_and_raw_bytes_get_the_same_answer(client: httpx.AsyncClient, sheet: bytes) -> None:
    answers = [
        await client.post("/v1/read", files={"file": ("page.png", sheet, "image/png")}),
        await client.post("/v1/read", content=sheet, headers=PNG),
        await client.post("/v1/read", content=sheet, headers={"content-type": "application/octet-stream"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    first, *others = (answer.json() for answer in answers)
    assert (first["text"], first["model"], first["warnings"]) == ("1907 365\n42", "digits@1", [])
    assert all(other["lines"] == first["lines"] for other in others)
    assert len({first["id"], *(other["id"] for other in others)}) == 3


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
async def test_a_page_is_read_in_any_format(client: httpx.AsyncClient, sheet: bytes, kind: str) -> None:
    same = saved(Image.open(io.BytesIO(sheet)), kind)
    answer = await client.post("/v1/read", content=same, headers={"content-type": f"image/{kind.lower()}"})
    assert answer.json()["text"] == "1907 365\n42"


async def test_an_answer_adds_up(client: httpx.AsyncClient, sheet: bytes) -> None:
    page = (await client.post("/v1/read", content=sheet, headers=PNG)).json()
    assert page["text"] == "\n".join(line["text"] for line in page["lines"])
    for line in page["lines"]:
        assert line["text"] == " ".join(number["text"] for number in line["numbers"])
        for number in line["numbers"]:
            digits = number["digits"]
            assert number["text"] == "".join(digit["label"] for digit in digits)
            assert number["confidence"] == pytest.approx(math.prod(d["confidence"] for d in digits), abs=1e-4)
            assert number["uncertain"] is any(digit["uncertain"] for digit in digits)
            for digit in digits:
                assert digit["top"][0] == {"label": digit["label"], "confidence": digit["confidence"]}
                assert digit["confidence"] >= digit["top"][1]["confidence"]
                inner, outer = digit["box"], number["box"]
                assert outer["x"] <= inner["x"] and outer["y"] <= inner["y"]
                assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] <= page["width"]
                assert inner["y"] + inner["height"] <= outer["y"] + outer["height"] <= page["height"]


async def test_a_form_is_one_number(client: httpx.AsyncClient) -> None:
    form = boxed(written(["40718"], np.random.default_rng(4), height=60, gap=0.8), margin=12, thick=2)
    page = (
        await client.post("/v1/read", content=encoded(form.levels, "JPEG"), headers={"content-type": "image/jpeg"})
    ).json()
    assert page["text"] == "40718"


async def test_touching_digits_are_uncertain(client: httpx.AsyncClient) -> None:
    row = written(["3388"], np.random.default_rng(20), height=60, gap=-0.03)
    page = (await client.post("/v1/read", content=png(row.levels), headers=PNG)).json()
    assert page["lines"][0]["numbers"][0]["uncertain"] is True


@pytest.mark.parametrize("label", range(10))
async def test_one_digit_on_a_page_gets_the_label_of_predict(client: httpx.AsyncClient, label: int) -> None:
    picture = (EXAMPLES / f"{label}.png").read_bytes()
    alone = (await client.post("/v1/predict", content=picture, headers=PNG)).json()
    page = (await client.post("/v1/read", content=picture, headers=PNG)).json()
    assert page["text"] == alone["label"] == str(label)


@pytest.mark.parametrize("grey", [0, 128, 255])
async def test_a_blank_picture_has_no_lines(client: httpx.AsyncClient, grey: int) -> None:
    for side in (28, 300):
        page = (await client.post("/v1/read", content=png(np.full((side, side), grey, np.uint8)), headers=PNG)).json()
        assert (page["text"], page["lines"], page["warnings"]) == ("", [], ["blank_image"])
        assert (page["width"], page["height"]) == (side, side)


async def test_a_page_with_marks_and_no_digit_says_so(client: httpx.AsyncClient, rng: np.random.Generator) -> None:
    empty = Sheet(np.full((600, 800), 235, np.uint8), ())
    page = (await client.post("/v1/read", content=png(squared(empty).levels), headers=PNG)).json()
    assert (page["text"], page["lines"], page["warnings"]) == ("", [], ["nothing_found"])
    table, scribbles = empty.levels.copy(), empty.levels[:300, :300].copy()
    table[:30], table[:, :25] = 60, 60  # beside the sheet
    for top, left in ((40, 40), (40, 180), (180, 100)):
        scribbles[top : top + 80, left : left + 80] -= np.uint8(200) * (rng.random((80, 80)) < 0.5)
    for levels in (table, scribbles):
        page = (await client.post("/v1/read", content=png(levels), headers=PNG)).json()
        digits = [digit for line in page["lines"] for number in line["numbers"] for digit in number["digits"]]
        assert digits and all(digit["uncertain"] for digit in digits)
        assert page["warnings"] == ["not_a_digit"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        pytest.param(b"", PNG, 422, "file_missing", id="empty"),
        pytest.param(b"x", {"content-type": "multipart/form-data"}, 400, "multipart_malformed", id="no boundary"),
        pytest.param(b"x", {"content-type": "application/json"}, 415, "unsupported_media_type", id="no picture's type"),
        pytest.param(b"x" * 99, PNG, 422, "image_invalid", id="random bytes"),
        pytest.param(b"8BPS\0\1" + bytes(50), PNG, 415, "unsupported_image_format", id="PSD"),
        pytest.param(saved(Image.new("1", (13000, 13000))), PNG, 413, "image_too_large", id="bomb"),
        pytest.param(saved(Image.new("L", (1, 1))), PNG, 422, "image_bad_dimensions", id="1x1"),
    ],
)
async def test_bad_input(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post("/v1/read", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_picture_that_ends_too_early(client: httpx.AsyncClient, sheet: bytes) -> None:
    answer = await client.post("/v1/read", content=sheet[: len(sheet) // 2], headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (422, "image_truncated")


@pytest.mark.parametrize(("ref", "status", "code"), [("nope", 404, "model_not_found"), ("a b", 422, "bad_model_name")])
async def test_a_ref_that_leads_nowhere(client: httpx.AsyncClient, ref: str, status: int, code: str) -> None:
    answer = await client.post("/v1/read", params={"model": ref}, content=b"x", headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.fixture
async def whole(registry: Registry) -> AsyncIterator[httpx.AsyncClient]:
    """A service with `digits@2`, which looks at whole pictures."""
    republished(registry, input=InputSpec(preparation="picture"))
    async with running(create_app(Settings(store_dir=registry.root))) as http:
        yield http


async def test_a_version_that_looks_for_no_writing_reads_no_page(whole: httpx.AsyncClient, sheet: bytes) -> None:
    answer = await whole.post("/v1/read?model=digits@2", content=sheet, headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (422, "model_finds_no_writing")
    assert answer.json()["detail"].startswith("digits@2 looks at whole pictures")


async def test_many_pages_at_once(client: httpx.AsyncClient, sheet: bytes) -> None:
    answers = await asyncio.gather(*(client.post("/v1/read", content=sheet, headers=PNG) for _ in range(12)))
    assert {answer.json()["text"] for answer in answers} == {"1907 365\n42"}


async def test_a_full_page_is_answered_to_its_256th_digit(client: httpx.AsyncClient) -> None:
    rows = ["1740 1740 1740 1740 1740"] * 14
    page = png(written(rows, np.random.default_rng(9), height=30, gap=0.5).levels)
    answer = (await client.post("/v1/read", content=page, headers=PNG)).json()
    assert answer["warnings"] == ["too_many_marks"]
    assert sum(len(number["digits"]) for line in answer["lines"] for number in line["numbers"]) == 256


async def test_a_line_may_be_told_how_many_digits_it_has_and_which_check_they_pass(client: httpx.AsyncClient) -> None:
    page = png(written(["7992 7398 713", "4207"], np.random.default_rng(3), height=60).levels)
    answer = await client.post("/v1/read?check=luhn&digits=11", content=page, headers=PNG)
    card, other = answer.json()["lines"]
    assert (card["text"], card["numbers"][0]["expected"]) == ("79927398713", "as_read")
    assert (other["text"], other["numbers"][0]["expected"]) == ("4207", "missed")
    assert other["numbers"][0]["uncertain"] and not card["numbers"][0]["uncertain"]
    plain = (await client.post("/v1/read", content=page, headers=PNG)).json()
    assert plain["text"] == "7992 7398 713\n4207"
    assert all("expected" not in number for line in plain["lines"] for number in line["numbers"])


async def test_regions_are_lines_in_their_order(client: httpx.AsyncClient, sheet: bytes) -> None:
    plain = (await client.post("/v1/read", content=sheet, headers=PNG)).json()
    year, days, answer_to_all = (number["box"] for line in plain["lines"] for number in line["numbers"])
    regions = ";".join(f"{b['x']},{b['y']},{b['width']},{b['height']}" for b in (answer_to_all, year, days))
    answer = await client.post("/v1/read", params={"regions": f"{regions};0,0,1,1"}, content=sheet, headers=PNG)
    assert answer.json()["text"] == "42\n1907\n365\n"
    assert [len(line["numbers"]) for line in answer.json()["lines"]] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"check": "mod97"}, "name luhn, isbn, or iban: and one of AE, "),
        ({"regions": "1,2,3"}, "give x,y,width,height in whole pixels"),
        ({"regions": "1,2,0,4"}, "a region has a width and a height"),
        ({"digits": "0"}, "greater than or equal to 1"),
    ],
)
async def test_what_makes_no_sense_as_an_expectation(
    client: httpx.AsyncClient, sheet: bytes, given: dict[str, str], said: str
) -> None:
    answer = await client.post("/v1/read", params=given, content=sheet, headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert said in answer.json()["detail"]
