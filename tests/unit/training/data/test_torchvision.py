"""torchvision is imported in one place, and beside a CPU-only torch too."""

import ast

import torch

from tests.contracts import shape
from training.data.torchvision import torchvision


def imported(text: str) -> set[str]:
    """Packages that a module's text imports, at its head or in a function."""
    nodes = list(ast.walk(ast.parse(text)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names}


def test_it_comes_with_its_data_sets_and_nets() -> None:
    package = torchvision()
    assert package.__name__ == "torchvision"
    assert callable(package.datasets.MNIST)
    net = package.models.get_model("resnet18", weights=None)
    assert sum(weights.numel() for weights in net.parameters()) == 11_689_512  # as torchvision's page says


def test_it_is_imported_once() -> None:
    assert torchvision() is torchvision()


def test_its_box_operators_are_declared_whatever_torch_it_was_compiled_beside() -> None:
    torchvision()
    assert torch.ops.torchvision.nms is not None
    assert "Tensor dets, Tensor scores, float iou_threshold" in str(torch.ops.torchvision.nms.default._schema)


def test_no_module_imports_it_by_itself() -> None:
    assert imported("def f():\n    from torchvision.datasets import MNIST\n") == {"torchvision"}
    texts = {name: path.read_text() for name, path in shape.modules().items()}
    assert [name for name, text in texts.items() if "torchvision" in text and "torchvision" in imported(text)] == []
