"""Writes a training's numbers as TensorBoard files beside what another reporter says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.errors import ExtraMissing
from training.fit.epoch import Epoch
from training.report.progress import Reporter


class TensorBoardReporter:
    """Passes everything on to another report, and each epoch's numbers to TensorBoard files too."""

    def __init__(self, beside: Reporter, folder: Path) -> None:
        """Raises ExtraMissing where TensorBoard is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ExtraMissing("TensorBoard is not installed: pip install 'digitserve[tensorboard]'.") from None
        folder.mkdir(parents=True, exist_ok=True)  # better refused now than after the first epoch
        self._beside = beside
        self._folder = folder
        self._open = SummaryWriter
        self._writers: dict[str, Any] = {}  # a folder per run, so that TensorBoard draws each as a line of its own

    def stage(self, text: str) -> None:
        self._beside.stage(text)

    def progress(self, run: str, epoch: int, done: int, steps: int, epochs: int = 1) -> None:
        self._beside.progress(run, epoch, done, steps, epochs)

    def epoch(self, run: str, epoch: Epoch) -> None:
        self._beside.epoch(run, epoch)
        if run not in self._writers:
            self._writers[run] = self._open(str(self._folder / run.replace(" ", "-")))
        numbers = {
            "training/loss": epoch.loss,
            "training/accuracy": epoch.accuracy,
            "training/learning_rate": epoch.learning_rate,
            "validation/loss": epoch.validation_loss,
            "validation/accuracy": epoch.validation_accuracy,
        }
        for name, number in numbers.items():
            if number is not None:
                self._writers[run].add_scalar(name, number, epoch.number)
        self._writers[run].flush()

    def note(self, text: str) -> None:
        self._beside.note(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._beside.table(title, columns, rows)

    def held(self, rows: Sequence[Mapping[str, str]]) -> None:
        self._beside.held(rows)

    def result(self, **facts: Any) -> None:
        self._beside.result(**facts)
