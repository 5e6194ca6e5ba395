"""A piece of a stream: messages that one batch holds, in a row.

Here: what is known of it, in memory or not.  Not here: what is done with it
(stream_chunks.py).
"""

from bisect import bisect_left
from typing import Any

from broker.message import QueuedMessage
from persistence.shares import Share

# What a message takes in memory besides its body (bytes, measured).
OVERHEAD = 384


class Chunk:
    """Messages with one offset after the other, `first` being the first.

    `entries` are they where they are in memory, else None; `share` says what the disk has, None
    while that is not known.  `blob` is the batch once it was read; `asked` says that it is being
    read, `kept` that the stream still has it.  `weight` counts the octets that came with it.
    """

    __slots__ = ("asked", "batch", "blob", "entries", "first", "kept", "share", "weight")

    def __init__(
        self,
        first: int,
        batch: Any,
        entries: list[QueuedMessage] | None,
        share: Share | None = None,
    ) -> None:
        self.first = first
        self.batch = batch
        self.entries = entries
        self.share = share
        self.weight = 0
        self.asked = False
        self.blob: Any = None
        self.kept = True

    @classmethod
    def on_disk(cls, share: Share) -> "Chunk":
        """One that is on the disk only."""
        chunk = cls(share.first, share.batch, None, share)
        chunk.weight = share.weight
        return chunk

    def __len__(self) -> int:
        if self.entries is not None:
            return len(self.entries)
        return 0 if self.share is None else len(self.share.ordinals)

    def __bool__(self) -> bool:
        return True

    @property
    def end(self) -> int:
        """The offset behind its last message."""
        if self.entries:
            return self.entries[-1].position + 1
        return self.first if self.share is None else self.share.last + 1

    @property
    def octets(self) -> int:
        """The size of the bodies."""
        if self.share is not None:
            return self.share.octets
        return sum([entry.message.header.body_size for entry in self.entries or ()])

    @property
    def size(self) -> int:
        """What it takes in memory (bytes)."""
        return self.octets + len(self) * OVERHEAD

    @property
    def newest(self) -> int:
        """When the last message was published (clock ms)."""
        if self.entries:
            return self.entries[-1].deadline or 0
        return 0 if self.share is None else self.share.latest or 0

    @property
    def oldest(self) -> int:
        """When the first message was published (clock ms)."""
        if self.entries:
            return self.entries[0].deadline or 0
        return 0 if self.share is None else self.share.earliest or 0

    def index(self, place: int) -> int:
        """Where in `entries` the first message is that has this offset or a higher one."""
        assert self.entries is not None  # asked only of what is in memory
        return bisect_left(self.entries, place, key=_offset)

    def since(self, time: int) -> int:
        """Where in `entries` the first message is that came at or after a time (clock ms)."""
        assert self.entries is not None  # asked only of what is in memory
        return bisect_left(self.entries, time, key=_published)

    def is_all_of(self, share: Share) -> bool:
        """Whether this share is of exactly its messages."""
        same = self.batch is share.batch and self.first == share.first
        return same and len(self) == len(share.ordinals)

    def cut(self, place: int) -> "Chunk":
        """Takes off what is below a place within it, and returns that.

        Of what is not in memory nothing but the size of the whole is known: bodies of one size
        are assumed.
        """
        count = place - self.first
        front = Chunk(self.first, self.batch, None)
        if self.entries is not None:
            front.entries = self.entries[:count]
            del self.entries[:count]
        share = self.share
        if share is not None:
            octets = share.octets * count // len(share.ordinals)
            if front.entries is not None:
                octets = sum([entry.message.header.body_size for entry in front.entries])
            front.share = share.part(slice(count), share.first, place - 1, octets)
            self.share = share.part(slice(count, None), place, share.last, share.octets - octets)
        self.first = place
        return front


def _offset(entry: QueuedMessage) -> int:
    return entry.position


def _published(entry: QueuedMessage) -> int:
    return entry.deadline or 0
