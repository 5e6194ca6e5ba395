"""One publisher: blocks of messages that were encoded once, stamped and sent as they are.

Here: when how many may be sent (window, rate, backlog) and what the broker confirms.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from struct import Struct

from broker.amqp import hot, properties
from broker.clock import Clock
from mgmt_ui.cli.amqp import Connection, frame_end, publish_frames
from mgmt_ui.cli.bench.histogram import Histogram
from mgmt_ui.cli.bench.plan import Plan

# Messages that are written at once, and their octets at most.
BLOCK, BLOCK_OCTETS = 100, 256 << 10
# Seconds between two looks where a rate or a backlog is kept.
TICK = 0.001
NANOSECONDS = 1_000_000_000
_STAMP = Struct(">Q")
_CONFIRM = Struct(">IQB")
_START = Struct(">BHI")
_CONFIRM_SIZE = 21


class Publisher:
    """Publishes by the plan from `start` to `stop`; `done` is called when its share is sent
    and confirmed. Counts what it has sent, what was confirmed and what was refused."""

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        clock: Clock,
        ahead: Callable[[], int],
        number: int = 0,
    ) -> None:
        self.sent = self.confirmed = self.refused = 0
        self.latency = Histogram()
        self.done: Callable[[], None] = lambda: None
        self._connection = connection
        self._plan = plan
        self._clock = clock
        self._ahead = ahead
        self._share = plan.share(number)
        self._rate = plan.rate / plan.publishers
        self._running = False
        self._scheduled = False
        self._began = 0.0
        self._buffer = bytearray()
        # What was sent when: (last tag, seconds); what is confirmed: all up to the floor, and
        # these above it.
        self._times: deque[tuple[int, float]] = deque()
        self._floor = 0
        self._above: set[int] = set()
        mode = properties.BasicProperties(delivery_mode=2 if plan.persistent else 1)
        header = properties.encode(mode, plan.size)
        body = bytes(plan.size)
        one = publish_frames(plan.exchange, plan.key, header, body, connection.frame_max)
        self._length = len(one)
        self._stamp_at = self._find_stamp(one)
        self._most = max(1, min(BLOCK, BLOCK_OCTETS // self._length))
        self._block = bytearray(one * self._most)

    def _find_stamp(self, one: bytes) -> int:
        # Behind method and header, and the first seven octets of the first body frame.
        return frame_end(one, frame_end(one, 0)) + _START.size

    def start(self) -> None:
        """Begins."""
        self._running = True
        self._began = self._clock.monotonic()
        self._connection.raw = self._received
        self._connection.resumed = self._wake
        self._wake()

    def stop(self) -> None:
        """Sends nothing more; confirms still come."""
        self._running = False

    def drop(self) -> None:
        """Ends its connection without a word."""
        self._connection.abort()

    @property
    def settled(self) -> bool:
        """Whether nothing is out that a confirm could come for."""
        return not self._plan.window or self.confirmed + self.refused >= self.sent

    @property
    def finished(self) -> bool:
        """Whether its share of the messages is sent and settled."""
        return bool(self._share) and self.sent >= self._share and self.settled

    # -- sending -------------------------------------------------------------------------

    def _wake(self) -> None:
        if not self._scheduled and self._running:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _later(self) -> None:
        self._scheduled = True
        self._clock.call_later(TICK, self._pump)

    def _pump(self) -> None:
        self._scheduled = False
        if not self._running or self._connection.paused or self._connection.failure:
            return  # `resumed` wakes it
        count = self._allowed()
        if count > 0:
            self._send(count)
        if self._share and self.sent >= self._share:
            self._running = False
            if self.finished:
                self.done()
        elif count > 0 and not self._rate:
            self._wake()
        elif self._rate or not self._is_window_full():
            self._later()
        # With a full window the next confirm wakes it.

    def _is_window_full(self) -> bool:
        window = self._plan.window
        return bool(window) and self.sent - self.confirmed - self.refused >= window

    def _allowed(self) -> int:
        plan = self._plan
        count = self._most
        if plan.window:
            count = min(count, plan.window - self.sent + self.confirmed + self.refused)
        if self._share:
            count = min(count, self._share - self.sent)
        if plan.backlog and plan.consumers:
            count = min(count, plan.backlog - self._ahead())
        if self._rate:
            passed = self._clock.monotonic() - self._began
            count = min(count, int(passed * self._rate) - self.sent)
        return count

    def _send(self, count: int) -> None:
        now = self._clock.monotonic()
        if self._plan.stamped:
            stamp, block, length = int(now * NANOSECONDS), self._block, self._length
            for at in range(self._stamp_at, self._stamp_at + count * length, length):
                _STAMP.pack_into(block, at, stamp)
        self.sent += count
        if self._plan.window:
            self._times.append((self.sent, now))
        self._connection.write(bytes(memoryview(self._block)[: count * self._length]))

    # -- confirms ------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while end := frame_end(buffer, at):
            method = 0
            if end - at == _CONFIRM_SIZE:
                method, tag, flags = _CONFIRM.unpack_from(buffer, at + _START.size)
            if method == hot.BASIC_ACK:
                self.confirmed += self._settle(tag, flags & 1)
            elif method == hot.BASIC_NACK:
                self.refused += self._settle(tag, flags & 1)
            else:
                kind, channel, _ = _START.unpack_from(buffer, at)
                self._connection.frame(kind, channel, bytes(buffer[at + 7 : end - 1]))
            at = end
        del buffer[:at]
        self._take_times()
        if self.finished:
            self.done()
        self._wake()

    def _settle(self, tag: int, multiple: int) -> int:
        # How many messages this is for.
        above = self._above
        if not multiple:
            above.add(tag)
            count = 1
        else:
            known = {each for each in above if each <= tag}
            count = max(0, tag - self._floor - len(known))
            above -= known
            self._floor = max(self._floor, tag)
        while self._floor + 1 in above:
            self._floor += 1
            above.remove(self._floor)
        return count

    def _take_times(self) -> None:
        now = self._clock.monotonic()
        while self._times and self._times[0][0] <= self._floor:
            self.latency.add(int((now - self._times.popleft()[1]) * 1_000_000))
