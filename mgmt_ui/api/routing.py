"""Where a message would go: asked of the exchanges themselves, without publishing anything."""

from typing import TYPE_CHECKING, Any

from broker.amqp import content, properties
from broker.message import Routable, headers_of
from broker.publishing import extra_keys
from exchanges import routing
from exchanges.base import Binding, Exchange
from exchanges.delayed import delay_ms
from exchanges.registry import class_of
from mgmt_ui.api.messages import parse_properties
from mgmt_ui.call import Call
from mgmt_ui.fields import plain, typed
from mgmt_ui.payload import Payload

if TYPE_CHECKING:
    from broker.queue import Queue

# Types for which a binding alone says whether a message takes it.
TELLING = frozenset({"direct", "fanout", "topic", "headers", "x-delayed-message"})
MOST_BINDINGS = 1000
"""Bindings to one destination that are tried to find out which led there."""


async def route(call: Call) -> dict[str, Any]:
    """POST /exchanges/:vhost/:name/route: where a message would go, and by which exchanges.

    Takes `routing_key`, `headers` and `properties` as publish does. Types that choose at random
    may choose another way the next time.
    """
    body = await call.body()
    exchange, vhost = call.exchange, call.vhost
    message = _message(body)
    queues, steps = routing.trace(exchange, message, vhost.exchanges.get)
    delay = delay_ms(message.headers) if exchange.type == "x-delayed-message" else 0
    return {
        "routed": bool(queues),
        "delay": delay,
        "queues": [_queue(queue) for queue in sorted(queues, key=lambda queue: queue.name)],
        "path": [_step(step, message) for step in steps],
    }


def _message(body: Payload) -> Routable:
    given = Payload(body.object("properties"))
    parsed = parse_properties(given)
    if "headers" in body:
        parsed.headers = typed(body.object("headers"))
    header = content.parse(properties.encode(parsed, 0))
    key = body.short("routing_key", "")
    headers = headers_of(header)
    keys = (key, *extra_keys(headers, "CC"), *extra_keys(headers, "BCC"))
    return Routable(tuple(dict.fromkeys(keys)), header)


def _queue(queue: "Queue") -> dict[str, Any]:
    full = (
        queue.limits is not None
        and queue.limits.refuses
        and (
            queue.message_count >= queue.limits.max_messages
            or queue.ready_bytes >= queue.limits.max_bytes
        )
    )
    return {
        "name": queue.name,
        "type": queue.settings.queue_type,
        "durable": queue.durable,
        "paused": queue.paused,
        # It would refuse what comes.
        "full": full,
    }


def _step(step: routing.Step, message: Routable) -> dict[str, Any]:
    exchange = step.exchange
    return {
        "exchange": exchange.name,
        "type": exchange.type,
        "alternate": step.alternate,
        "destinations": [
            {
                "destination": each.name,
                "destination_type": "exchange" if isinstance(each, Exchange) else "queue",
                "bindings": None if step.alternate else _bindings(exchange, each, message),
            }
            for each in step.destinations
        ],
    }


def _bindings(exchange: Exchange, destination: Any, message: Routable) -> list[Any] | None:
    # Those by which it goes there; None where that cannot be told.
    if not exchange.name or exchange.type not in TELLING:
        return None
    found = [each for each in exchange.bindings.values() if each.destination is destination]
    return [
        {"routing_key": each.routing_key, "arguments": plain(each.arguments)}
        for each in found[:MOST_BINDINGS]
        if _takes(exchange, each, message)
    ]


def _takes(exchange: Exchange, binding: Binding, message: Routable) -> bool:
    # An exchange of the same kind with nothing but this binding says so.
    arguments = exchange.arguments
    alone = class_of(exchange.type, arguments)(exchange.name, False, False, False, arguments)
    kind, key = binding.destination_type, binding.routing_key
    alone.bind(binding.destination, kind, key, binding.arguments)
    return bool(alone.route(message))
