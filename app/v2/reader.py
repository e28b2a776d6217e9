"""TensorReader: tensors are read by a version, and answered with tensors. It knows neither HTTP nor gRPC."""

from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.errors import BadRequest, Unprocessable
from app.inference.answer import Answer, Answers, Durations
from app.inference.engine import Engine
from app.inference.uncertain import Keep, hand_over
from app.v2.asked import InferRequest
from app.v2.inputs import IMAGE, check_input, files_of, rows_of
from app.v2.outputs import OutputTensor, outputs_of
from app.v2.tensors import Tensor
from models_store.errors import BadRef, ImageRejected
from models_store.refs import Ref, is_number
from models_store.registry import Version

_QUICK_BYTES = 65_536  # of an input that is looked at on the event loop
_QUICK_ANSWERS = 16  # that are written there
T = TypeVar("T")


@dataclass(frozen=True)
class Inferred:
    """The answer: by which version, the outputs in the order of the request, and how long it took."""

    version: Version
    outputs: list[OutputTensor]
    seconds: Durations


class TensorReader:
    """Lives on the engine's event loop."""

    def __init__(self, engine: Engine, keep: Keep | None = None) -> None:
        """`keep` is given pictures that a version is uncertain of."""
        self._engine = engine
        self._keep = keep

    async def infer(self, ref: Ref, request: InferRequest, client: str = "") -> Inferred:
        """Reads all pictures of a request, or none. A caller that is cancelled is not computed.

        Raises BadRequest for tensors that no version takes and, as `picture_refused`, for a picture that can't be read;
        and what `Engine.predict` raises.
        """
        check_input(request.input)
        reading = self._rows if request.input.name == IMAGE else self._pictures
        answers = await reading(ref, request.input, client)
        read = [_read(item, request.input.name, place) for place, item in enumerate(answers.items)]
        outputs = await _worked(len(read) <= _QUICK_ANSWERS, outputs_of, read, request.outputs)
        return Inferred(answers.version, outputs, answers.seconds)

    async def _rows(self, ref: Ref, tensor: Tensor, _: str) -> Answers:
        loaded = await self._engine.pool.get(ref)
        rows = await _worked(tensor.size <= _QUICK_BYTES, rows_of, tensor, loaded.version.manifest.input)
        return await self._engine.predict_rows(loaded, rows)

    async def _pictures(self, ref: Ref, tensor: Tensor, client: str) -> Answers:
        images = await _worked(tensor.size <= _QUICK_BYTES, files_of, tensor)
        try:
            answers = await self._engine.predict(ref, images, client)
        except Unprocessable as refusal:  # whatever a tensor has is 400 in this protocol
            raise BadRequest("batch_too_large", str(refusal), tensor.name) from None
        hand_over(self._keep, answers, images)
        return answers


def named(model: str, version: str = "") -> Ref:
    """The ref that is meant: `model` may be any, and beside a mere name a version's number may stand. Raises
    BadRequest."""
    try:
        ref = Ref.parse(model)
    except BadRef as refusal:
        raise BadRequest("bad_model_name", str(refusal), "model") from None
    if not version:
        return ref
    if not is_number(version) or "@" in model:
        sentence = "A version is a number such as 7, and stands beside a model's mere name."
        raise BadRequest("bad_model_name", sentence, "version")
    return Ref(ref.name, None, int(version))


async def _worked(is_quick: bool, work: Callable[..., T], *details: object) -> T:
    """What `work` gives; in a thread where it would hold up others."""
    return work(*details) if is_quick else await to_thread(work, *details)


def _read(item: Answer | ImageRejected, name: str, place: int) -> Answer:
    """An answer, which the picture in this place has. Raises BadRequest: the protocol has no error for one of many."""
    if isinstance(item, ImageRejected):
        raise BadRequest("picture_refused", f"`{name}`[{place}]: {item}", name)
    return item
