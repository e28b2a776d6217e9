"""What is said of a version fits what it answers, and Triton's own protobuf reads it."""

import json

from google.protobuf import json_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from app.v2 import described
from app.v2.asked import OUTPUTS
from app.v2.inputs import INPUTS
from models_store.refs import Ref
from models_store.registry import Registry


def test_metadata_names_inputs_and_outputs_with_their_shapes(registry: Registry) -> None:
    found = described.metadata(registry.resolve(Ref("digits")), [1, 4])
    assert (found["name"], found["versions"]) == ("digits", ["1", "4"])
    assert [(one["name"], one["datatype"], one["shape"]) for one in found["inputs"]] == [
        ("image", "FP32", [-1, 1, 28, 28]), ("picture", "BYTES", [-1]),
    ]  # fmt: skip
    assert [(one["name"], one["datatype"], one["shape"]) for one in found["outputs"]] == [
        ("probabilities", "FP32", [-1, 10]), ("label", "BYTES", [-1]), ("confidence", "FP32", [-1]),
        ("uncertain", "BOOL", [-1]),
    ]  # fmt: skip


def test_a_configuration_fills_tritons_own_message(registry: Registry) -> None:
    found = described.config(registry.resolve(Ref("digits")))
    message = json_format.ParseDict(found, ModelConfig())  # raises for a field that it does not have
    assert (message.name, message.max_batch_size) == ("digits", 256)
    assert [one.name for one in message.input] == list(INPUTS)
    assert [one.name for one in message.output] == list(OUTPUTS)
    assert list(message.input[0].dims) == [1, 28, 28] and list(message.output[0].dims) == [10]
    assert list(message.version_policy.specific.versions) == [1]
    assert json.loads(message.parameters["labels"].string_value) == list("0123456789")
