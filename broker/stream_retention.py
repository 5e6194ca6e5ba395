"""What a stream keeps: whole segments, within limits of size and age (spec 8.2).

Here: counting messages into segments, and how many of the oldest may go.  Not
here: the messages themselves (stream.py).
"""

from collections import deque
from collections.abc import Callable

DEFAULT_SEGMENT_BYTES = 500_000_000


class Segments:
    """The segments of one stream; the last one is written to and never removed.

    A segment ends once it holds at least `limit` octets.  They are nothing but
    counts, so after a restart the same messages fall into the same segments, but that a segment
    ends with a batch then.
    """

    __slots__ = ("_closed", "_end", "_size", "_total", "limit")

    def __init__(self, limit: int | None) -> None:
        self.resize(limit)
        # (place behind it, octets) of each full segment, and the sum of their octets.
        self._closed: deque[tuple[int, int]] = deque()
        self._total = 0
        self._end = self._size = 0

    def resize(self, limit: int | None) -> None:
        """Segments end at `limit` octets from now on, or at the default."""
        self.limit = DEFAULT_SEGMENT_BYTES if limit is None else limit

    def add(self, octets: int, end: int) -> bool:
        """Counts messages up to the place `end`, which is above 0.

        True where they begin a segment, the time to look at limits.
        """
        full = self._size >= self.limit and self._end > 0
        if full:
            self._closed.append((self._end, self._size))
            self._total += self._size
            self._size = 0
        self._end = end
        self._size += octets
        return full

    def remove(self, max_bytes: int | None, old: Callable[[int], bool]) -> int:
        """Removes the oldest segments beyond the limits; the place behind them, 0 for none.

        `old(place)` says whether the message there is older than is allowed.
        """
        removed = 0
        while self._closed:
            end, size = self._closed[0]
            too_large = max_bytes is not None and self._total + self._size > max_bytes
            if not too_large and not old(end - 1):
                break
            self._closed.popleft()
            self._total -= size
            removed = end
        return removed
