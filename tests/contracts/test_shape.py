"""The house keeps its shape: few rooms, no circles, a name for one thing, a test for each module."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import shape
from tests.contracts.shape import ROOT

FOUND = shape.modules()
EDGES = shape.imports(FOUND)
MOST_NAMES = 23  # in one folder: what one look takes in
SERIES = ("docs/decisions",)  # numbered pages, read from their list in docs/README.md: they only grow
COMPUTING = ("app.inference", "training", "models_store.model", "models_store.files")  # where torch is


@pytest.mark.parametrize("package", shape.packages(FOUND))
def test_no_rooms_import_each_other_in_a_ring(package: str) -> None:
    assert shape.circle(shape.arrows(package, FOUND, EDGES)) == ()


def test_the_measure_sees_a_ring() -> None:
    assert set(shape.circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}


def test_training_shows_its_flow_at_one_look() -> None:
    rooms = shape.arrows("training", FOUND, EDGES)
    assert len(rooms) <= 20
    assert sum(map(len, rooms.values())) <= 85


def folders() -> Iterator[Path]:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    yield from {ROOT / Path(name).parent for name in tracked.split("\n") if name}


def test_no_folder_has_more_names_than_one_look_takes_in() -> None:
    crowded = {
        name: len(names)
        for folder in folders()
        if len(names := shape.names_in(folder)) > MOST_NAMES and (name := str(folder.relative_to(ROOT))) not in SERIES
    }
    assert crowded == {}


def test_no_two_classes_share_a_name() -> None:
    assert {name: where for name, where in shape.classes().items() if len(where) > 1} == {}


def has_logic(path: Path) -> bool:
    """Whether a module has a function, or a method that does something."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(len(node.body) > 1 or not isinstance(node.body[0], ast.Expr) for node in functions)


def places_of_tests(name: str) -> list[Path]:
    """Where the test of a module may stand: in tests/unit as in the code, or in tests/integration, which is app's."""
    *rooms, leaf = name.split(".")
    test = f"test_{leaf.strip('_')}.py"
    places = [ROOT.joinpath("tests", "unit", *rooms, test)]
    return [*places, ROOT.joinpath("tests", "integration", *rooms[1:], test)] if rooms[0] == "app" else places


TESTED_AS_PROCESSES = {  # tests/system starts them
    "app.__main__": "test_serve.py", "app.background": "test_jobs.py", "app.process": "test_supervisor.py",
    "app.supervision.supervisor": "test_supervisor.py",
    "app.cli.main": "test_serve.py", "app.jobs.launcher": "test_launcher.py",
    "training.__main__": "training/test_refusals.py", "app.main.create": "test_serve.py",
    "app.main.access": "test_serve.py", "app.main.learning": "test_serve.py", "app.main.reading": "test_serve.py",
    "app.main.measuring": "test_metrics.py", "app.main.watching": "test_metrics.py",
}  # fmt: skip


def test_each_module_with_logic_has_a_test_of_its_name() -> None:
    without = []
    for name, path in FOUND.items():
        if path.name == "__init__.py" or ".migrations." in name or not has_logic(path):
            continue
        places = places_of_tests(name)
        if name in TESTED_AS_PROCESSES:
            places = [ROOT / "tests" / "system" / TESTED_AS_PROCESSES[name]]
        if not any(place.is_file() for place in places):
            without.append(name)
    assert without == []


def test_each_mirrored_test_is_of_something() -> None:
    tests = ROOT / "tests" / "unit"
    for path in tests.rglob("test_*.py"):
        folder = ROOT / path.relative_to(tests).parent
        aspects = path.stem.removeprefix("test_").split("_")
        names = {"_".join(aspects[:count]) for count in range(1, len(aspects) + 1)}
        assert any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names), path


def test_torch_is_imported_where_models_are_computed_only() -> None:
    """Directly: what reaches it through another room is the import walls' matter."""
    for name, path in FOUND.items():
        if name.startswith(COMPUTING) or name == "app.cli.doctor.software":  # which looks whether it can be imported
            continue
        nodes = list(ast.walk(ast.parse(path.read_text())))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not {package for package in imported if package.partition(".")[0] == "torch"}, name


def contracts() -> list[dict[str, Any]]:
    document = tomllib.loads((ROOT / "tests" / "contracts" / "imports.toml").read_text())
    found: list[dict[str, Any]] = document["tool"]["importlinter"]["contracts"]
    return found


def test_the_walls_name_every_folder_that_computes_nothing() -> None:
    (wall,) = [one for one in contracts() if one["name"] == "torch only where models are computed"]
    above = {
        "app.cli",
        "app.main",
        "app.predict",
        "app.v2",
    }  # `cli` starts what computes, `main` wires it, the others ask
    rooms = {name for name in shape.packages(FOUND) if name.count(".") == 1 and not name.startswith("training")}
    named = set(wall["source_modules"]) & set(shape.packages(FOUND))  # it names modules besides
    assert rooms - above - set(COMPUTING) == named


def test_every_package_has_its_layers() -> None:
    layered = {container for one in contracts() for container in one.get("containers", ())}
    several = {name for name in shape.packages(FOUND) if len(shape.arrows(name, FOUND, EDGES)) > 1}
    assert {name for name in several if ".migrations" not in name} == layered
