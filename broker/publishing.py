"""From a basic.publish to the queues: resolving its arguments, and the checks that few need.

Here: the target of a publish (resolved once per topology, see docs/design.md, decision
3), validation of properties, CC and BCC, returns, direct reply-to.  Not here:
the steady state, which is `Channel.publish`, and routing itself (exchanges).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from broker.amqp import hot, properties
from broker.amqp.content import ContentHeader
from broker.amqp.errors import malformed_properties
from broker.message import (
    Body,
    Message,
    Routable,
    Route,
    decode_name,
    encode_name,
    headers_of,
)
from broker.served import Flow
from broker.tally import count_routed
from exchanges import routing
from exchanges.base import Binding, Table
from vhosts import errors
from vhosts.argument_checks import TYPE_NAMES
from vhosts.vhost import TOPIC

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

MANDATORY, IMMEDIATE = 1, 2
REPLY_TO = "amq.rabbitmq.reply-to"
REPLY_TO_PREFIX = REPLY_TO + "."
NO_ROUTE = (312, b"NO_ROUTE")
TEN_YEARS_MS = 315_360_000_000


class Target:
    """What the argument bytes of a basic.publish mean in one topology of the vhost.

    `queues` holds only where `fixed`, else they depend on the message.  `counts` has how many
    were published since tally.py asked, by `ContentHeader.key`.
    """

    __slots__ = (
        "_by_message",
        "counts",
        "durable",
        "exchange",
        "fixed",
        "flow",
        "limited",
        "mandatory",
        "queues",
        "route",
        "stores_all",
    )

    def __init__(self, flow: Flow, route: Route, mandatory: bool) -> None:
        self.flow = flow
        self.exchange = flow.exchange
        self.route = route
        self.counts: dict[int, int] = {}
        self.mandatory = mandatory
        self.queues: Sequence[Queue] = ()
        self.fixed = False
        self.durable = False
        self.limited = False
        self.stores_all = False
        self._by_message: Target | None = None

    def by_message(self) -> "Target":
        """The same target for messages that name routing keys of their own."""
        if not self.fixed:
            return self
        if self._by_message is None:
            self._by_message = Target(self.flow, self.route, self.mandatory)
        return self._by_message


def parse_arguments(arguments: bytes) -> tuple[str, str, int]:
    """Exchange, routing key and flag bits; IndexError where they are cut short."""
    end = 3 + arguments[2]
    exchange = arguments[3:end]
    stop = end + 1 + arguments[end]
    key = arguments[end + 1 : stop]
    bits = arguments[stop]
    if stop + 1 != len(arguments):
        raise IndexError
    return decode_name(exchange), decode_name(key), bits


def resolve(channel: "Channel", arguments: bytes) -> Target:
    """Checks and routes what a publish says about itself, in the order of spec 5.5."""
    name, key, bits = channel.decode_publish(arguments)
    if bits & IMMEDIATE:
        raise errors.NotImplementedByBroker("immediate=true")
    vhost = channel.vhost
    channel.connection.authorise("write", "exchange", name)
    exchange = vhost.exchange(name)
    if exchange.internal:
        raise errors.internal_exchange(name, vhost.name)
    if exchange.type == TOPIC:
        channel.connection.authorise.topic("write", name, key)
    target = Target(channel.flow(exchange), Route(name, key), bool(bits & MANDATORY))
    if not name and key.startswith(REPLY_TO_PREFIX):
        return target
    empty = ContentHeader(b"\0\x3c" + bytes(12), 0, 0)
    if not exchange.per_message:
        queues, target.fixed = routing.find(exchange, Routable((key,), empty), vhost.exchanges.get)
        if target.fixed:
            target.queues = tuple(queues)
            # With tracing every message has to be looked at, too.
            target.limited = vhost.tracing or any(queue.limits is not None for queue in queues)
            target.durable = any(queue.durable for queue in queues)
            target.stores_all = any(queue.stores_all for queue in queues)
    return target


def check_size(channel: "Channel", arguments: bytes, header: ContentHeader) -> None:
    """A body that was thrown away while it came was too large (spec 2.12)."""
    if channel.decode_publish(arguments)[2] & IMMEDIATE:
        raise errors.NotImplementedByBroker("immediate=true")
    limit = channel.connection.context.max_message_size
    raise errors.PreconditionFailed(
        f"message size {header.body_size} is larger than configured max size {limit}"
    )


def publish(
    channel: "Channel", target: Target, header: ContentHeader, body: Body
) -> tuple[bool, int]:
    """One message that needs a look at its properties, its route or its queues.

    Returns whether all queues took it, and the number of the commit that makes
    it safe, 0 where none is needed.
    """
    if header.malformed:
        raise malformed_properties()
    header = properties.with_portable_headers(header)
    if header.reply_to == REPLY_TO.encode():
        header = _rewrite_reply_to(channel, header)
    if header.expiration is not None:
        check_expiration(header.expiration)
    route = target.route
    keys: tuple[str, ...] = (route.routing_key,)
    if may_name_keys(header):
        route, keys, header = _copies(route, header)
        _check_topics(channel, target, keys)
    if header.user_id is not None:
        _check_user_id(channel, header.user_id)
    message = Message(route, header, body)
    if target.fixed:
        queues = target.queues
    elif _reply(channel, target, message):
        return True, 0
    else:
        routable = Routable(keys, header, message)
        queues, _ = routing.find(target.exchange, routable, channel.vhost.exchanges.get)
        if channel.transaction is None:
            count_routed(target, queues, 1, int(header.persistent))
    if channel.vhost.tracing:
        from broker import firehose  # only for who traces

        firehose.published(channel, message, keys, queues)
    return enqueue(channel, target, message, queues)


def may_name_keys(header: ContentHeader) -> bool:
    """Whether its headers look as if there were routing keys in them: CC and BCC (spec 6.11)."""
    payload = header.payload
    return header.headers_at > 0 and (b"\x02CC" in payload or b"\x03BCC" in payload)


def enqueue(
    channel: "Channel", target: Target, message: Message, queues: Sequence["Queue"]
) -> tuple[bool, int]:
    """Puts a routed message into its queues, now or at tx.commit; returns it if it has none.

    The result is that of `publish`.
    """
    if channel.transaction is not None:
        channel.transaction.publish(message, queues, target)
        return True, 0
    if target.mandatory and unroutable(queues):
        send_return(channel, message)
    taken, stored = True, False
    for queue in queues:
        if not queue.offer(message):
            taken = False
        elif queue.stores(message):
            stored = True
    return taken, channel.vhost.commit.mark() if stored else 0


def unroutable(queues: Sequence["Queue"]) -> bool:
    """Whether a mandatory message comes back: it reached no queue yet (spec 5.5, 6.5)."""
    return all(queue.waits for queue in queues)


def send_return(channel: "Channel", message: Message) -> None:
    """basic.return of an unroutable mandatory message (spec 5.5)."""
    code, text = NO_ROUTE
    channel.send(hot.return_method(channel.number, code, text, message.route.raw))
    channel.send_content(message)


def replay(vhost: "VirtualHost[Queue]", binding: Binding, messages: Iterable[Routable]) -> None:
    """Gives the destination of a new binding what it has missed (spec 6.7)."""
    for missed in messages:
        assert missed.message is not None  # only whole messages are remembered
        queues = [binding.destination]
        if binding.destination_type == "exchange":
            queues, _ = routing.find(binding.destination, missed, vhost.exchanges.get)
        for queue in queues:
            queue.offer(missed.message)


def check_expiration(raw: bytes) -> None:
    """Raises PreconditionFailed unless it is a TTL in milliseconds (spec 7.3)."""
    text = decode_name(raw)
    digits = text[1:] if text[:1] in ("+", "-") else text
    count = len(digits) - len(digits.lstrip("0123456789"))
    if not count:
        reason = "no_integer"
    elif count < len(digits):
        reason = f'{{leftover_string,"{digits[count:]}"}}'
    elif text[0] == "-" and int(text):
        reason = f"{{value_negative,{int(text)}}}"
    elif int(digits) > TEN_YEARS_MS:
        reason = f"{{value_too_large,{int(digits)}}}"
    else:
        return
    raise errors.PreconditionFailed(f"invalid expiration '{text}': {reason}")


def _check_user_id(channel: "Channel", raw: bytes) -> None:
    user = channel.connection.user
    claimed = decode_name(raw)
    if claimed != user.name and "impersonator" not in user.tags:
        raise errors.PreconditionFailed(
            f"user_id property set to '{claimed}' but authenticated user was '{user.name}'"
        )


def _check_topics(channel: "Channel", target: Target, keys: tuple[str, ...]) -> None:
    # Every key of a message needs the permission, those of CC and BCC too (spec 10.3).
    if target.exchange.type == TOPIC:
        for key in keys[1:]:
            channel.connection.authorise.topic("write", target.exchange.name, key)


def _copies(route: Route, header: ContentHeader) -> tuple[Route, tuple[str, ...], ContentHeader]:
    # CC and BCC add routing keys; BCC is not for the eyes of any receiver (spec 6.11).
    headers = headers_of(header)
    copies, hidden = extra_keys(headers, "CC"), extra_keys(headers, "BCC")
    if "BCC" in headers:
        route = Route(route.exchange, route.routing_key, tuple(hidden))
        header = properties.with_headers(
            header, {name: field for name, field in headers.items() if name != "BCC"}
        )
    return route, tuple(dict.fromkeys((route.routing_key, *copies, *hidden))), header


def extra_keys(headers: Table, name: str) -> list[str]:
    """The routing keys in header CC or BCC; raises PreconditionFailed where it is no list."""
    tag, value = headers.get(name, ("A", []))
    if tag != "A":
        raise errors.PreconditionFailed(
            f'invalid message: {{unacceptable_type_in_header,"{name}",{TYPE_NAMES[tag]}}}'
        )
    return [item for kind, item in value if kind == "S"]


def _rewrite_reply_to(channel: "Channel", header: ContentHeader) -> ContentHeader:
    if channel.reply_name is None:
        raise errors.PreconditionFailed("fast reply consumer does not exist")
    return properties.with_reply_to(header, encode_name(channel.reply_name))


def _reply(channel: "Channel", target: Target, message: Message) -> bool:
    # A reply goes straight to the channel of the requester; nothing is stored (spec 7.9).
    key = target.route.routing_key
    if target.route.exchange or not key.startswith(REPLY_TO_PREFIX):
        return False
    requester = channel.connection.context.reply_channels.get(key)
    if requester is not None and requester.vhost is channel.vhost:
        requester.deliver_reply(message)
    elif target.mandatory:
        send_return(channel, message)
    return True
