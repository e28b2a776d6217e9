"""What explains: whose turn it is, and for how long its model stays."""

import asyncio
import dataclasses
import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import TooBusy
from app.inference import explaining
from app.inference.explaining import Explainer
from models_store.errors import ImageRejected, VersionCorrupt
from models_store.refs import Ref
from models_store.registry import Registry
from tests.support.pictures import encoded
from tests.unit.models_store.datasets.test_clean import unit

CHAMPION = Ref("digits")
SEVEN = encoded(unit(7), "PNG")


async def test_an_explanation_is_a_picture_ten_times_as_large_in_colours(registry: Registry) -> None:
    with closing(Explainer()) as explainer:
        drawn = await explainer.explain(registry.resolve(CHAMPION), unit(7)[None], SEVEN)
    picture = Image.open(io.BytesIO(drawn))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (280, 280))


async def test_what_explains_is_kept_for_whoever_asks_soon(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    version = registry.resolve(CHAMPION)
    monkeypatch.setattr(explaining, "_KEPT_SECONDS", 600.0)
    with closing(Explainer()) as explainer:
        first = await explainer.explain(version, unit(7)[None], SEVEN)
        (version.folder / "model.pt").unlink()  # it can be loaded no more
        monkeypatch.setattr(explaining, "_KEPT_SECONDS", 0.0)
        assert await explainer.explain(version, unit(7)[None], SEVEN) == first
        await asyncio.sleep(0.01)
        with pytest.raises(VersionCorrupt):  # after its time it is forgotten
            await explainer.explain(version, unit(7)[None], SEVEN)


async def test_more_than_eight_explanations_do_not_wait(registry: Registry, tmp_path: Path) -> None:
    gone = dataclasses.replace(registry.resolve(CHAMPION), folder=tmp_path / "nowhere")
    with closing(Explainer()) as explainer:
        work = [explainer.explain(gone, unit(7)[None], SEVEN) for _ in range(9)]
        ends = await asyncio.gather(*work, return_exceptions=True)
        assert [type(end) for end in ends] == [VersionCorrupt] * 8 + [TooBusy]
        with pytest.raises(VersionCorrupt):  # its turn has come back
            await explainer.explain(gone, unit(7)[None], SEVEN)


async def test_what_breaks_in_an_explanation_is_the_pictures_refusal(registry: Registry) -> None:
    with closing(Explainer()) as explainer, pytest.raises(ImageRejected) as refused:
        await explainer.explain(registry.resolve(CHAMPION), np.zeros((1, 3, 3), np.uint8), SEVEN)
    assert refused.value.code == "picture_unreadable"
