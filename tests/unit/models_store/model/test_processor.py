"""By which engine int8 is computed, on processors that are not here too; and that it is right by each of them."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models_store.model import Processor, use_threads

BUILT = ("qnnpack", "onednn", "x86", "fbgemm")  # torch's build for x86 on Linux


@pytest.fixture(autouse=True)
def engine_as_before() -> Iterator[None]:
    before = torch.backends.quantized.engine
    yield
    torch.backends.quantized.engine = before


@pytest.mark.parametrize(
    ("processor", "engine", "serves"),
    [
        (Processor("x86_64", True, BUILT), "x86", True),
        (Processor("AMD64", True, BUILT), "x86", True),  # Windows
        (Processor("x86_64", False, BUILT), "qnnpack", False),
        (Processor("x86_64", True, ("qnnpack", "none")), "qnnpack", False),  # macOS: built without FBGEMM
        (Processor("aarch64", False, ("qnnpack", "onednn")), "qnnpack", True),
        (Processor("arm64", False, ("qnnpack", "none")), "qnnpack", True),  # macOS
        (Processor("aarch64", False, ("onednn",)), None, False),
        (Processor("ppc64le", False, ("none",)), None, False),
    ],
)
def test_each_processor_has_its_engine(processor: Processor, engine: str | None, serves: bool) -> None:
    assert processor.engine == engine
    assert (processor.why_not is None) is serves


def test_this_machine_has_one_that_torch_can_take() -> None:
    processor = Processor.here()
    processor.use()
    assert torch.backends.quantized.engine == processor.engine


def test_where_there_is_none_the_engine_stays() -> None:
    before = torch.backends.quantized.engine
    Processor("ppc64le", False, ("none",)).use()
    assert torch.backends.quantized.engine == before


@pytest.mark.parametrize("processor", [Processor.here(), Processor("aarch64", False, ("qnnpack",))])
def test_the_largest_8_bit_sums_are_right(processor: Processor) -> None:
    """64 products of 255 and 127: pairs of them overflow 16 bits where an engine adds them there."""
    processor.use()
    weights = torch.quantize_per_tensor(torch.full((1, 64), 127.0), 1.0, 0, torch.qint8)
    packed = torch.ops.quantized.linear_prepack(weights, None)
    rows = torch.quantize_per_tensor(torch.full((1, 64), 255.0), 1.0, 0, torch.quint8)
    result = torch.ops.quantized.linear(rows, packed, 64 * 127.0, 0)
    assert np.isclose(result.dequantize().item(), 64 * 127 * 255)


def test_threads_are_as_many_as_one_says() -> None:
    before = torch.get_num_threads()
    use_threads(1)
    assert torch.get_num_threads() == 1
    use_threads(before)
