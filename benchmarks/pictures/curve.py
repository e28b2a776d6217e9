"""Draws what a threshold of confidence costs and brings."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from training.judge.score import Score

_INK, _SOFT, _MARK = "#1f4e79", "#8a8f98", "#b3401f"


def draw(read: Score, threshold: float, path: Path) -> None:
    """Two panels: the share that is answered against the share of it that is right, and a reliability diagram."""
    order = np.argsort(-read.confidence)
    answered = np.arange(1, len(order) + 1) / len(order)
    right = np.cumsum(read.right[order]) / np.arange(1, len(order) + 1)
    passed = read.confidence >= threshold
    figure, (left, other) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    left.plot(100 * answered, 100 * right, color=_INK, linewidth=2)
    left.scatter(100 * passed.mean(), 100 * read.right[passed].mean(), color=_MARK, zorder=3)
    said = f"{passed.mean():.1%} answered, {read.right[passed].mean():.2%} right"
    left.annotate(
        f"the version's threshold, {threshold:.3f}:\n{said}",
        (100 * passed.mean(), 100 * read.right[passed].mean()), (-12, -46), textcoords="offset points", ha="right",
        color=_MARK, arrowprops={"arrowstyle": "-", "color": _MARK},
    )  # fmt: skip
    left.set(
        xlim=(80, 100.3),
        ylim=(98, 100.05),
        xlabel="answered without a doubt, % of pictures",
        ylabel="of these right, %",
    )
    edges = np.array([0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0001])
    places = np.digitize(read.confidence, edges) - 1
    sure, were = [], []
    for place in range(len(edges) - 1):
        mine = places == place
        if mine.sum() >= 5:
            sure.append(100 * read.confidence[mine].mean())
            were.append(100 * read.right[mine].mean())
    other.plot([40, 100], [40, 100], color=_SOFT, linestyle="--", linewidth=1)
    other.plot(sure, were, marker="o", color=_INK, linewidth=2)
    other.set(xlim=(40, 101), ylim=(40, 101), xlabel="confidence, %", ylabel="read right, %")
    for axes in (left, other):
        axes.grid(color="#e4e6ea")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
