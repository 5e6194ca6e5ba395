"""A connection before it is open.

Here: the handshake's steps, taken with what the client sends, and what was agreed handed to the
connection.  Not here: the rules of the handshake (handshake.py), and what comes after it, or after
its refusal (connection.py).
"""

from typing import TYPE_CHECKING

from broker import sasl
from broker.amqp.protocol import Command
from broker.handshake import Handshake, Outcome
from broker.waiting import Waiting

if TYPE_CHECKING:
    from broker.auth_backends.base import Identity
    from broker.connection import Connection


class Opening:
    """Handles the commands of one connection until it is open or turned away."""

    __slots__ = ("_connection", "_handshake")

    def __init__(self, connection: "Connection", *, is_loopback: bool) -> None:
        context, address = connection.context, connection.peer_host
        self._connection = connection
        self._handshake = Handshake(
            context.identity,
            context.vhosts,
            context.limits,
            context.logins.door("amqp091", address),
            is_loopback=is_loopback,
            peer=sasl.peer(connection.tls, context.limits),
            keeper=context.keeper,
            address=address,
        )

    def handle(self, received: list[Command]) -> None:
        """Takes a step for each command; what comes behind the last is the open connection's."""
        connection, handshake = self._connection, self._handshake
        for index, command in enumerate(received):
            try:
                step = handshake.handle(command)
            except Waiting as waiting:
                connection.ask(waiting, received[index:])
                return
            for frame in step.frames:
                connection.send(frame)
            connection.protocol.frame_limit = handshake.frame_limit
            if step.outcome is Outcome.RUNNING:
                self._agree()
                connection.opened()
                connection.handle(received[index + 1 :])
                return
            if step.outcome is Outcome.REFUSED:
                connection.turn_away(step)
                return

    def _agree(self) -> None:
        connection, handshake = self._connection, self._handshake
        user = handshake.user
        connection.user, connection.vhost = user, handshake.vhost
        connection.client_properties = handshake.client_properties
        connection.mechanism = handshake.mechanism
        connection.channel_max, connection.frame_max = handshake.channel_max, handshake.frame_max
        connection.heartbeat = handshake.heartbeat
        connection.wants_cancel_notify = handshake.capable("consumer_cancel_notify")
        connection.wants_blocked_notify = handshake.capable("connection.blocked")
        permissions = connection.context.vhosts.permissions
        connection.authorise = permissions.authoriser(user.name, connection.vhost.name)
        if user.identity is not None:
            self._welcome(user.identity)

    def _welcome(self, identity: "Identity") -> None:
        from broker.access import Visitor  # there already, where anybody has an identity

        connection = self._connection
        assert connection.context.keeper is not None
        connection.visitor = Visitor(connection.context.keeper, connection, identity)
        connection.authorise = connection.visitor.authorise
