"""The few figures that the README repeats are those of docs/benchmarks.md, where each stands with its command."""

import re

import pytest

from tests.conftest import ROOT

NUMBER = r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?!\w)"
FIGURE = re.compile(rf"({NUMBER})\s?(%|ms|s|MB|GB|pictures|corrections|req/s)(?![\w/])")


def figures(text: str) -> list[tuple[str, str]]:
    """Every number that has a unit, with it; "99.5%" and "99.5 %" are the same."""
    return [(number, unit) for number, unit in FIGURE.findall(text)]


def unmeasured(readme: str, page: str) -> list[str]:
    """The figures of a text that no line of the page has, in a line that names the unit (also as "7.5 -> 8.5 %")."""
    lines = [(set(re.findall(NUMBER, line)), line) for line in page.splitlines()]

    def measured(number: str, unit: str) -> bool:
        return any(number in numbers and (unit in line or unit == "corrections") for numbers, line in lines)

    return [f"{number} {unit}" for number, unit in figures(readme) if not measured(number, unit)]


def test_every_figure_of_the_readme_was_measured() -> None:
    readme, page = (ROOT / "README.md").read_text(), (ROOT / "docs" / "benchmarks.md").read_text()
    assert len(figures(readme)) >= 15
    assert unmeasured(readme, page) == []


@pytest.mark.parametrize(
    ("readme", "missing"),
    [
        ("It reads 97.95 % and 99.5% in 15 ms.", []),
        ("It reads 97.9 %.", ["97.9 %"]),
        ("It reads 7.95 %.", ["7.95 %"]),
        ("It takes 97.95 ms.", ["97.95 ms"]),
        ("Python 3.11, 28x28 pixels, digits@2", []),
    ],
)
def test_a_figure_that_was_not_measured_is_found(readme: str, missing: list[str]) -> None:
    assert unmeasured(readme, "| right | 97.95 -> 99.5 % |\n| a picture | 15 ms |") == missing
