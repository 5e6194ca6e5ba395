"""A virtual host that is loaded at run time, and others who want their confirms meanwhile."""

import time
from pathlib import Path

import pytest

from tests.fuzz.bystander import PAUSE, Bystander
from tests.support.broker import Broker
from tests.support.target import Target
from tests.support.wire import WireClient

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]

QUEUES, MESSAGES = 10_000, 200_000
# Publishes between two looks at what has been confirmed.
BURST = 5_000
# By how much the p99 of others' confirms may rise while it is loaded (seconds).
RISE = 0.020


def fill(broker: Broker, target: Target) -> None:
    """Many durable queues in virtual host `v`, bound, with as many messages in each."""
    names = [f"queue-{number:05}" for number in range(QUEUES)]
    bindings = [
        {
            "source": "amq.topic",
            "destination": name,
            "destination_type": "queue",
            "routing_key": f"{name}.#",
            "arguments": {},
        }
        for name in names
    ]
    queues = [
        {"name": name, "durable": True, "auto_delete": False, "arguments": {}} for name in names
    ]
    document = {"queues": queues, "bindings": bindings}
    assert target.api("POST", "definitions/v", document)[0] == 204
    with WireClient(broker.amqp, timeout=60) as client:
        client.connect(vhost="v")
        client.call(1, "confirm.select")
        for begin in range(0, MESSAGES, BURST):
            for number in range(begin, begin + BURST):
                client.publish("", names[number % QUEUES], b"x" * 100, delivery_mode=2)
            confirmed = begin
            while confirmed < begin + BURST:
                confirmed = client.expect("basic.ack").arguments["delivery_tag"]


def p99(bystander: Bystander) -> float:
    """Seconds within which 99 of 100 confirms would have come, asked for at an even pace."""
    # A wait of a second is one wait, but it kept those from being asked for that were due then.
    waits = sorted(
        wait - number * PAUSE for wait in bystander.waits for number in range(1 + int(wait / PAUSE))
    )
    return waits[len(waits) * 99 // 100]


class Watched:
    """What others wait for while a virtual host is loaded, unloaded or deleted."""

    def __init__(self, broker: Broker, target: Target) -> None:
        self._broker = broker
        self._target = target
        # By what was done: by how much the p99 of their confirms rose (seconds).
        self.rises: dict[str, list[float]] = {}

    def do(self, what: str, method: str, path: str) -> None:
        """A request that is answered once all of it is done."""
        with Bystander(self._broker) as before:
            before.wait_for_enough()
        with Bystander(self._broker) as bystander:
            began = time.monotonic()
            assert self._target.api(method, path)[0] == 204
            took = time.monotonic() - began
        rise = p99(bystander) - p99(before)
        self.rises.setdefault(what, []).append(rise)
        report = bystander.report(f"{what} in {took:.1f} s, p99 +{rise * 1000:.1f} ms")
        print(f"p99 {p99(before) * 1000:.1f} ms before,", report)


def test_others_are_held_up_by_nothing_that_is_done_with_it(tmp_path: Path):
    with Broker(tmp_path) as broker:
        target = Target(broker.amqp, broker.http, "leveret")
        node = target.api("GET", "overview")[1]["node"]
        watched = Watched(broker, target)
        for _ in range(3):
            target.api("PUT", "vhosts/v", {})
            fill(broker, target)
            watched.do("unloaded", "POST", f"vhosts/v/stop/{node}")
            watched.do("loaded", "POST", f"vhosts/v/start/{node}")
            with WireClient(broker.amqp) as client:
                client.connect(vhost="v")
                for number in (0, QUEUES - 1):
                    ok = client.call(1, "queue.declare", queue=f"queue-{number:05}", passive=True)
                    assert ok.arguments["message_count"] == MESSAGES // QUEUES
            watched.do("deleted", "DELETE", "vhosts/v")
        # Of the three the one that other work on this machine disturbed least.
        assert {what: min(rises) < RISE for what, rises in watched.rises.items()} == dict.fromkeys(
            watched.rises, True
        )
