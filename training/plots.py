"""The pictures of a version's report. It knows numbers, not whence they came; matplotlib is imported only to draw."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from training.loop import Epoch


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path) -> None:
    """A PNG of the confusion matrix: rows are the truth, columns the answers; right answers are left grey, because
    only the mistakes are worth a colour."""
    import matplotlib.pyplot as plt

    counts = np.asarray(matrix)
    mistakes = np.ma.masked_where(np.eye(len(labels), dtype=bool) | (counts == 0), counts)
    side = max(4.0, 0.45 * len(labels) + 1)
    figure, axes = plt.subplots(figsize=(side, side), layout="constrained")
    axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=1.5 * max(1, int(mistakes.filled(0).max())))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(column, row, str(count), ha="center", va="center", color="0.6" if row == column else "black")
    axes.set(xticks=range(len(labels)), yticks=range(len(labels)), xlabel="read as", ylabel="is")
    axes.set_xticklabels(labels)
    axes.set_yticklabels(labels)
    right = np.trace(counts)
    axes.set_title(f"{counts.sum() - right} of {counts.sum()} read wrong ({right / counts.sum():.2%} right)")
    _save(figure, path)


def curves(runs: Mapping[str, Sequence[Epoch]], path: Path) -> None:
    """A PNG of loss and mistakes over the epochs, a line per run, as measured on the bent training pictures."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for name, epochs in runs.items():
        numbers = [epoch.number for epoch in epochs]
        left.plot(numbers, [epoch.loss for epoch in epochs], marker=".", label=name)
        right.plot(numbers, [100 * (1 - epoch.accuracy) for epoch in epochs], marker=".", label=name)
    left.set(title="training loss", xlabel="epoch", yscale="log")
    right.set(title="training pictures read wrong, %", xlabel="epoch", ylim=(0, None))
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    left.legend()
    _save(figure, path)


def _save(figure: object, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=90)  # type: ignore[attr-defined]
    plt.close(figure)  # type: ignore[arg-type]
