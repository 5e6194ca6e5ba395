"""Tracing: a copy of every message that is published or delivered in a virtual host (spec 10.6).

Here: what the copies look like, and sending them to the exchange for traces.
Not here: when a message passes by, which is asked only while tracing is on;
until then nobody imports this.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from broker.amqp import content, properties
from broker.amqp.content import ContentHeader
from broker.message import Message, QueuedMessage, Routable, Route, headers_of
from exchanges import routing
from exchanges.tables import Field, Table

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.queue import Queue

EXCHANGE = "amq.rabbitmq.trace"
MAX_SIGNED = 2**31 - 1
MAX_KEY = 255


def published(
    channel: "Channel", message: Message, keys: Iterable[str], queues: Sequence["Queue"]
) -> None:
    """A message was published and goes to these queues."""
    facts = _facts(channel, message, keys)
    facts["routed_queues"] = _strings(queue.name for queue in queues if not queue.waits)
    _send(channel, f"publish.{message.route.exchange}", message, facts)


def delivered(channel: "Channel", queue: "Queue", message: Message, redelivered: bool) -> None:
    """A message goes from `queue` to a consumer, or to who asked for it."""
    if message.route.exchange == EXCHANGE:
        return  # else each trace would make another
    tag, copies = headers_of(message.header).get("CC", ("V", None))
    keys = [message.route.routing_key]
    if tag == "A":
        keys += [key for kind, key in copies if kind == "S"]
    facts = _facts(channel, message, keys)
    facts["redelivered"] = ("I", int(redelivered))
    _send(channel, f"deliver.{queue.name}", message, facts)


def tap(
    pop: Callable[[], QueuedMessage], channel: "Channel", queue: "Queue"
) -> Callable[[], QueuedMessage]:
    """As `pop` of the ready messages of `queue`, but what it takes counts as delivered."""

    def tapped() -> QueuedMessage:
        entry = pop()
        if entry.deadline is None or entry.deadline >= queue.turn.now():
            delivered(channel, queue, entry.message, entry.returns > 0)
        return entry

    return tapped


def _facts(channel: "Channel", message: Message, keys: Iterable[str]) -> Table:
    connection = channel.connection
    return {
        "exchange_name": ("S", message.route.exchange),
        "routing_keys": _strings(keys),
        "properties": ("F", _properties(message.header)),
        "node": ("S", connection.context.identity.cluster_name),
        "vhost": ("S", channel.vhost.name),
        "connection": ("S", connection.name),
        "channel": ("I", channel.number),
        "user": ("S", connection.user.name),
    }


def _strings(texts: Iterable[str]) -> Field:
    return "A", [("S", text) for text in texts]


def _properties(header: ContentHeader) -> Table:
    decoded = properties.decode(header.payload)
    values = ((name, getattr(decoded, name)) for name in properties.BasicProperties.__slots__)
    return {name: _field(value) for name, value in values if value is not None}


def _field(value: str | int | Table) -> Field:
    if isinstance(value, str):
        return "S", value
    if isinstance(value, int):
        return ("I" if value <= MAX_SIGNED else "l"), value
    return "F", value


def _send(channel: "Channel", key: str, message: Message, facts: Table) -> None:
    exchange = channel.vhost.exchanges.get(EXCHANGE)
    if exchange is None or not exchange.bindings:
        return
    wanted = properties.BasicProperties(headers=facts)
    header = content.parse(properties.encode(wanted, message.header.body_size))
    trace = Message(Route(EXCHANGE, _cut(key)), header, message.body)
    routable = Routable((trace.route.routing_key,), header, trace)
    for queue in routing.find(exchange, routable, channel.vhost.exchanges.get)[0]:
        queue.offer(trace)


def _cut(key: str) -> str:
    # A routing key is a short string, and the name in it may be as long as one.
    raw = key.encode("utf-8", "surrogateescape")
    return raw[:MAX_KEY].decode("utf-8", "surrogateescape")
