"""Sends many streams over concurrent connections and takes down what came back."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.fuzz.streams import Stream
from tests.support.wire import Address

CONCURRENT = 50
# A broker that has all of a stream and its end must let go of the connection at once.
DEADLINE = 15.0
# How long a stream stays open after its last octet when it does not end right away.
LINGER = 0.02


@dataclass
class Outcome:
    """`stuck` says that the broker did not end the connection in time; `reset` how it ended it."""

    stream: Stream
    received: bytes
    stuck: bool
    reset: bool


async def attack(address: Address, streams: Iterable[Stream], *, sources: int = 1) -> list[Outcome]:
    """All outcomes, in no particular order.

    With `sources` they come from so many addresses of this machine, so that a broker that slows
    down who fails to log in does not slow down all of them.
    """
    pending = iter(streams)

    async def worker() -> list[Outcome]:
        return [await _send(address, stream, sources) for stream in pending]

    workers = await asyncio.gather(*(worker() for _ in range(CONCURRENT)))
    return [outcome for outcomes in workers for outcome in outcomes]


async def _send(address: Address, stream: Stream, sources: int) -> Outcome:
    loop = asyncio.get_running_loop()
    client = _Client(loop.create_future())
    number = stream.seed % sources
    source = (f"127.1.{number >> 8 & 255}.{number & 255 or 1}", 0) if sources > 1 else None
    transport, _ = await loop.create_connection(lambda: client, *address, local_addr=source)
    for number, piece in enumerate(stream.pieces):
        if number:
            await asyncio.sleep(0)
        if client.ended.done():
            break
        transport.write(piece)
    # Half of them say at once that nothing more will come, the others wait for answers first.
    if stream.seed % 2:
        await asyncio.wait([client.ended], timeout=LINGER)
    with suppress(OSError):  # the other side was quicker
        if not transport.is_closing():
            transport.write_eof()
    await asyncio.wait([client.ended], timeout=DEADLINE)
    stuck = not client.ended.done()
    transport.abort()
    reset = await client.ended
    return Outcome(stream, bytes(client.received), stuck, reset)


class _Client(asyncio.Protocol):
    """Collects what comes; `ended` gives whether the connection was reset."""

    def __init__(self, ended: asyncio.Future[bool]) -> None:
        self.ended = ended
        self.received = bytearray()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(error is not None)
