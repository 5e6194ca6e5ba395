"""The management API with ten thousand queues: what an answer takes, and what it takes from others.

The broker runs in this process, so that it can be seen how long its loop is held: in CPU time of
its thread, since the machine may be busy with other things. Who asks is a process of its own.
"""

import asyncio
import gc
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from broker.clock import SystemClock
from broker.options import Options
from broker.server import Server
from mgmt_ui.front import Front, MetricsFront
from mgmt_ui.rates import Rates

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(600)]

QUEUES, CLIENTS = 10_000, 2_000
# The longest that the loop may be held, and what the collector may add to it at times (ms).
HELD, COLLECTOR = 10.0, 15.0
ROOT = Path(__file__).resolve().parents[2]
# Prints seconds and octets of one request after another, each to a line of its input.
ASKER = """
import sys, time, urllib.request
for url in sys.stdin:
    login = {"authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="}
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(url.strip(), headers=login)) as answer:
        size = len(answer.read())
    print(time.perf_counter() - began, size, flush=True)
"""


@dataclass
class Crowd:
    """A broker with many queues and clients, and what its loop has been held for."""

    server: Server
    asker: Process
    held: float = 0.0

    async def watch(self) -> None:
        """Measures every turn of the loop."""
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.held, last = max(self.held, now - last), now

    async def ask(self, path: str, protocol: str = "http") -> tuple[float, int, float]:
        """The best of three: milliseconds of the answer, its octets; and for how many
        milliseconds the loop was held at the worst of the best."""
        address = self.server.address(protocol)
        assert address is not None
        found = []
        for _ in range(3):
            assert self.asker.stdin is not None
            assert self.asker.stdout is not None
            gc.collect(0)
            self.held = 0.0
            self.asker.stdin.write(f"http://127.0.0.1:{address[1]}/{path}\n".encode())
            seconds, octets = (await self.asker.stdout.readline()).split()
            found.append((float(seconds) * 1000, int(octets), self.held * 1000))
        return min(each[0] for each in found), found[0][1], min(each[2] for each in found)


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@pytest.fixture
async def crowd(tmp_path: Path) -> AsyncIterator[Crowd]:
    options = Options(
        data_dir=tmp_path, amqp_port=0, http_port=0, prometheus_port=0, bind=("127.0.0.1",)
    )
    server = Server(options, SystemClock(), cast(Any, Front), cast(Any, MetricsFront))
    await server.start()
    vhost = server.vhosts.get("/")
    assert vhost is not None
    for number in range(QUEUES):
        vhost.declare_queue(
            f"queue-{number:05}", durable=False, owner=None, auto_delete=False, arguments={}
        )
    address = server.address("amqp")
    assert address is not None
    clients = ("-m", "tests.scale.clients", str(address[1]), str(CLIENTS))
    async with started(*clients) as idle, started("-c", ASKER) as asker:
        assert idle.stdout is not None
        assert await idle.stdout.readline() == b"up\n"
        found = Crowd(server, asker)
        await found.ask("api/overview")  # which loads the web server
        gc.freeze()
        watch = asyncio.create_task(found.watch())
        yield found
        watch.cancel()
    await server.stop()
    gc.unfreeze()


async def test_ten_thousand_queues(crowd: Crowd):
    for path, most in {
        "api/queues?page=1&page_size=100": 50,
        "api/queues?page=100&page_size=100": 50,
        "api/queues?page=1&page_size=100&name=99": 50,
        "api/connections?page=1&page_size=100": 50,
        "api/channels?page=1&page_size=100": 50,
        "api/overview": 50,
        "api/overview?msg_rates_age=600&msg_rates_incr=5&lengths_age=600&lengths_incr=5": 100,
        "api/nodes": 50,
        "api/vhosts": 50,
        "api/queues": 2000,
        "api/connections": 2000,
    }.items():
        took, octets, held = await crowd.ask(path)
        print(f"{path}: {took:.0f} ms, {octets} octets, loop held {held:.1f} ms")
        assert took < most, path
        assert held < HELD, path


async def test_scrapes_of_ten_thousand_queues(crowd: Crowd):
    for path, most in {"metrics": 1000, "metrics/per-object": 8000}.items():
        took, octets, held = await crowd.ask(path, "http/prometheus")
        print(f"{path}: {took:.0f} ms, {octets} octets, loop held {held:.1f} ms")
        assert took < most, path
        assert held < HELD + COLLECTOR, path


async def test_samples_are_taken_without_holding_up_anybody(crowd: Crowd):
    rates = Rates(cast(Any, crowd.server))
    rates.start()
    for _ in range(3):
        crowd.held, before = 0.0, rates._newest
        while rates._newest is before:  # noqa: ASYNC110 -- nobody is told of a sample
            await asyncio.sleep(0)
        rates.stop()
        rates.start()
    rates.stop()
    print(f"loop held {crowd.held * 1000:.1f} ms")
    assert crowd.held * 1000 < HELD
