"""Which messages of a piece on the disk are over next, without reading it.

Here: their deadlines in order.  Not here: how they come to be known
(persistence/deadlines.py), what becomes of those that are over (paged_expiry.py).
"""

from array import array

from persistence.shares import Share


class Schedule:
    """The messages of a share that have a deadline, the first to expire at the end of each array.

    It takes the deadlines out of the share, and is made when the first of them is due: to put
    them in order takes a quarter of a microsecond for each.
    """

    __slots__ = ("_base", "_offsets", "_ordinals", "_size", "_sizes")

    def __init__(self, share: Share) -> None:
        deadlines, share.deadlines = share.deadlines, None
        # Of one body, where all are of one size.
        self._size = share.octets // len(share.ordinals)
        self._sizes: array[int] | None = None
        if deadlines is None:
            # All have the same one.
            assert share.earliest is not None  # else nothing of it is ever due
            self._base = share.earliest
            self._offsets = array("I", bytes(4 * len(share.ordinals)))
            self._ordinals = array("H", reversed(share.ordinals))
            return
        offsets, never, ordinals = deadlines.offsets, deadlines.never, share.ordinals
        order = [n for n, offset in enumerate(offsets) if offset != never]
        order.sort(key=offsets.__getitem__, reverse=True)
        self._base = deadlines.base
        self._offsets = array(offsets.typecode, [offsets[n] for n in order])
        self._ordinals = array("H", [ordinals[n] for n in order])
        if deadlines.sizes is not None:
            sizes = deadlines.sizes
            self._sizes = array("I", [sizes[n] for n in order])

    @staticmethod
    def knows(share: Share) -> bool:
        """Whether the deadlines of a share are known: not where an older broker wrote it."""
        return share.deadlines is not None or share.earliest == share.latest

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def first(self) -> int | None:
        """The next deadline, None where nothing is left."""
        return self._base + self._offsets[-1] if self._offsets else None

    def take(self, now: int, *, ahead: int = 0) -> tuple[list[int], int]:
        """Takes out what is over by `now`, or else will be next, `ahead` of that at least.

        Gives the ordinals, which rise, and how many octets the bodies have.
        """
        offsets, most = self._offsets, now - self._base
        count, there = 0, len(offsets)
        while count < there and (count < ahead or offsets[there - 1 - count] <= most):
            count += 1
        if not count:
            return [], 0
        ordinals = sorted(self._ordinals[-count:])
        octets = count * self._size
        if self._sizes is not None:
            octets = sum(self._sizes[-count:])
            del self._sizes[-count:]
        del offsets[-count:], self._ordinals[-count:]
        return ordinals, octets
