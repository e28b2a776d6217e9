"""The one place that imports torchvision, which serving never does.

torchvision's published wheels are compiled beside a CUDA torch. Beside a CPU-only torch their operator library does
not load, and `import torchvision` then fails with "operator torchvision::nms does not exist": it registers fake
implementations for operators that nobody declared. Declaring the two schemas first cures the import; the operators
themselves (box suppression for detectors) are never called here.
"""

import functools
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import torch


@functools.cache
def torchvision() -> ModuleType:
    """The imported package, with `datasets` loaded."""
    if not _operators_load():
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    importlib.import_module("torchvision.datasets")
    return importlib.import_module("torchvision")


def _operators_load() -> bool:
    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        return True  # not installed: let the import say so
    try:
        for library in Path(package.origin).parent.glob("_C*.so"):
            torch.ops.load_library(str(library))
    except OSError:
        return False
    return True
