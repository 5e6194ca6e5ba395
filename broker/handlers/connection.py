"""Methods of channel 0 once the connection runs (spec 2.8, 2.11)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pamqp import commands

from broker.amqp import cold, errors
from broker.amqp.errors import ProtocolViolation
from broker.amqp.protocol import Command

if TYPE_CHECKING:
    from broker.connection import Connection

CLOSE = 0x000A0032
CLOSE_OK = 0x000A0033


def close(connection: "Connection", command: commands.Connection.Close) -> None:
    """The client says goodbye."""
    connection.closed_by_client()


def update_secret(
    connection: "Connection", command: commands.Connection.UpdateSecret
) -> cold.Method:
    """Users with passwords have nothing to renew: always fine.  Tokens are checked."""
    if connection.visitor is not None:
        # A long string, which pamqp gives as text where it is text.
        secret: str | bytes = command.new_secret or ""
        text = secret.decode("utf-8", "surrogateescape") if isinstance(secret, bytes) else secret
        connection.visitor.renew(text)
    return commands.Connection.UpdateSecretOk()


HANDLERS: dict[int, Callable[["Connection", Any], cold.Method | None]] = {
    CLOSE: close,
    0x000A0046: update_secret,
}


def handle(connection: "Connection", command: Command) -> cold.Method | None:
    """The reply to a method on channel 0, if it has one.

    Raises ProtocolViolation, and what the method's handler raises.
    """
    method = command[1]
    try:
        decoded = cold.decode(method, command[2])
    except ProtocolViolation as violation:
        raise errors.on_channel_zero(violation, method) from None
    handler = HANDLERS.get(method)
    if handler is None:
        raise errors.unexpected_method(method)
    return handler(connection, decoded)


def misplaced(command: Command) -> ProtocolViolation:
    """What a method on a channel that is not open does wrong: its arguments are read first."""
    method = command[1] & 0xFFFFFFFF
    try:
        if isinstance(command[2], bytes):  # acks have been read already
            cold.decode(method, command[2])
    except ProtocolViolation as violation:
        return violation
    return errors.channel_not_open(method)
