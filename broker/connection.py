"""One client connection from its handshake to its end; knows no socket.

Here: handing commands to channels, replies and refusals, the orderly end.  Not here: what a method
does (handlers/), a connection before it is open (opening.py), when octets are moved (link.py).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pamqp import commands

from broker import audit, replies
from broker.amqp import cold, hot
from broker.amqp.errors import (
    ProtocolViolation,
    second_channel_open,
    unimplemented_method,
)
from broker.amqp.protocol import VIOLATION, Command, Protocol
from broker.channel import Channel
from broker.context import Context
from broker.gate import Gate
from broker.handlers import CHANNEL_CLOSE, CHANNEL_CLOSE_OK, CHANNEL_OPEN, HANDLERS, Reply
from broker.handlers import connection as on_connection
from broker.handshake import FRAME_LIMIT
from broker.heartbeat import Heartbeat
from broker.link import FOR_COMMIT, Link, Socket
from broker.opening import Opening
from broker.waiting import Waiting
from vhosts import errors

if TYPE_CHECKING:
    from broker.access import Visitor
    from broker.handshake import Step
    from broker.queue import Queue
    from broker.tls import Session
    from exchanges.base import Table
    from vhosts.permissions import Authorise
    from vhosts.users import User
    from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.connection")

MAX_GRACE, SHORT_GRACE = 30.0, 3.0
# How long the reply that is held waits for the disk.
UNTIL_SAFE, UNTIL_REFUSAL = 1, 2
LATE_METHODS = {hot.BASIC_ACK, hot.BASIC_ACK_MULTIPLE, hot.BASIC_NACK, hot.BASIC_REJECT}


class Connection(Link):
    """A client's connection.  `name` and `state` are as management shows them (3.3 there)."""

    __slots__ = (
        "_closed_lately",
        "_handle",
        "_heartbeat",
        "_holding",
        "_released",
        "_replying",
        "_timer",
        "after_reply",
        "authorise",
        "channel_max",
        "channels",
        "client_properties",
        "connected_at",
        "context",
        "frame_max",
        "gate",
        "heartbeat",
        "host",
        "mechanism",
        "peer_host",
        "peer_port",
        "port",
        "state",
        "tls",
        "user",
        "vhost",
        "visitor",
        "wants_blocked_notify",
        "wants_cancel_notify",
    )

    user: "User"
    vhost: "VirtualHost[Queue]"
    authorise: "Authorise"

    def __init__(
        self,
        context: Context,
        socket: Socket,
        *,
        peer: tuple[str, int],
        local: tuple[str, int],
        loopback: bool,
        tls: "Session | None" = None,
    ) -> None:
        protocol = Protocol(FRAME_LIMIT, context.max_message_size)
        name = f"{peer[0]}:{peer[1]} -> {local[0]}:{local[1]}"
        super().__init__(name, socket, context.turn, protocol)
        self.context = context
        self.peer_host, self.peer_port = peer
        self.host, self.port = local
        self.tls = tls
        self.state = "starting"
        self.connected_at = context.clock.now_ms()
        self.client_properties: Table = {}
        self.mechanism = ""
        self.wants_cancel_notify = self.wants_blocked_notify = False
        self.channels: dict[int, Channel] = {}
        self.channel_max = self.frame_max = self.heartbeat = 0
        # While an alarm is on.
        self.gate: Gate | None = None
        self.after_reply: list[Callable[[], None]] = []
        self._closed_lately: set[int] = set()
        self._replying = self._released = False
        self._holding = 0
        self._heartbeat: Heartbeat | None = None
        # Somebody whom another back end knows.
        self.visitor: Visitor | None = None
        self._handle: Callable[[list[Command]], None] = Opening(self, is_loopback=loopback).handle
        self._timer = context.clock.call_later(context.handshake_timeout, self._too_slow)
        context.connections.add(self)

    # -- in ------------------------------------------------------------------------------

    def handle(self, commands: list[Command]) -> None:
        """Hands commands to whatever the connection's state wants to do with them."""
        try:
            self._handle(commands)
        except Exception:
            logger.exception("%s: internal error", self.name)
            self._close(replies.translate(errors.InternalError(""), 0))

    def let_flow(self, flowing: bool) -> None:
        """Deliveries stop while the socket is full."""
        for channel in self.channels.values():
            channel.flowing = flowing
            if flowing:
                channel.unpark_all()

    def _handle_running(self, commands: list[Command]) -> None:
        channels = self.channels
        for index, command in enumerate(commands):
            channel = channels.get(command[0])
            kind = command[1]
            try:
                if channel is None or channel.closing:
                    self._irregular(channel, command)
                elif kind == hot.BASIC_PUBLISH:
                    channel.publish(command[2], command[3], command[4])
                elif kind == hot.BASIC_ACK:
                    channel.ack(command[2], command[3])
                elif kind == hot.BASIC_ACK_MULTIPLE:
                    channel.ack_multiple(command[2])
                else:
                    self._method(channel, kind, command[2])
            except (errors.BrokerError, ProtocolViolation, replies.InvalidArgument) as error:
                self._refuse(channel, command, error)
            except Waiting as waiting:
                self.ask(waiting, commands[index:])
                return
            if self._held:
                self._pending = commands[index + 1 :]
                return
            if self._handle != self._handle_running:
                self._handle(commands[index + 1 :])
                return

    def ask(self, waiting: Waiting, rest: list[Command]) -> None:
        """Others have to be asked before `rest` can be handled; it is once they have answered."""
        self._replying, self._holding = False, 0
        self.after_reply.clear()
        if not self.wait_for(waiting, rest):
            self._close(replies.translate(errors.ResourceError("too many permissions needed")))

    def _method(self, channel: Channel, method: int, arguments: bytes) -> None:
        if method == VIOLATION:
            raise arguments  # type: ignore[misc]  # the command carries the violation
        handler = HANDLERS.get(method)
        if handler is None:
            cold.decode(method, arguments)  # a mistake in there comes first
            raise unimplemented_method(method)
        commit = self.vhost.commit
        before = commit.sequence
        self._replying = True
        reply = handler(channel, cold.decode(method, arguments))
        if (commit.sequence != before or self._holding) and reply is not None:
            # Durable: the reply says that the disk has it (docs/design.md, decision 5).
            self._held |= FOR_COMMIT
            patient = self._holding != UNTIL_REFUSAL or commit.sequence != before
            self._holding = 0
            commit.after(lambda: self._committed(channel, reply), or_refusal=not patient)
        else:
            self._reply(channel, reply)

    def _reply(self, channel: Channel, reply: Reply | None) -> None:
        self._replying = False
        if isinstance(reply, list):
            self.out.extend(reply)
            self.wrote(sum(map(len, reply)))
        elif reply is not None and not channel.closing:
            channel.send(cold.method_frame(channel.number, reply))
        callbacks, self.after_reply = self.after_reply, []
        for callback in callbacks:
            callback()

    def _committed(self, channel: Channel, reply: Reply) -> None:
        self._held &= ~FOR_COMMIT
        if self._released:
            return
        self._reply(channel, reply)
        if not self._held:
            self._process()

    def hold_reply(self, *, or_refusal: bool = False) -> None:
        """The reply of the method now handled waits for the disk, and all input behind it.

        With `or_refusal` not for a disk that refuses.
        """
        self._holding = UNTIL_REFUSAL if or_refusal else UNTIL_SAFE

    def when_replied(self, callback: Callable[[], None]) -> None:
        """Calls `callback` behind the reply that is being made, or at once where none is."""
        if self._replying:
            self.after_reply.append(callback)
        else:
            callback()

    # -- alarms (spec 9.1) ---------------------------------------------------------------

    def alarmed(self) -> None:
        """The first alarm went on, or the last one off; or its virtual host is full, or no more."""
        held_up = bool(self.context.alarms.active or self.vhost.held_up)
        if self.state in ("starting", "closed") or (held_up and self.gate is not None):
            return
        gate, self.gate = self.gate, None
        self.state, self._handle = "running", self._handle_running
        if held_up:
            self.gate = Gate(self, self.context.alarms)
            self.state, self._handle = "blocking", self.gate.handle
        if gate is not None:
            gate.open()

    def handle_one(self, command: Command) -> None:
        """What `gate` lets through."""
        gated, self._handle = self._handle, self._handle_running
        self._handle_running([command])
        if self._handle == self._handle_running:
            self._handle = gated

    # -- channels that are not open, channel 0 -------------------------------------------

    def _irregular(self, channel: Channel | None, command: Command) -> None:
        number, kind = command[0], command[1]
        if channel is not None:
            self._on_closing_channel(channel, kind)
        elif kind == VIOLATION:
            raise command[2]
        elif number == 0:
            self._on_channel_zero(command)
        elif kind == CHANNEL_OPEN:
            cold.decode(kind, command[2])
            self._open_channel(number)
        elif not (number in self._closed_lately and kind in LATE_METHODS):
            raise on_connection.misplaced(command)

    def _on_channel_zero(self, command: Command) -> None:
        reply = on_connection.handle(self, command)
        if reply is not None:
            self.send(cold.method_frame(0, reply))

    def _on_closing_channel(self, channel: Channel, kind: int) -> None:
        if kind == CHANNEL_CLOSE_OK:
            self.forget_channel(channel)
        elif kind == CHANNEL_CLOSE:
            self.send(cold.method_frame(channel.number, commands.Channel.CloseOk()))
        elif kind == CHANNEL_OPEN:
            raise second_channel_open()

    def _open_channel(self, number: int) -> None:
        if self.channel_max and len(self.channels) >= self.channel_max:
            error = errors.NotAllowed(
                f"number of channels opened ({len(self.channels)}) has reached the "
                f"negotiated channel_max ({self.channel_max})"
            )
            self._close(replies.translate(error, 0))
            return
        limit = self.context.vhosts.limits.max_channels(self.user.name)
        if limit is not None and self.context.roster.channels(self.user.name) >= limit:
            self._close(replies.translate(errors.too_many_channels(self.user.name, limit), 0))
            return
        self._closed_lately.discard(number)
        self.channels[number] = Channel(self, number)
        self.vhost.statistics.channel_created += 1
        self.send(cold.method_frame(number, cold.build(commands.Channel.OpenOk, channel_id=b"")))

    def forget_channel(self, channel: Channel) -> None:
        """The channel's number is free again."""
        if self.channels.pop(channel.number, None) is not None:
            self.vhost.statistics.channel_closed += 1
        if len(self._closed_lately) >= 64:
            self._closed_lately.clear()
        self._closed_lately.add(channel.number)

    # -- refusals ------------------------------------------------------------------------

    def _refuse(self, channel: Channel | None, command: Command, error: Exception) -> None:
        self._replying = False
        self.after_reply.clear()
        reply = replies.translate(error, command[1] & 0xFFFFFFFF if command[1] > 0 else 0)
        if reply.closes_connection or channel is None:
            self._close(reply)
        elif not channel.closing:
            self._close_channel(channel, reply)

    def fail_channel(self, channel: Channel, error: errors.BrokerError) -> None:
        """Closes an open channel for what none of its methods has done."""
        self._close_channel(channel, replies.translate(error))

    def _close_channel(self, channel: Channel, reply: replies.Reply) -> None:
        logger.info("%s channel %d: %s", self.name, channel.number, reply.text)
        if channel.confirms is not None:
            channel.confirms.flush()  # what was safe before stays confirmed
        if audit.on:
            audit.refused(self, reply.code, reply.text)
        close = replies.close_method(commands.Channel.Close, reply)
        self.send(cold.method_frame(channel.number, close))
        self.protocol.forget_contents(channel.number)
        channel.close()

    def _close(self, reply: replies.Reply) -> None:
        if self._released:
            return
        logger.warning("%s: closing: %s", self.name, reply.text)
        self._release()
        self.send(cold.method_frame(0, replies.close_method(commands.Connection.Close, reply)))
        # Where no frame can be read any more, close-ok cannot be read either.
        self._await_end(self._handle_closing, SHORT_GRACE if self.protocol.dead else 0)

    def force_close(self, text: str) -> None:
        """The broker ends the connection: 320 CONNECTION_FORCED (spec 2.8)."""
        if self.state in ("starting", "closed"):
            self._socket.close()
            return
        self._close(replies.translate(errors.ConnectionForced(text), 0))
        self.flush()

    # -- the end -------------------------------------------------------------------------

    def closed_by_client(self) -> None:
        """connection.close came: all is released before close-ok goes out (spec 2.8)."""
        self._release()
        self.send(cold.method_frame(0, cold.connection_close_ok()))
        self._await_end(self._handle_closing)

    def _await_end(self, handle: Callable[[list[Command]], None], grace: float = 0) -> None:
        self._handle = handle
        self._timer.cancel()
        grace = grace or min(self.heartbeat or MAX_GRACE, MAX_GRACE)
        self._timer = self.context.clock.call_later(grace, self._socket.abort)

    def _handle_closing(self, commands: list[Command]) -> None:
        for command in commands:
            if command[0] == 0 and command[1] == on_connection.CLOSE_OK:
                self.flush()
                self._socket.close()
            elif command[0] == 0 and command[1] == on_connection.CLOSE:
                self.send(cold.method_frame(0, cold.connection_close_ok()))

    def lost(self) -> None:
        """The socket is gone."""
        self._timer.cancel()
        self._release()
        self._handle = _ignore  # a method of its own would have it wait for the collector
        self.context.connections.discard(self)
        if hasattr(self, "vhost"):
            self.vhost.statistics.recv_oct += self.received_bytes
            self.vhost.statistics.send_oct += self.sent_bytes
        self.turn.schedule()

    def _release(self) -> None:
        if self._released:
            return
        self._released = True
        opened, self.state = self.state != "starting", "closed"
        gate, self.gate, self.toll = self.gate, None, None
        if gate is not None and gate.shut:
            self.release_input()  # for its close-ok; nothing else will be handled
        for each in (self._heartbeat, self.visitor):
            if each is not None:
                each.stop()
        self._heartbeat = self.visitor = None
        channels, self.channels = self.channels, {}
        for channel in channels.values():
            if not channel.closing:
                channel.close()
        if opened:
            statistics = self.vhost.statistics
            statistics.channel_closed += len(channels)
            statistics.connection_closed += 1
            self.context.roster.leave(self)
            self.vhost.delete_exclusive_queues(self)

    # -- the beginning -------------------------------------------------------------------

    def opened(self) -> None:
        """The handshake is over, and what was agreed is known: from here on it is in use."""
        self.context.roster.enter(self)
        self.vhost.statistics.connection_created += 1
        self.state = "running"
        self._timer.cancel()
        self._handle = self._handle_running
        self.alarmed()
        if self.heartbeat:
            self._heartbeat = Heartbeat(self, self.context.clock, self.heartbeat)
        logger.info("%s: user %s opened vhost %s", self.name, self.user.name, self.vhost.name)

    def turn_away(self, step: "Step") -> None:
        """The handshake was refused.

        Slowly, so that guessing passwords takes its time; a peer that was told why may end it
        sooner with close-ok.
        """
        logger.warning("%s: handshake refused: %s", self.name, step.reason)
        self._released = True
        if not step.close_after:
            self.flush()
            self._socket.close()
        elif step.frames:
            self._await_end(self._handle_closing, step.close_after)
        else:
            self.protocol.discard()
            self._await_end(_ignore, step.close_after)

    def _too_slow(self) -> None:
        logger.info("%s: no handshake within the time allowed", self.name)
        self._socket.abort()

    def beat(self) -> None:
        """Sends a heartbeat frame."""
        self.send(hot.HEARTBEAT_FRAME)
        self.flush()

    def silent(self) -> None:
        """The client sent nothing for two heartbeat intervals: it is taken for dead."""
        logger.warning("%s: missed heartbeats, timeout: %ds", self.name, self.heartbeat)
        self._socket.abort()


def _ignore(commands: list[Command]) -> None:
    """Of a connection that has ended: nothing that the client still sends matters."""
