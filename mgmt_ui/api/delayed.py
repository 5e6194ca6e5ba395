"""Messages that wait in an x-delayed-message exchange: listed, counted, cancelled."""

from functools import partial
from typing import Any

from broker.delayed import Room
from broker.message import QueuedMessage
from broker.yielding import Breather
from mgmt_ui import message_filters
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.message_rows import Look, content
from mgmt_ui.paging import Listing, Row
from mgmt_ui.payload import Payload

MOST = 1000
FURTHEST = 10_000
"""How far into the future of an exchange its list reaches, in messages."""


def _room(call: Call) -> Room:
    room = call.exchange.room
    if not isinstance(room, Room):
        raise bad_request("only exchanges of type x-delayed-message have messages that wait")
    return room


def show(call: Call) -> Listing[QueuedMessage]:
    """GET /exchanges/:vhost/:name/delayed: what waits, in the order in which it is due.

    `offset` and `count` say which; how many there are, the exchange tells as messages_delayed.
    """
    room, look = _room(call), Look.of_query(call.query)
    call.authorise("read", "exchange", call.exchange.name)
    query = Payload(dict(call.query))
    count, offset = query.integer("count", 100), query.integer("offset", 0)
    if not 0 <= count <= MOST or not 0 <= offset <= FURTHEST:
        raise bad_request(f"count is from 0 to {MOST}, offset from 0 to {FURTHEST}")
    found = room.next_due(offset + count)[offset:]
    now = call.server.clock.now_ms()
    return Listing(found, _id, partial(_describe, look, now), slice=20)


def _id(entry: QueuedMessage) -> str:
    return str(entry.position)


def _describe(look: Look, now: int, entry: QueuedMessage) -> Row:
    due = entry.deadline or now
    return {
        "id": _id(entry),
        "due_at": due,
        "due_in": max(0, due - now) / 1000,
        **content(entry.message, look),
    }


async def cancel(call: Call) -> dict[str, Any]:
    """POST /exchanges/:vhost/:name/delayed/cancel: those that a filter fits are dropped.

    With `dry_run` they are only counted.
    """
    body = await call.body()
    room, wanted = _room(call), message_filters.parse(body, required=True)
    call.authorise("configure", "exchange", call.exchange.name)
    if wanted.older_than is not None or wanted.newer_than is not None:
        raise bad_request("how long messages have been waiting is not known")
    dry = body.boolean("dry_run")
    clock = call.server.clock
    breather, now = Breather(clock), clock.now_ms()
    matched = cancelled = scanned = 0
    for _, _, entry in room.waiting():
        if entry.deadline is None:
            continue
        scanned += 1
        if await wanted.fits(entry, now, breather) and entry.deadline is not None:
            matched += 1
            cancelled += 0 if dry else room.cancel((entry,))
    await call.stored()
    return {"scanned": scanned, "matched": matched, "cancelled": cancelled}


async def delete(call: Call) -> Answer:
    """DELETE /exchanges/:vhost/:name/delayed/:id: one message is dropped."""
    room = _room(call)
    call.authorise("configure", "exchange", call.exchange.name)
    breather = Breather(call.server.clock)
    for _, position, entry in room.waiting():
        await breather.breathe()
        if str(position) == call.path["id"]:
            if not room.cancel((entry,)):
                break
            await call.stored()
            return DONE
    raise not_found()
