"""A consumer that counts, on a connection and a thread of its own.

Deliveries are counted by their size, which is the same for all of a load and learnt from the first.
"""

import threading
import time
from typing import Any

from tests.support.wire import Address, WireClient, method_frame

PREFETCH = 2000
PATIENCE = 60.0


class Reader(threading.Thread):
    """Consumes one queue on a connection of its own and counts."""

    def __init__(self, address: Address, queue: str, *, acks: bool = False, **arguments: Any):
        super().__init__(daemon=True)
        self.count = 0
        self.first_at = self.last_at = 0.0
        self._acks = acks
        self._client = WireClient(address, PATIENCE)
        self._client.connect(channels=(1,))
        if acks:
            self._client.send_method(1, "basic.qos", prefetch_count=PREFETCH)
            self._client.expect("basic.qos-ok")
        self._client.send_method(
            1, "basic.consume", queue=queue, no_ack=not acks, arguments=arguments
        )
        self._client.expect("basic.consume-ok")

    def run(self) -> None:
        """Counts until the connection ends."""
        try:
            self._count()
        except OSError:
            pass  # `close` ended it

    def _count(self) -> None:
        client = self._client
        size = sum(len(client.read_payload_frame().payload) + 8 for _ in range(3))
        self.first_at = time.perf_counter()
        octets = size + len(client.received)
        acked = 0
        client.socket.settimeout(None)
        while True:
            self.count = octets // size
            self.last_at = time.perf_counter()
            if self._acks and self.count - acked >= PREFETCH // 4:
                acked = self.count
                client.socket.sendall(
                    method_frame(1, "basic.ack", delivery_tag=acked, multiple=True)
                )
            chunk = client.socket.recv(1 << 18)
            if not chunk:
                return
            octets += len(chunk)

    def reaches(self, count: int) -> None:
        """Waits until so many have come; raises TimeoutError when none comes any more."""
        seen, since = -1, time.perf_counter()
        while self.count < count:
            if self.count != seen:
                seen, since = self.count, time.perf_counter()
            elif time.perf_counter() - since > PATIENCE:
                raise TimeoutError(f"{seen} of {count} deliveries")
            time.sleep(0.0005)

    def close(self) -> None:
        """Ends the connection, and so the thread."""
        self._client.abort()
