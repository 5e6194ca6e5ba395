"""The octets of one connection, both ways: what is read and handled when, what is written when.

Here: a turn's share of input, holding it while something is awaited, joining
output, and both ways' limits (docs/design.md, decision 4).  Not here: what the octets
mean (connection.py), and the socket itself (transport.py).
"""

from typing import Protocol as Interface

from broker.amqp.protocol import Command, Protocol
from broker.turn import Turn
from broker.waiting import MAX_QUESTIONS, Waiting

# What one connection may bring before others have their turn: messages, and octets.
BUDGET = 1000
TURN_BYTES = 1 << 19
# Output beyond this goes to the socket before the turn ends.
FLUSH_BYTES = 1 << 20
# Why input is held, bits of `_held`.
FOR_COMMIT, FOR_ALARM, FOR_OUTPUT, FOR_ANSWER = 1, 2, 4, 8
CHOKED_BYTES = 8 << 20
# A publisher waits this long (seconds) when those who read are behind, unless they are stuck.
CONGESTION_PAUSE = 0.003
STUCK_SECONDS = 1.0
# And this long, as often as it takes, when the disk is.
BEHIND_PAUSE = 0.02


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


class Toll(Interface):
    """Where what is read is counted (quotas.py)."""

    def rest(self) -> float: ...
    def charge(self, received: list[Command]) -> None: ...


class Link:
    """The half of a connection that moves octets.

    `out` collects pieces of output; `writable` is False while the socket takes
    no more; `heard` and `spoke` say that octets came or went since somebody
    looked; `stores` that what is published may need the disk; `toll` counts
    what is read where the virtual host may only bring so much.
    """

    __slots__ = (
        "_full_since",
        "_held",
        "_out_size",
        "_pending",
        "_read_paused",
        "_resuming",
        "_slowed",
        "_socket",
        "_turn",
        "_turn_bytes",
        "_turn_messages",
        "_waited_for",
        "_waits",
        "heard",
        "name",
        "out",
        "protocol",
        "reads",
        "received_bytes",
        "sent_bytes",
        "spoke",
        "stores",
        "toll",
        "turn",
        "writable",
        "writes",
    )

    def __init__(self, name: str, socket: Socket, turn: Turn, protocol: Protocol) -> None:
        self.name = name
        self._socket = socket
        self.turn = turn
        self.protocol = protocol
        self.out: list[bytes] = []
        self._out_size = 0
        self.writable = True
        self._full_since = 0.0
        self.heard = self.spoke = self.stores = False
        self.toll: Toll | None = None
        self.received_bytes = self.sent_bytes = self.reads = self.writes = 0
        self._pending: list[Command] = []
        self._waited_for: Command | None = None
        self._waits = 0
        self._held = 0
        self._resuming = self._read_paused = self._slowed = False
        self._turn = self._turn_bytes = self._turn_messages = 0

    def handle(self, commands: list[Command]) -> None:
        """Does what was read; where it holds the input, it puts back the rest."""
        raise NotImplementedError

    def let_flow(self, flowing: bool) -> None:
        """The socket takes more again, or takes no more."""
        raise NotImplementedError

    # -- in ------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """What the socket gave: handled at once, delivered and answered at the end of the turn."""
        self.heard = True
        size = len(data)
        self.received_bytes += size
        self.reads += 1
        turn = self.turn.number
        if turn != self._turn:
            self._turn, self._turn_bytes, self._turn_messages = turn, 0, 0
        self._turn_bytes += size
        self.protocol.receive(data)
        if not self._held and not self._resuming:
            self._process()

    def _process(self) -> None:
        commands = self._pending
        toll = self.toll
        if commands:
            self._pending = []
        elif toll is not None and (delay := toll.rest()):
            self.heard = True  # as in `_resume`
            self._rest(delay)
            return
        else:
            commands = self.protocol.commands(BUDGET)
            self._turn_messages += self.protocol.spent
            if toll is not None:
                toll.charge(commands)
        self.handle(commands)
        if self._slowed:
            self._slowed = False
            self._rest(CONGESTION_PAUSE)
        elif self.stores and self.turn.behind:
            self._rest(BEHIND_PAUSE)
        elif self._pending or self._held or self.protocol.more or self._turn_used_up():
            self._rest(0)
        elif self._read_paused and not self._socket.is_closing():
            self._read_paused = False
            self._socket.resume_reading()
        self.turn.schedule()

    def _turn_used_up(self) -> bool:
        return self._turn_messages >= BUDGET or self._turn_bytes >= TURN_BYTES

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
            self.turn.clock.call_later(delay, self._resume)
        else:
            self.turn.call_soon(self._resume)

    def _resume(self) -> None:
        self._resuming = False
        self._turn_bytes = self._turn_messages = 0
        if self.stores and self.turn.behind:
            self.heard = True  # it is not the client's fault that nothing is read
            self._rest(BEHIND_PAUSE)
        elif not self._held:
            self._process()

    def slow_down(self) -> None:
        """Reads nothing for a moment: it publishes faster than a socket can be written."""
        self._slowed = True

    @property
    def deaf(self) -> bool:
        """Whether nothing is read at the moment, so that a silent client proves nothing."""
        return self._read_paused

    @property
    def held(self) -> bool:
        """Whether no input is handled until something else has happened."""
        return bool(self._held)

    def put_back(self, rest: list[Command]) -> None:
        """Commands to handle before what is read next, behind what waits already."""
        self._pending = [*self._pending, *rest]

    def wait_for(self, waiting: Waiting, rest: list[Command]) -> bool:
        """Handles and reads nothing until there is an answer, and then `rest` again.

        False, and nothing happens, if its first command has waited for too many already.
        """
        self._waits = self._waits + 1 if rest[0] is self._waited_for else 1
        self._waited_for = rest[0]
        if self._waits > MAX_QUESTIONS:
            return False
        self._held |= FOR_ANSWER
        self._pending = rest
        waiting.begin(lambda: self._let_go(FOR_ANSWER))
        return True

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
        self.writes += 1
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

    @property
    def unsent_bytes(self) -> int:
        """What was written and the socket has not taken yet."""
        return 0 if self._socket.is_closing() else self._socket.get_write_buffer_size()

    def pause_writing(self) -> None:
        """The socket takes no more: no deliveries, until `resume_writing`."""
        self.writable = False
        self._full_since = self.turn.clock.monotonic()
        self.let_flow(False)

    def lately_full(self) -> bool:
        """Whether the socket is full, but not for so long that its client seems to be stuck."""
        now = self.turn.clock.monotonic()
        return not self.writable and now - self._full_since < STUCK_SECONDS

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self.writable = True
        if self._held & FOR_OUTPUT:
            self._let_go(FOR_OUTPUT)
        self.let_flow(True)
        self.turn.schedule()
