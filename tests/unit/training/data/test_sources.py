"""The data sets that have names."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from models_store.errors import RecipeRejected
from models_store.specs import DataSpec, InputSpec
from tests.support.lessons import mnist_files
from training.data import sources
from training.data.rows import DataSet, Rows
from training.errors import DataMissing


@pytest.fixture(scope="module")
def bundled() -> DataSet:
    return sources.load(DataSpec(source="bundled"), InputSpec(), Path("/nowhere"), seed=1)


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: refused at once
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_bundled_digits_have_mnists_shape(bundled: DataSet) -> None:
    assert (len(bundled.train), len(bundled.test)) == (1437, 360)
    assert bundled.labels == tuple("0123456789")
    assert bundled.source == "bundled"
    for rows in (bundled.train, bundled.test):
        assert rows.pictures.dtype == torch.uint8
        assert rows.pictures.shape == (len(rows), 1, 28, 28)
        assert rows.labels.dtype == torch.int64
        assert set(rows.labels.tolist()) == set(range(10))


def test_bundled_digits_lie_in_a_box_of_20(bundled: DataSet) -> None:
    pictures = torch.cat([bundled.train.pictures, bundled.test.pictures]).float()
    assert pictures[..., 4:24, 4:24].amax((1, 2, 3)).min() > 128
    pictures[..., 4:24, 4:24] = 0
    assert pictures.max() == 0


def test_bundled_digits_are_scikit_learns_in_its_order(bundled: DataSet) -> None:
    pixels, labels = load_digits(return_X_y=True)
    assert torch.cat([bundled.train.labels, bundled.test.labels]).tolist() == labels.tolist()
    pictures = torch.cat([bundled.train.pictures, bundled.test.pictures])[..., 4:24, 4:24].float()
    small = torch.nn.functional.adaptive_avg_pool2d(pictures, (8, 8)).flatten(1).numpy() * (16 / 255)
    for seen, original in zip(small, pixels, strict=True):
        assert np.corrcoef(seen, original)[0, 1] > 0.95
        assert seen.mean() == pytest.approx(original.mean(), rel=0.1)


def test_mnist_has_the_published_counts(data_dir: Path) -> None:
    mnist = sources.load(DataSpec(source="mnist"), InputSpec(), data_dir, seed=1)
    assert mnist.train.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.pictures.shape == (60_000, 1, 28, 28)
    assert mnist.test.pictures.shape == (10_000, 1, 28, 28)
    assert mnist.train.pictures.dtype == torch.uint8
    deviation, mean = torch.std_mean(mnist.train.pictures.float() / 255)
    assert (mean.item(), deviation.item()) == pytest.approx((0.1307, 0.3081), abs=1e-4)


@pytest.mark.usefixtures("without_network")
def test_a_missing_data_set_names_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as refusal:
        sources.mnist(tmp_path / "none")
    assert str(tmp_path / "none" / "MNIST" / "raw") in str(refusal.value)
    assert "DIGITSERVE_DATA_DIR" in str(refusal.value)


@pytest.mark.usefixtures("without_network")
def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataMissing, match="file"):
        sources.mnist(tmp_path / "file")


@pytest.mark.usefixtures("without_network")
@pytest.mark.parametrize("size", [0, 10, 16, 784 + 16])
def test_a_half_copied_data_set_is_told(tmp_path: Path, size: int) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    whole = struct.pack(">IIII", 0x803, 3, 28, 28) + bytes(3 * 784)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(whole[:size])
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 3) + bytes(3))
    with pytest.raises(DataMissing, match="MNIST"):
        sources.mnist(tmp_path)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("train-labels-idx1-ubyte", struct.pack(">II", 0x801, 2) + bytes(2)),  # for three pictures
        ("train-images-idx3-ubyte", struct.pack(">IIII", 0x802, 3, 28, 28) + bytes(3 * 784)),
        ("t10k-images-idx3-ubyte", struct.pack(">IIII", 0x803, 0, 28, 28)),
        ("t10k-labels-idx1-ubyte", struct.pack(">II", 0x801, 3) + bytes(2)),
    ],
)
def test_files_of_mnist_that_do_not_fit_are_told(tmp_path: Path, part: str, content: bytes) -> None:
    rows = Rows(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
    folder = mnist_files(tmp_path, rows, rows)
    assert len(sources.mnist(folder, download=False).test) == 3
    (folder / "MNIST" / "raw" / part).write_bytes(content)
    with pytest.raises(DataMissing, match="MNIST"):
        sources.mnist(folder, download=False)


@pytest.mark.usefixtures("without_network")
def test_nothing_is_downloaded_where_that_is_not_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataMissing):
        sources.mnist(tmp_path, download=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "picture",
    [
        InputSpec(height=32, width=32),
        InputSpec(height=20),
        InputSpec(preparation="picture"),
        InputSpec(channels=3, preparation="picture", mean=(0.5,) * 3, std=(0.5,) * 3),
    ],
)
@pytest.mark.parametrize("source", ["mnist", "bundled"])
def test_a_net_for_other_pictures_is_told(source: str, picture: InputSpec) -> None:
    spec = DataSpec(source=source)  # type: ignore[arg-type]
    with pytest.raises(RecipeRejected, match=source):
        sources.load(spec, picture, Path("/nowhere"), seed=1)


def test_own_files_need_a_path() -> None:
    with pytest.raises(RecipeRejected, match="--data"):
        sources.load(DataSpec(source="files"), InputSpec(), Path("/nowhere"), seed=1)
