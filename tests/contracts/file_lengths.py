"""Fails where a Python file outgrew what one reader holds in mind. Run by `make check`."""

import sys
from pathlib import Path

LIMIT = 250
ROOT = Path(__file__).parent.parent.parent


def main() -> int:
    """Prints every file over the limit. Returns 1 where there is one."""
    rooms = ("app", "models_store", "training", "digitserve", "setup", "tests", "benchmarks", "docs")
    listed = [path.relative_to(ROOT) for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    long = [(name, n) for name in listed if (n := len((ROOT / name).read_text().splitlines())) > LIMIT]
    for name, lines in long:
        print(f"{name} has {lines} lines, more than {LIMIT}: split it by what changes together")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
