"""Requests and answers as HTTP carries them: JSON, and behind it the packed tensors of the binary extension."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from app.errors import BadRequest
from app.v2.asked import OUTPUTS, InferRequest, WantedOutput
from app.v2.inputs import PICTURE
from app.v2.number_lists import Shortened, shortened
from app.v2.reader import Inferred
from app.v2.tensors import Numbers, Tensor
from app.web.request import from_json
from models_store.text import quoted

_LONG_BYTES = 65_536  # of JSON, whose lists of numbers are read piece by piece
_MOST_INPUTS = 16
_LARGEST = 2**63 - 1

Json = Mapping[str, Any]


def request_of(body: bytes, json_length: str | None) -> InferRequest:
    """What a body asks. `json_length` is the header that says where packed tensors begin: None where there are none,
    `0` where the body is the file of one picture and nothing else. Raises BadRequest.
    """
    length = _length(json_length, len(body))
    if length == 0 and json_length is not None:
        return InferRequest([Tensor(PICTURE, "BYTES", (1,), [body])])
    text = body if length == len(body) else body[:length]
    lists = shortened(text) if len(text) > _LONG_BYTES else Shortened(text, {})
    document = _object(from_json(lists.text), "The body")
    binary = _flag(_parameters(document, "the request"), "binary_data_output")
    rest = _Rest(memoryview(body)[length:])
    inputs = [_tensor(one, lists.lists, rest) for one in _objects(document.get("inputs"), "inputs")]
    rest.check_end()
    wanted = [
        _wanted(one, binary)
        for one in _objects([] if document.get("outputs") is None else document["outputs"], "outputs")
    ]
    name = document.get("id")
    if name is not None and not isinstance(name, str):
        raise BadRequest("infer_request_invalid", "`id` must be a text.", "id")
    return InferRequest(inputs, wanted or [WantedOutput(one, binary) for one in OUTPUTS], name)


def answer_of(inferred: Inferred, model: str, name: str | None) -> tuple[bytes, int | None]:
    """An answer's body, and how long the JSON before its packed tensors is; None where it has none of them."""
    outputs, tail = [], []
    for output in inferred.outputs:
        spelled: dict[str, object] = {"name": output.name, "datatype": output.datatype, "shape": output.shape}
        if output.is_packed:
            tail.append(output.packed())
            spelled["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            spelled["data"] = output.values
        outputs.append(spelled)
    answer = {"model_name": model, "model_version": str(inferred.version.number), "outputs": outputs}
    text = orjson.dumps({**answer, "id": name} if name is not None else answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join([text, *tail]), len(text)) if tail else (text, None)


class _Rest:
    """What stands behind the JSON: packed tensors, each as long as the JSON says."""

    def __init__(self, left: memoryview) -> None:
        self._left = left

    def take(self, size: int, name: str) -> memoryview:
        """The next tensor. Raises BadRequest where less is left."""
        if size > len(self._left):
            raise BadRequest(
                "tensor_data_wrong", f"{quoted(name)} says that {size:,} bytes stand behind the JSON, and "
                f"{len(self._left):,} are left. Send all of them, and how long the JSON is in the header "
                "Inference-Header-Content-Length.", name,
            )  # fmt: skip
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def check_end(self) -> None:
        """Raises BadRequest where something is left."""
        if len(self._left):
            raise BadRequest(
                "tensor_data_wrong", f"Behind the JSON stand {len(self._left):,} bytes that no input takes with its "
                "parameter `binary_data_size`.", "inputs",
            )  # fmt: skip


def _length(said: str | None, size: int) -> int:
    if said is None:
        return size
    if not (said.isascii() and said.isdigit()) or len(said) > 12 or int(said) > size:
        raise BadRequest(
            "infer_request_invalid", f"Inference-Header-Content-Length must be the length of the JSON, a whole number "
            f"of bytes of the {size:,} that came.",
        )  # fmt: skip
    return int(said)


def _tensor(one: Json, lists: Mapping[str, Numbers], rest: _Rest) -> Tensor:
    name, datatype = one.get("name"), one.get("datatype")
    if not isinstance(name, str) or not isinstance(datatype, str):
        raise BadRequest("infer_request_invalid", "Each input must have a text `name` and a text `datatype`.", "inputs")
    parameters = _parameters(one, quoted(name))
    _no_shared_memory(parameters)
    size, data = parameters.get("binary_data_size"), one.get("data")
    if (size is None) == (data is None):
        raise BadRequest(
            "infer_request_invalid",
            f"{quoted(name)} must have `data`, or the parameter `binary_data_size` and its bytes behind the JSON.",
            name,
        )
    shape = _shape(one.get("shape"), name)
    if size is not None:
        if not _is_count(size):
            raise BadRequest("tensor_data_wrong", "`binary_data_size` must be a whole number of bytes.", name)
        return Tensor(name, datatype, shape, rest.take(size, name))
    if isinstance(data, str) and data in lists:
        return Tensor(name, datatype, shape, lists[data])
    if not isinstance(data, list):
        raise BadRequest("tensor_data_wrong", f"`data` of {quoted(name)} must be a list.", name)
    return Tensor(name, datatype, shape, _values(list(_flat(data)), name))


def _values(flat: list[object], name: str) -> Numbers | list[str | bytes]:
    kinds = set(map(type, flat))
    if flat and kinds <= {int, float}:
        with np.errstate(over="ignore"):  # what is infinite in float32 is refused where its range is known
            return np.array(flat, np.float32)
    if kinds <= {str}:
        return [text for text in flat if isinstance(text, str)]
    raise BadRequest("tensor_data_wrong", f"`data` of {quoted(name)} must be numbers only, or texts only.", name)


def _flat(data: list[object]) -> Iterator[object]:
    """The values of lists in lists, in their order."""
    open_lists = [iter(data)]
    while open_lists:
        for value in open_lists[-1]:
            if isinstance(value, list):
                open_lists.append(iter(value))
                break
            yield value
        else:
            open_lists.pop()


def _shape(said: object, name: str) -> tuple[int, ...]:
    if not isinstance(said, list) or not all(map(_is_count, said)):
        sentence = f"The shape of {quoted(name)} must be a list of whole numbers, none below 0."
        raise BadRequest("tensor_shape_wrong", sentence, name)
    return tuple(said)


def _wanted(one: Json, binary: bool) -> WantedOutput:
    name = one.get("name")
    if not isinstance(name, str):
        raise BadRequest("infer_request_invalid", "Each output must have a text `name`.", "outputs")
    parameters = _parameters(one, quoted(name))
    _no_shared_memory(parameters)
    classes = parameters.get("classification", 0)
    if not _is_count(classes):
        raise BadRequest("infer_request_invalid", "`classification` must be a whole number of labels.", "outputs")
    return WantedOutput(name, _flag(parameters, "binary_data", otherwise=binary), classes)


def _parameters(one: Json, what: str) -> Json:
    value = one.get("parameters")
    return {} if value is None else _object(value, f"`parameters` of {what}")


def _no_shared_memory(parameters: Json) -> None:
    if any(key.startswith("shared_memory") for key in parameters):
        raise BadRequest("extension_missing", "This server shares no memory. Send tensors in the body.")


def _flag(parameters: Json, name: str, *, otherwise: bool = False) -> bool:
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise BadRequest("infer_request_invalid", f"{quoted(name)} must be true or false.", name)
    return value


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _object(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise BadRequest("infer_request_invalid", f"{what} must be an object of JSON.")
    return value


def _objects(value: object, name: str) -> list[Json]:
    if not isinstance(value, list) or len(value) > _MOST_INPUTS or not all(isinstance(one, dict) for one in value):
        raise BadRequest(
            "infer_request_invalid", f"`{name}` must be a list of up to {_MOST_INPUTS} objects of JSON.", name
        )
    return value
