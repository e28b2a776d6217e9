"""Inputs: a tensor becomes what a version reads. `image` are pixels, which go in as they are; `picture` are files,
which are prepared as everywhere else.
"""

import math

import numpy as np

from app.errors import BadRequest
from app.inference.loaded import MAX_BATCH
from app.v2.tensors import Numbers, Tensor
from models_store.datasets.base64_text import decoded
from models_store.datasets.rows import RowRejected
from models_store.files import Pixels
from models_store.pictures.prepare import Prepared, as_given
from models_store.specs import InputSpec
from models_store.text import listed, quoted

IMAGE, PICTURE = INPUTS = "image", "picture"
_PIXELS = ("FP32", "UINT8")


def check_input(tensor: Tensor) -> None:
    """Raises BadRequest where no version takes an input of that name and datatype, or as many pictures."""
    if tensor.name not in INPUTS:
        raise BadRequest("input_unknown", f"There is no input {quoted(tensor.name)}. Send {listed(INPUTS)}.", "inputs")
    taken = _PIXELS if tensor.name == IMAGE else ("BYTES",)
    if tensor.datatype not in taken:
        how = "pixels as numpy's float32 (0 to 1) or uint8 (0 to 255)" if tensor.name == IMAGE else "files of pictures"
        raise BadRequest(
            "tensor_datatype_wrong",
            f"`{tensor.name}` has the datatype {tensor.datatype}, and takes {' or '.join(taken)}: {how}.", tensor.name,
        )  # fmt: skip


def rows_of(tensor: Tensor, spec: InputSpec) -> list[Prepared]:
    """The rows of `image`, in the shape that `spec` takes. FP32 is 0 for the ground to 1 for ink, and is read to the
    nearest of the 256 levels that pictures have; UINT8 has these levels. Raises BadRequest.
    """
    count = _row_count(tensor, spec)
    _check_batch(count, tensor.name)
    numbers = tensor.numbers()
    return as_given(_levels(tensor, numbers).reshape(count, *spec.shape))


def files_of(tensor: Tensor) -> list[bytes]:
    """The files of `picture`: as bytes, or base64 where they came as text. Raises BadRequest."""
    if len(tensor.shape) != 1 and not (len(tensor.shape) == 2 and tensor.shape[1] == 1):
        raise BadRequest(
            "tensor_shape_wrong",
            f"The shape of `{tensor.name}` is {_spelled(tensor.shape)}. Send [N] or [N, 1]: an element a picture.",
            tensor.name,
        )
    _check_batch(tensor.count, tensor.name)
    return [
        text if isinstance(text, bytes) else _from_base64(text, tensor.name, place)
        for place, text in enumerate(tensor.texts())
    ]


def _row_count(tensor: Tensor, spec: InputSpec) -> int:
    """How many pictures a shape has: [N, C, H, W], without C where that is 1, flat, or one picture without N."""
    one = spec.shape[1:], (math.prod(spec.shape),)
    shapes = {spec.shape, *(one if spec.channels == 1 else one[1:])}
    if tensor.shape in shapes:
        return 1
    if tensor.shape[1:] in shapes:
        return tensor.shape[0]
    raise BadRequest(
        "tensor_shape_wrong", f"The shape of `{tensor.name}` is {_spelled(tensor.shape)}. This version takes "
        f"[N, {', '.join(map(str, spec.shape))}]: N pictures, channels, rows, columns.", tensor.name,
    )  # fmt: skip


def _check_batch(count: int, name: str) -> None:
    if not count:
        raise BadRequest("tensor_shape_wrong", f"`{name}` has no picture. Send at least one.", name)
    if count > MAX_BATCH:
        many = f"{count:,}" if count < 10**12 else "Very many"
        raise BadRequest("batch_too_large", f"{many} pictures are more than {MAX_BATCH}. Send fewer at a time.", name)


def _levels(tensor: Tensor, numbers: Numbers | Pixels) -> Pixels:
    if numbers.dtype == np.uint8:
        return numbers.astype(np.uint8, copy=False)
    if not np.isfinite(numbers).all():
        raise BadRequest("number_not_finite", f"`{tensor.name}` has values that are no numbers.", tensor.name)
    if tensor.datatype == "UINT8":  # it came as text
        levels = numbers
        if (levels != np.rint(levels)).any():
            raise BadRequest("value_out_of_range", f"`{tensor.name}` is UINT8 and has fractions.", tensor.name)
    else:
        with np.errstate(over="ignore"):  # what becomes infinite is out of range
            levels = np.rint(numbers * np.float32(255))
    if levels.min(initial=0) < 0 or levels.max(initial=0) > 255:
        span = f"from {numbers.min():.4g} to {numbers.max():.4g}"
        right = "0 to 255" if tensor.datatype == "UINT8" else "0 for the ground to 1 for ink; do not normalise them"
        raise BadRequest("value_out_of_range", f"`{tensor.name}` has values {span}. Send {right}.", tensor.name)
    return levels.astype(np.uint8)


def _from_base64(text: str, name: str, place: int) -> bytes:
    try:
        return decoded(text)
    except RowRejected as refusal:
        raise BadRequest("tensor_data_wrong", f"`{name}`[{place}]: {refusal}", name) from None


def _spelled(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(str(size) if size < 10**12 else '…' for size in shape)}]"
