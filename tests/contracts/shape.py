"""Measures the house: rooms and arrows of every folder, lengths of files and functions, names that stand twice.

    .venv/bin/python -m tests.contracts.shape [ROOT]

A room is a module or a folder right below a package, an arrow an import from one of its rooms to another.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("app", "training", "models_store", "digitserve")
Arrows = Mapping[str, set[str]]  # room -> the rooms that it imports


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Dotted name -> file, of all modules and packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(found: Mapping[str, Path]) -> set[tuple[str, str]]:
    """Who imports whom among the modules, also inside functions."""
    return {(name, target) for name, path in found.items() for target in _imported(path, found)}


def _imported(path: Path, found: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from (name for name in (whole if whole in found else node.module,) if name in found)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in found)


def packages(found: Mapping[str, Path]) -> list[str]:
    """The names of those that are folders."""
    return [name for name, path in found.items() if path.name == "__init__.py"]


def arrows(package: str, found: Mapping[str, Path], edges: set[tuple[str, str]]) -> Arrows:
    """The rooms of a package and what each imports of the others."""
    inside = f"{package}."
    rooms: dict[str, set[str]] = {_room(name, package): set() for name in found if name.startswith(inside)}
    for source, target in edges:
        if source.startswith(inside) and target.startswith(inside) and _room(source, package) != _room(target, package):
            rooms[_room(source, package)].add(_room(target, package))
    return rooms


def _room(name: str, package: str) -> str:
    return name.split(".")[package.count(".") + 1]


def circle(rooms: Arrows) -> Sequence[str]:
    """Rooms that import each other in a ring, empty where there is none."""
    done: set[str] = set()

    def walk(room: str, way: tuple[str, ...]) -> Sequence[str]:
        if room in way:
            return way[way.index(room) :]
        if room in done:
            return ()
        for target in rooms[room]:
            if ring := walk(target, (*way, room)):
                return ring
        done.add(room)
        return ()

    return next((ring for room in rooms if (ring := walk(room, ()))), ())


def names_in(folder: Path) -> list[str]:
    """What one sees in a folder, without caches and package markers."""
    hidden = ("__pycache__", "__init__.py")
    return sorted(path.name for path in folder.iterdir() if path.name not in hidden and not path.name.startswith("."))


def classes(root: Path = ROOT) -> dict[str, list[str]]:
    """Class name, without a private one's _ -> the modules that define one so called.

    The client's are left out: what it gives bears the names that the interface's answers have.
    """
    where: dict[str, list[str]] = defaultdict(list)
    for name, path in modules(root).items():
        if name.startswith("digitserve."):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                where[node.name.lstrip("_")].append(name)
    return where


def function_lengths(package: str, root: Path = ROOT) -> dict[str, int]:
    """Lines of each function, docstring and decorators not counted apart."""
    return {
        f"{path.relative_to(root)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in (root / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def file_lengths(package: str, root: Path = ROOT) -> list[int]:
    """Lines of each file that has any."""
    return [n for path in (root / package).rglob("*.py") if (n := len(path.read_text().splitlines()))]


def _spread(numbers: Sequence[int]) -> str:
    ranked = sorted(numbers)
    middle, ninth = ranked[len(ranked) // 2], ranked[int(0.9 * (len(ranked) - 1))]
    return f"{middle:>4} / {ninth:>3} / {ranked[-1]:>3}"


def main(root: Path) -> None:
    """Prints the tables."""
    found = modules(root)
    edges = imports(found)
    print("package                       rooms  arrows  circle")
    for package in packages(found):
        rooms = arrows(package, found, edges)
        if len(rooms) > 1:
            ring = " -> ".join(circle(rooms)) or "none"
            print(f"{package:<28}  {len(rooms):>5}  {sum(map(len, rooms.values())):>6}  {ring}")
    print("\nmedian / p90 / max       lines of a file      lines of a function")
    for package in PACKAGES:
        functions = list(function_lengths(package, root).values())
        print(f"{package:<22}  {_spread(file_lengths(package, root))}        {_spread(functions)}")
    twice = {name: where for name, where in classes(root).items() if len(where) > 1}
    print("\nclasses of one name:", twice or "none")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
