"""There are always descriptors left for what is no connection."""

import resource
import subprocess
import sys

import pytest

from app.web.http1.descriptors import backlog, most_connections, raise_limit


@pytest.mark.parametrize(
    ("asked", "limit", "most"),
    [(0, 20_000, 1000), (0, 4096, 1000), (0, 1024, 512), (0, 256, 128), (5000, 20_000, 5000), (5000, 4096, 3896),
     (50, 1024, 50), (1, 100, 1), (1000, 100, 1)],
)  # fmt: skip
def test_connections_lie_below_the_limit(asked: int, limit: int, most: int) -> None:
    assert most_connections(asked, limit) == most < limit


def test_a_full_backlog_and_all_connections_fit_together() -> None:
    for limit in (256, 1024, 4096, 20_000):
        assert most_connections(0, limit) + backlog(limit) < limit


@pytest.mark.parametrize(("asked", "raised"), [(0, "1500"), (100, "1500"), (9000, "1500")])
def test_the_soft_limit_is_raised_as_far_as_the_hard_one(asked: int, raised: str) -> None:
    program = f"""
import resource
from app.web.http1.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1500))
limit = raise_limit({asked})
assert limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(limit)
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == raised


def test_a_limit_that_is_high_enough_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_limit(0) == resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(4096, before[1])
