"""The aggregated metrics of objects are the sums of what single objects have, scrape by scrape."""

import asyncio

from mgmt_ui.metrics import families
from mgmt_ui.metrics.families import FAMILIES
from mgmt_ui.metrics.sums import Sums
from tests.unit.mgmt_ui.live import LiveServer

SHARES = {"queue_consumer_capacity", "queue_consumer_utilisation"}


async def row_by_row(live: LiveServer) -> dict[str, float]:
    """Sums of all rows; the mean of what is a share. What is no number is left out."""
    found: dict[str, float] = {}
    for family in FAMILIES.values():
        rows = [values async for _, values in family.rows(live.as_server, lambda _: True)]
        for place, metric in enumerate(family.metrics):
            values = [row[place] for row in rows if row[place] == row[place]]
            total = sum(values)
            found[metric.name] = total / len(values) if metric.name in SHARES and values else total
    return found


async def check(live: LiveServer, sums: Sums) -> dict[str, float]:
    """What `sums` gives now, after it was compared with the rows."""
    totals = live.vhosts.totals()
    rows, found = await row_by_row(live), await sums.read(totals)
    steady = dict(families.steady(totals))
    assert found == rows | steady
    return found


def declare(live: LiveServer, name: str) -> None:
    live.vhost.declare_queue(name, durable=True, owner=None, auto_delete=False, arguments={})


async def test_nothing(live: LiveServer):
    assert set((await check(live, Sums(live.as_server))).values()) == {0}


async def test_whatever_happens(live: LiveServer):
    sums = Sums(live.as_server)
    for number in range(7):
        declare(live, f"idle{number}")
    client = live.connect()
    client.declare("full", durable=True)
    client.declare("quorum", durable=True, arguments={"x-queue-type": "quorum"})
    client.declare("log", durable=True, arguments={"x-queue-type": "stream"})
    for queue in ("full", "quorum", "log"):
        for size in (1, 100, 4000):
            client.publish("", queue, b"x" * size, delivery_mode=2, timestamp=1_700_000_000)
    live.engine.run()
    found = await check(live, sums)
    assert found["queue_messages_ready"] == 9
    assert found["queue_messages_ready_bytes"] == 2 * 4101
    assert found["queue_head_message_timestamp"] == 2 * 1_700_000_000

    client.consume("full", "tag", prefetch=2)
    assert len(client.deliveries()) == 2
    client.consume("log", "reader", prefetch=1, arguments={"x-stream-offset": "first"})
    live.engine.run()
    client.read_all()
    found = await check(live, sums)
    assert found["queue_messages_unacked"] == 2
    assert found["queue_consumers"] == 2
    await check(live, sums)

    client.call(1, "queue.delete", queue="full")
    live.engine.run()
    found = await check(live, sums)
    assert found["queue_messages_ready_bytes"] == 4101
    client.read_all()
    client.close()
    live.engine.run()
    assert (await check(live, sums))["channel_messages_unacked"] == 0


async def test_two_scrapes_at_once(live: LiveServer):
    sums = Sums(live.as_server)
    client = live.connect()
    for number in range(300):
        declare(live, f"q{number}")
        client.publish("", f"q{number}", b"x")
    live.engine.run()
    totals = live.vhosts.totals()
    both = await asyncio.gather(sums.read(totals), sums.read(totals))
    assert both[0] == both[1] == await check(live, sums)
