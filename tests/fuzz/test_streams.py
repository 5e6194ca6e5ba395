"""10,000 random streams: documented replies or clean closes, no traceback, nothing left behind.

FUZZ_SEED in the environment moves on to other streams; a failure names the seed of its stream.
"""

import asyncio
import os
from collections import Counter

import pytest

from tests.fuzz import memory
from tests.fuzz.driver import Outcome, attack
from tests.fuzz.replies import check
from tests.fuzz.streams import MAKERS, stream
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import Address, wire

STREAMS = 10_000
WARM_UP = 2_000
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "0")) * STREAMS
MAY_GROW = 24 * memory.MIB


def run(address: Address, first: int, count: int) -> list[Outcome]:
    """Attacks with `count` streams and checks what came back from each."""
    outcomes = asyncio.run(attack(address, map(stream, range(first, first + count))))
    for outcome in outcomes:
        where = f"seed {outcome.stream.seed} ({outcome.stream.kind})"
        assert not outcome.stuck, f"{where}: the connection was not closed"
        try:
            check(outcome.received, whole=not outcome.reset)
        except Exception as error:
            raise AssertionError(f"{where}: {error!r}") from error
    return outcomes


@pytest.mark.timeout(180)
def test_random_streams(broker: Broker):
    files = memory.open_files(broker.pid)
    outcomes = run(broker.amqp, FIRST_SEED, WARM_UP)
    before = memory.resident(broker.pid)
    outcomes += run(broker.amqp, FIRST_SEED + WARM_UP, STREAMS - WARM_UP)

    broker.assert_clean_log()
    eventually(lambda: memory.open_files(broker.pid) <= files, 5, "all sockets closed")
    assert memory.resident(broker.pid) - before < MAY_GROW
    with wire(broker.amqp) as client:
        client.call(1, "queue.declare", queue="after", exclusive=True)
        client.publish("", "after", b"still here")
        got = eventually(lambda: client.get("after"))
        assert got
        assert got.body == b"still here"
    # A fuzzer that is refused at the door tests the door only.
    kinds = Counter(outcome.stream.kind for outcome in outcomes if len(outcome.received) > 1000)
    assert {make.__name__ for make in MAKERS} - kinds.keys() <= {"garbage"}
