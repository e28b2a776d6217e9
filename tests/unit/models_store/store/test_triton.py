"""Triton's files beside the aliases: read by Triton's own protobuf, true after every move; nobody's work is lost."""

import dataclasses
import os
import threading
from pathlib import Path

import pytest
import torch
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc.model_config_pb2 import TYPE_FP32, ModelConfig

from models_store.manifest import Calibration, Manifest
from models_store.model import BUCKETS
from models_store.refs import Ref
from models_store.registry import Registry
from models_store.shipped_version import open_store
from models_store.specs import InputSpec
from models_store.store import triton
from models_store.store.aliases import Aliases
from tests.conftest import republished
from tests.support.read_only import read_only


def told(folder: Path) -> ModelConfig:
    return text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())


def named(text: str) -> str:
    return str(text_format.Parse(f"name: {triton.quoted(text)}", ModelConfig()).name)


@pytest.fixture
def model(registry: Registry) -> Path:
    return registry.root / "digits"


@pytest.fixture
def shipped(registry: Registry) -> Manifest:
    return registry.resolve(Ref("digits")).manifest


def test_a_new_store_says_what_its_champion_is(model: Path) -> None:
    found = told(model)
    assert (found.name, found.platform, found.backend) == ("digits", "pytorch_libtorch", "pytorch")
    assert (found.max_batch_size, found.default_model_filename) == (128, "model.pt")
    (taken,), (given_back,) = found.input, found.output
    assert (taken.name, taken.data_type, list(taken.dims)) == ("INPUT__0", TYPE_FP32, [1, 28, 28])
    assert (given_back.name, given_back.data_type, list(given_back.dims)) == ("OUTPUT__0", TYPE_FP32, [10])
    assert list(found.version_policy.specific.versions) == [1]
    assert (model / given_back.label_filename).read_text() == "".join(f"{digit}\n" for digit in range(10))


def test_the_module_where_triton_looks_for_it_takes_and_gives_what_is_said(model: Path) -> None:
    found = told(model)
    (number,) = found.version_policy.specific.versions
    module = torch.jit.load(str(model / str(number) / found.default_model_filename))
    rows = torch.zeros(3, *found.input[0].dims, dtype=torch.float32)
    with torch.inference_mode():
        logits = module(rows)
    assert logits.shape == (3, *found.output[0].dims)
    assert logits.dtype == torch.float32


def test_both_follow_a_promotion_and_a_rollback(registry: Registry, model: Path, shipped: Manifest) -> None:
    republished(registry, labels=("é", '"0"', *shipped.labels[2:]))
    assert list(told(model).version_policy.specific.versions) == [1]
    registry.promote("digits", 2, expected=1)
    assert list(told(model).version_policy.specific.versions) == [2]
    assert (model / "labels.txt").read_text().splitlines() == ["é", '"0"', *shipped.labels[2:]]
    registry.promote("digits", 1, expected=None, alias="beta")
    registry.rollback("digits")
    assert list(told(model).version_policy.specific.versions) == [1]
    assert (model / "labels.txt").read_text().splitlines() == list(shipped.labels)


def test_a_store_of_an_earlier_release_gets_both_at_the_next_start(registry: Registry, model: Path) -> None:
    for name in ("config.pbtxt", "labels.txt"):
        (model / name).unlink()
    open_store(registry.root)
    assert list(told(model).version_policy.specific.versions) == [1]
    assert (model / "labels.txt").exists()


def test_a_kill_after_the_alias_moved_is_put_right(registry: Registry, model: Path) -> None:
    before = (model / "config.pbtxt").read_bytes()
    republished(registry)
    registry.promote("digits", 2, expected=1)
    (model / "config.pbtxt").write_bytes(before)
    registry.mend()
    assert list(told(model).version_policy.specific.versions) == [2]


def test_what_is_true_is_not_written_again(registry: Registry, model: Path) -> None:
    before = {name: (model / name).stat().st_ino for name in ("config.pbtxt", "labels.txt")}
    registry.mend()
    registry.promote("digits", 1, expected=1)
    assert {name: (model / name).stat().st_ino for name in before} == before


def test_a_file_of_somebody_else_is_left_alone(registry: Registry, model: Path) -> None:
    own = 'name: "digits" # with dynamic_batching\n'
    (model / "config.pbtxt").write_text(own)
    (model / "labels.txt").write_text("nought\n")
    republished(registry)
    registry.promote("digits", 2, expected=1)
    registry.mend()
    assert (model / "config.pbtxt").read_text() == own
    assert (model / "labels.txt").read_text() == "nought\n"


def test_a_pipe_and_a_folder_of_that_name_hold_nobody_up(registry: Registry, model: Path) -> None:
    republished(registry)
    (model / "config.pbtxt").unlink()
    os.mkfifo(model / "config.pbtxt")
    assert registry.promote("digits", 2, expected=1)["champion"] == 2
    (model / "config.pbtxt").unlink()
    (model / "labels.txt").unlink()
    (model / "labels.txt").mkdir()
    assert registry.rollback("digits")["champion"] == 1
    assert registry.aliases("digits") == {"champion": 1, "previous": 2}


def test_without_a_champion_nothing_is_said(registry: Registry, model: Path) -> None:
    (model / "aliases.json").unlink()
    Aliases(model).mend()
    assert not (model / "config.pbtxt").exists()
    assert not (model / "labels.txt").exists()


def test_damaged_aliases_and_a_damaged_champion_change_nothing(registry: Registry, model: Path) -> None:
    before = (model / "config.pbtxt").read_bytes()
    whole = (model / "1" / "manifest.json").read_bytes()
    (model / "1" / "manifest.json").write_bytes(whole[:-9])
    registry.mend()
    (model / "aliases.json").write_text("{")
    registry.mend()
    assert (model / "config.pbtxt").read_bytes() == before


def test_a_store_that_may_only_be_read_opens_as_it_is(registry: Registry, model: Path) -> None:
    (model / "config.pbtxt").unlink()
    with read_only(registry.root):
        assert open_store(registry.root).resolve(Ref("digits")).number == 1
    assert not (model / "config.pbtxt").exists()


def test_promotions_that_race_leave_what_the_aliases_say_and_nobody_sees_half_a_file(
    registry: Registry, model: Path
) -> None:
    republished(registry)
    over = threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not over.is_set():
            seen.extend(told(model).version_policy.specific.versions)

    def swap() -> None:
        for _ in range(10):
            Registry(registry.root).rollback("digits")

    registry.promote("digits", 2, expected=1)
    looking = threading.Thread(target=look)
    looking.start()
    racing = [threading.Thread(target=swap) for _ in range(4)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    over.set()
    looking.join()
    assert set(seen) <= {1, 2}
    assert list(told(model).version_policy.specific.versions) == [registry.aliases("digits")["champion"]]


@given(st.text())
def test_any_text_is_quoted_so_that_protobuf_reads_it_back(text: str) -> None:
    assert named(text) == text.encode(errors="replace").decode()


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb\r\tc", "a\0b\x7f", "é五😀", "\\n", "\u2028", "'", "#", "{}"])
def test_a_text_that_would_end_a_string_or_a_line_does_not(text: str) -> None:
    assert named(text) == text
    assert "\n" not in triton.quoted(text)


def test_a_label_is_one_line_whatever_is_in_it(shipped: Manifest) -> None:
    odd = ('"', "a\nb", "c\r", "\u2028", "é 五", "\ud800")
    lines = triton.labels(dataclasses.replace(shipped, labels=odd)).encode().decode().split("\n")
    assert lines == ['"', "a\\nb", "c\\r", "\\u2028", "é 五", "\\ud800", ""]


def test_large_pictures_go_in_smaller_batches(shipped: Manifest) -> None:
    assert triton.most_rows(InputSpec()) == BUCKETS[-1]
    large = InputSpec(channels=3, height=512, width=512, mean=(0.5,) * 3, std=(0.5,) * 3, preparation="picture")
    assert triton.most_rows(large) == 5
    calibrated = dataclasses.replace(shipped, input=large, calibration=Calibration(temperature=1.25))
    text = triton.config("mine", 3, calibrated)
    assert "softmax(logits / 1.25)" in text
    assert list(text_format.Parse(text, ModelConfig()).input[0].dims) == [3, 512, 512]
