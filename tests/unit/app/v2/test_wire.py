"""What HTTP carries: whatever comes is a request or a refusal, and tritonclient reads what is answered."""

import json
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from app.errors import BadRequest
from app.v2.asked import WantedOutput
from app.v2.outputs import OutputTensor
from app.v2.reader import Inferred
from app.v2.wire import answer_of, request_of

INVALID = "infer_request_invalid"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["image", "picture", "nope"]) | JSON,
        "datatype": st.sampled_from(["FP32", "UINT8", "BYTES", "FP64", "X"]) | JSON,
        "shape": st.lists(st.integers(-2, 2**70) | st.sampled_from([1, 28, 784]), max_size=5) | JSON,
        "data": st.lists(st.integers(0, 255) | st.floats(0, 1) | st.text(max_size=4), max_size=5) | JSON,
        "parameters": st.fixed_dictionaries(
            {}, optional={"binary_data_size": st.integers(-1, 40) | JSON, "shared_memory_region": JSON}
        )
        | JSON,
    },
)
OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["label", "probabilities", "x"]) | JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data": JSON, "classification": JSON}) | JSON,
    },
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON, "parameters": st.fixed_dictionaries({"binary_data_output": JSON}) | JSON,
        "inputs": st.lists(TENSOR, max_size=3) | JSON, "outputs": st.lists(OUTPUT, max_size=3) | JSON,
    },
)  # fmt: skip
IMAGE = {"name": "image", "datatype": "UINT8", "shape": [784], "data": [0] * 784}


def body(*inputs: object, **more: object) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def changed(**changes: object) -> dict[str, object]:
    return {key: value for key, value in {**IMAGE, **changes}.items() if value is not ...}


def refused(sent: bytes, length: str | None = None) -> tuple[str, str]:
    with pytest.raises(BadRequest) as caught:
        request_of(sent, length)
    sentence = str(caught.value)
    assert sentence.endswith(".") and len(sentence) < 400 and sentence.isprintable()
    return caught.value.code, sentence


@given(REQUEST | JSON, st.binary(max_size=50), st.integers(-3, 3))
def test_whatever_json_comes_it_is_a_request_or_refused(document: object, tail: bytes, off: int) -> None:
    text = json.dumps(document).encode()
    for sent, length in ((text, None), (text + tail, str(len(text))), (text + tail, str(len(text) + off))):
        try:
            request = request_of(sent, length)
        except BadRequest as refusal:
            assert str(refusal).endswith(".")
        else:
            assert request.input and request.outputs


@given(st.binary(max_size=200), st.text(max_size=6) | st.integers(-5, 300).map(str) | st.none())
def test_whatever_bytes_come_they_are_a_request_or_refused(sent: bytes, length: str | None) -> None:
    try:
        request = request_of(sent, length)
    except BadRequest as refusal:
        assert str(refusal).endswith(".")
    else:
        assert length is not None and int(length) == 0 and request.input.values == [sent]


@given(st.data())
def test_a_request_of_tritonclient_of_which_any_part_is_lost_or_turned(data: st.DataObject) -> None:
    image = InferInput("image", [2, 784], "UINT8").set_data_from_numpy(np.zeros((2, 784), np.uint8))
    whole, length = InferenceServerClient.generate_request_body([image], outputs=[InferRequestedOutput("label")])
    place, value = data.draw(st.integers(0, length - 1)), data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for sent in (whole[:cut], whole[:place] + bytes([value]) + whole[place + 1 :], whole[:place] + whole[place + 1 :]):
        try:
            request_of(sent, str(length)).input.numbers()
        except BadRequest as refusal:
            assert str(refusal).endswith(".")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("rows", [1, 200])  # read at once, and piece by piece
def test_what_tritonclient_sends_is_read(binary: bool, rows: int) -> None:
    values = np.random.default_rng(3).random((rows, 1, 28, 28), np.float32)
    image = InferInput("image", list(values.shape), "FP32").set_data_from_numpy(values, binary_data=binary)
    outputs = [
        InferRequestedOutput("probabilities", binary_data=binary, class_count=3),
        InferRequestedOutput("label", False),
    ]
    sent, length = InferenceServerClient.generate_request_body([image], outputs=outputs, request_id="mine")
    request = request_of(sent, None if length is None else str(length))
    assert request.id == "mine"
    assert request.outputs == [WantedOutput("probabilities", binary, 3), WantedOutput("label", False)]
    assert (request.input.name, request.input.datatype, request.input.shape) == ("image", "FP32", (rows, 1, 28, 28))
    np.testing.assert_array_equal(request.input.numbers(), values.reshape(-1))


@pytest.mark.parametrize("binary", [True, False])
def test_without_outputs_all_come_as_the_request_says(binary: bool) -> None:
    request = request_of(body(IMAGE, parameters={"binary_data_output": binary, "priority": 1, "mine": "x"}), None)
    assert [output.name for output in request.outputs] == ["probabilities", "label", "confidence", "uncertain"]
    assert {output.is_packed for output in request.outputs} == {binary}
    request = request_of(body(IMAGE, parameters={"binary_data_output": True}, outputs=[{"name": "label"}]), None)
    assert request.outputs == [WantedOutput("label", True)]


def test_a_body_that_is_no_json_at_all_is_one_picture() -> None:
    request = request_of(b"\x89PNG", "0")
    assert (request.input.name, request.input.shape, request.input.texts()) == ("picture", (1,), [b"\x89PNG"])


def test_null_is_as_good_as_nothing_and_unknown_keys_are_passed_over() -> None:
    request = request_of(
        body({**IMAGE, "parameters": None}, id=None, parameters=None, outputs=None, model_name="digits"), None
    )
    assert request.id is None and len(request.outputs) == 4


@pytest.mark.parametrize("length", ["", "-1", "+5", "1.5", "0x5", " 5", "5 ", "99999", "9" * 40, "\u0665", "five"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert refused(body(IMAGE), length)[0] == INVALID


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "json_malformed"), (b"{", "json_malformed"), (b"\xff\xfe{}", "json_malformed"),
        (b'{"inputs": NaN}', "json_malformed"), (b'{"inputs": [1e999]}', "json_malformed"),
        (b'{"id": "\\ud800"}', "json_malformed"), (b"[" * 100_000, "json_malformed"),
        (b'{"id": "' + b"\xff" * 9 + b'"}', "json_malformed"), (b"1" * 10_000, "json_malformed"),
        (b"[]", INVALID), (b"{}", INVALID), (b'{"inputs": {}}', INVALID),
        (b'{"inputs": []}', "input_unknown"), (body(3), INVALID), (body(IMAGE, IMAGE), "input_unknown"),
        (body(*[IMAGE] * 17), INVALID), (body(IMAGE, id=7), INVALID),
        (body(IMAGE, parameters=[]), INVALID), (body(IMAGE, outputs={}), INVALID),
        (body(IMAGE, parameters={"binary_data_output": 1}), INVALID),
        (body(IMAGE, outputs=[{"name": "nope"}]), "output_unknown"), (body(IMAGE, outputs=[{}]), INVALID),
        (body(IMAGE, outputs=[{"name": "label"}] * 2), "output_unknown"),
        (body(IMAGE, outputs=[{"name": "label", "parameters": {"classification": 2}}]), "output_unknown"),
        (body(IMAGE, outputs=[{"name": "probabilities", "parameters": {"classification": True}}]), INVALID),
        (body(IMAGE, outputs=[{"name": "probabilities", "parameters": {"classification": -1}}]), INVALID),
        (body(IMAGE, outputs=[{"name": "label", "parameters": {"binary_data": "yes"}}]), INVALID),
        (body(IMAGE, outputs=[{"name": "label", "parameters": {"shared_memory_region": "x"}}]), "extension_missing"),
        (body(changed(name=...)), INVALID), (body(changed(name=3)), INVALID),
        (body(changed(datatype=...)), INVALID), (body(changed(datatype="FP8")), "tensor_datatype_wrong"),
        (body(changed(shape=...)), "tensor_shape_wrong"), (body(changed(shape=[True])), "tensor_shape_wrong"),
        (body(changed(shape=[784.0])), "tensor_shape_wrong"), (body(changed(shape=[-784])), "tensor_shape_wrong"),
        (body(changed(shape=["784"])), "tensor_shape_wrong"), (body(changed(shape=[2**80])), "tensor_shape_wrong"),
        (body(changed(shape=[1] * 9)), "tensor_shape_wrong"), (body(changed(data=...)), INVALID),
        (body(changed(data=3)), "tensor_data_wrong"), (body(changed(data={})), "tensor_data_wrong"),
        (body(changed(data=[True] * 784)), "tensor_data_wrong"), (body(changed(data=[0, "0"])), "tensor_data_wrong"),
        (body(changed(data=[None])), "tensor_data_wrong"), (body(changed(data=[[{}]])), "tensor_data_wrong"),
        (body(changed(parameters={"binary_data_size": 784})), INVALID),
        (body(changed(data=..., parameters={"binary_data_size": 784})), "tensor_data_wrong"),
        (body(changed(data=..., parameters={"binary_data_size": -1})), "tensor_data_wrong"),
        (body(changed(data=..., parameters={"binary_data_size": True})), "tensor_data_wrong"),
        (body(changed(data=..., parameters={"binary_data_size": 1.5})), "tensor_data_wrong"),
        (body(changed(data=..., parameters={"shared_memory_region": "x"})), "extension_missing"),
        (body(changed(parameters=3)), INVALID),
        (json.dumps({"inputs": [1] * 40_000}).encode(), "json_too_long"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(sent: bytes, code: str) -> None:
    assert refused(sent)[0] == code


def test_bytes_that_no_tensor_takes_or_that_are_missing_are_counted() -> None:
    text = body(changed(data=..., parameters={"binary_data_size": 784}))
    assert "784 bytes" in refused(text + bytes(783), str(len(text)))[1]
    assert "stand 1 bytes" in refused(text + bytes(785), str(len(text)))[1]
    assert request_of(text + bytes(784), str(len(text))).input.numbers().tolist() == [0] * 784


def inferred(*outputs: OutputTensor) -> Inferred:
    version = SimpleNamespace(number=7)
    return Inferred(cast(Any, version), list(outputs), cast(Any, None))


def outputs(is_packed: bool) -> list[OutputTensor]:
    return [
        OutputTensor("probabilities", "FP32", (2, 3), np.array([0.25, 0.5, 0.25, 0, 1, 0], np.float32), is_packed),
        OutputTensor("label", "BYTES", (2,), ["ä", "7"], is_packed),
        OutputTensor("uncertain", "BOOL", (2,), np.array([True, False]), is_packed),
    ]


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_reads_what_is_answered(binary: bool) -> None:
    answer, length = answer_of(inferred(*outputs(binary)), "digits", "mine")
    assert (length is None) is not binary
    read = InferenceServerClient.parse_response_body(answer, header_length=length)
    np.testing.assert_array_equal(read.as_numpy("probabilities"), [[0.25, 0.5, 0.25], [0, 1, 0]])
    labels = [one.decode() if isinstance(one, bytes) else one for one in read.as_numpy("label")]
    assert labels == ["ä", "7"]
    assert read.as_numpy("uncertain").tolist() == [True, False]
    said = read.get_response()
    assert (said["model_name"], said["model_version"], said["id"]) == ("digits", "7", "mine")


def test_packed_outputs_stand_behind_the_json_in_their_order() -> None:
    first, second, third = outputs(True)
    answer, length = answer_of(
        inferred(first, OutputTensor("label", "BYTES", (2,), ["ä", "7"], False), third), "d", None
    )
    assert answer[length:] == first.packed() + third.packed()
    document = orjson.loads(answer[:length])
    assert "id" not in document
    assert [one.get("parameters") for one in document["outputs"]] == [
        {"binary_data_size": 24},
        None,
        {"binary_data_size": 2},
    ]
    assert second.packed() == b"\2\0\0\0\xc3\xa4\1\0\0\x007"
