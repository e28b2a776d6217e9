"""Tensors as the Open Inference Protocol has them, whichever way they came: a name, a datatype, a shape, and values in
row-major order. Those of HTTP's binary extension and of gRPC are packed alike: little-endian numbers; before each text
or picture its length as four bytes.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import BadRequest
from models_store.text import quoted, shown

Numbers = NDArray[np.float32]  # that were written as text: every value that is taken is exact in it
Packed = bytes | memoryview
_NUMPY = {"BOOL": "?", "UINT8": "u1", "FP32": "<f4"}  # what is taken or given
_DATATYPES = {"BOOL", "BYTES", "BF16"} | {f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)}
_DATATYPES |= {"FP16", "FP32", "FP64"}
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Tensor:
    """One input. `values` are packed bytes, or one by one: numbers, texts, or the bytes of pictures."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Packed | Numbers | Sequence[str | bytes]

    def __post_init__(self) -> None:
        """Raises BadRequest for a datatype or a shape that no tensor has."""
        if self.datatype not in _DATATYPES:
            raise BadRequest(
                "tensor_datatype_wrong", f"{quoted(self.name)} has the datatype {shown(self.datatype, longest=20)}, "
                "which the protocol does not know. Send FP32, UINT8 or BYTES.", self.name,
            )  # fmt: skip
        if len(self.shape) > _MOST_DIMENSIONS or any(size < 0 for size in self.shape):
            raise BadRequest(
                "tensor_shape_wrong",
                f"The shape of {quoted(self.name)} is none: up to {_MOST_DIMENSIONS} whole numbers, none below 0.",
                self.name,
            )

    @property
    def count(self) -> int:
        """How many values its shape says; as large as one likes to write."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """How many bytes have come, about."""
        if isinstance(self.values, np.ndarray):
            return self.values.nbytes
        return len(self.values) if isinstance(self.values, Packed) else sum(len(one) for one in self.values)

    def numbers(self) -> NDArray[np.float32] | NDArray[np.uint8]:
        """Its values, as many as its shape says, of FP32 or UINT8: not reshaped. Raises BadRequest."""
        kind = np.dtype(_NUMPY[self.datatype])
        if isinstance(self.values, np.ndarray):
            self._check_count(len(self.values))
            return self.values
        if not isinstance(self.values, Packed):
            sentence = f"`data` of {quoted(self.name)} must be numbers, as {self.datatype} are."
            raise BadRequest("tensor_data_wrong", sentence, self.name)
        if len(self.values) != self.count * kind.itemsize:
            raise BadRequest(
                "tensor_data_wrong", f"{quoted(self.name)} has {len(self.values):,} bytes, and its shape and datatype "
                f"say {_counted(self.count * kind.itemsize)}. Send as many.", self.name,
            )  # fmt: skip
        found: NDArray[np.float32] | NDArray[np.uint8] = np.frombuffer(self.values, kind)
        return found

    def texts(self) -> list[str | bytes]:
        """Its values, as many as its shape says, of BYTES. Raises BadRequest."""
        if isinstance(self.values, np.ndarray):
            sentence = f"`data` of {quoted(self.name)} must be texts, as BYTES are."
            raise BadRequest("tensor_data_wrong", sentence, self.name)
        if not isinstance(self.values, Packed):
            self._check_count(len(self.values))
            return list(self.values)
        found: list[str | bytes] = []
        at, end = 0, len(self.values)
        while at + 4 <= end and len(found) < self.count:
            (length,) = struct.unpack_from("<I", self.values, at)
            at += 4 + length
            if at > end:
                break
            found.append(bytes(self.values[at - length : at]))
        if at != end or len(found) != self.count:
            raise BadRequest(
                "tensor_data_wrong", f"{quoted(self.name)} has {end:,} bytes, which are not the "
                f"{_counted(self.count)} elements that its shape says. Before each element stands its length, four "
                "bytes, the lowest first.", self.name,
            )  # fmt: skip
        return found

    def _check_count(self, count: int) -> None:
        if count != self.count:
            raise BadRequest(
                "tensor_data_wrong", f"{quoted(self.name)} has {count:,} values, and its shape says "
                f"{_counted(self.count)}. Send as many.", self.name,
            )  # fmt: skip


def packed(values: NDArray[np.float32] | NDArray[np.bool_] | Sequence[bytes]) -> bytes:
    """Values as a packed tensor has them."""
    if isinstance(values, np.ndarray):
        return values.astype(_NUMPY["BOOL"] if values.dtype == bool else _NUMPY["FP32"]).tobytes()
    return b"".join(piece for value in values for piece in (struct.pack("<I", len(value)), value))


def _counted(count: int) -> str:
    return f"{count:,}" if count < 10**12 else "more than a million million"
