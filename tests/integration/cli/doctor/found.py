"""What doctor finds, for a test to look into."""

from collections.abc import Iterable

from app.cli.doctor.finding import Finding, Mark


def marked(findings: Iterable[Finding], mark: str = "bad") -> list[str]:
    """What is said of those with a mark. Whatever is wrong says what to do."""
    found = list(findings)
    assert all(one.do for one in found if one.mark == Mark.BAD)
    return [one.said for one in found if one.mark == mark]
