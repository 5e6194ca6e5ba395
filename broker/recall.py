"""Messages made of what the disk has of them.

Here: at start, and when a long queue reads back.  Not here: how blobs look
(persistence/record.py), when they are read.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from broker.amqp import content
from broker.amqp.content import ContentHeader
from broker.message import Message, QueuedMessage, Route, restored_route
from persistence import record
from persistence.shares import Share

if TYPE_CHECKING:
    from persistence.message_log import Batch

# How many routes and headers are remembered: a backlog repeats itself as a publisher does.
REMEMBERED = 4096

_NEW_ENTRY, _NEW_MESSAGE = QueuedMessage.__new__, Message.__new__


class Recall:
    """Makes messages."""

    __slots__ = ("_headers", "_known", "_routes")

    def __init__(self) -> None:
        self._routes: dict[bytes, Route] = {}
        self._headers: dict[bytes, ContentHeader] = {}
        # Route and header by both in one piece.
        self._known: dict[bytes, tuple[Route, ContentHeader]] = {}

    def message(self, stored: record.Record) -> Message:
        """That of a record."""
        return Message(*self._parts(stored.route, stored.header, stored.flags), stored.body)

    def entries(self, queue: object, share: Share, blob: bytes) -> list[QueuedMessage]:
        """The messages of a share of `queue` in a blob that was checked; raises Damaged."""
        alike = record.alike(blob, share.ordinals)
        if alike is not None:
            return self._build_alike(queue, share, alike)
        return self.build(queue, share.batch, record.extract(blob, share.ordinals))

    # In both that follow the attributes are set here instead of by __init__: calling that for
    # each message and each entry would be a third of the time.

    def _build_alike(self, queue: Any, share: Share, alike: record.Alike) -> list[QueuedMessage]:
        batch, ordinals = share.batch, share.ordinals
        kept = None if batch.spilled else batch
        route, header = self._look_up(alike.start, alike.flags)
        entries = list(map(_NEW_ENTRY, repeat(QueuedMessage, len(ordinals))))
        messages = map(_NEW_MESSAGE, repeat(Message))
        for ordinal, (position, body), entry, message in zip(
            ordinals, alike.rows, entries, messages, strict=False
        ):
            message.route = route
            message.header = header
            message.body = body
            entry.message = message
            entry.queue = queue
            entry.position = position
            entry.deadline = None
            entry.batch = kept
            entry.ref = ordinal
            entry.returns = 0
        _count_returns(batch, entries)
        return entries

    def build(
        self, queue: Any, batch: "Batch", found: Sequence[record.Extract]
    ) -> list[QueuedMessage]:
        """Messages of `queue` made of what was found of them in the blob of a batch."""
        entries = list(map(_NEW_ENTRY, repeat(QueuedMessage, len(found))))
        messages = map(_NEW_MESSAGE, repeat(Message))
        last_shape = last = b""
        kept = None if batch.spilled else batch
        route: Route
        header: ContentHeader
        for (shape, ordinal, position, deadline, start, body), entry, message in zip(
            found, entries, messages, strict=False
        ):
            # Neighbours are mostly alike.
            if start != last or shape != last_shape:
                route, header = self._look_up(start, record.flags_of(shape))
                last_shape, last = shape, start
            message.route = route
            message.header = header
            message.body = body
            entry.message = message
            entry.queue = queue
            entry.position = position
            entry.deadline = deadline - 1 if deadline else None
            entry.batch = kept
            entry.ref = ordinal
            entry.returns = 0
        _count_returns(batch, entries)
        return entries

    def _look_up(self, start: bytes, flags: int) -> tuple[Route, ContentHeader]:
        found = self._known.get(start)
        if found is not None and not flags:
            return found
        split = 1 + start[0]
        split += 1 + start[split]
        found = self._parts(start[:split], start[split:], flags)
        if found[1].repeats and not flags:
            _remember(self._known, start, found)
        return found

    def _parts(self, route: bytes, header: bytes, flags: int) -> tuple[Route, ContentHeader]:
        if not flags & record.HIDDEN:
            return self._route(route), self._header(header, flags)
        header, hidden = record.split_hidden(header)
        return restored_route(route, hidden), self._header(header, flags)

    def _route(self, raw: bytes) -> Route:
        route = self._routes.get(raw)
        if route is None:
            route = restored_route(raw)
            _remember(self._routes, raw, route)
        return route

    def _header(self, payload: bytes, flags: int) -> ContentHeader:
        header = self._headers.get(payload)
        if header is None:
            header = content.parse(payload)
            if flags & record.DIED:
                header.died = True
            elif header.repeats:
                _remember(self._headers, payload, header)
        return header


def _count_returns(batch: "Batch", entries: list[QueuedMessage]) -> None:
    if batch.returned:
        for entry in entries:
            entry.returns = batch.returned.get(entry.ref, 0)


def _remember(cache: dict, key: bytes, value: object) -> None:  # type: ignore[type-arg]
    if len(cache) >= REMEMBERED:
        cache.clear()
    cache[key] = value
