"""A client that wants nothing but its confirms, and notes how long each takes, while others flood.

    with Bystander(broker) as bystander:
        ...
    assert bystander.p99() < 0.1

It is a process of its own (`python -m tests.fuzz.bystander HOST PORT`): a thread would wait for
the interpreter of whoever makes the flood, and blame the broker.
"""

import json
import subprocess
import sys
import threading
import time
from typing import Self

from tests.support.broker import ROOT, Broker
from tests.support.wire import WireClient

# Between two messages (seconds).
PAUSE = 0.005
# So many confirms a p99 needs.
ENOUGH = 500


class Bystander:
    """Publishes persistent messages to a durable queue, each when the one before is confirmed.

    `waits` are the seconds that each confirm took, once the block has ended.
    """

    def __init__(self, broker: Broker) -> None:
        self._command = [sys.executable, "-m", __name__, *map(str, broker.amqp)]
        self.waits: list[float] = []

    def p99(self) -> float:
        """Seconds within which 99 of 100 confirms came."""
        return sorted(self.waits)[len(self.waits) * 99 // 100]

    def report(self, what: str) -> str:
        """The figures in one line."""
        p99, worst = self.p99() * 1000, max(self.waits) * 1000
        return f"{what}: {len(self.waits)} confirms, p99 {p99:.1f} ms, {worst:.1f} at most"

    def wait_for_enough(self) -> None:
        """Returns once ENOUGH confirms came; call it once, within the block."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"enough\n"

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, cwd=ROOT)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        said = self._process.communicate(b"", timeout=30)[0]
        assert self._process.returncode == 0
        self.waits = json.loads(said.splitlines()[-1])


def main(host: str, port: str) -> None:
    """Until standard input ends."""
    over = threading.Event()
    waits = []
    with WireClient((host, int(port)), timeout=20) as client:
        client.connect()
        client.call(1, "queue.declare", queue="bystander", durable=True)
        client.call(1, "confirm.select")
        print("ready", flush=True)
        threading.Thread(target=_await_end, args=(over,), daemon=True).start()
        while not over.wait(PAUSE):
            began = time.perf_counter()
            client.publish("", "bystander", b"x" * 100, delivery_mode=2)
            client.expect("basic.ack")
            waits.append(time.perf_counter() - began)
            if len(waits) == ENOUGH:
                print("enough", flush=True)
    print(json.dumps(waits))


def _await_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
