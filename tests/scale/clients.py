"""Many idle clients as a process of their own: `python -m tests.scale.clients PORT COUNT`.

Says `up` when all are connected, and holds them until its input ends.
"""

import sys

from tests.support.wire import Address, WireClient


def main() -> None:
    """Connects them one after the other."""
    port, count = map(int, sys.argv[1:])
    clients = []
    for _ in range(count):
        client = WireClient(Address("127.0.0.1", port))
        clients.append(client)
        client.connect()
    print("up", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
