"""What a metric is here: a name, a type, and rows of label values with a value."""

from collections.abc import Sequence
from typing import NamedTuple

Labels = tuple[str, ...]
COUNTER, GAUGE, UNTYPED = "counter", "gauge", "unknown"


class Metric(NamedTuple):
    """A metric, its name without prefix; counters end in `_total`."""

    name: str
    kind: str
    help: str


class Series(NamedTuple):
    """A metric with all its values, each with the values of `labels`."""

    metric: Metric
    labels: Labels
    rows: Sequence[tuple[Labels, float]]


def single(name: str, kind: str, text: str, value: float) -> Series:
    """A metric of the whole broker."""
    return Series(Metric(name, kind, text), (), [((), value)])
