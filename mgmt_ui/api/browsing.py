"""Looking into a queue without touching it: peek and search."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from broker.browse import Cursor, Found, batches
from broker.message_filter import Filter
from broker.yielding import Breather
from mgmt_ui import message_filters, message_rows
from mgmt_ui.answer import Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request
from mgmt_ui.message_rows import MOST_OCTETS, Look
from mgmt_ui.payload import Payload

if TYPE_CHECKING:
    from broker.queue import Queue

JSON = {"content-type": "application/json"}
MOST = 1000
"""Messages in one answer."""

MOST_SCANNED = 1_000_000
SCANNED = 100_000
# Seconds after which a search gives what it has found.
PATIENCE = 3.0


def readable(call: Call) -> "Queue":
    """The queue of the path for somebody who may read it.

    Raises NotFound, AccessRefused, and ResourceLocked where it is exclusive to a connection.
    """
    queue = call.queue
    call.authorise("read", "queue", queue.name)
    return call.vhost.queue(queue.name)


async def peek(call: Call) -> Answer:
    """GET /queues/:vhost/:name/peek: messages where they stand, without touching them.

    `offset` and `count` say which, of unacked and ready ones or, with `state`, of either;
    `truncate` is how many octets of a body are shown, `encoding` auto or base64.
    """
    queue, look = readable(call), Look.of_query(call.query)
    query = Payload(dict(call.query))
    count, offset = query.integer("count", 10), query.integer("offset", 0)
    if not 0 <= count <= MOST or offset < 0:
        raise bad_request(f"count is from 0 to {MOST}, offset from 0 on")
    found: list[Found] = []
    octets = MOST_OCTETS
    if count:
        there = batches(queue, call.server.connections, states=look.states, offset=offset)
        async with aclosing(there):
            async for batch in there:
                for each in batch[: count - len(found)]:
                    if octets <= 0:
                        break
                    octets -= look.octets(each)
                    found.append(each)
                if len(found) >= count or octets <= 0:
                    break
    breather = Breather(call.server.clock)
    return Answer(await message_rows.dumped(call, look, found, breather), headers=JSON)


async def search(call: Call) -> Answer:
    """POST /queues/:vhost/:name/search: the messages that a filter fits.

    At most `count` of them, after a look at `scan` messages or a few seconds; `cursor` in the
    answer, null at the end, is what to send to go on.
    """
    body = await call.body()
    queue, look, wanted = readable(call), Look(body), message_filters.parse(body)
    count, scan = body.integer("count", 100), body.integer("scan", SCANNED)
    if not 1 <= count <= MOST or not 1 <= scan <= MOST_SCANNED:
        raise bad_request(f"count is from 1 to {MOST}, scan from 1 to {MOST_SCANNED}")
    first, end = wanted.stretch
    there = batches(
        queue,
        call.server.connections,
        states=look.states,
        start=_start(body),
        first=first,
        end=end,
    )
    async with aclosing(there):
        found, head = await _find(call, look, there, wanted, count, scan)
    rows = await message_rows.dumped(call, look, found, Breather(call.server.clock))
    return Answer(message_rows.shown(head, rows), headers=JSON)


async def _find(
    call: Call,
    look: Look,
    there: AsyncIterator[list[Found]],
    wanted: Filter,
    count: int,
    scan: int,
) -> tuple[list[Found], dict[str, Any]]:
    clock = call.server.clock
    breather, until = Breather(clock), clock.monotonic() + PATIENCE
    found: list[Found] = []
    scanned, octets, now = 0, MOST_OCTETS, clock.now_ms()
    cursor: str | None = None
    async for batch in there:
        for each in batch:
            enough = len(found) >= count or octets <= 0 or scanned >= scan
            if enough or (scanned and clock.monotonic() >= until):
                cursor = str(each.place)
                break
            scanned += 1
            if await wanted.fits(each.entry, now, breather):
                octets -= look.octets(each)
                found.append(each)
        if cursor is not None:
            break
    return found, {"scanned": scanned, "matched": len(found), "cursor": cursor}


def _start(body: Payload) -> Cursor:
    text = body.get("cursor")
    if text is None:
        return Cursor()
    try:
        return Cursor.parse(body.string("cursor"))
    except ValueError:
        raise bad_request("cursor is not one that a search has given") from None
