"""Many quiet clients as a process of their own: `python -m tests.scale.clients PORT COUNT`.

Each consumes from a queue of its own, which the test has declared. Says `up` when all are there,
and holds them until its input ends.
"""

import sys

from tests.support.wire import Address, WireClient


def main() -> None:
    """Connects them one after the other."""
    port, count = map(int, sys.argv[1:])
    clients = []
    for number in range(count):
        client = WireClient(Address("127.0.0.1", port), timeout=60)
        clients.append(client)
        client.connect()
        client.call(1, "basic.consume", queue=f"queue-{number:05}", consumer_tag="c")
    print("up", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
