"""Tensors are read as pictures are: with the same batches, the same verdicts, and no answer where one can't be read."""

from collections.abc import AsyncIterator, Mapping

import numpy as np
import pytest

from app.errors import BadRequest, Unprocessable
from app.inference.answer import Answer
from app.inference.batcher import Rows
from app.inference.engine import Engine
from app.v2.asked import InferRequest, WantedOutput
from app.v2.reader import TensorReader, named
from app.v2.tensors import Tensor
from models_store.errors import VersionNotFound
from models_store.refs import Ref
from models_store.registry import Registry
from tests.unit.app.inference.test_engine import CHAMPION, Corner, numbered, started


@pytest.fixture
async def engine(registry: Registry) -> AsyncIterator[Engine]:
    async with started(registry, Corner()) as made:
        yield made


def image(*numbers: int) -> Tensor:
    rows = np.zeros((len(numbers), 784), np.uint8)
    rows[:, 0] = numbers
    rows[:, 400] = 255
    return Tensor("image", "UINT8", rows.shape, rows.tobytes())


def pictures(*files: bytes) -> Tensor:
    return Tensor("picture", "BYTES", (len(files),), list(files))


async def labels(reader: TensorReader, tensor: Tensor) -> list[str]:
    found = await reader.infer(CHAMPION, InferRequest([tensor], [WantedOutput("label")]))
    assert found.version.ref == "digits@1"
    (output,) = found.outputs
    return list(output.values)


@pytest.mark.parametrize("copies", [1, 60])  # on the event loop, and in threads
async def test_rows_and_files_are_read_in_their_order(engine: Engine, copies: int) -> None:
    reader = TensorReader(engine)
    assert await labels(reader, image(*[3, 1, 4] * copies)) == ["3", "1", "4"] * copies
    assert await labels(reader, pictures(*[numbered(3), numbered(7)] * copies)) == ["3", "7"] * copies


async def test_a_file_has_the_same_answer_as_by_any_other_door(engine: Engine) -> None:
    (theirs,) = (await engine.predict(CHAMPION, [numbered(6)])).items
    assert isinstance(theirs, Answer)
    found = await TensorReader(engine).infer(CHAMPION, InferRequest([pictures(numbered(6))]))
    values = {output.name: list(output.values) for output in found.outputs}
    assert values == {
        "probabilities": theirs.probabilities.tolist(), "label": [theirs.verdict.label],
        "confidence": [theirs.verdict.confidence], "uncertain": [theirs.verdict.uncertain],
    }  # fmt: skip


async def test_one_bad_picture_refuses_all_and_is_named(engine: Engine) -> None:
    with pytest.raises(BadRequest, match=r"`picture`\[1\]: ") as caught:
        await labels(TensorReader(engine), pictures(numbered(3), b"no picture", numbered(4)))
    assert caught.value.code == "picture_refused"


async def test_what_no_version_takes_is_not_read(engine: Engine) -> None:
    reader = TensorReader(engine)
    with pytest.raises(BadRequest) as caught:
        await labels(reader, Tensor("pixels", "UINT8", (784,), bytes(784)))
    assert caught.value.code == "input_unknown"
    with pytest.raises(BadRequest) as caught:
        await labels(reader, Tensor("image", "UINT8", (2, 2), bytes(4)))
    assert caught.value.code == "tensor_shape_wrong"
    with pytest.raises(VersionNotFound):
        await reader.infer(Ref("nope"), InferRequest([image(1)]))


async def test_too_many_pixels_are_no_other_status_here(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def predict(*_: object) -> None:
        raise Unprocessable("batch_too_large", "The pictures have too many pixels.")

    monkeypatch.setattr(engine, "predict", predict)
    with pytest.raises(BadRequest, match="too many pixels") as caught:
        await labels(TensorReader(engine), pictures(numbered(3)))
    assert caught.value.code == "batch_too_large"


class Doubting(Corner):
    """Finds two labels equally probable."""

    def predict(self, rows: Rows) -> Rows:
        sure: Rows = super().predict(rows)
        return np.float32(0.5) * (sure + np.eye(10, dtype=np.float32)[:1])


async def test_uncertain_pictures_are_handed_over_and_rows_are_not(registry: Registry) -> None:
    kept: list[bytes] = []

    def keep(_: str, picture: bytes, __: Mapping[str, float], ___: object) -> None:
        kept.append(picture)

    async with started(registry, Doubting()) as engine:
        reader = TensorReader(engine, keep)
        await labels(reader, pictures(numbered(3), numbered(4)))
        await labels(reader, image(3, 1))
    assert kept == [numbered(3), numbered(4)]


def test_a_name_may_be_any_ref_or_have_a_version_beside_it() -> None:
    assert named("digits") == Ref("digits")
    assert named("digits@challenger") == Ref("digits", "challenger")
    assert named("digits@7") == named("digits", "7") == Ref("digits", None, 7)


@pytest.mark.parametrize(
    ("model", "version"),
    [("", ""), ("Digits", ""), ("../x", ""), ("digits@", ""), ("digits\x00", ""), ("digits", "0"), ("digits", "07"),
     ("digits", "-1"), ("digits", "x"), ("digits", "9" * 12), ("digits@7", "7"), ("digits@champion", "7")],
)  # fmt: skip
def test_what_names_nothing_is_a_bad_request(model: str, version: str) -> None:
    with pytest.raises(BadRequest) as caught:
        named(model, version)
    assert caught.value.code == "bad_model_name"
