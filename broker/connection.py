"""One client connection from its handshake to its end; knows no socket.

Here: handing commands to channels, replies and refusals, holding input while
a commit is awaited, output and its limits, the orderly end.  Not here: what a
method does (handlers/), the handshake's rules (handshake.py), the socket
(transport.py).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Protocol as Interface

from pamqp import commands

from broker import replies
from broker.amqp import cold, hot
from broker.amqp.errors import (
    ProtocolViolation,
    channel_not_open,
    second_channel_open,
    unexpected_method,
    unimplemented_method,
)
from broker.amqp.protocol import VIOLATION, Command, Protocol
from broker.channel import Channel
from broker.context import Context
from broker.gate import Gate
from broker.handlers import CHANNEL_CLOSE, CHANNEL_CLOSE_OK, CHANNEL_OPEN, HANDLERS, Reply
from broker.handlers import connection as on_connection
from broker.handshake import Handshake, Outcome, Step
from broker.heartbeat import Heartbeat
from vhosts import errors

if TYPE_CHECKING:
    from broker.queue import Queue
    from exchanges.base import Table
    from vhosts.permissions import Authorise
    from vhosts.users import User
    from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.connection")

# What one connection may bring before others have their turn (DESIGN decision 4).
BUDGET = 1000
# Why input is held, bits of `_held`.
FOR_COMMIT, FOR_ALARM, FOR_OUTPUT = 1, 2, 4
CHOKED_BYTES = 8 << 20
TURN_BYTES = 1 << 16
# Output beyond this goes to the socket before the turn ends.
FLUSH_BYTES = 1 << 20
MAX_GRACE = 30.0
SHORT_GRACE = 3.0
# A publisher waits this long (seconds) when those who read are behind, unless they are stuck.
CONGESTION_PAUSE = 0.003
STUCK_SECONDS = 1.0
# And this long, as often as it takes, when the disk is.
BEHIND_PAUSE = 0.02
LATE_METHODS = {hot.BASIC_ACK, hot.BASIC_ACK_MULTIPLE, hot.BASIC_NACK, hot.BASIC_REJECT}


class Socket(Interface):
    """What a connection needs of its transport."""

    def write(self, data: bytes) -> None: ...
    def writelines(self, data: list[bytes]) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_closing(self) -> bool: ...
    def get_write_buffer_size(self) -> int: ...


class Connection:
    """A client's connection.  `name` is as management shows it, `state` as spec 3.3 there."""

    __slots__ = (
        "_closed_lately",
        "_full_since",
        "_handle",
        "_handshake",
        "_heartbeat",
        "_held",
        "_holding",
        "_out_size",
        "_pending",
        "_read_paused",
        "_released",
        "_replying",
        "_resuming",
        "_slowed",
        "_socket",
        "_timer",
        "_turn",
        "_turn_bytes",
        "after_reply",
        "authorise",
        "channel_max",
        "channels",
        "client_properties",
        "connected_at",
        "context",
        "frame_max",
        "gate",
        "heard",
        "heartbeat",
        "host",
        "mechanism",
        "name",
        "out",
        "peer_host",
        "peer_port",
        "port",
        "protocol",
        "received_bytes",
        "sent_bytes",
        "spoke",
        "state",
        "stores",
        "turn",
        "user",
        "vhost",
        "wants_blocked_notify",
        "wants_cancel_notify",
        "writable",
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
    ) -> None:
        self.context = context
        self.turn = context.turn
        self._socket = socket
        self.peer_host, self.peer_port = peer
        self.host, self.port = local
        self.name = f"{peer[0]}:{peer[1]} -> {local[0]}:{local[1]}"
        self.state = "starting"
        self.connected_at = context.clock.now_ms()
        self.client_properties: Table = {}
        self.mechanism = ""
        self.wants_cancel_notify = self.wants_blocked_notify = False
        self.channels: dict[int, Channel] = {}
        self.channel_max = self.frame_max = self.heartbeat = 0
        self.out: list[bytes] = []
        self._out_size = 0
        self.writable = True
        self._full_since = 0.0
        self.heard = self.spoke = False
        # While an alarm is on.
        self.gate: Gate | None = None
        self.received_bytes = self.sent_bytes = 0
        self.after_reply: list[Callable[[], None]] = []
        self._replying = False
        self._closed_lately: set[int] = set()
        self._pending: list[Command] = []
        self._held = 0
        self._holding = self._resuming = self._read_paused = False
        self._released = self._slowed = False
        # Whether it publishes to where the disk may be needed.
        self.stores = False
        self._turn, self._turn_bytes = 0, 0
        self._heartbeat: Heartbeat | None = None
        self._handshake = Handshake(
            context.identity, context.vhosts, context.limits, is_loopback=loopback
        )
        self.protocol = Protocol(self._handshake.frame_limit, context.max_message_size)
        self._handle: Callable[[list[Command]], None] = self._handle_handshake
        self._timer = context.clock.call_later(context.handshake_timeout, self._too_slow)
        context.connections.add(self)

    # -- in ------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """What the socket gave: handled at once, delivered and answered at the end of the turn."""
        self.heard = True
        size = len(data)
        self.received_bytes += size
        turn = self.turn.number
        if turn != self._turn:
            self._turn, self._turn_bytes = turn, 0
        self._turn_bytes += size
        self.protocol.receive(data)
        if not self._held and not self._resuming:
            self._process()

    def _process(self) -> None:
        commands = self._pending
        if commands:
            self._pending = []
        else:
            commands = self.protocol.commands(BUDGET)
        try:
            self._handle(commands)
        except Exception:
            logger.exception("%s: internal error", self.name)
            self._close(replies.translate(errors.InternalError(""), 0))
        if self._slowed:
            self._slowed = False
            self._rest(CONGESTION_PAUSE)
        elif self.stores and self.vhost.commit.behind:
            self._rest(BEHIND_PAUSE)
        elif self._pending or self._held or self.protocol.more or self._turn_bytes >= TURN_BYTES:
            self._rest(0)
        elif self._read_paused and not self._socket.is_closing():
            self._read_paused = False
            self._socket.resume_reading()
        self.turn.schedule()

    def _rest(self, delay: float) -> None:
        # Nothing is read until `_resume`: others have their turn, and nothing piles up.
        if self._socket.is_closing():
            return
        if not self._read_paused:
            self._read_paused = True
            self._socket.pause_reading()
        if self._held or self._resuming:
            return
        self._resuming = True
        if delay:
            self.context.clock.call_later(delay, self._resume)
        else:
            self.turn.call_soon(self._resume)

    def _resume(self) -> None:
        self._resuming = False
        self._turn_bytes = 0
        if self.stores and self.vhost.commit.behind:
            self.heard = True  # it is not the client's fault that nothing is read
            self._rest(BEHIND_PAUSE)
        elif not self._held:
            self._process()

    def slow_down(self) -> None:
        """Reads nothing for a moment: it publishes faster than a socket can be written."""
        self._slowed = True

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
            if self._held:
                self._pending = commands[index + 1 :]
                return
            if self._handle != self._handle_running:
                self._handle(commands[index + 1 :])
                return

    def _method(self, channel: Channel, method: int, arguments: bytes) -> None:
        if method == VIOLATION:
            raise arguments  # type: ignore[misc]  # the command carries the violation
        handler = HANDLERS.get(method)
        if handler is None:
            raise unimplemented_method(method)
        commit = self.vhost.commit
        before = commit.sequence
        self._replying = True
        reply = handler(channel, cold.decode(method, arguments))
        if (commit.sequence != before or self._holding) and reply is not None:
            # Durable: the reply says that the disk has it (DESIGN decision 5).
            self._held |= FOR_COMMIT
            self._holding = False
            commit.after(lambda: self._committed(channel, reply))
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

    def hold_reply(self) -> None:
        """The reply of the method now handled waits for the disk, and all input behind it."""
        self._holding = True

    def when_replied(self, callback: Callable[[], None]) -> None:
        """Calls `callback` behind the reply that is being made, or at once where none is."""
        if self._replying:
            self.after_reply.append(callback)
        else:
            callback()

    # -- alarms (spec 9.1) ---------------------------------------------------------------

    def alarmed(self) -> None:
        """The first alarm went on, or the last one off."""
        if self.state in ("starting", "closed"):
            return
        gate, self.gate = self.gate, None
        self.state, self._handle = "running", self._handle_running
        if self.context.alarms.active:
            self.gate = Gate(self, self.context.alarms)
            self.state, self._handle = "blocking", self.gate.handle
        if gate is not None:
            gate.open()

    @property
    def deaf(self) -> bool:
        """Whether nothing is read at the moment, so that a silent client proves nothing."""
        return self._read_paused

    @property
    def held(self) -> bool:
        """Whether no input is handled until something else has happened."""
        return bool(self._held)

    def handle_one(self, command: Command) -> None:
        """What `gate` lets through."""
        gated, self._handle = self._handle, self._handle_running
        self._handle_running([command])
        if self._handle == self._handle_running:
            self._handle = gated

    def put_back(self, rest: list[Command]) -> None:
        """Commands to handle before what is read next."""
        self._pending = rest

    def hold(self, rest: list[Command]) -> None:
        """Handles and reads nothing until `release_input`, and then `rest` first."""
        self._held |= FOR_ALARM
        self._pending = rest

    def release_input(self) -> None:
        """Input is handled again, in a turn to come."""
        self._let_go(FOR_ALARM)

    def _let_go(self, reason: int) -> None:
        self._held &= ~reason
        if not self._held:
            self._rest(0)
            self.turn.schedule()

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
            self._open_channel(number)
        elif not (number in self._closed_lately and kind in LATE_METHODS):
            raise channel_not_open(kind & 0xFFFFFFFF)

    def _on_channel_zero(self, command: Command) -> None:
        handler = on_connection.HANDLERS.get(command[1])
        if handler is None:
            known = command[1] in commands.INDEX_MAPPING
            raise unexpected_method(command[1]) if known else unimplemented_method(command[1])
        reply = handler(self, cold.decode(command[1], command[2]))
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
        self._closed_lately.discard(number)
        self.channels[number] = Channel(self, number)
        self.send(cold.method_frame(number, cold.build(commands.Channel.OpenOk, channel_id=b"")))

    def forget_channel(self, channel: Channel) -> None:
        """The channel's number is free again."""
        self.channels.pop(channel.number, None)
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
        self.send(cold.method_frame(channel.number, _close_method(commands.Channel.Close, reply)))
        self.protocol.forget_contents(channel.number)
        channel.close()

    def _close(self, reply: replies.Reply) -> None:
        if self._released:
            return
        logger.warning("%s: closing: %s", self.name, reply.text)
        self._release()
        self.send(cold.method_frame(0, _close_method(commands.Connection.Close, reply)))
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
        self._await_end(self._handle_closed)

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

    def _handle_closed(self, commands: list[Command]) -> None:
        """Waits for the client to close the socket; nothing it still sends matters."""

    def lost(self) -> None:
        """The socket is gone."""
        self._timer.cancel()
        self._handle = self._handle_closed
        self._release()
        self.context.connections.discard(self)
        self.turn.schedule()

    def _release(self) -> None:
        if self._released:
            return
        self._released = True
        opened, self.state = self.state != "starting", "closed"
        gate, self.gate = self.gate, None
        if gate is not None and gate.shut:
            self.release_input()  # for its close-ok; nothing else will be handled
        if self._heartbeat is not None:
            self._heartbeat.stop()
        channels, self.channels = self.channels, {}
        for channel in channels.values():
            if not channel.closing:
                channel.close()
        if opened:
            self.vhost.delete_exclusive_queues(self)

    # -- out -----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Puts a frame into the output."""
        self.out.append(data)
        self.wrote(0)

    def wrote(self, octets: int) -> None:
        """`out` has grown by about `octets` (of bodies): it is written when the turn ends."""
        size = self._out_size
        if not size:
            self.turn.dirty.append(self)
        self._out_size = size = size + octets + 1
        if size > FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hands the output to the socket in one piece."""
        out = self.out
        size, self._out_size = self._out_size, 0
        if not out:
            return
        if self._socket.is_closing():
            out.clear()  # it broke in this turn, and `lost` is on its way
            return
        self.spoke = True
        if size > len(out) << 11:
            # Long bodies: joining would only copy them.
            self.sent_bytes += size
            self._socket.writelines(out)
            out.clear()
        else:
            data = b"".join(out)
            out.clear()
            self.sent_bytes += len(data)
            self._socket.write(data)
        if not self.writable and self._socket.get_write_buffer_size() > CHOKED_BYTES:
            # Replies that nobody reads: whoever asks on must first take what is there.
            # Deliveries alone never come so far, so a client that only sends gets no deadlock.
            self._held |= FOR_OUTPUT
            self._rest(0)

    def pause_writing(self) -> None:
        """The socket takes no more: no deliveries, until `resume_writing`."""
        self.writable = False
        self._full_since = self.context.clock.monotonic()
        for channel in self.channels.values():
            channel.flowing = False

    def lately_full(self) -> bool:
        """Whether the socket is full, but not for so long that its client seems to be stuck."""
        now = self.context.clock.monotonic()
        return not self.writable and now - self._full_since < STUCK_SECONDS

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self.writable = True
        if self._held & FOR_OUTPUT:
            self._let_go(FOR_OUTPUT)
        for channel in self.channels.values():
            channel.flowing = True
            channel.unpark_all()
        self.turn.schedule()

    # -- handshake, permissions ----------------------------------------------------------

    def _handle_handshake(self, commands: list[Command]) -> None:
        for index, command in enumerate(commands):
            step = self._handshake.handle(command)
            for frame in step.frames:
                self.send(frame)
            self.protocol.frame_limit = self._handshake.frame_limit
            if step.outcome is Outcome.RUNNING:
                self._start()
                self._handle(commands[index + 1 :])
                return
            if step.outcome is Outcome.REFUSED:
                self._turn_away(step)
                return

    def _turn_away(self, step: Step) -> None:
        # Slowly, so that guessing passwords takes its time; a peer that was told why may
        # end it sooner with close-ok.
        logger.warning("%s: handshake refused: %s", self.name, step.reason)
        self._released = True
        if not step.close_after:
            self.flush()
            self._socket.close()
        elif step.frames:
            self._await_end(self._handle_closing, step.close_after)
        else:
            self.protocol.discard()
            self._await_end(self._handle_closed, step.close_after)

    def _start(self) -> None:
        shake = self._handshake
        self.user, self.vhost = shake.user, shake.vhost
        self.client_properties = shake.client_properties
        self.mechanism = shake.mechanism
        self.channel_max, self.frame_max = shake.channel_max, shake.frame_max
        self.heartbeat = shake.heartbeat
        self.wants_cancel_notify = shake.capable("consumer_cancel_notify")
        self.wants_blocked_notify = shake.capable("connection.blocked")
        self.authorise = self.context.vhosts.permissions.authoriser(self.user.name, self.vhost.name)
        self.state = "running"
        self._timer.cancel()
        self._handle = self._handle_running
        self.alarmed()
        if self.heartbeat:
            self._heartbeat = Heartbeat(self, self.context.clock, self.heartbeat)
        logger.info("%s: user %s opened vhost %s", self.name, self.user.name, self.vhost.name)

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


def _close_method(
    kind: type[commands.Channel.Close] | type[commands.Connection.Close], reply: replies.Reply
) -> cold.Method:
    return cold.build(
        kind,
        reply_code=reply.code,
        reply_text=reply.text,
        class_id=reply.class_id,
        method_id=reply.method_id,
    )
