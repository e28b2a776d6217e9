"""Looking at an upload: no more is held than what the report needs, and clients take turns."""

import asyncio
import threading
import tracemalloc
from pathlib import Path

from app.errors import TooBusy
from app.files.inspection import Inspections
from models_store.datasets import formats
from models_store.datasets.clean import count
from models_store.specs import InputSpec
from tests.support.decoding import DECODER
from tests.support.patience import PATIENCE_SECONDS
from tests.support.uploading import digits


def test_the_pixels_of_a_large_input_are_not_held(tmp_path: Path) -> None:
    """100 pictures of 3 x 224 x 224 are 15 MB."""
    path = tmp_path / "data.zip"
    path.write_bytes(digits(100))
    spec = InputSpec(channels=3, height=224, width=224, mean=(0.5,) * 3, std=(0.25,) * 3, preparation="picture")
    tracemalloc.start()
    try:
        report = count(formats.read(path), spec)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (report.kept, report.per_label) == (100, {"7": 50, "1": 50})
    assert most < 6 * 2**20


async def test_no_client_keeps_another_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes(digits(2))
    inspections, let = Inspections(DECODER), threading.Event()

    def held() -> InputSpec:
        assert let.wait(PATIENCE_SECONDS)
        return InputSpec()

    crowd = [asyncio.create_task(inspections.report(path, held, "crowd")) for _ in range(19)]
    try:
        report = await inspections.report(path, InputSpec, "another")
        assert report["kept"] == 2
        refused = [one.exception() for one in crowd if one.done()]
        assert [type(error) for error in refused] == [TooBusy]  # 2 are read, 16 wait
    finally:
        let.set()
    done = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in done) == 18
