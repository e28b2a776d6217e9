"""A trace of what torch did in a few steps."""

import json
from pathlib import Path

import pytest
import torch

from tests.support.lessons import PICTURE, SPEC, recipe_of, stripes
from training.errors import ProfileRejected
from training.fit.loop import fit
from training.fit.material import Material
from training.fit.profiler import profiled
from training.fit.runtime import Runtime
from training.nets.catalog import build


def names(path: Path) -> list[str]:
    return [event.get("name", "") for event in json.loads(path.read_text())["traceEvents"]]


def traced(path: Path, steps: int) -> list[str]:
    """Names of what a trace of so many steps holds, each of which multiplied two matrices."""
    with profiled(path) as step:
        for _ in range(steps):
            torch.mm(torch.ones(2, 2), torch.ones(2, 2))
            step()
    return names(path)


def test_torchs_profiler_writes_a_trace(tmp_path: Path) -> None:
    recipe = recipe_of(SPEC)
    fit(build(recipe.net, PICTURE, 3), Material(stripes(240)), recipe, Runtime(profile=tmp_path / "new" / "trace.json"))
    assert any("convolution" in name for name in names(tmp_path / "new" / "trace.json"))


def test_ten_steps_are_recorded_and_no_more(tmp_path: Path) -> None:
    assert traced(tmp_path / "trace.json", 40).count("aten::mm") == 10


def test_a_training_of_fewer_steps_writes_what_there_was(tmp_path: Path) -> None:
    assert traced(tmp_path / "trace.json", 8).count("aten::mm") == 3  # after the five that are skipped
    with profiled(tmp_path / "short.json") as step:
        step()
    assert not (tmp_path / "short.json").exists()


def test_a_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(ProfileRejected, match="is a folder: pass --profile with a file in it"), profiled(tmp_path):
        pytest.fail("the block was entered")
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with profiled(None) as step:
        step()
    assert list(tmp_path.iterdir()) == []
