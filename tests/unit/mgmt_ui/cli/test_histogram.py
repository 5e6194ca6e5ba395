import random

import pytest

from mgmt_ui.cli.bench.histogram import Histogram


def filled(*latencies: int) -> Histogram:
    made = Histogram()
    for latency in latencies:
        made.add(latency)
    return made


def test_nothing_seen():
    assert (Histogram().report(), Histogram().percentile(0.5)) == ({}, 0)


def test_small_ones_are_exact():
    shown = {"p50": 50, "p95": 95, "p99": 99, "p999": 100, "max": 100}
    assert filled(*range(1, 101)).report() == shown


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000_000])
def test_percentiles_are_within_a_percent(scale: int):
    chosen = random.Random(scale)
    latencies = sorted(chosen.randrange(1, 1000) * scale for _ in range(5000))
    made = filled(*latencies)
    for share in (0.5, 0.95, 0.99, 0.999):
        exact = latencies[int(share * len(latencies)) - 1]
        assert exact <= made.percentile(share) <= exact * 1.01 + 1
    assert made.max == latencies[-1]


def test_memory_is_bounded():
    made = filled(*(number * 977 for number in range(100_000)))
    assert len(made._buckets) < 3000


def test_two_become_one():
    made = filled(1, 2)
    made.merge(filled(3, 400))
    assert (made.count, made.max, made.percentile(0.75)) == (4, 400, 3)
