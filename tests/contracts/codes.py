"""The codes that the source raises, read from its syntax; and docs/codes.md, written from the one list.

python -m tests.contracts.codes > docs/codes.md
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import app.errors
import models_store.errors
from app.web import problems
from app.web.openapi.codes import SECTIONS, Code

ROOT = Path(__file__).parent.parent.parent
IN_ROWS, IN_JOBS = "RowRejected", "fail"  # what says a code inside of an answer: of a data set's row, of a job
_SAYS_ITSELF = {"Problem": 1}  # the place of the code among the arguments
_HEAD = """# Codes

Every error is [problem+json](guides/serve.md) with a `code`, which is stable: programs look at it, people read
`detail`. This is the list of all. The OpenAPI document (`/openapi.json`, [here](openapi.json)) says for each operation
which it can answer with. Where no status stands, the code is inside of an answer: in the place of a picture or of a
row, or in a job's `error`.

A status of 429 or 503 says in `Retry-After` when to come back. Anything else stays as it is until the request changes.
"""


def raised() -> Iterator[tuple[str, int, str]]:
    """Each code in the source with its status, 0 where it stands inside of an answer, and where that is."""
    for kind, (status, code) in problems._TABLE.items():
        if code is not None:
            yield code, problems._STATUS_OF_CODE.get(code, status), kind.__name__
    for path in sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "models_store").rglob("*.py")]):
        tree = ast.parse(path.read_text())
        texts = _texts(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for code in _said(call, texts):
                where = f"{path.relative_to(ROOT)}:{call.lineno}"
                yield code, _status(_called(call), call, code), where


def unread() -> Iterator[str]:
    """Where an error is made with a code that this module can't read, and that is no other error's."""
    for path in sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "models_store").rglob("*.py")]):
        tree = ast.parse(path.read_text())
        texts = _texts(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            argument = _argument(call)
            passes_on = isinstance(argument, ast.Attribute) and argument.attr == "code"
            if argument is not None and not passes_on and not _read(argument, texts):
                yield str(path.relative_to(ROOT))


def written() -> str:
    """docs/codes.md."""
    parts = [_HEAD]
    for section, groups in SECTIONS.items():
        rows: dict[str, dict[int, Code]] = {}
        for name, code in (pair for group in groups for pair in group.items()):
            rows.setdefault(name, {})[code.status] = code
        parts.append(f"\n## {section}\n\n| code | status | what it means | what to do |\n|---|---|---|---|\n")
        parts.extend(_row(name, list(ways.values())) for name, ways in sorted(rows.items()))
    return "".join(parts)


def _row(name: str, ways: list[Code]) -> str:
    statuses = ", ".join(str(way.status) for way in ways if way.status)
    texts = {(way.meaning, way.remedy) for way in ways}
    meaning, remedy = (" ".join(sorted(said)) for said in zip(*texts, strict=True))
    return f"| `{name}` | {statuses} | {meaning} | {remedy} |\n"


def _texts(tree: ast.Module) -> dict[str, list[str]]:
    """What names of a module stand for, where that is a text, one of two, or a tuple that begins with one."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
            texts = _constants(value)
            if texts:
                found.setdefault(node.targets[0].id, []).extend(texts)
    return found


def _constants(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_constants(node.body), *_constants(node.orelse)]
    return []


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _argument(call: ast.Call) -> ast.expr | None:
    """What a call gives as the code, None where it makes no error that has one."""
    name = _called(call)
    place = 1 if name == IN_JOBS else _SAYS_ITSELF.get(name, 0)
    if name not in (IN_ROWS, IN_JOBS, *_SAYS_ITSELF) and not _has_code(name):
        return None
    if name == IN_JOBS and not (isinstance(call.func, ast.Attribute) and "leases" in ast.unparse(call.func.value)):
        return None
    return call.args[place] if len(call.args) > place else None


def _has_code(name: str) -> bool:
    kind = getattr(app.errors, name, None) or getattr(models_store.errors, name, None)
    return kind in problems._TABLE and problems._TABLE[kind][1] is None


def _said(call: ast.Call, texts: dict[str, list[str]]) -> list[str]:
    argument = _argument(call)
    return [] if argument is None else _read(argument, texts)


def _read(argument: ast.expr, texts: dict[str, list[str]]) -> list[str]:
    if isinstance(argument, ast.Starred):
        argument = argument.value
    return texts.get(argument.id, []) if isinstance(argument, ast.Name) else _constants(argument)


def _status(name: str, call: ast.Call, code: str) -> int:
    if name in (IN_ROWS, IN_JOBS):
        return 0
    if name == "Problem":
        status = call.args[0]
        return int(str(status.value)) if isinstance(status, ast.Constant) else -1
    kind = getattr(app.errors, name, None) or getattr(models_store.errors, name)
    return problems._STATUS_OF_CODE.get(code, problems._TABLE[kind][0])


if __name__ == "__main__":
    sys.stdout.write(written())
