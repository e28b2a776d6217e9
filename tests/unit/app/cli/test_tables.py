"""What is printed of models: a row per version, newest first, and nothing in it is markup."""

import dataclasses
import shutil

import pytest

from app.cli.tables import print_models, print_version
from models_store.manifest import DataFacts, Manifest
from models_store.refs import Ref
from models_store.registry import Registry, Version
from tests.conftest import republished

FACTS = DataFacts(source="files", sha256="0" * 64, train_rows=12345, test_rows=100)


def listed(registry: Registry, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_models(registry)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return [" ".join(line.split()) for line in lines if "@" in line]


def shown(registry: Registry, version: Version, capsys: pytest.CaptureFixture[str]) -> str:
    print_version(registry, version)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    return " ".join(out.split())


def described(registry: Registry, **changes: object) -> Version:
    """A version with another manifest; nothing of it is written."""
    version = registry.resolve(Ref("digits"))
    manifest: Manifest = dataclasses.replace(version.manifest, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(version, manifest=manifest)


def test_the_newest_version_stands_first_with_its_aliases(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    republished(registry, net="tiny", parameters=1234567, metrics={"accuracy": 0.98765}, data=FACTS)
    registry.promote("digits", 2, expected=1)
    registry.promote("digits", 2, expected=None, alias="best")
    second, first = listed(registry, capsys)
    assert second == "digits@2 best, tiny 1,234,567 98.77% files 2026-01-02"  # its row is two lines
    assert first.startswith("digits@1 previous ")


def test_a_version_without_an_accuracy_is_listed_too(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    republished(registry, net="tiny", parameters=7, metrics={}, data=FACTS)
    assert listed(registry, capsys)[0] == "digits@2 tiny 7 files 2026-01-02"


def test_a_damaged_version_is_a_row_and_hides_no_other(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    (republished(registry).folder / "manifest.json").write_text("{}")
    second, first = listed(registry, capsys)
    assert second.startswith("digits@2 refused:")
    assert first.startswith("digits@1 champion ")


def test_an_empty_store_has_no_rows(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(registry.root)
    assert listed(registry, capsys) == []


def test_one_version_shows_its_facts(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"net": "tiny", "parameters": 1234567, "metrics": {"accuracy": 0.5}, "data": FACTS, "parent": "digits@1"}
    out = shown(registry, described(registry, **facts), capsys)
    for fact in (
        "version digits@1", "aliases champion", "tiny, 1,234,567 parameters", "accuracy 0.5000",
        "files: 12,345 training rows", "parent digits@1", "labels 0 1 2 3 4 5 6 7 8 9",
    ):  # fmt: skip
        assert fact in out


@pytest.mark.parametrize("label", ["[red]", "[/b]", "[link=x]", ":smile:", "a[1]"])
def test_a_label_is_shown_as_it_is_called(registry: Registry, capsys: pytest.CaptureFixture[str], label: str) -> None:
    version = described(registry, labels=("0", label), gate=f"accepted: {label}")
    assert f"labels 0 {label} " in (out := shown(registry, version, capsys))
    assert f"gate accepted: {label} " in out
