"""Each row of the table of past holes in docs/security.md names public records, and tests that there are."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
TESTS = ROOT / "tests"
RECORD = re.compile(r"\b(?:CVE-\d{4}-\d{4,7}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})\b")
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[str]:
    _, _, table = TEXT.partition("## What happened elsewhere")
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def functions(path: Path) -> set[str]:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, defined)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: (RECORD.findall(row) or [row[:30]])[0])
def test_a_row_names_records_and_tests_that_there_are(row: str) -> None:
    happened, why, tested = row.strip("| ").split(" | ")
    assert RECORD.search(happened) and why
    named = NAMED.findall(tested)
    assert named, "no test shows it"
    for file, name in named:
        assert name in functions(TESTS / file), f"{file} has no {name}"


def test_no_record_stands_twice_and_no_test_outside_of_a_row() -> None:
    found = RECORD.findall("\n".join(rows()))
    assert len(found) > 25 and len(found) == len(set(found))
    assert set(NAMED.findall(TEXT)) == set(NAMED.findall("\n".join(rows())))


def test_every_setting_that_is_named_is_one() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    for name in set(re.findall(r"`(DIGITSERVE_\w+)", TEXT)):
        assert f"| `{name}` |" in settings, name
