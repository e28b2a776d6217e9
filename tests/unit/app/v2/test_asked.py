"""What may be asked for: one input, each output once."""

import pytest

from app.errors import BadRequest
from app.v2.asked import OUTPUTS, InferRequest, WantedOutput
from app.v2.tensors import Tensor

IMAGE = Tensor("image", "UINT8", (784,), bytes(784))
PICTURE = Tensor("picture", "BYTES", (1,), [b""])


def test_without_outputs_all_are_wanted_as_text() -> None:
    request = InferRequest([IMAGE])
    assert request.input is IMAGE and request.id is None
    assert [(output.name, output.is_packed, output.classes) for output in request.outputs] == [
        (name, False, 0) for name in OUTPUTS
    ]


@pytest.mark.parametrize("inputs", [[], [IMAGE, IMAGE], [IMAGE, PICTURE]])
def test_one_input_is_sent(inputs: list[Tensor]) -> None:
    with pytest.raises(BadRequest, match="Send one: `image` with pixels, or `picture` with files") as caught:
        InferRequest(inputs)
    assert caught.value.code == "input_unknown"


def test_an_output_is_asked_for_once() -> None:
    with pytest.raises(BadRequest, match="`label` is asked for twice") as caught:
        InferRequest([IMAGE], [WantedOutput("label"), WantedOutput("uncertain"), WantedOutput("label", True)])
    assert caught.value.code == "output_unknown"


def test_an_output_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match=r"`OUTPUT__0`\. Ask for `probabilities`, `label`, `confidence`, `uncertain`"):
        WantedOutput("OUTPUT__0")


def test_only_probabilities_are_classified() -> None:
    assert WantedOutput("probabilities", classes=3).classes == 3
    with pytest.raises(BadRequest, match="classification of `probabilities`"):
        WantedOutput("confidence", classes=3)
