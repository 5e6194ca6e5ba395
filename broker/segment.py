"""A piece of a long queue's middle.

Here: what is known of it.  Not here: what is done with it (paged.py).
"""

from typing import Any

from broker.message import QueuedMessage
from broker.schedule import Schedule
from persistence.shares import Share


class Segment:
    """A piece of the middle: `share` is on the disk, `others` in memory, among it by position.

    Without a share all of it is in memory.  `blob` is the batch once it was read; `asked` says
    that it is being read, `earliest` the first deadline in it, None for none; `schedule` has those
    of the share once the first of them was due.  `copies` are of what is on the disk, made of the
    batch that is the `glimpse`, while so many as `watched` look at them (paged_look.py).
    """

    __slots__ = (
        "asked",
        "blob",
        "copies",
        "earliest",
        "glimpse",
        "others",
        "schedule",
        "share",
        "watched",
    )

    def __init__(self, share: Share | None, others: list[QueuedMessage]) -> None:
        self.share = share
        self.others = others
        self.asked = False
        self.blob: Any = None
        self.copies: list[QueuedMessage] | None = None
        self.glimpse: Any = None
        self.watched = 0
        self.schedule: Schedule | None = None
        self.earliest: int | None = None
        self.find_earliest()

    def find_earliest(self) -> None:
        """Looks at the deadlines anew."""
        deadlines = [entry.deadline for entry in self.others if entry.deadline is not None]
        if (on_disk := self.due_on_disk()) is not None:
            deadlines.append(on_disk)
        self.earliest = min(deadlines, default=None)

    def due_on_disk(self) -> int | None:
        """The first deadline of what is on the disk, None for none."""
        if self.share is None:
            return None
        return self.share.earliest if self.schedule is None else self.schedule.first

    def leave(self) -> None:
        """Something else has its messages from now on."""
        self.reduce(None)
        self.others, self.earliest = [], None

    def reduce(self, share: Share | None) -> None:
        """So much is left of its share."""
        self.share = share
        self.copies = None
        if share is None:
            self.schedule = self.blob = None

    def __len__(self) -> int:
        return len(self.others) + (0 if self.share is None else len(self.share.ordinals))

    @property
    def first(self) -> int:
        """The lowest position in it."""
        positions = [entry.position for entry in self.others[:1]]
        if self.share is not None:
            positions.append(self.share.first)
        return min(positions)

    @property
    def last(self) -> int:
        """The highest position in it."""
        positions = [entry.position for entry in self.others[-1:]]
        if self.share is not None:
            positions.append(self.share.last)
        return max(positions)

    def seen(self) -> list[QueuedMessage]:
        """All its messages in order, with copies of those that are on the disk."""
        if not self.others:
            return self.copies or []
        return sorted([*self.others, *(self.copies or ())], key=_position)

    @property
    def readable(self) -> bool:
        """Whether nothing has to be read for it (any more)."""
        return self.share is None or self.blob is not None

    @property
    def rests(self) -> bool:
        """Whether all of it is on the disk only, and nobody reads it or looks at it."""
        idle = self.share is not None and not self.others and not self.asked and not self.watched
        return idle and self.blob is None and self.copies is None and self.glimpse is None


def _position(entry: QueuedMessage) -> int:
    return entry.position
