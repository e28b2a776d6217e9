"""POST /v1/read: a picture with several digits in, the numbers on it out."""

import math
from asyncio import to_thread

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from app.inference.answer import PageAnswer
from app.inference.engine import Engine
from app.inference.verdict import Verdict
from app.predict.answers import ONE_PICTURE, ComputedBy, ModelParam, Timing
from app.predict.expected.asked import CheckParam, DigitsParam, Expected, RegionsParam
from app.predict.expected.choosing import Choice, Met
from app.predict.expected.pages import expected_numbers
from app.predict.spelled import timing
from app.web.access.visitor import client_of
from app.web.connection import while_connected
from app.web.openapi import raises
from app.web.openapi.codes import door, kept, pictures
from app.web.request import one_picture
from app.web.request_id import new_id
from app.web.route import StrictRoute
from models_store.pictures.contained import contained
from models_store.pictures.many.order import around
from models_store.pictures.marks import BoundingBox
from models_store.pictures.warnings import PictureWarning
from models_store.refs import Ref

_BEST = 2  # labels shown of each digit
_DIGITS: list[JsonValue] = [
    {
        "label": "4", "confidence": 0.9981, "uncertain": False, "box": {"x": 112, "y": 40, "width": 28, "height": 41},
        "top": [{"label": "4", "confidence": 0.9981}, {"label": "9", "confidence": 0.0012}],
    },
    {
        "label": "2", "confidence": 0.9944, "uncertain": False, "box": {"x": 148, "y": 42, "width": 27, "height": 39},
        "top": [{"label": "2", "confidence": 0.9944}, {"label": "7", "confidence": 0.0038}],
    },
]  # fmt: skip
_NUMBER: JsonValue = {
    "text": "42", "confidence": 0.992511, "uncertain": False, "box": {"x": 112, "y": 40, "width": 63, "height": 41},
    "digits": _DIGITS,
}  # fmt: skip
_EXAMPLE: JsonValue = {
    "id": "read_5f2a9c0d1e7b4a68", "model": "digits@1", "text": "42", "warnings": [], "width": 1280, "height": 960,
    "lines": [{"text": "42", "numbers": [_NUMBER]}],
    "timing_ms": {"prepare": 8.127, "queue": 0.284, "infer": 2.033},
}  # fmt: skip


class Box(BaseModel):
    """A part of the picture, in its pixels as it was sent, turned upright."""

    x: int = Field(description="from the left", examples=[112])
    y: int = Field(description="from the top", examples=[40])
    width: int = Field(examples=[28])
    height: int = Field(examples=[41])

    @classmethod
    def of(cls, box: BoundingBox) -> "Box":
        """The same box as the answer spells it."""
        return cls(x=box.left, y=box.top, width=box.width, height=box.height)


class Likely(BaseModel):
    """A label that a digit may have."""

    label: str = Field(examples=["4"])
    confidence: float = Field(examples=[0.9981])


class Digit(Likely):
    """One digit, with its best two labels."""

    uncertain: bool = Field(description="below the version's threshold, or another digit touches it")
    box: Box
    top: list[Likely]
    instead_of: str | None = Field(
        None, description="the label that it was read as, where another was chosen so that the number is as expected"
    )


class Number(BaseModel):
    """Digits that stand together."""

    text: str = Field(examples=["42"])
    confidence: float = Field(description="that all of its digits are right: the product of theirs", examples=[0.9925])
    uncertain: bool = Field(description="one of its digits is, or it is not as it was expected")
    box: Box
    digits: list[Digit]
    expected: Met | None = Field(
        None,
        description="where `digits` or `check` were given: the number is as it was expected, `as_read`; or doubtful "
        "readings were `chosen` so that it is; or it was `missed`",
    )


class Line(BaseModel):
    """Numbers in one line, from left to right."""

    text: str = Field(description="the numbers, a space between two", examples=["42 1907"])
    numbers: list[Number]


class Page(ComputedBy):
    """What is written on a picture."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    text: str = Field(description="the lines, from top to bottom", examples=["42 1907\n365"])
    lines: list[Line]
    warnings: list[PictureWarning] = Field(description="what the answer should be read with", examples=[[]])
    width: int = Field(description="of the upright picture, in pixels", examples=[1280])
    height: int = Field(examples=[960])
    timing_ms: Timing


def router(engine: Engine, default_model: str) -> APIRouter:
    """The route, answering from `engine`."""
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/read", tags=["predict"])

    @routes.post(
        "",
        summary="Read the numbers on a page",
        response_model=Page,
        openapi_extra={"requestBody": ONE_PICTURE},
        responses=raises(
            kept.VERSION, kept.LOADING, door.FORM, door.ONE_FILE, pictures.PICTURE, pictures.QUEUE, pictures.WRITING
        ),
    )
    async def read_page(
        request: Request,
        model: ModelParam = default_model,
        digits: DigitsParam = None,
        check: CheckParam = None,
        regions: RegionsParam = None,
    ) -> Response:
        """Reads all digits on one picture, of a row, a form or a page: up to 256.

        Digits that touch are `uncertain`. Printed lines and boxes are left out, and so are points, commas and dashes.
        Who knows how many digits a line has, or which check they pass, says so: then each line is one number, and
        doubtful readings are chosen with which it is as expected. What is read without doubt is never changed.
        """
        expected = Expected.of(digits, check, regions)
        ref = Ref.parse(model)
        image = await one_picture(request)
        answer = await while_connected(request.scope, engine.read(ref, image, client_of(request.scope)))
        with contained(image):
            return Response(await to_thread(_written, answer, expected), media_type="application/json")

    return routes


def _written(answer: PageAnswer, expected: Expected | None) -> bytes:
    """As JSON: FastAPI would write it on the event loop, 7 ms for 200 digits."""
    return _page(answer, expected).model_dump_json(exclude_none=True).encode()


def _page(answer: PageAnswer, expected: Expected | None) -> Page:
    page = answer.page
    boxes = [candidate.box for candidate in page.candidates]
    digits = [_digit(verdict, box) for verdict, box in zip(answer.verdicts, boxes, strict=True)]
    found = page.lines([digit.confidence for digit in digits])
    if expected is None:
        lines = [
            _line([_number([digits[i] for i in number], [boxes[i] for i in number]) for number in line])
            for line in found
        ]
    else:
        chosen = expected_numbers(answer, found, expected)
        lines = [_as_expected(number, answer, digits, boxes, expected) for number in chosen]
    return Page(
        id=new_id("read"),
        model=answer.version.ref,
        text="\n".join(line.text for line in lines),
        lines=lines,
        warnings=list(answer.warnings),
        width=page.width,
        height=page.height,
        timing_ms=Timing(**timing(answer.seconds)),
    )


def _digit(verdict: Verdict, box: BoundingBox) -> Digit:
    top = [Likely(label=label, confidence=round(probability, 6)) for label, probability in verdict.best(_BEST)]
    return Digit(**dict(top[0]), uncertain=verdict.uncertain, box=Box.of(box), top=top)


def _number(digits: list[Digit], boxes: list[BoundingBox]) -> Number:
    return Number(
        text="".join(digit.label for digit in digits),
        confidence=round(math.prod(digit.confidence for digit in digits), 6),
        uncertain=any(digit.uncertain for digit in digits),
        box=Box.of(around(boxes)),
        digits=digits,
    )


def _as_expected(
    chosen: Choice, answer: PageAnswer, digits: list[Digit], boxes: list[BoundingBox], expected: Expected
) -> Line:
    """A line with the one number that was chosen; an empty one for a region without a digit."""
    if not chosen.digits:
        return _line([])
    shown = [
        _read_as(digits[i], answer.verdicts[i], label) for i, label in zip(chosen.digits, chosen.labels, strict=True)
    ]
    number = _number(shown, [boxes[i] for i in chosen.digits])
    if expected.lengths or expected.check:
        number.expected = chosen.met
        number.uncertain |= chosen.met is Met.MISSED
    return _line([number])


def _read_as(digit: Digit, verdict: Verdict, label: str) -> Digit:
    if label == digit.label:
        return digit
    confidence = round(verdict.probabilities[label], 6)
    return digit.model_copy(update={"label": label, "confidence": confidence, "instead_of": digit.label})


def _line(numbers: list[Number]) -> Line:
    return Line(text=" ".join(number.text for number in numbers), numbers=numbers)
