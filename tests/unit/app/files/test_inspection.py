"""Looking at an upload: no more is held than what the report needs."""

import tracemalloc
from pathlib import Path

from app.files.inspection import inspect
from models_store.specs import InputSpec
from tests.support.uploading import digits


def test_the_pixels_of_a_large_input_are_not_held(tmp_path: Path) -> None:
    """100 pictures of 3 x 224 x 224 are 15 MB."""
    path = tmp_path / "data.zip"
    path.write_bytes(digits(100))
    spec = InputSpec(channels=3, height=224, width=224, mean=(0.5,) * 3, std=(0.25,) * 3, preparation="picture")
    tracemalloc.start()
    try:
        report = inspect(path, spec)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (report.kept, report.per_label) == (100, {"7": 50, "1": 50})
    assert most < 6 * 2**20
