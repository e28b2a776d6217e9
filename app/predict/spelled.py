"""How a verdict is spelled: as plain values that are written as JSON once. Their shape is that of `schemas`."""

import base64
from typing import Any

from app.inference.answer import Answer, Durations
from app.web.problems import Problem
from models_store.errors import ImageRejected
from models_store.pictures.decode import to_png

Spelled = dict[str, Any]


def timing(seconds: Durations) -> dict[str, float]:
    """In milliseconds, to the microsecond."""
    return {
        "prepare": round(1000 * seconds.prepare, 3),
        "queue": round(1000 * seconds.queue, 3),
        "infer": round(1000 * seconds.infer, 3),
    }


def reading(answer: Answer, top_k: int | None, with_prepared: bool) -> Spelled:
    """One answer, with all labels in the manifest's order, or the `top_k` best."""
    verdict = answer.verdict
    pairs = verdict.probabilities.items() if top_k is None else verdict.best(top_k)
    spelled: Spelled = {
        "label": verdict.label,
        "confidence": round(verdict.confidence, 6),
        "uncertain": verdict.uncertain,
        "probabilities": {label: round(probability, 6) for label, probability in pairs},
        "warnings": verdict.warnings,
    }
    if with_prepared:
        spelled["prepared"] = base64.b64encode(to_png(answer.prepared.pixels)).decode()
    return spelled


def refusal(error: ImageRejected) -> Spelled:
    """What stands in the place of a picture that was refused."""
    problem = Problem.of(error)
    assert problem is not None, "a refused picture has a row in the table"
    return {"error": {"code": problem.code, "message": problem.detail}}
