"""Every version is served by the preparation that its own manifest names, with that manifest's numbers."""

import base64
import dataclasses
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.main import create_app
from app.settings import Settings
from models_store.pictures.prepare import prepare
from models_store.preparation import WritingSpec
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.specs import InputSpec
from tests.conftest import EXAMPLES, republished, running
from tests.support import layout
from tests.support.pictures import png
from training.synthetic import strokes as draw

SPECS = {
    "digit": InputSpec(preparation="digit"),
    "writing": InputSpec(),
    "bold": InputSpec(writing=WritingSpec(thin=0.25)),
    "whole": InputSpec(preparation="picture"),
}


@pytest.fixture
def refs(registry: Registry) -> dict[str, str]:
    """What of `digits` prepares in which way."""
    return {name: republished(registry, input=spec).ref for name, spec in SPECS.items()}


def pictures() -> list[bytes]:
    rng = np.random.default_rng(12)
    strokes = [draw.digit(label, 70, rng, pen=0.08) for label in (2, 4, 5, 9)]
    same_grey = (120, 170, 120), (210, 124, 120)  # a pen whose grey is the paper's
    return [
        png(layout.coloured(strokes[0], (200, 300), 60, 120)),
        png(layout.coloured(strokes[1], (200, 300), 60, 120, (30, 60, 170), (240, 220, 60))),
        png(layout.coloured(strokes[2], (90, 80), 10, 12)),
        png(layout.coloured(strokes[3], (200, 300), 60, 120, *same_grey)),
    ]


async def seen(http: httpx.AsyncClient, ref: str, picture: bytes) -> tuple[np.ndarray, list[str]]:
    answer = await http.post("/v1/predict", params={"model": ref, "prepared": True}, files={"file": picture})
    assert (answer.status_code, answer.json()["model"]) == (200, ref)
    warnings = [warned for warned in answer.json()["warnings"] if warned != "not_a_digit"]  # the model's word
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()["prepared"])))), warnings


async def test_each_version_sees_what_it_was_trained_to_see(refs: dict[str, str], tmp_path: Path) -> None:
    units: dict[str, list[bytes]] = {name: [] for name in SPECS}
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        for picture in pictures():
            for name, spec in SPECS.items():
                unit, warnings = await seen(http, refs[name], picture)
                expected = prepare(picture, spec)
                assert np.array_equal(unit, expected.pixels[0]), name
                assert warnings == list(expected.warnings)
                units[name].append(unit.tobytes())
    assert len({tuple(unit) for unit in units.values()}) == len(SPECS)  # no two of them are the same way


async def test_batches_and_one_picture_are_prepared_alike(refs: dict[str, str], tmp_path: Path) -> None:
    files = [("files", (f"{number}.png", picture, "image/png")) for number, picture in enumerate(pictures())]
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        for ref in refs.values():
            answer = await http.post("/v1/predict/batch", params={"model": ref, "prepared": True}, files=files)
            for one, picture in zip(answer.json()["predictions"], pictures(), strict=True):
                unit, warnings = await seen(http, ref, picture)
                assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(one["prepared"])))), unit)
                assert [warned for warned in one["warnings"] if warned != "not_a_digit"] == warnings


async def answered(registry: Registry, tmp_path: Path, picture: bytes, **numbers: float) -> dict[str, Any]:
    champion = registry.resolve(Ref("digits")).manifest  # whose probes were answered with its own temperature
    calibration = dataclasses.replace(champion.calibration, **numbers)  # type: ignore[arg-type]
    ref = republished(registry, input=InputSpec(), calibration=calibration).ref
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        one = (await http.post("/v1/predict", params={"model": ref, "top_k": 2}, files={"file": picture})).json()
        files = [("files", ("a.png", picture, "image/png"))]
        many = await http.post("/v1/predict/batch", params={"model": ref, "top_k": 2}, files=files)
    (same,) = many.json()["predictions"]
    assert (same["warnings"], same["uncertain"]) == (one["warnings"], one["uncertain"])
    return dict(one)


async def test_two_digits_are_warned_of_and_uncertain_however_well_one_reads(
    registry: Registry, refs: dict[str, str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    page = png(np.minimum(*(layout.coloured(draw.digit(3, 70, rng), (200, 300), 60, left) for left in (40, 180))))
    answer = await answered(registry, tmp_path, page, threshold=0.0)
    assert (answer["warnings"], answer["uncertain"]) == (["several_marks"], True)
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        assert (await seen(http, refs["digit"], page))[1] == []  # release 0.1 did not look


async def test_what_is_no_digit_is_said_to_be_none(registry: Registry, tmp_path: Path) -> None:
    seven = (EXAMPLES / "7.png").read_bytes()
    plain = await answered(registry, tmp_path, seven, threshold=0.0, plausible=0.0)
    assert (plain["warnings"], plain["uncertain"]) == ([], False)
    two_best = sum(plain["probabilities"].values())
    asked = await answered(registry, tmp_path, seven, threshold=0.0, plausible=min(1.0, two_best + 2e-6))
    assert (asked["warnings"], asked["uncertain"]) == (["not_a_digit"], True)
    assert asked["label"] == plain["label"] == "7"
    met = await answered(registry, tmp_path, seven, threshold=0.0, plausible=two_best - 2e-6)
    assert (met["warnings"], met["uncertain"]) == ([], False)


async def test_a_blank_picture_is_blank_and_nothing_else(registry: Registry, tmp_path: Path) -> None:
    blank = png(np.full((90, 90), 255, np.uint8))
    answer = await answered(registry, tmp_path, blank, threshold=0.0, plausible=1.0)
    assert (answer["warnings"], answer["uncertain"]) == (["blank_image"], True)


@pytest.mark.parametrize("size", [(2, 2), (2, 3), (4, 4), (2, 60), (40, 3)])
async def test_a_few_pixels_of_noise_are_answered(refs: dict[str, str], tmp_path: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(8)
    async with running(create_app(Settings(store_dir=tmp_path / "store"))) as http:
        for _ in range(12):
            picture = png(rng.integers(0, 256, (*size, 3), np.uint8))
            for name in ("digit", "writing"):
                unit, warnings = await seen(http, refs[name], picture)
                assert unit.any() or warnings == ["blank_image"]
