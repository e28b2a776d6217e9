"""The locks name everything that is needed, once, and no version with a known hole; no file says where from."""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
EXTRAS = [need for needs in PROJECT["project"]["optional-dependencies"].values() for need in needs]
ADVISORIES = tomllib.loads((ROOT / "tests" / "contracts" / "advisories.toml").read_text())
OF_A_BUILD = ("nvidia-", "cuda-", "triton", "pytorch-triton")  # which of them, if any, is up to the build of torch


def pins(name: str) -> dict[str, str]:
    lines = (line for line in (ROOT / name).read_text().splitlines() if "==" in line and not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in (line.split("==") for line in lines)}


# sys_platform, platform_system and platform_machine, which markers ask for
MACHINES = [("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64")]


def closure(needs: Iterable[str], python: str, system: tuple[str, str, str] = MACHINES[0]) -> Iterator[Requirement]:
    """What is needed on such a machine, and what that needs in turn, as the packages that are installed here say it."""
    machine = {"python_version": python, "python_full_version": f"{python}.0"}
    machine |= dict(zip(("sys_platform", "platform_system", "platform_machine"), system, strict=True))
    left, seen = [Requirement(need) for need in needs], set()
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        if name == "digitserve" or (name.startswith(OF_A_BUILD) and name != "tritonclient"):
            continue
        yield need
        if (key := (name, *sorted(need.extras))) in seen:
            continue
        seen.add(key)
        for text in distribution(name).requires or []:
            more = Requirement(text)
            if more.marker is None or any(
                more.marker.evaluate({**machine, "extra": extra}) for extra in ("", *need.extras)
            ):
                left.append(more)


@pytest.mark.parametrize("system", MACHINES)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_locks_pin_all_that_is_needed_and_nothing_else(python: str, system: tuple[str, str, str]) -> None:
    runs, develops = pins("requirements.lock"), pins("requirements-dev.lock")
    assert not set(runs) & set(develops)
    both = runs | develops
    for needs, lock in ((NEEDED, runs), (NEEDED + EXTRAS, both)):
        needed = {canonicalize_name(need.name): need for need in closure(needs, python, system)}
        assert set(needed) == set(lock)
        for need in closure(needs, python, system):
            assert need.specifier.contains(lock[canonicalize_name(need.name)]), need


@pytest.mark.parametrize("package", ADVISORIES)
def test_neither_a_lock_nor_a_lower_bound_has_a_known_hole(package: str) -> None:
    fixed = Version(ADVISORIES[package]["fixed"])
    assert Version((pins("requirements.lock") | pins("requirements-dev.lock"))[package]) >= fixed
    named = [need for need in map(Requirement, NEEDED + EXTRAS) if canonicalize_name(need.name) == package]
    assert named, f"{package} needs a lower bound of its own in pyproject.toml"
    for need in named:
        assert lowest(need) >= fixed, f"{need}: {', '.join(ADVISORIES[package]['ids'])}"


def lowest(need: Requirement) -> Version:
    """The lower bound of what is needed."""
    return max(Version(one.version) for one in need.specifier if one.operator == ">=")


def test_the_hashes_are_of_the_versions_that_the_lock_names() -> None:
    """torch and torchvision have none: which build of them is taken is up to the machine."""
    lines = (ROOT / "requirements-hashes.lock").read_text().splitlines()
    hashed = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ").splitlines()
    found = {line.split("==")[0]: line.split() for line in hashed}
    runs = pins("requirements.lock")
    assert {canonicalize_name(name): words[0].split("==")[1] for name, words in found.items()} == {
        name: version for name, version in runs.items() if name not in ("torch", "torchvision")
    }
    for name, (_, *hashes) in found.items():
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), name


def test_the_second_lock_stands_on_the_first() -> None:
    assert "-r requirements.lock" in (ROOT / "requirements-dev.lock").read_text().splitlines()


def test_no_file_names_a_registry() -> None:
    """Where packages come from is up to the machine's own settings."""
    registry = re.compile(
        rb"pypi\.org|pythonhosted\.|download\.pytorch|npmjs\.|(deb|security)\.debian|index-url[ =]http"
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for name in tracked:
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert not registry.search(data), name
