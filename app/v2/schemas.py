"""The Open Inference Protocol's JSON as clients see it: what is sent, and what is answered."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from app.v2.described import EXTENSIONS, NAME

Json = dict[str, Any]
ModelParam = Annotated[str, Path(description="`name`, `name@alias` or `name@7`", examples=["digits"])]
VersionParam = Annotated[str, Path(description="a version's number, beside a mere name", examples=["2"])]
_CLASSIFIED = "VALUE:INDEX:LABEL"


class ServerLive(BaseModel):
    """The process runs its event loop."""

    live: bool = True


class ServerReady(BaseModel):
    """The default model answers."""

    ready: bool = True


class ServerMetadata(BaseModel):
    """What this server is, and which extensions of the protocol it has."""

    name: str = NAME
    version: str = Field(description="its release", examples=["1.0.0"])
    extensions: list[str] = Field(description="as Triton calls them", examples=[EXTENSIONS])


class ModelReady(BaseModel):
    """The version is loaded and warm."""

    name: str = Field(examples=["digits"])
    ready: bool = True


class TensorMetadata(BaseModel):
    """What one input or output is."""

    name: str = Field(examples=["image"])
    datatype: str = Field(description="FP32, UINT8, BYTES or BOOL", examples=["FP32"])
    shape: list[int] = Field(description="-1: any number of pictures", examples=[[-1, 1, 28, 28]])


class ModelMetadata(BaseModel):
    """Inputs and outputs of a version. One of the inputs is sent; `image` may be UINT8 as well."""

    name: str = Field(examples=["digits"])
    versions: list[str] = Field(description="of the model, oldest first", examples=[["1", "2"]])
    platform: str = Field(examples=["pytorch_libtorch"])
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata] = Field(examples=[[{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]])


class VersionState(BaseModel):
    """One version in the store."""

    name: str = Field(examples=["digits"])
    version: str = Field(examples=["2"])
    state: str = Field(description="READY, or UNAVAILABLE where it can't be read", examples=["READY"])
    reason: str = Field(description="why it is UNAVAILABLE, or what READY means", examples=["It is loaded."])


class StatisticDuration(BaseModel):
    """How often, and how long together."""

    count: int = Field(examples=[2])
    ns: int = Field(description="nanoseconds", examples=[3_600_000])


class InferenceStatistics(BaseModel):
    """Where the time of requests went. Refused ones are not in it: /metrics counts them by code."""

    success: StatisticDuration
    queue: StatisticDuration = Field(description="waiting for a turn")
    compute_input: StatisticDuration = Field(description="decoding pictures and finding the writing in them")
    compute_infer: StatisticDuration = Field(description="the model, on the batches with these pictures")


class ModelStatistics(BaseModel):
    """What one version has read, by whichever door, in all processes of this server since it was started."""

    name: str = Field(examples=["digits"])
    version: str = Field(examples=["2"])
    inference_count: int = Field(description="pictures, rows and digits of pages", examples=[12])
    execution_count: int = Field(description="batches", examples=[3])
    inference_stats: InferenceStatistics


class Statistics(BaseModel):
    """The versions that have read anything."""

    model_stats: list[ModelStatistics]


class OutputAnswer(BaseModel):
    """One output."""

    name: str = Field(examples=["label"])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(examples=[[1]])
    parameters: dict[str, int] | None = Field(
        None, description="`binary_data_size`: so many bytes behind the JSON, in place of `data`"
    )
    data: list[float | bool | str] | None = Field(None, description="flat, in row-major order", examples=[["7"]])


class InferAnswer(BaseModel):
    """The outputs that were asked for, in their order."""

    model_name: str = Field(description="as it was asked for", examples=["digits"])
    model_version: str = Field(description="the version that computed this", examples=["2"])
    id: str | None = Field(None, description="the request's, where it had one", examples=["mine-1"])
    outputs: list[OutputAnswer]


_PARAMETERS: Json = {"type": ["object", "null"], "additionalProperties": True}
_SEVEN = (  # 28x28 pixels
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAPElEQVR42mNgGEqAEcb4j0WYiVTT/sNMYSJXI6k6ERpJ1Imk"
    "kTSdyBpJ0omikRSdqBpJ0ImmkfT4pDUAAAAVEQR+GFAiAAAAAElFTkSuQmCC"
)
INFER_REQUEST: Json = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": ["string", "null"], "description": "is repeated in the answer"},
        "parameters": {
            "type": ["object", "null"],
            "properties": {
                "binary_data_output": {"type": "boolean", "description": "all outputs come behind the JSON"}
            },
            "additionalProperties": True,
        },
        "inputs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "datatype", "shape"],
                "properties": {
                    "name": {"enum": ["image", "picture"]},
                    "datatype": {"enum": ["FP32", "UINT8", "BYTES"]},
                    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "parameters": _PARAMETERS,
                    "data": {
                        "type": ["array", "null"],
                        "description": "pixels, flat or nested; or pictures in base64. Leave it out where the tensor "
                        "stands behind the JSON: then `parameters` have its `binary_data_size`",
                        "items": {},
                    },
                },
            },
        },
        "outputs": {
            "type": ["array", "null"],
            "description": "which outputs shall come back; all, where none is named",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"enum": ["probabilities", "label", "confidence", "uncertain"]},
                    "parameters": {
                        "type": ["object", "null"],
                        "properties": {
                            "binary_data": {"type": "boolean", "description": "behind the JSON"},
                            "classification": {
                                "type": "integer",
                                "minimum": 0,
                                "description": f"so many of the best labels, as texts {_CLASSIFIED}",
                            },
                        },
                        "additionalProperties": True,
                    },
                },
            },
        },
    },
}
INFER_BODY: Json = {
    "required": True,
    "description": "JSON, and behind it the tensors of the binary extension. The Content-Type is not looked at.",
    "content": {
        "application/json": {
            "schema": INFER_REQUEST,
            "example": {
                "id": "mine-1",
                "inputs": [{"name": "picture", "datatype": "BYTES", "shape": [1], "data": [_SEVEN]}],
                "outputs": [{"name": "label"}, {"name": "confidence"}],
            },
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
INFER_EXAMPLE: Json = {
    "model_name": "digits",
    "model_version": "2",
    "id": "mine-1",
    "outputs": [
        {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["7"]},
        {"name": "confidence", "datatype": "FP32", "shape": [1], "data": [0.9958]},
    ],
}
CONFIG_EXAMPLE: Json = {
    "name": "digits",
    "platform": "pytorch_libtorch",
    "backend": "pytorch",
    "version_policy": {"specific": {"versions": [2]}},
    "max_batch_size": 256,
    "input": [
        {"name": "image", "data_type": "TYPE_FP32", "dims": [1, 28, 28], "optional": True},
        {"name": "picture", "data_type": "TYPE_STRING", "dims": [], "optional": True},
    ],
    "output": [{"name": "probabilities", "data_type": "TYPE_FP32", "dims": [10]}],
    "parameters": {"labels": {"string_value": '["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]'}},
}
