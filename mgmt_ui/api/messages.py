"""Publish and get over HTTP (spec 2.7), and messages as JSON."""

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from broker.amqp import properties
from broker.local_client import LocalClient
from broker.replies import translate
from broker.returns import FAILED, RETURNED, counted
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.fields import plain, typed
from mgmt_ui.paging import Listing, Row
from mgmt_ui.payload import Payload, wrong_type, wrong_value
from mgmt_ui.turns import next_turn
from vhosts.errors import BrokerError

if TYPE_CHECKING:
    from broker.message import Message, QueuedMessage
    from broker.queue import Queue

    Taken = tuple[QueuedMessage, int]

MOST = 10_000
"""Messages that one get gives at most."""

MOST_OCTETS = 16 << 20
"""And the octets of their bodies, after which no further one is fetched."""

# How many are fetched, and about how many octets are written, before others have their turn.
SLICE, SLICE_OCTETS = 500, 256 << 10

# A member of `properties`, and how JSON gives it.
INTEGERS = ("delivery_mode", "priority", "timestamp")
TEXTS = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)
LARGEST = {"delivery_mode": 255, "priority": 255, "timestamp": (1 << 64) - 1}
# ackmode -> whether messages go back to their queue, whether they are rejected.
MODES = {
    "ack_requeue_true": (True, False),
    "reject_requeue_true": (True, True),
    "ack_requeue_false": (False, False),
    "reject_requeue_false": (False, True),
}
NOT_TAKEN = "rejected Unable to publish message. Check queue limits."


class Fetched(NamedTuple):
    """A message as it was fetched, with how many were left behind it in its queue."""

    message: "Message"
    redelivered: bool
    left: int


def client(call: Call) -> LocalClient:
    """The user of a request as a client of the broker."""
    return LocalClient(call.server.context, call.vhost, call.user, call.authorise)


async def publish(call: Call) -> dict[str, bool]:
    """POST /exchanges/:vhost/:name/publish: answered when the message is safe."""
    body = await call.body()
    body.require("routing_key", "properties", "payload", "payload_encoding")
    content = _content(body)
    given = parse_properties(Payload(body.object("properties")))
    key = body.short("routing_key")
    try:
        routed, taken = client(call).publish(call.exchange_name, key, given, content)
    except BrokerError as error:
        raise amqp_refusal(error) from None
    if not taken:
        raise bad_request(NOT_TAKEN)
    await call.stored()
    return {"routed": routed}


def amqp_refusal(error: BrokerError) -> ApiError:
    """400 with what AMQP would say, code and all."""
    reply = translate(error)
    return bad_request(f"{reply.code} {reply.text}")


def _content(body: Payload) -> bytes:
    payload, encoding = body.get("payload"), body.get("payload_encoding")
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == "string":
        return payload.encode()
    if encoding != "base64":
        raise wrong_value("unsupported_encoding", encoding, "payload_encoding")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise wrong_value("not_base64", payload, "payload") from None


def parse_properties(given: Payload) -> properties.BasicProperties:
    """The properties of a message to publish; ApiError 400 for what they cannot hold."""
    members: dict[str, Any] = {}
    for name in INTEGERS:
        if name in given:
            # Unlike counts, no texts: RabbitMQ refuses them.
            members[name] = value = given.integer(name)
            if isinstance(given.get(name), str) or not 0 <= value <= LARGEST[name]:
                raise wrong_type("not_int", name)
    for name in TEXTS:
        if name in given:
            members[name] = given.short(name)
    if "headers" in given:
        members["headers"] = typed(given.object("headers"))
    return properties.BasicProperties(**members)


async def get(call: Call) -> Listing[Fetched]:
    """POST /queues/:vhost/:name/get: up to `count` messages, put back only once all are taken."""
    body = await call.body()
    body.require("ackmode", "count", "encoding")
    count, mode, encoding = body.integer("count"), body.string("ackmode"), body.get("encoding")
    if encoding not in ("auto", "base64"):
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    if mode not in MODES:
        raise wrong_value("unknown_ackmode", mode, "ackmode")
    truncate = body.integer("truncate") if "truncate" in body else None
    call.authorise("read", "queue", call.path["name"])
    reader = client(call)
    back, reject = MODES[mode]
    try:
        # An exclusive queue belongs to its connection alone.
        queue = call.vhost.queue(call.path["name"])
        taken = await _take(reader, queue, MOST if count < 0 else min(count, MOST))
    except BrokerError as error:
        raise _get_refusal(error) from None
    fetched = [Fetched(_as_delivered(entry), entry.returns > 0, left) for entry, left in taken]
    entries = [entry for entry, _ in taken]
    if back:
        reader.give_back(entries, FAILED if reject else RETURNED)
    else:
        reader.settle(entries, reject=reject)
    await call.stored()
    sizes = sum(each.message.header.body_size for each in fetched)
    return Listing(
        fetched,
        lambda each: each.message.route.routing_key,
        partial(_show, encoding, truncate),
        slice=max(1, min(50, len(fetched) * SLICE_OCTETS // (sizes + 1))),
    )


async def _take(reader: LocalClient, queue: "Queue", count: int) -> "list[Taken]":
    # All are taken before the first goes back, so that none comes twice.
    taken: list[Taken] = []
    octets = MOST_OCTETS
    try:
        while count > 0:
            await reader.wait_for(queue)
            found = reader.take(queue, min(count, SLICE), octets)
            taken += found
            if len(found) < min(count, SLICE) and not queue.must_wait():
                break
            count -= len(found)
            octets -= sum(entry.message.header.body_size for entry, _ in found)
            await next_turn()
    except BaseException:
        reader.give_back([entry for entry, _ in taken], RETURNED)
        raise
    return taken


def _get_refusal(error: BrokerError) -> ApiError:
    reply = translate(error)
    if reply.code == 404:
        return ApiError(404, "not_found", reply.text)
    return bad_request(f"{reply.code} {reply.text}")


def _as_delivered(entry: "QueuedMessage") -> "Message":
    return counted(entry) if entry.returns and entry.queue.counts_returns else entry.message


def _show(encoding: str, truncate: int | None, fetched: Fetched) -> Row:
    message = fetched.message
    body = octets(message)
    text, how = encode(body if truncate is None else body[: max(truncate, 0)], encoding)
    return {
        "payload_bytes": len(body),
        "redelivered": fetched.redelivered,
        "exchange": message.route.exchange,
        "routing_key": message.route.routing_key,
        "message_count": fetched.left,
        "properties": shown_properties(message),
        "payload": text,
        "payload_encoding": how,
    }


def octets(message: "Message") -> bytes:
    """The body in one piece."""
    body = message.body
    return body if isinstance(body, bytes) else b"".join(body)


def encode(body: bytes, encoding: str) -> tuple[str, str]:
    """Text where it is asked for and can be, else base64; and which it is."""
    if encoding == "auto":
        try:
            return body.decode("utf-8"), "string"
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), "base64"


def shown_properties(message: "Message") -> dict[str, Any] | list[Any]:
    """The properties that are there; an empty array where none are, as RabbitMQ shows it."""
    decoded = properties.decode(message.header.payload)
    shown = {
        name: getattr(decoded, name)
        for name in (*TEXTS, *INTEGERS)
        if getattr(decoded, name) is not None
    }
    if decoded.headers is not None:
        shown["headers"] = plain(decoded.headers)
    return shown or []
