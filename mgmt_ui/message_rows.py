"""Messages of a queue as JSON, as they stand there: for peeking and searching.

Unlike what `get` shows, which is as a consumer would see it, with the queue behind it.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from broker import ages
from broker.browse import STATES, UNACKED, Found
from broker.returns import counted
from broker.yielding import Breather
from mgmt_ui.api.messages import shown_properties
from mgmt_ui.body import dump
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request
from mgmt_ui.paging import Row
from mgmt_ui.payload import Payload
from mgmt_ui.references import channel_details

if TYPE_CHECKING:
    from broker.message import Message, QueuedMessage

TRUNCATE = 50_000
"""Octets of a body that are shown where nothing else is asked for."""

MOST_OCTETS = 16 << 20
"""Octets of bodies in one answer, about, after which no further message is shown."""


class Look:
    """How messages are to be shown: `encoding` auto or base64, `truncate` octets of each body.

    `states` are those that are wanted. Read from a query or a body; ApiError 400.
    """

    __slots__ = ("encoding", "states", "truncate")

    def __init__(self, given: Payload) -> None:
        self.encoding = given.string("encoding", "auto")
        if self.encoding not in ("auto", "base64"):
            raise bad_request("Unsupported encoding. Please use auto or base64.")
        self.truncate = max(0, given.integer("truncate", TRUNCATE))
        state = given.string("state", "all")
        if state != "all" and state not in STATES:
            raise bad_request(f"unknown state: {state}; there are all, {', '.join(STATES)}")
        self.states = STATES if state == "all" else (state,)

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> "Look":
        """The same from the query of a GET."""
        return cls(Payload(dict(query)))

    def octets(self, found: Found) -> int:
        """How much of a body this shows."""
        return min(self.truncate, found.entry.message.header.body_size)


def describe(call: Call, look: Look, now: int, found: Found) -> Row:
    """A message where it stands; `now` is clock milliseconds."""
    entry, queue = found.entry, found.entry.queue
    message = counted(entry) if entry.returns and queue.counts_returns else entry.message
    stream = queue.settings.queue_type == "stream"
    row: Row = {
        "place": str(found.place),
        "position": entry.position,
        "state": found.state,
        "age": max(0, now - ages.since(entry, now)) / 1000,
        "redelivered": entry.returns > 0 or found.state == UNACKED,
        **content(message, look),
    }
    if stream:
        row["offset"] = entry.position
    elif entry.deadline is not None:
        row["expires_in"] = max(0, entry.deadline - now)
    if found.state == UNACKED:
        row |= _holder(call, entry)
    return row


def content(message: "Message", look: Look) -> Row:
    """What is in a message and where it was published."""
    size = message.header.body_size
    body = message.body if isinstance(message.body, bytes) else b"".join(message.body)
    text, how = _encoded(body[: look.truncate], look.encoding, whole=size <= look.truncate)
    return {
        "exchange": message.route.exchange,
        "routing_key": message.route.routing_key,
        "properties": shown_properties(message),
        "payload_bytes": size,
        "payload": text,
        "payload_encoding": how,
        "truncated": size > look.truncate,
    }


def _encoded(body: bytes, encoding: str, *, whole: bool) -> tuple[str, str]:
    if encoding == "auto":
        try:
            return body.decode("utf-8"), "string"
        except UnicodeDecodeError as error:
            # It may have been cut within a character.
            if not whole and error.reason == "unexpected end of data":
                return body[: error.start].decode("utf-8"), "string"
    return base64.b64encode(body).decode(), "base64"


def _holder(call: Call, entry: "QueuedMessage") -> Row:
    row: Row = {"delivery_tag": entry.tag, "consumer_tag": ""}
    if entry.consumer is not None:
        row["consumer_tag"] = entry.consumer.tag
        row["channel_details"] = channel_details(call, entry.consumer.channel)
    return row


async def dumped(call: Call, look: Look, found: Iterable[Found], breather: Breather) -> bytes:
    """A JSON array of messages, made while others have their turns."""
    rows: list[bytes] = []
    now = call.server.clock.now_ms()
    for each in found:
        rows.append(dump(describe(call, look, now, each)))
        await breather.breathe()
    return b"[" + b",".join(rows) + b"]"


def shown(value: Any, rows: bytes) -> bytes:
    """A JSON object with these members, and `items`."""
    head = dump(value)
    return head[:-1] + (b"," if len(head) > 2 else b"") + b'"items":' + rows + b"}"
