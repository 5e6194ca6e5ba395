"""Latencies in little memory: counted in buckets, each about one percent wide."""

# 128 buckets for each power of two.
_BITS = 7
_EXACT = 1 << _BITS


class Histogram:
    """How often which latency (whole microseconds) was seen; the largest is kept exactly."""

    __slots__ = ("_buckets", "count", "max")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.max = 0

    def add(self, latency: int) -> None:
        """One more of this latency."""
        bucket = _bucket(latency)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.max = max(self.max, latency)

    def merge(self, other: "Histogram") -> None:
        """All that the other has seen."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.max = max(self.max, other.max)

    def percentile(self, share: float) -> int:
        """The latency that this share (0 to 1) stays below or at; 0 where nothing was seen."""
        wanted = share * self.count
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_top(bucket), self.max)
        return 0

    def report(self) -> dict[str, int]:
        """What people ask for, in microseconds; empty where nothing was seen."""
        if not self.count:
            return {}
        shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
        return {name: self.percentile(share) for name, share in shares.items()} | {"max": self.max}


def _bucket(latency: int) -> int:
    if latency < _EXACT:
        return max(latency, 0)
    power = latency.bit_length() - _BITS - 1
    return power * _EXACT + (latency >> power)


def _top(bucket: int) -> int:
    # The largest latency of a bucket.
    if bucket < 2 * _EXACT:
        return bucket
    power = bucket // _EXACT - 1
    return ((bucket - power * _EXACT + 1) << power) - 1
