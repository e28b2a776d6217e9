"""The two locks name everything that is needed, once, and no file says where packages come from."""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
EXTRAS = [need for needs in PROJECT["project"]["optional-dependencies"].values() for need in needs]
OF_A_BUILD = ("nvidia-", "cuda-", "triton", "pytorch-triton")  # which of them, if any, is up to the build of torch


def pins(name: str) -> dict[str, str]:
    lines = (line for line in (ROOT / name).read_text().splitlines() if "==" in line and not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in (line.split("==") for line in lines)}


def closure(needs: Iterable[str], python: str) -> Iterator[Requirement]:
    """What is needed, and what that needs in turn, as the installed packages say it."""
    machine = {"python_version": python, "python_full_version": f"{python}.0"}
    left, seen = [Requirement(need) for need in needs], set()
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        if name == "digitserve" or name.startswith(OF_A_BUILD):
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


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_locks_pin_all_that_is_needed_and_nothing_else(python: str) -> None:
    runs, develops = pins("requirements.lock"), pins("requirements-dev.lock")
    assert not set(runs) & set(develops)
    both = runs | develops
    for needs, lock in ((NEEDED, runs), (NEEDED + EXTRAS, both)):
        needed = {canonicalize_name(need.name): need for need in closure(needs, python)}
        assert set(needed) == set(lock)
        for need in closure(needs, python):
            assert need.specifier.contains(lock[canonicalize_name(need.name)]), need


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
