"""Runs that are killed or interrupted in the middle: the same command goes on and ends as if nothing had been."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.system.harness import Told, Typed, ended, left_in, published, training

# Small batches make an epoch last for seconds, so that the signal always finds the second one.
LINE = [
    *("train", "bundled", "--epochs", "2", "--held-out", "0", "--deterministic"),
    *("--set", "net.options.width=0.5", "--set", "train.batch_size=8"),
]
WEIGHTS = "weights.safetensors"


def started(store: Path) -> subprocess.Popen[str]:
    """A training process that is in its second epoch of two, and stands still there."""
    child = training(*LINE, "--store", store)
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line)["event"] == "epoch":
            child.send_signal(signal.SIGSTOP)
            return child
    pytest.fail(ended(child).error)


def epochs(told: Told) -> list[int]:
    return [event["number"] for event in told.events if event["event"] == "epoch"]


@pytest.fixture
def unbroken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> bytes:
    """The weights that a run has which nobody disturbs."""
    told = Typed(capsys)(*LINE, "--store", tmp_path / "unbroken")
    assert (epochs(told), told.result["version"]) == ([1, 2], "digits-bundled@1")
    return (tmp_path / "unbroken" / "digits-bundled" / "1" / WEIGHTS).read_bytes()


def test_after_kill_9_the_same_command_makes_the_same_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unbroken: bytes
) -> None:
    store, copy, typed = tmp_path / "store", tmp_path / "copy", Typed(capsys)
    child = started(store)
    assert typed(*LINE).sentence == "The same training runs already. Wait for it, or change the seed."
    child.kill()
    child.communicate()
    assert not (store / "digits-bundled" / "1").exists()
    assert not list(store.glob("*/.staging-*"))  # nothing is begun there before the training has ended
    shutil.copytree(store, copy)

    told = typed(*LINE)
    assert told.notes == ["training: went on from the checkpoint after epoch 1", told.result["gate"]]
    assert epochs(told) == [2]
    assert told.result["version"] == "digits-bundled@1"
    version = published(store, "digits-bundled")
    assert (version.folder / WEIGHTS).read_bytes() == unbroken
    told_of = json.loads((version.folder / "report" / "metrics.json").read_text())["runs"]["training"]
    assert [epoch["number"] for epoch in told_of] == [1, 2]
    assert not list(store.glob(".runs/*"))
    assert not list(store.glob("*/.staging-*"))

    afresh = typed(*LINE, "--store", copy, "--fresh")
    assert (epochs(afresh), afresh.notes) == ([1, 2], [afresh.result["gate"]])
    assert (published(copy, "digits-bundled").folder / WEIGHTS).read_bytes() == unbroken


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    child = started(store)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGCONT)
    told = ended(child)
    assert (told.code, told.error) == (
        130, "training: interrupted, nothing was published. The same command goes on after the last whole epoch.\n",
    )  # fmt: skip
    assert left_in(store) == {"digits": [2]}
    again = Typed(capsys)(*LINE)
    assert epochs(again) == [2]
    assert again.result["version"] == "digits-bundled@1"
