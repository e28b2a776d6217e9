"""POST /v2/models/{model}/infer over HTTP: what is read, how it is answered, and what each wrong thing gets."""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from app.main import create_app
from app.settings import Settings
from app.v2.schemas import INFER_BODY, INFER_EXAMPLE
from models_store.model import Model
from models_store.refs import Ref
from models_store.registry import Registry
from tests.conftest import EXAMPLES, republished, running
from tests.support.pictures import saved
from training.synthetic import strokes

URL = "/v2/models/digits/infer"
LENGTH = "Inference-Header-Content-Length"
CAP = 10 * 2**20
DIGITS = np.stack([strokes.unit(digit, np.random.default_rng(4)) for digit in range(10)])[:, None]


@pytest.fixture(scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    place = tmp_path_factory.mktemp("v2")
    async with running(create_app(Settings(store_dir=place / "store", state_dir=place / "state"))) as client:
        yield client


def packed(tensor: dict[str, object], data: bytes, **more: object) -> tuple[bytes, dict[str, str]]:
    """A body with a packed tensor, and the header that says how long its JSON is."""
    text = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(data)}}], **more}).encode()
    return text + data, {LENGTH: str(len(text))}


def image(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, object]:
    return {"name": "image", "datatype": "UINT8", "shape": list(pixels.shape)}


def refused(answer: httpx.Response, status: int = 400) -> str:
    """The code of a refusal, whose `error` is its sentence."""
    said = answer.json()
    assert (answer.status_code, said["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert said["error"] == said["detail"] and said["detail"].endswith(".")
    return str(said["code"])


async def test_pixels_have_the_labels_that_the_model_gives_them(http: httpx.AsyncClient, registry: Registry) -> None:
    version = registry.resolve(Ref("digits"))
    expected = Model.load(version.folder, version.manifest).predict(DIGITS)
    scaled = {"name": "image", "datatype": "FP32", "shape": [10, 1, 28, 28], "data": (DIGITS / 255).tolist()}
    body, headers = packed(image(DIGITS), DIGITS.tobytes())
    answers = [await http.post(URL, json={"inputs": [scaled]}), await http.post(URL, content=body, headers=headers)]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        probabilities, label, confidence, _ = answer.json()["outputs"]
        assert label["data"] == [str(row.argmax()) for row in expected]
        np.testing.assert_allclose(
            np.reshape(probabilities["data"], (10, 10)), expected, atol=0.01
        )  # another candidate
        np.testing.assert_allclose(confidence["data"], np.reshape(probabilities["data"], (10, 10)).max(1))


async def test_a_picture_has_the_answer_of_v1(http: httpx.AsyncClient) -> None:
    files = sorted(EXAMPLES.glob("*.png"))[:4]
    sent = [base64.b64encode(file.read_bytes()).decode() for file in files]
    answer = await http.post(
        URL, json={"inputs": [{"name": "picture", "datatype": "BYTES", "shape": [4], "data": sent}]}
    )
    outputs = {one["name"]: one["data"] for one in answer.json()["outputs"]}
    for place, file in enumerate(files):
        theirs = (await http.post("/v1/predict", files={"file": file.read_bytes()})).json()
        assert outputs["label"][place] == theirs["label"]
        assert outputs["confidence"][place] == pytest.approx(theirs["confidence"], abs=1e-4)
        assert outputs["uncertain"][place] == theirs["uncertain"]


async def test_one_picture_may_be_the_whole_body(http: httpx.AsyncClient) -> None:
    (file,) = sorted(EXAMPLES.glob("*.png"))[:1]
    answer = await http.post(URL, content=file.read_bytes(), headers={LENGTH: "0"})
    theirs = (await http.post("/v1/predict", files={"file": file.read_bytes()})).json()
    assert answer.json()["outputs"][1]["data"] == [theirs["label"]]


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
async def test_a_picture_may_have_any_format(http: httpx.AsyncClient, kind: str) -> None:
    (file,) = sorted(EXAMPLES.glob("*.png"))[:1]
    same = saved(Image.open(file), kind)
    theirs = (await http.post("/v1/predict", files={"file": file.read_bytes()})).json()
    answer = await http.post(URL, content=same, headers={LENGTH: "0"})
    assert answer.json()["outputs"][1]["data"] == [theirs["label"]]


async def test_the_example_of_the_document_is_answered_as_it_says(http: httpx.AsyncClient) -> None:
    answer = await http.post(URL, json=INFER_BODY["content"]["application/json"]["example"])
    said, example = answer.json(), INFER_EXAMPLE
    assert said["outputs"][0] == example["outputs"][0]
    assert said["outputs"][1]["data"] == pytest.approx(example["outputs"][1]["data"], abs=0.02)
    assert said["id"] == example["id"]


@pytest.mark.parametrize("kind", [None, "application/json", "application/x-www-form-urlencoded", "text/plain", "x"])
async def test_no_content_type_is_looked_at(http: httpx.AsyncClient, kind: str | None) -> None:
    sent = json.dumps({"inputs": [{**image(DIGITS[:1]), "data": DIGITS[:1].tolist()}]}).encode()
    answer = await http.post(URL, content=sent, headers={} if kind is None else {"content-type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_bodies_come_packed_and_answers_go_packed(
    http: httpx.AsyncClient, coding: str, pack: type[bytes]
) -> None:
    many = np.repeat(DIGITS, 20, axis=0)
    body, headers = packed(image(many), many.tobytes())
    plain = await http.post(URL, content=body, headers={**headers, "accept-encoding": "identity"})
    asked = {**headers, "content-encoding": coding, "accept-encoding": coding}
    answer = await http.post(URL, content=pack(body), headers=asked)
    assert answer.headers["content-encoding"] == coding and "content-encoding" not in plain.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.json() == plain.json()  # httpx has unpacked it


async def test_a_bomb_ends_at_the_cap_and_what_is_not_packed_is_said(http: httpx.AsyncClient) -> None:
    for coding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        bomb = pack(bytes(2 * CAP))
        answer = await http.post(URL, content=bomb, headers={"content-encoding": coding})
        assert refused(answer, 413) == "payload_too_large"
        for wrong in (b"{}", pack(b"{}")[:-2]):
            answer = await http.post(URL, content=wrong, headers={"content-encoding": coding})
            assert refused(answer) == f"{coding}_malformed"
    answer = await http.post(URL, content=b"{}", headers={"content-encoding": "br"})
    assert refused(answer, 415) == "unsupported_content_encoding"
    assert answer.headers["accept-encoding"] == "identity, gzip, deflate"
    assert refused(await http.post(URL, content=bytes(CAP + 1)), 413) == "payload_too_large"
    answer = await http.post("/v1/predict", content=b"x", headers={"content-encoding": "deflate"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity, gzip")


async def test_versions_and_aliases_are_asked_by_name(tmp_path: Path, registry: Registry) -> None:
    republished(registry)
    registry.promote("digits", 2, expected=None, alias="candidate")
    sent = {"inputs": [{**image(DIGITS[:1]), "data": DIGITS[:1].tolist()}], "id": "a"}
    async with running(create_app(Settings(store_dir=tmp_path / "store", state_dir=tmp_path / "state"))) as http:
        for model, number in {
            "digits": "1", "digits/versions/2": "2", "digits/versions/1": "1",
            "digits@candidate": "2", "digits%402": "2",
        }.items():  # fmt: skip
            said = (await http.post(f"/v2/models/{model}/infer", json=sent)).json()
            assert (said["model_name"], said["model_version"]) == (model.partition("/")[0].replace("%40", "@"), number)
        for model, code in {"nope": "model_not_found", "digits/versions/9": "model_not_found"}.items():
            assert refused(await http.post(f"/v2/models/{model}/infer", json=sent), 404) == code
        for model in ("Digits", "..%2fx", "digits@1/versions/1", "digits/versions/x", "digits/versions/0"):
            answer = await http.post(f"/v2/models/{model}/infer", json=sent)
            assert answer.status_code in (400, 404) and isinstance(answer.json()["error"], str)


def tensor(shape: list[int], data: bytes, datatype: str = "UINT8", name: str = "image") -> tuple[bytes, dict[str, str]]:
    return packed({"name": name, "datatype": datatype, "shape": shape}, data)


def file(data: bytes) -> tuple[bytes, dict[str, str]]:
    return tensor([1], struct.pack("<I", len(data)) + data, "BYTES", "picture")


ONE = DIGITS[:1].tobytes()
BOMB = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\1\0\0\0\0" + bytes(4)
SHARED = {**image(DIGITS), "parameters": {"shared_memory_region": "x"}}
TWICE = [{**image(DIGITS[:1]), "data": [0] * 784}] * 2
WRONG = {
    "no body": (b"", {}, "json_malformed"),
    "no json": (b"{", {}, "json_malformed"),
    "no UTF-8": (b'{"id": "\xff"}', {}, "json_malformed"),
    "deep": (b"[" * 200_000, {}, "json_malformed"),
    "a length beyond the body": (b"{}", {LENGTH: "3"}, "infer_request_invalid"),
    "a length that is none": (b"{}", {LENGTH: "two"}, "infer_request_invalid"),
    "two inputs": (json.dumps({"inputs": TWICE}).encode(), {}, "input_unknown"),
    "an unknown output": (*packed(image(DIGITS[:1]), ONE, outputs=[{"name": "logits"}]), "output_unknown"),
    "bytes missing": (*tensor([1, 784], ONE[:-1]), "tensor_data_wrong"),
    "bytes too many": (*tensor([1, 784], ONE + b"\0"), "tensor_data_wrong"),
    "another shape": (*tensor([1, 28, 29], bytes(812)), "tensor_shape_wrong"),
    "a negative one": (*tensor([-1, 784], ONE), "tensor_shape_wrong"),
    "a huge one": (*tensor([2**62, 2**62], ONE), "tensor_shape_wrong"),
    "very many": (*tensor([2**62, 784], ONE), "batch_too_large"),
    "257": (*tensor([257, 784], bytes(257 * 784)), "batch_too_large"),
    "none": (*tensor([0, 784], b""), "tensor_shape_wrong"),
    "FP64": (*tensor([784], bytes(8 * 784), "FP64"), "tensor_datatype_wrong"),
    "NaN": (*tensor([784], np.full(784, np.nan, "<f4").tobytes(), "FP32"), "number_not_finite"),
    "normalised": (*tensor([784], np.full(784, -0.42, "<f4").tobytes(), "FP32"), "value_out_of_range"),
    "no picture": (*file(b"abc"), "picture_refused"),
    "an empty picture": (*file(b""), "picture_refused"),
    "a bomb of pixels": (*file(BOMB), "picture_refused"),
    "shared memory": (json.dumps({"inputs": [SHARED]}).encode(), {}, "extension_missing"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_gets_400_and_a_sentence(http: httpx.AsyncClient, wrong: str) -> None:
    body, headers, code = WRONG[wrong]
    assert refused(await http.post(URL, content=body, headers=headers)) == code


async def test_a_parameter_of_the_address_is_refused_with_a_sentence_too(http: httpx.AsyncClient) -> None:
    assert refused(await http.post(f"{URL}?top_k=3", json={}), 422) == "parameter_unknown"
