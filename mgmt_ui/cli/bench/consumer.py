"""One consumer: counts deliveries by their size, acknowledges, and reads when they were sent.

All deliveries of a queue are of one size here, which is learnt from the first; that a whole
chunk is made of such is seen at its last one. Anything else is read frame by frame.
"""

from struct import Struct

from broker.amqp import hot
from broker.clock import Clock
from mgmt_ui.cli.amqp import CHANNEL, FRAME_END, METHOD, Connection, frame_end
from mgmt_ui.cli.bench.histogram import Histogram
from mgmt_ui.cli.bench.plan import STAMP, Plan

TAG = "b"
# Latencies that are read from one chunk.
SAMPLES = 8
NANOSECONDS_IN_MICROSECOND = 1000
LONGEST = 3600 * 1_000_000_000
# Of a delivery: frame, method id, consumer tag; behind it is the delivery tag.
_TAG_AT = 7 + 4 + 1 + len(TAG)
_START = Struct(">BHI")
_ID = Struct(">I")
_U64 = Struct(">Q")
_SIZE_AT = 7 + 4  # in a content header frame
_ACK = Struct(">BHIIQBB")


class Consumer:
    """Consumes from the queue of the plan once `start` has returned."""

    def __init__(self, connection: Connection, plan: Plan, clock: Clock) -> None:
        self.received = 0
        self.latency = Histogram()
        self._connection = connection
        self._plan = plan
        self._clock = clock
        self._buffer = bytearray()
        self._unacked = self._last_tag = 0
        self._ack_at = max(1, plan.prefetch // 4)
        # Of one delivery: how it begins, how long it is, where its stamp is.
        self._prefix = b""
        self._length = 0
        self._stamp_at = 0

    async def start(self) -> None:
        """Subscribes; raises Failure."""
        plan = self._plan
        if plan.prefetch:
            await self._connection.qos(plan.prefetch)
        await self._connection.consume(
            plan.queue, TAG, no_ack=not plan.prefetch, arguments=plan.consumer_arguments
        )
        self._connection.raw = self._received

    def _received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        now = int(self._clock.monotonic() * 1_000_000_000)
        at = 0
        while True:
            count = self._alike(at)
            if count:
                self._note(at, count, now)
                at += count * self._length
                continue
            end = self._one(at, now)
            if not end:
                break
            at = end
        del buffer[:at]

    def _alike(self, at: int) -> int:
        # How many deliveries of the known kind there are from here on.
        length = self._length
        if not length:
            return 0
        buffer = self._buffer
        count = (len(buffer) - at) // length
        last = at + (count - 1) * length
        if (
            count
            and buffer.startswith(self._prefix, at)
            and buffer.startswith(self._prefix, last)
            and buffer[last + length - 1] == FRAME_END
        ):
            return count
        return 0

    def _one(self, at: int, now: int) -> int:
        # Reads one delivery, or a frame that belongs to none; its end, 0 while it is not all there.
        buffer = self._buffer
        end = frame_end(buffer, at)
        if not end:
            return 0
        kind, channel, size = _START.unpack_from(buffer, at)
        if kind != METHOD or size < 4 or _ID.unpack_from(buffer, at + 7)[0] != hot.BASIC_DELIVER:
            self._connection.frame(kind, channel, bytes(buffer[at + 7 : end - 1]))
            return end
        header_end = frame_end(buffer, end)
        if not header_end:
            return 0
        left: int = _U64.unpack_from(buffer, end + _SIZE_AT)[0]
        body_at = message_end = header_end
        while left > 0:
            following = frame_end(buffer, message_end)
            if not following:
                return 0
            left -= following - message_end - 8
            message_end = following
        self._prefix = bytes(buffer[at : _TAG_AT + at])
        self._length = message_end - at
        self._stamp_at = body_at - at + 7
        self._note(at, 1, now)
        return message_end

    def _note(self, at: int, count: int, now: int) -> None:
        self.received += count
        if self._plan.stamped and self._length >= self._stamp_at + STAMP:
            step = max(1, count // SAMPLES)
            for number in range(0, count, step):
                stamp = _U64.unpack_from(self._buffer, at + number * self._length + self._stamp_at)[
                    0
                ]
                # Others may have put messages into the queue, with anything in them.
                if 0 <= now - stamp < LONGEST:
                    self.latency.add((now - stamp) // NANOSECONDS_IN_MICROSECOND)
        if self._plan.prefetch:
            last = at + (count - 1) * self._length
            self._last_tag = _U64.unpack_from(self._buffer, last + _TAG_AT)[0]
            self._unacked += count
            if self._unacked >= self._ack_at:
                self.acknowledge()

    def acknowledge(self) -> None:
        """Acknowledges all that has come."""
        if self._unacked and not self._connection.failure:
            self._unacked = 0
            ack = _ACK.pack(METHOD, CHANNEL, 13, hot.BASIC_ACK, self._last_tag, 1, FRAME_END)
            self._connection.write(ack)
