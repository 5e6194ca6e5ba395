"""What a stream has: chunks, of which the newest are in memory and the rest on the disk.

Here: which messages are where, what leaves memory, and reading back ahead of
the readers, who share it.  Not here: the stream itself (stream.py), a single
chunk (chunk.py), how a blob becomes messages (recall.py).

Of what is on the disk only, a chunk is known by its summary: about 600 bytes
for up to thousands of messages.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from broker.chunk import Chunk
from broker.message import QueuedMessage
from broker.ready import Fifo
from persistence.reader import Blob
from persistence.shares import Share

if TYPE_CHECKING:
    from broker.queue import Queue

# So many chunks are looked at for one reader: behind a slow publisher they are small.
LOOKED_AT = 256

_first = attrgetter("first")
_newest = attrgetter("newest")


class Chunks(Fifo):
    """The retained messages of a stream, oldest first; as a Fifo it is empty.

    `all` are the chunks by offset.  A place is the offset of what is read next,
    whether there is such a message or not.
    """

    __slots__ = (
        "_cached",
        "_cached_size",
        "_closed",
        "_coming",
        "_coming_size",
        "_messages",
        "_octets",
        "_tail",
        "all",
        "open",
        "queue",
    )

    def __init__(self, queue: "Queue") -> None:
        super().__init__()
        self.queue = queue
        self.all: list[Chunk] = []
        # The one that is written to, and how many messages all others have.
        self.open: Chunk | None = None
        self._closed = 0
        # Those that have never left memory; that came back, least recently used first; that are
        # being read.  The latter two with what they take (bytes).
        self._tail: deque[Chunk] = deque()
        self._cached: dict[Chunk, int] = {}
        self._coming: dict[Chunk, int] = {}
        self._cached_size = self._coming_size = 0
        # How many and how large those are that are on the disk only.
        self._messages = self._octets = 0

    def __len__(self) -> int:
        return self._closed + (len(self.open) if self.open is not None else 0)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[QueuedMessage]:
        """Those in memory."""
        for chunk in self.all:
            yield from chunk.entries or ()

    def on_disk(self) -> tuple[int, int]:
        """How many messages are on the disk only, and the octets of their bodies."""
        return self._messages, self._octets

    def unread(self) -> Iterator[Chunk]:
        """Those that are on the disk only."""
        return (chunk for chunk in self.all if chunk.entries is None)

    # -- in ------------------------------------------------------------------------------

    def begin(self, entry: QueuedMessage) -> Chunk:
        """The next chunk, empty, for a message and those behind it in the same batch."""
        self._close()
        self.open = chunk = Chunk(entry.position, entry.batch, [])
        self.all.append(chunk)
        self._tail.append(chunk)
        return chunk

    def _close(self) -> None:
        if self.open is not None:
            self._closed += len(self.open)
            self.open = None

    def written(self, share: Share) -> None:
        """The disk has this."""
        at = self.find(share.first)
        if at < len(self.all) and self.all[at].is_all_of(share):
            self.all[at].share = share

    def restore(self, entry: QueuedMessage, octets: int) -> None:
        """A message that was read at the start; chunks may come in any order."""
        chunk = self.open
        if chunk is None or chunk.batch is not entry.batch or chunk.end != entry.position:
            chunk = self.begin(entry)
        assert chunk.entries is not None  # only what is closed leaves memory
        chunk.entries.append(entry)
        chunk.weight += octets

    def place(self, share: Share) -> None:
        """Messages that stay on the disk; chunks may come in any order."""
        self.all.append(Chunk.on_disk(share))
        self._closed += len(share.ordinals)
        self._messages += len(share.ordinals)
        self._octets += share.octets

    def sort(self) -> None:
        """All was restored."""
        self._close()
        self.all.sort(key=_first)
        self._tail = deque(chunk for chunk in self.all if chunk.entries is not None)

    # -- places --------------------------------------------------------------------------

    def find(self, place: int) -> int:
        """The index of the chunk that has this place, or of the next one."""
        at = bisect_right(self.all, place, key=_first) - 1
        return at + 1 if at < 0 or self.all[at].end <= place else at

    def at_time(self, time: int, end: int) -> tuple[int, int | None]:
        """The place of the first message published at or after `time` (clock ms), else `end`.

        With `time` again where its chunk has to be read to find it in there.
        """
        at = bisect_left(self.all, time, key=_newest)
        if at == len(self.all):
            return end, None
        chunk = self.all[at]
        if chunk.entries is not None:
            return chunk.entries[chunk.since(time)].position, None
        return chunk.first, time

    def time_of(self, place: int) -> int:
        """When the message at this place was published (clock ms), or one a little later."""
        chunk = self.all[min(self.find(place), len(self.all) - 1)]
        if chunk.entries is None:
            return chunk.newest
        return chunk.entries[chunk.index(place)].deadline or 0

    def skip(self, place: int, number: int, end: int) -> int:
        """The place that lies so many messages behind another; `end` is behind the last."""
        for chunk in islice(self.all, self.find(place), None):
            start = max(place, chunk.first)
            if number < chunk.end - start:
                return start + number
            number -= chunk.end - start
        return end + number

    def weight_of(self, first: int) -> int:
        """Octets of the messages of a chunk, with all that belongs to them."""
        at = self.find(first)
        return self.all[at].weight if at < len(self.all) else 0

    # -- out of memory -------------------------------------------------------------------

    def page_out(self, size: int, keep: int) -> None:
        """`size` bytes are in memory: the oldest go until no more than `keep` are."""
        excess = size - self._cached_size - keep
        tail = self._tail
        while excess > 0 and tail and tail[0].batch.written:
            chunk = tail.popleft()
            if chunk.share is None:
                assert chunk.entries  # it is in memory, and none is empty
                chunk.share = Share.of(chunk.batch, chunk.entries, expires=False)
            excess -= chunk.size
            self._drop(chunk)

    def _drop(self, chunk: Chunk) -> None:
        assert chunk.share is not None  # only what the disk has can go
        chunk.entries = None
        self._messages += len(chunk)
        self._octets += chunk.share.octets

    def _evict(self, chunk: Chunk) -> None:
        self._cached_size -= self._cached.pop(chunk)
        chunk.asked, chunk.blob = False, None
        if chunk.entries is not None:
            self._drop(chunk)

    def let_go(self) -> None:
        """Nobody reads any more: what came back can go."""
        for chunk in list(self._cached):
            self._evict(chunk)

    # -- and back ------------------------------------------------------------------------

    def entries_of(self, chunk: Chunk) -> list[QueuedMessage] | None:
        """Its messages, for a reader; None where they are still to be read."""
        cached = self._cached
        if chunk in cached:
            cached[chunk] = cached.pop(chunk)
            if chunk.entries is None:
                return self._make_resident(chunk)
        return chunk.entries

    def _make_resident(self, chunk: Chunk) -> list[QueuedMessage]:
        share, blob = chunk.share, chunk.blob
        assert share is not None  # it was read
        entries = self.queue.turn.pager.recall(self.queue, share, blob)
        self._messages -= len(share.ordinals)
        self._octets -= share.octets
        chunk.asked, chunk.blob, chunk.entries = False, None, entries
        if not entries:
            # It is damaged: from now on there is a hole.
            self._closed -= len(share.ordinals)
            self._cached_size -= self._cached.pop(chunk)
            self.all.remove(chunk)
        return entries

    def read_for(self, places: Iterable[int], room: int) -> None:
        """Asks for what readers at these places want soon, about `room` bytes for all together."""
        if not (self._messages or self._cached):
            return
        # With what stands before them, of the reader that is nearest.
        wanted: dict[Chunk, int] = {}
        soon: set[Chunk] = set()
        apart = dict.fromkeys(places)
        for place in apart:
            self._look_ahead(place, room // len(apart), wanted, soon)
        if not wanted:
            return
        self._make_room(room - self._coming_size - sum([chunk.size for chunk in wanted]), soon)
        ask = []
        for chunk in sorted(wanted, key=wanted.__getitem__):
            # Large batches need more than their share; one is always on its way.
            size = chunk.size
            if self._coming and self._cached_size + self._coming_size + size > 2 * room:
                break
            self._coming[chunk] = size
            self._coming_size += size
            ask.append(chunk)
        if ask:
            self.queue.turn.pager.read(self, ask)

    def _look_ahead(
        self, place: int, ahead: int, wanted: dict[Chunk, int], soon: set[Chunk]
    ) -> None:
        # What is still to be read once half of `ahead` is used up.
        edge = self._tail[0].first if self._tail else self.queue.next_position
        at = self.find(place)
        size = 0
        begun = False
        for chunk in islice(self.all, at, at + LOOKED_AT):
            if chunk.first >= edge or size > ahead:
                break
            soon.add(chunk)
            if chunk.entries is None and not chunk.asked:
                begun = begun or size <= ahead // 2
                if not begun:
                    break
                wanted[chunk] = min(size, wanted.get(chunk, size))
            size += chunk.size

    def _make_room(self, room: int, soon: set[Chunk]) -> None:
        # What was not used for longest goes, but nothing that somebody is about to read.
        for chunk in list(self._cached):
            if self._cached_size <= room:
                break
            if chunk not in soon:
                self._evict(chunk)

    def arrived(self, _: Iterable[Chunk]) -> None:
        """What was asked for was read, some of it at least."""
        for chunk in [chunk for chunk in self._coming if chunk.blob is not None]:
            size = self._coming.pop(chunk)
            self._coming_size -= size
            if chunk.kept:
                self._cached[chunk] = size
                self._cached_size += size
            else:
                chunk.blob = None

    async def look(self, place: int) -> list[QueuedMessage]:
        """For somebody who only looks: messages from a place on, copies of what is on the disk.

        Some of them; none if there are no more.
        """
        while (at := self.find(place)) < len(self.all):
            chunk = self.all[at]
            entries = chunk.entries or await self._copies(chunk)
            if found := [entry for entry in entries if entry.position >= place]:
                return found
            place = max(place, chunk.end)
        return []

    async def _copies(self, chunk: Chunk) -> list[QueuedMessage]:
        share, queue = chunk.share, self.queue
        assert share is not None  # it is on the disk
        pager = queue.turn.pager
        done: asyncio.Future[list[Blob]] = asyncio.get_running_loop().create_future()

        def arrived(blobs: list[Blob]) -> None:
            if not done.done():
                done.set_result(blobs)

        pager.fetch([share.batch], arrived)
        (blob,) = await done
        return await pager.copies(queue, share, blob)

    # -- removal -------------------------------------------------------------------------

    def end(self) -> None:
        """The stream is gone: nothing is left, and nothing refers to it."""
        self.all = []
        self.open = None
        for each in (self._tail, self._cached, self._coming):
            each.clear()
        self._closed = self._cached_size = self._coming_size = self._messages = self._octets = 0
        del self.queue

    def remove_below(self, place: int) -> list[Chunk]:
        """Takes out all below a place, without reading any of it."""
        count = 0
        for chunk in self.all:
            if chunk.end > place:
                break
            count += 1
        gone = self.all[:count]
        del self.all[:count]
        for chunk in gone:
            self._forget(chunk)
        if self.all and self.all[0].first < place:
            gone.append(self._cut(self.all[0], place))
        return gone

    def _forget(self, chunk: Chunk) -> None:
        chunk.kept = False
        if chunk is self.open:
            self.open = None
        else:
            self._closed -= len(chunk)
        if self._tail and self._tail[0] is chunk:
            self._tail.popleft()
        self._cached_size -= self._cached.pop(chunk, 0)
        if chunk.entries is None and chunk.share is not None:
            self._messages -= len(chunk)
            self._octets -= chunk.share.octets

    def _cut(self, chunk: Chunk, place: int) -> Chunk:
        front = chunk.cut(place)
        if chunk is not self.open:
            self._closed -= len(front)
        if chunk.entries is None and front.share is not None:
            self._messages -= len(front)
            self._octets -= front.share.octets
        return front
