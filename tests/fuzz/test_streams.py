"""10,000 random streams: documented replies or clean closes, no traceback, nothing left behind.

FUZZ_SEED in the environment moves on to other streams; a failure names the seed of its stream.
"""

import asyncio
import os

import pytest

from tests.fuzz import memory
from tests.fuzz.driver import attack
from tests.fuzz.replies import check
from tests.fuzz.streams import stream
from tests.support.broker import Broker
from tests.support.encoding import Method
from tests.support.eventually import eventually
from tests.support.wire import Address, wire

STREAMS = 10_000
WARM_UP = 2_000
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "0")) * STREAMS
MAY_GROW = 24 * memory.MIB


# A fuzzer that is refused at the door tests the door only: all of these must have come up.
WELL_KNOWN = {
    *("channel.open-ok", "queue.declare-ok", "queue.bind-ok", "exchange.declare-ok"),
    *("basic.deliver", "basic.return", "basic.get-ok", "basic.get-empty", "basic.ack"),
    *("confirm.select-ok", "tx.commit-ok", "basic.recover-ok", "basic.cancel-ok"),
}
CODES = {404, 406, 501, 503, 504, 505, 540, 541}


def run(address: Address, first: int, count: int) -> list[Method]:
    """Attacks with `count` streams, checks what came back from each, and returns all of it."""
    methods = []
    for outcome in asyncio.run(attack(address, map(stream, range(first, first + count)))):
        where = f"seed {outcome.stream.seed} ({outcome.stream.kind})"
        assert not outcome.stuck, f"{where}: the connection was not closed"
        try:
            methods += check(outcome.received, whole=not outcome.reset)
        except Exception as error:
            raise AssertionError(f"{where}: {error!r}") from error
    return methods


@pytest.mark.timeout(600)
def test_random_streams(broker: Broker):
    sockets = memory.open_sockets(broker.pid)
    methods = run(broker.amqp, FIRST_SEED, WARM_UP)
    before = memory.resident(broker.pid)
    methods += run(broker.amqp, FIRST_SEED + WARM_UP, STREAMS - WARM_UP)

    broker.assert_clean_log()
    eventually(lambda: memory.open_sockets(broker.pid) <= sockets, why="all sockets closed")
    assert memory.resident(broker.pid) - before < MAY_GROW
    with wire(broker.amqp) as client:
        client.call(1, "queue.declare", queue="after", exclusive=True)
        client.publish("", "after", b"still here")
        got = eventually(lambda: client.get("after"))
        assert got
        assert got.body == b"still here"
    assert {method.name for method in methods} >= WELL_KNOWN
    assert {method.arguments.get("reply_code") for method in methods} >= CODES
