"""Who wants nothing but messages: `python -m tests.scale.bystander PORT`, a process of its own.

Publishes to a queue of its own and waits for the delivery, again and again. Says `up` first; then
each line of its input, a number, is answered once there were so many deliveries since the line
before: with their count, and the 99th percentile and the median of the milliseconds they took.
"""

import sys
import threading
import time

from tests.support.wire import Address, WireClient

# Between two messages (seconds).
PAUSE = 0.002


def main() -> None:
    """Until the input ends."""
    over, delivered = threading.Event(), threading.Condition()
    waits: list[float] = []
    with WireClient(Address("127.0.0.1", int(sys.argv[1])), timeout=20) as client:
        client.connect()
        client.call(1, "queue.declare", queue="bystander")
        client.call(1, "basic.consume", queue="bystander", consumer_tag="c", no_ack=True)
        print("up", flush=True)
        threading.Thread(target=_answer, args=(waits, delivered, over), daemon=True).start()
        while not over.wait(PAUSE):
            began = time.perf_counter()
            client.publish("", "bystander", b"x" * 100)
            client.expect_content("basic.deliver")
            with delivered:
                waits.append((time.perf_counter() - began) * 1000)
                delivered.notify()


def _answer(waits: list[float], delivered: threading.Condition, over: threading.Event) -> None:
    for line in sys.stdin:
        least = int(line)
        with delivered:
            while len(waits) < least:
                delivered.wait()
            found = sorted(waits) or [0.0]
            waits.clear()
        p99, median = found[len(found) * 99 // 100], found[len(found) // 2]
        print(len(found), p99, median, flush=True)
    over.set()


if __name__ == "__main__":
    main()
