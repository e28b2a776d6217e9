"""What a person is told before anything is downloaded."""

from pathlib import Path

from setup.say_size import Package, described, locked, with_sizes
from tests.conftest import ROOT

SCIPY = Package("scipy", "1.17.1", "https://index.test/scipy.whl", 35_000_000)


def torch(version: str, size: int | None = 190_000_000) -> Package:
    return Package("torch", version, "https://index.test/torch.whl", size)


def said(*packages: Package) -> str:
    return "\n".join(described(packages, {"torch", "scipy"}))


def test_the_build_for_the_cpu() -> None:
    text = said(torch("2.13.0+cpu"), SCIPY)
    assert "2 packages, 225 MB" in text
    assert "torch 2.13.0+cpu, the build for the CPU: 190 MB, from index.test" in text
    assert "TORCH_INDEX" in text


def test_gigabytes_of_cuda_are_said() -> None:
    """The build with CUDA has no label on the public index: what it brings along tells it."""
    cudnn, triton = (
        Package(name, "9", "https://index.test/x.whl", 1_100_000_000) for name in ("nvidia-cudnn", "triton")
    )
    text = said(torch("2.13.0"), SCIPY, cudnn, triton)
    assert "4 packages, 2.4 GB" in text
    assert "torch 2.13.0, the build with CUDA" in text
    assert "nvidia-cudnn, triton ... (2 packages): 2.2 GB" in text


def test_a_size_that_cannot_be_had_is_said_too() -> None:
    assert "2 packages, 35 MB and 1 files of unknown size" in said(torch("2.13.0+rocm7", None), SCIPY)
    assert "torch 2.13.0+rocm7, the build rocm7: of unknown size" in said(torch("2.13.0+rocm7", None), SCIPY)


def test_nothing_is_missing() -> None:
    assert said() == "Nothing is missing."


def test_files_of_this_machine_are_measured(tmp_path: Path) -> None:
    (tmp_path / "a wheel").write_bytes(bytes(7))
    here = Package("a", "1", (tmp_path / "a wheel").as_uri())
    gone = Package("b", "1", (tmp_path / "gone").as_uri())
    assert [package.size for package in with_sizes([here, gone])] == [7, None]


def test_a_lock_stands_on_another() -> None:
    names = locked(ROOT / "requirements-dev.lock")
    assert {"torch", "ml-dtypes", "pytest"} <= names and "pytest" not in locked(ROOT / "requirements.lock")
