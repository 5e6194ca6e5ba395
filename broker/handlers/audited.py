"""AMQP methods that leave a line in the audit log, where there is one.

Here: which methods, and what is said of each.  The table of handlers is changed when auditing is
turned on or off, so that methods cost nothing more where it is off.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from broker import audit

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.handlers import Handler

Facts = Callable[["Channel", Any], dict[str, object]]


def _queue(channel: "Channel", command: Any) -> dict[str, object]:
    return {"queue": command.queue or channel.last_queue}


def _exchange(channel: "Channel", command: Any) -> dict[str, object]:
    return {"exchange": command.exchange}


def _queue_binding(channel: "Channel", command: Any) -> dict[str, object]:
    return {
        "source": command.exchange,
        "queue": command.queue or channel.last_queue,
        "key": command.routing_key,
    }


def _exchange_binding(channel: "Channel", command: Any) -> dict[str, object]:
    return {
        "source": command.source,
        "destination": command.destination,
        "key": command.routing_key,
    }


# Method -> event and facts.
AUDITED: Mapping[int, tuple[str, Facts]] = {
    0x0028000A: ("exchange.declared", _exchange),
    0x00280014: ("exchange.deleted", _exchange),
    0x0028001E: ("binding.created", _exchange_binding),
    0x00280028: ("binding.deleted", _exchange_binding),
    0x0032000A: ("queue.declared", _queue),
    0x00320014: ("binding.created", _queue_binding),
    0x0032001E: ("queue.purged", _queue),
    0x00320028: ("queue.deleted", _queue),
    0x00320032: ("binding.deleted", _queue_binding),
}
# Methods that are worth a line though they change no name.
ALWAYS = {0x0032001E}


def install(handlers: dict[int, "Handler"], plain: Mapping[int, "Handler"], on: bool) -> None:
    """Puts the audited ones into the table, or those of `plain` back."""
    for method, (event, facts) in AUDITED.items():
        handler = plain[method]
        always = method in ALWAYS
        handlers[method] = _audited(handler, event, facts, always) if on else handler


def _audited(handler: "Handler", event: str, facts: Facts, always: bool) -> "Handler":
    def handle(channel: "Channel", command: Any) -> Any:
        before = channel.vhost.topology
        reply = handler(channel, command)
        if always or channel.vhost.topology != before:
            audit.note_of(channel.connection, event, **facts(channel, command))
        return reply

    return handle
