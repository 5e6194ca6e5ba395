"""What a connection's input passes while an alarm is on (spec 9.1), or its virtual host is full.

Here: letting everything through but messages, and holding the connection up at
the first of these, or of a part of one.  Not here: when there is an alarm (alarms.py).

The connection is held up where it stands: what came before is done, and nothing
behind it is read, whatever it is.  Deliveries go on.
"""

from typing import TYPE_CHECKING

from pamqp import commands

from broker.alarms import Alarms
from broker.amqp import cold, hot
from broker.amqp.protocol import Command

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection


class Gate:
    """Handles the commands of one connection until the cause is gone; then `open`."""

    __slots__ = ("_alarms", "_assembling", "_connection", "shut")

    def __init__(self, connection: "Connection", alarms: Alarms) -> None:
        self._connection = connection
        self._alarms = alarms
        # What had come of a message before holds nobody up.
        self._assembling = connection.protocol.assembling
        self.shut = False

    def handle(self, received: list[Command]) -> None:
        """As the connection would, up to the first message."""
        connection = self._connection
        for index, command in enumerate(received):
            if command[1] == hot.BASIC_PUBLISH:
                channel = connection.channels.get(command[0])
                if channel is not None and not channel.closing:
                    if self._refuse(channel, command):
                        continue
                    self._shut(received[index:])
                    return
            connection.handle_one(command)
            if connection.held or connection.gate is not self:
                connection.put_back(received[index + 1 :])
                return
        before, self._assembling = self._assembling, connection.protocol.assembling
        if self._assembling > before and not self._alarms.refuses:
            self._shut([])

    def _refuse(self, channel: "Channel", command: Command) -> bool:
        # Only who can be told of it: others would lose messages, so they wait all the same.
        if not self._alarms.refuses or channel.confirms is None:
            return False
        for _ in command[4]:
            channel.confirms.refuse(0)
        return True

    def _shut(self, rest: list[Command]) -> None:
        self.shut = True
        connection = self._connection
        connection.hold(rest)
        connection.state = "blocked"
        if connection.wants_blocked_notify:
            reason = self._alarms.reason if self._alarms.active else connection.vhost.held_up
            blocked = cold.build(commands.Connection.Blocked, reason=reason)
            connection.send(cold.method_frame(0, blocked))

    def open(self) -> None:
        """The alarm is over: what was held up goes on."""
        connection = self._connection
        if not self.shut:
            return
        if connection.wants_blocked_notify:
            connection.send(cold.method_frame(0, commands.Connection.Unblocked()))
        connection.release_input()
