"""Which messages are wanted: the one filter of searches, deletions, moves and redrives.

Here: whether a message fits.  Not here: where messages are found (browse.py),
how a filter looks in a request (mgmt_ui).
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from broker import ages
from broker.amqp import properties
from broker.amqp.tables import Table
from broker.message import Body, Message, QueuedMessage, encode_name, headers_of
from broker.yielding import Breather
from vhosts.plain_tables import plain_field

# A body is searched in pieces of this, with a look at the time in between.
WINDOW = 256 << 10


@dataclass(slots=True)
class Filter:
    """All that is given must be so; an empty filter fits every message.

    `properties` are text properties by their names with underscores.  `headers` are values as
    JSON has them: a text fits a number or boolean that is written so, None any value.  `body` are
    octets that are somewhere in the body.  Ages are milliseconds in the queue.  `death_queue` and
    `death_reason` are those of the last death of a dead letter.  `positions` are where messages
    stand in their queue, for those that somebody has picked.
    """

    routing_key: str | None = None
    exchange: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    older_than: int | None = None
    newer_than: int | None = None
    redelivered: bool | None = None
    death_queue: str | None = None
    death_reason: str | None = None
    positions: Set[int] | None = None

    @property
    def stretch(self) -> tuple[int, int | None]:
        """The positions from which on and before which messages have to be looked at."""
        if self.positions is None:
            return 0, None
        return min(self.positions, default=0), max(self.positions, default=-1) + 1

    async def fits(self, entry: QueuedMessage, now: int, breather: Breather) -> bool:
        """Whether a message is wanted; `now` is clock milliseconds."""
        await breather.breathe()
        return self._outside(entry, now) and (
            not self.body or await _contains(entry.message.body, self.body, breather)
        )

    def _outside(self, entry: QueuedMessage, now: int) -> bool:
        if self.positions is not None and entry.position not in self.positions:
            return False
        message = entry.message
        route = message.route
        if self.routing_key is not None and route.routing_key != self.routing_key:
            return False
        if self.exchange is not None and route.exchange != self.exchange:
            return False
        if self.redelivered is not None and (entry.returns > 0) != self.redelivered:
            return False
        if self.older_than is not None or self.newer_than is not None:
            age = now - ages.since(entry, now)
            if self.older_than is not None and age < self.older_than:
                return False
            if self.newer_than is not None and age > self.newer_than:
                return False
        return self._inside(message)

    def _inside(self, message: Message) -> bool:
        if self.properties and not self._has_properties(message):
            return False
        if self.headers and not self._has_headers(message):
            return False
        if self.death_queue is None and self.death_reason is None:
            return True
        death = last_death(message) or {}
        queue, reason = death.get("queue", ("V", None))[1], death.get("reason", ("V", None))[1]
        return self.death_queue in (None, queue) and self.death_reason in (None, reason)

    def _has_properties(self, message: Message) -> bool:
        payload = message.header.payload
        # Most messages are told apart without taking them to pieces.
        if not all(encode_name(value) in payload for value in self.properties.values()):
            return False
        found = properties.decode(payload)
        return all(getattr(found, name) == value for name, value in self.properties.items())

    def _has_headers(self, message: Message) -> bool:
        payload = message.header.payload
        if not all(encode_name(name) in payload for name in self.headers):
            return False
        table = headers_of(message.header)
        return all(
            name in table and _equal(plain_field(*table[name]), value)
            for name, value in self.headers.items()
        )


def last_death(message: Message, headers: Table | None = None) -> dict[str, tuple[str, Any]] | None:
    """The newest entry of the x-death header that the broker wrote; None where it wrote none.

    `headers` are those of the message, where they are known.
    """
    if not message.header.died:
        return None
    tag, deaths = (headers_of(message.header) if headers is None else headers).get(
        "x-death", ("V", None)
    )
    death: dict[str, tuple[str, Any]] | None = deaths[0][1] if tag == "A" and deaths else None
    return death


def _equal(found: Any, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, str) and not isinstance(found, str):
        written = str(found).lower() if isinstance(found, bool) else str(found)
        return isinstance(found, bool | int | float) and written == wanted
    # True is 1 in Python, and is not in a message.
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


async def _contains(body: Body, wanted: bytes, breather: Breather) -> bool:
    whole = body if isinstance(body, bytes) else b"".join(body)
    for start in range(0, len(whole), WINDOW):
        if whole.find(wanted, start, start + WINDOW + len(wanted) - 1) >= 0:
            return True
        await breather.breathe()
    return False
