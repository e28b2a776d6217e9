"""`--people FOLDER`: how well a version reads people's own pictures. Nothing of them is kept or learned."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.pictures import labelled, peers, report, wrong
from benchmarks.pictures.judged import MOST, judge
from benchmarks.pictures.labelled import LEFT_OUT, ROW, BadFolder, Labelled
from models_store.model import Model, load_fastest, use_threads
from models_store.pictures.decode import DRAFT_SIDE, colour_of, decoded, open_picture, to_png
from models_store.pictures.many.page import page_of
from models_store.pictures.prepare import prepare_opened
from models_store.registry import Version

_SMALL = 1_000_000  # pixels: a megapixel


def measure(folder: Path, version: Version, as_json: bool, sheet: Path | None) -> int:
    """Prints all of it. Returns 2 where the folder can't be measured."""
    use_threads(1)
    try:
        everything = labelled.read(folder)
        pictures = [one for one in everything if one.kind not in LEFT_OUT]
    except BadFolder as bad:
        print(bad, file=sys.stderr)
        return 2
    model = load_fastest(version.folder, version.manifest)
    judged = judge(pictures, version, model)
    read = [one.picture for one in judged if not one.refused]
    found = report.figures(judged, len(everything) - len(pictures))
    found |= {"version": version.ref, "milliseconds": _milliseconds(read, model)}
    beside, missing = peers.beside([one for one in read if one.is_single], model)
    found |= {"peers": beside, "peers_missing": missing}
    if sheet:
        sheet.write_text(wrong.page(judged), encoding="utf-8")
    if as_json:
        print(json.dumps(found, indent=2))
        return 0
    console = Console()
    console.print(f"{len(pictures)} pictures, {version.ref}")
    report.show(found, console)
    table = Table("the same singles, read by", "n", "right", box=SIMPLE_HEAD)
    for name, right in beside.items():
        table.add_row(name, str(found["singles"]["pictures"]), report.share(right, found["singles"]["pictures"]))
    console.print(table)
    if missing:
        console.print(f"Not installed, so not measured: {', '.join(missing)}.")
    for name, took in found["milliseconds"].items():
        if took is not None:
            console.print(f"{name}: {took:.1f} ms, median")
    return 0


def _milliseconds(pictures: Sequence[Labelled], model: Model) -> dict[str, float | None]:
    """Medians; None where there is no such picture. The files are made PNG, so that decoding is over beforehand."""
    return {
        "a decoded picture up to a megapixel": _median(
            _loaded(one for one in pictures if one.kind != ROW), lambda image: prepare_opened(image, model.picture)
        ),
        "a decoded page up to a megapixel, for /v1/read": _median(
            _loaded(one for one in pictures if one.kind == ROW), lambda image: page_of(image, model.picture)
        ),
    }


def _loaded(pictures: Iterable[Labelled]) -> list[Image.Image]:
    images = []
    for one in pictures:
        colours = colour_of(decoded(open_picture(one.data, MOST), "RGB", DRAFT_SIDE))
        if colours.shape[0] * colours.shape[1] <= _SMALL:
            image = open_picture(to_png(np.moveaxis(colours, 2, 0)), MOST)
            image.load()
            images.append(image)
    return images


def _median(images: Sequence[Image.Image], work: Callable[[Image.Image], object]) -> float | None:
    times = []
    for image in images:
        began = time.perf_counter()
        work(image)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times) if times else None
