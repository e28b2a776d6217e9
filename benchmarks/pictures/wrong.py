"""A page with the pictures that were read wrong, for a developer's eye."""

import base64
import html
from collections.abc import Sequence

import cv2

from benchmarks.pictures.judged import MOST, Judged
from models_store.pictures.decode import DRAFT_SIDE, colour_of, decoded, open_picture

_SIDE = 320  # pixels: a page of hundreds of photographs still opens
_STYLE = "body{font:14px sans-serif}figure{display:inline-block;margin:8px;max-width:330px;vertical-align:top}"


def page(judged: Sequence[Judged]) -> str:
    """HTML in one file, with the pictures in it: singles and rows read wrong, and others answered without doubt."""
    wrong = [one for one in judged if not one.right]
    figures = "\n".join(_figure(one) for one in wrong)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Read wrong</title><style>{_STYLE}</style>\n'
        f"<h1>{len(wrong)} pictures read wrong</h1>\n{figures}\n</html>\n"
    )


def _figure(one: Judged) -> str:
    doubt = one.refused or ", ".join(["uncertain" if one.uncertain else "sure", *one.warnings])
    shown = one.picture.label or "no digit"
    said = f"{one.picture.kind}, {one.picture.note}: {shown} read as {one.text or 'nothing'} ({doubt})"
    image = "" if one.refused else f'<img alt="" src="data:image/png;base64,{_small(one.picture.data)}">'
    return f"<figure>{image}<figcaption>{html.escape(one.picture.name)}<br>{html.escape(said)}</figcaption></figure>"


def _small(data: bytes) -> str:
    colours = colour_of(decoded(open_picture(data, MOST), "RGB", DRAFT_SIDE))
    scale = _SIDE / max(colours.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    size = [max(1, round(side * scale)) for side in colours.shape[1::-1]]
    _, png = cv2.imencode(".png", cv2.cvtColor(cv2.resize(colours, size, interpolation=how), cv2.COLOR_RGB2BGR))
    return base64.b64encode(png.tobytes()).decode()
