"""Pictures by the thousand: half of them small and odd, half damaged. Each is read or refused as foreseen, at a bounded
cost, and memory stays flat."""

import time
import traceback
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.doors import Post, check_answered, check_prepared
from tests.fuzz.mutants import MUTANTS, Mutant
from tests.fuzz.pictures import ODD_PICTURES, OddPicture

_EVERY = 1000  # pictures between two lines
_WARM = 1000  # pictures after which memory is compared
_GROWTH = 250 * 2**20  # bytes, that a heap of pieces may take more than then
_MOST_CPU = 10.0  # seconds of one picture, prepared in five ways
_PAGE = 4096  # bytes, in /proc


def hold(count: int, number: int, post: Post) -> bool:
    """Whether so many pictures broke nothing. Says how far it is, and in the end which picture broke what, made as
    small as it can be, and which one took longest."""
    seen: Counter[str] = Counter()
    slowest = (0.0, "none")
    warm = 0
    began = time.monotonic()

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(ODD_PICTURES, MUTANTS))
    def each(picture: OddPicture | Mutant) -> None:
        nonlocal slowest, warm
        seen[f"{picture.kind} {picture.mode}" if isinstance(picture, OddPicture) else picture.name] += 1
        done = seen.total()
        if done % _EVERY == 0:
            print(f"{done:,} of {count:,} pictures, {time.monotonic() - began:.0f} s", flush=True)
        data, start = picture.file(), time.process_time()
        check_prepared(data)
        slowest = max(slowest, (time.process_time() - start, repr(picture)))
        assert slowest[0] < _MOST_CPU, slowest
        check_answered(data, post)
        if done == _WARM:
            warm = _resident()

    try:
        each()
    except BaseException:
        traceback.print_exc()
        print(f"broken after {seen.total():,} pictures (seed {number})")
        return False
    grown = _resident() - warm if warm else 0
    print(", ".join(f"{times:,} {what}" for what, times in seen.most_common()))
    print(f"the slowest took {slowest[0]:.2f} s of CPU: {slowest[1]}")
    print(f"{seen.total():,} pictures (seed {number}): each was read or refused as foreseen; {grown / 2**20:+.0f} MiB")
    return grown < _GROWTH


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
