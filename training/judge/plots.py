"""The pictures of a version's report; matplotlib is imported only to draw."""

import io
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models_store import durable
from training.fit.epoch import Epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS = 90  # per inch
_SHEET_COLUMNS = 8
_LONGEST = 22  # characters of a label or a line beneath a picture
_BINS = 15  # as many as the calibration error has


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path) -> None:
    """A PNG of the confusion matrix: rows are the truth, columns the answers; right answers are left grey, because
    only the mistakes are worth a colour."""
    counts = np.asarray(matrix)
    wrong = np.ma.masked_where(np.eye(len(labels), dtype=bool) | (counts == 0), counts)
    right = np.trace(counts)
    names = [_plain(label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…") for label in labels]

    def draw(figure: "Figure") -> None:
        side = max(4.0, 0.45 * len(labels) + 1) + 0.06 * max(map(len, names))
        figure.set_size_inches(side, side)
        axes = figure.subplots()
        axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=1.5 * max(1, int(wrong.filled(0).max())))
        for (row, column), count in np.ndenumerate(counts):
            if count:
                axes.text(column, row, str(count), ha="center", va="center", color="0.6" if row == column else "black")
        axes.set(xticks=range(len(labels)), yticks=range(len(labels)), xlabel="read as", ylabel="is")
        axes.set_xticklabels(names, rotation=90 if max(map(len, names)) > 2 else 0)
        axes.set_yticklabels(names)
        axes.set_title(f"{counts.sum() - right} of {counts.sum()} read wrong ({right / counts.sum():.2%} right)")

    _save(draw, path)


def curves(runs: Mapping[str, Sequence[Epoch]], path: Path) -> None:
    """A PNG of loss and mistakes over the epochs: a line per run on the bent training pictures, and a dashed one of the
    same colour on its validation pictures where it has some."""

    def draw(figure: "Figure") -> None:
        figure.set_size_inches(8, 3)
        left, right = figure.subplots(1, 2)
        for colour, (name, epochs) in enumerate(runs.items()):
            numbers = [epoch.number for epoch in epochs]
            style = {"marker": ".", "color": f"C{colour}"}
            left.plot(numbers, [epoch.loss for epoch in epochs], label=name, **style)
            right.plot(numbers, [100 * (1 - epoch.accuracy) for epoch in epochs], **style)
            watched = [epoch for epoch in epochs if epoch.validation_loss is not None]
            if watched:
                numbers, style = [epoch.number for epoch in watched], style | {"linestyle": "--"}
                left.plot(numbers, [epoch.validation_loss for epoch in watched], label=f"{name}: validation", **style)
                right.plot(numbers, [100 * (1 - (epoch.validation_accuracy or 0)) for epoch in watched], **style)
        left.set(title="loss", xlabel="epoch", yscale="log")
        right.set(title="pictures read wrong, %", xlabel="epoch", ylim=(0, None))
        for axes in (left, right):
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
        left.legend()

    _save(draw, path)


def mistakes(pictures: NDArray[np.uint8], captions: Sequence[str], path: Path) -> None:
    """A PNG with all of the pictures, uint8 [N, C, H, W] of one channel or three, each above its caption, in order."""
    rows = -(-len(pictures) // _SHEET_COLUMNS)
    lines = [textwrap.wrap(caption, _LONGEST, max_lines=5, placeholder=" …") for caption in captions]

    def draw(figure: "Figure") -> None:
        figure.set_size_inches(1.5 * _SHEET_COLUMNS, (1.5 + 0.15 * max(map(len, lines))) * rows)
        grid = figure.subplots(rows, _SHEET_COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.axis("off")
        for axes, picture, caption in zip(grid, pictures, lines, strict=False):
            axes.imshow(np.broadcast_to(picture.transpose(1, 2, 0), (*picture.shape[1:], 3)))
            axes.set_title(_plain("\n".join(caption)), fontsize=8, y=0, va="top", pad=-3)

    _save(draw, path)


def reliability(confidence: NDArray[np.float32], right: NDArray[np.bool_], path: Path) -> None:
    """A PNG of how often answers are right against how sure they are (Niculescu-Mizil and Caruana 2005); both are [N].

    Bars on the dashed line keep their word; those below it promise too much. Beneath: how many answers each bar has.
    """
    edges = np.linspace(0, 1, _BINS + 1)
    bins = np.clip(np.digitize(confidence, edges) - 1, 0, _BINS - 1)
    rows = np.bincount(bins, minlength=_BINS)
    share = np.bincount(bins, weights=right, minlength=_BINS) / np.maximum(rows, 1)

    def draw(figure: "Figure") -> None:
        figure.set_size_inches(4, 4.5)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.bar(edges[:-1], share, width=1 / _BINS, align="edge", edgecolor="white")
        upper.plot([0, 1], [0, 1], "--", color="0.4")
        upper.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
        lower.bar(edges[:-1], rows, width=1 / _BINS, align="edge", edgecolor="white", color="0.6")
        lower.set(xlabel="probability of the answer", ylabel="answers", yscale="log", ylim=(0.5, None))

    _save(draw, path)


def _plain(text: str) -> str:
    """So escaped that matplotlib takes no part of it for a formula."""
    return text.replace("$", r"\$")


def _save(draw: Callable[["Figure"], None], path: Path) -> None:
    from matplotlib.figure import Figure  # without pyplot, which looks for a screen and keeps every figure

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # labels may be of any script
        figure = Figure(dpi=_DOTS, layout="constrained")
        draw(figure)
        figure.savefig(buffer, format="png")
    durable.write(path, buffer.getvalue())
