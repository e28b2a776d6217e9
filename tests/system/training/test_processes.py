"""Several processes as one run, as torchrun starts them; processes without a GPU, and without a reader."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.system.harness import NOWHERE, Told, Typed, ended, left_in, published, training

LINE = ["train", "bundled", "--epochs", "3", "--held-out", "0", "--set", "train.batch_size=64"]


def torchrun(count: int, *arguments: object) -> Told:
    """`python -m training` in so many processes on this machine, one thread each; none of them is left behind."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", count]
    child = subprocess.Popen(
        [*map(str, command), "-m", "training", *map(str, arguments), "--threads", "1"],
        cwd=ROOT, env={**os.environ, "DIGITSERVE_DATA_DIR": NOWHERE, "OMP_NUM_THREADS": "1"}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        return ended(child)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def test_two_processes_publish_one_version_as_good_as_that_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = torchrun(2, *LINE, "--store", tmp_path / "two")
    assert told.result["version"] == "digits-bundled@1"
    assert [event["number"] for event in told.events if event["event"] == "epoch"] == [1, 2, 3]  # one of two prints
    assert len([event for event in told.events if event["event"] == "result"]) == 1
    assert left_in(tmp_path / "two") == {"digits": [2], "digits-bundled": [1]}
    together = published(tmp_path / "two", "digits-bundled").manifest

    assert Typed(capsys)(*LINE).result["version"] == "digits-bundled@1"
    alone = published(tmp_path / "store", "digits-bundled").manifest
    assert together.metrics["accuracy"] == pytest.approx(alone.metrics["accuracy"], abs=0.03)
    assert together.metrics["accuracy"] >= 0.9
    assert (together.data, together.recipe) == (alone.data, alone.recipe)


@pytest.mark.parametrize(
    "line",
    [
        "crossval bundled", "search bundled", "finetune digits --data .", "compress int8 digits", "evaluate digits",
        "compare digits digits", "export digits x --to onnx",
    ],
)  # fmt: skip
def test_only_training_is_for_several_processes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    sentence = "Only train runs as several processes: start this command once, without torchrun."
    assert Typed(capsys)(*line.split()).sentence == sentence
    monkeypatch.setenv("LOCAL_RANK", "1")
    told = Typed(capsys)(*line.split())
    assert (told.code, told.error) == (2, "")  # of several processes one speaks


def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    told = ended(training("train", "bundled", "--device", "cuda", CUDA_VISIBLE_DEVICES=""))
    assert told.sentence == "torch finds no GPU on this machine: pass --device cpu."
    assert left_in(tmp_path / "store") == {}


def test_a_reader_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does when it has seen enough
    with os.fdopen(writer, "w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "training", "examples", str(tmp_path)],
            cwd=ROOT, env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdout=output, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    said = "training: Broken pipe. Whoever read the output is gone, so the command stopped.\n"
    assert (done.returncode, done.stderr) == (2, said)
