"""What the system says of this process."""

import os
import time

from app.telemetry import machine
from app.telemetry.measures import Measures


def test_memory_and_descriptors_are_this_processs() -> None:
    measures = Measures()
    machine.gauges(measures)
    assert 10 * 2**20 < measures.memory_bytes.read()[()] < 2**36
    before = measures.open_files.read()[()]
    ends = os.pipe()
    try:
        assert measures.open_files.read()[()] == before + 2
    finally:
        for end in ends:
            os.close(end)


def test_it_was_started_when_it_was_wired() -> None:
    measures = Measures()
    before = time.time()
    machine.gauges(measures)
    assert before <= measures.started_at.read()[()] <= time.time()
