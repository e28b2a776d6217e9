"""What the documents promise is what the software has."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from app.main import create_app
from app.settings import Settings
from models_store.pictures.warnings import PictureWarning
from tests.conftest import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(DIGITSERVE_\w+)` \| `([^`]*)`", (ROOT / "docs" / "settings.md").read_text(), re.M))
    names = {f"DIGITSERVE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(rows) == set(names)
    for name, field in names.items():
        default = field.default
        shown = str(default.relative_to(ROOT)) if isinstance(default, Path) and default.is_absolute() else str(default)
        assert rows[name] == shown


def test_the_openapi_snapshot_is_current(tmp_path: Path) -> None:
    """After a wanted change: digitserve openapi > docs/openapi.json"""
    document = create_app(Settings(store_dir=tmp_path)).openapi()
    assert json.loads((ROOT / "docs" / "openapi.json").read_text()) == json.loads(json.dumps(document))


def test_every_recipe_is_named_in_the_guide_and_measured() -> None:
    for page in ("guides/train-your-own.md", "benchmarks.md"):
        text = (ROOT / "docs" / page).read_text()
        for path in (ROOT / "training" / "recipes").glob("*.toml"):
            assert f"`{path.stem}`" in text, f"docs/{page} does not name {path.stem}"


def test_the_documents_have_no_gap_and_no_dead_link() -> None:
    for path in DOCUMENTS:
        text = path.read_text()
        assert not re.search(r"@[A-Z]+@|TODO|FIXME", text), path
        linked = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text)
        pictures = [(source, "") for source in re.findall(r'<img src="(?!https?:)([^"]+)"', text)]
        for target, heading in linked + pictures:
            place = path.parent / target if target else path
            assert place.exists(), f"{path.name} links to {target}"
            assert not heading or heading in _anchors(place), f"{path.name} links to {target}#{heading}"


def test_the_index_names_every_document() -> None:
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index.read_text())}
    assert set(DOCUMENTS) - {index} <= named


def test_the_readme_is_read_in_a_minute() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) < 130
    assert max(len(line) for line in lines) <= 130


def _anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_warning_is_explained() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "guides" / "pictures.md").read_text(), re.M)
    assert sorted(table) == sorted(PictureWarning)


def test_the_changelog_has_the_packages_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version and f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_examples_are_what_the_command_draws(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "training", "examples", str(tmp_path)], cwd=ROOT, check=True)
    for path in (ROOT / "docs" / "examples").glob("*.png"):
        drawn, kept = (np.asarray(Image.open(picture), np.int16) for picture in (tmp_path / path.name, path))
        assert np.abs(drawn - kept).max() <= 2  # another CPU rounds differently


def test_no_file_names_this_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    everyones = (Path("/"), Path(tempfile.gettempdir()))  # tell of no machine, and stand in every other file
    place = ROOT if ROOT.parent in everyones else ROOT.parent
    for name in tracked:
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert f"{place}/".encode() not in data, f"{name} names {place}"
