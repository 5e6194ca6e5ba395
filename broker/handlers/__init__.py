"""One small function for each AMQP method, by class; here the table that joins them.

A handler takes the channel and the decoded method and returns the reply, or
None where there is none.  It raises domain exceptions; replies.py knows what
they mean on the wire.  Methods of channel 0 are in handlers/connection.py.
"""

from collections.abc import Callable
from typing import Any

from broker.amqp import cold
from broker.channel import Channel
from broker.handlers import access, basic, channel, confirm, exchange, queue, tx

# Or whole frames, where a content follows the method.
Reply = cold.Method | list[bytes]
Handler = Callable[[Channel, Any], Reply | None]

CHANNEL_OPEN = 0x0014000A
CHANNEL_CLOSE = 0x00140028
CHANNEL_CLOSE_OK = 0x00140029

HANDLERS: dict[int, Handler] = {
    CHANNEL_OPEN: channel.open_again,
    0x00140014: channel.flow,
    CHANNEL_CLOSE: channel.close,
    CHANNEL_CLOSE_OK: channel.close_ok,
    0x001E000A: access.request,
    0x0028000A: exchange.declare,
    0x00280014: exchange.delete,
    0x0028001E: exchange.bind,
    0x00280028: exchange.unbind,
    0x0032000A: queue.declare,
    0x00320014: queue.bind,
    0x0032001E: queue.purge,
    0x00320028: queue.delete,
    0x00320032: queue.unbind,
    0x003C000A: basic.qos,
    0x003C0014: basic.consume,
    0x003C001E: basic.cancel,
    0x003C001F: basic.cancel_ok,
    0x003C0046: basic.get,
    0x003C005A: basic.reject,
    0x003C0078: basic.nack,
    0x003C0064: basic.recover_async,
    0x003C006E: basic.recover,
    0x0055000A: confirm.select,
    0x005A000A: tx.select,
    0x005A0014: tx.commit,
    0x005A001E: tx.rollback,
}
_PLAIN = dict(HANDLERS)


def audit_methods(on: bool) -> None:
    """Turns the lines of the audit log on or off (audited.py)."""
    if on or HANDLERS != _PLAIN:
        from broker.handlers import audited  # not for those who keep no audit log

        audited.install(HANDLERS, _PLAIN, on)
